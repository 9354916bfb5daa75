"""Options that several methods have, or all: which pictures they learn from, how they are optimised and watched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from t2ialign.methods.controls import option


def scale_option(more: str = ".") -> Any:
    """The scale of the log-ratio, for methods whose beta belongs to the link."""
    words = f"Log-ratios are minus this times the difference of denoising errors{more}"
    return option(2500.0, "Scale of the log-ratio", words, 1, 20_000, 50, embedded=1000.0)


def safeguard_option(default: bool, embedded: bool | None = None) -> Any:
    """Diffusion-SDPO's safeguard, on or off; ``Settings.safeguard`` is what it means."""
    words = "Diffusion-SDPO: never push losers away at the winners' expense (mu 0.9)."
    return option(default, "Loser safeguard", words, embedded=embedded)


@dataclass(frozen=True)
class PictureOptions:
    """The pictures that a source samples from the parent checkpoint before training; what is stored is not made again."""

    prompts: str = option(
        "",
        "Prompts",
        "A prompt set, a part of one (set:category) or a file of prompts; empty for the backbone's own training prompts.",
    )
    prompt_count: int = option(700, "Number of prompts", "Spread evenly over the set.", 1, 100_000, 1, embedded=64)
    candidates: int = option(8, "Pictures a prompt", "Seeds that are sampled for each prompt.", 1, 512, 1)
    guidance_scale: float = option(
        7.5, "CFG of the pictures", "Guidance scale that they are sampled with.", 0, 30, 0.5, embedded=3.0
    )
    sampling_steps: int = option(50, "Denoising steps of the pictures", "", 1, 200, 1, embedded=10)
    pairing: str = option(
        "random",
        "Which pairs are judged",
        "random: pairs drawn among a prompt's pictures; best_worst: its best ones against its worst.",
        choices=("random", "best_worst"),
        embedded="best_worst",
    )
    best_worst: int = option(
        1,
        "Best and worst of a prompt",
        "With best_worst: so many best pictures, each against as many worst.",
        1,
        64,
        1,
        embedded=2,
    )
    pairs_per_prompt: int = option(12, "Pairs a prompt", "At most so many pairs are drawn for each prompt.", 1, 1000, 1)


@dataclass(frozen=True)
class TrainingOptions:
    """Adapter and optimiser."""

    learning_rate: float = option(1e-5, "Learning rate", "AdamW, constant.", 1e-9, 1e-1, embedded=2e-3)
    batch_size: int = option(32, "Batch size", "Pairs, or pictures, of one optimisation step.", 1, 4096, 1, embedded=16)
    accumulate: int = option(
        8, "Gradient accumulation", "Parts that a batch is split into, to fit into memory.", 1, 4096, 1, embedded=1
    )
    adapter: str = option(
        "lora",
        "Adapter",
        "LoRA scales and merges exactly; DoRA also learns each weight's length.",
        choices=("lora", "dora"),
    )
    rank: int = option(8, "Rank", "Size of the adapter.", 1, 256, 1)
    kl_weight: float = option(
        0.0,
        "Pull to the reference",
        "Weight of the squared difference between the policy's and the reference's noise predictions (of DDPO, GRPO, D3PO "
        "and SPO: of the KL between their steps); keeps variety.",
        0,
        1000,
        0.1,
    )
    entropy_weight: float = option(
        0.0,
        "Push apart",
        "Weight of the entropy of the pictures in a batch, as the policy predicts them; a batch that grows alike is "
        "penalised. Large batches make it meaningful.",
        0,
        1000,
        0.01,
    )
    grad_clip: float = option(1.0, "Gradient clipping", "Largest norm of the gradient.", 1e-6, 1e6, 0.1)
    empty_prompts: float = option(
        0.0,
        "Share without prompt",
        "So many examples forget their prompt, which trains guidance's other side.",
        0,
        1,
        0.05,
    )
    timestep_lo: int = option(0, "Lowest timestep", "0 is the finished picture.", 0, 999, 1)
    timestep_hi: int = option(999, "Highest timestep", "999 is pure noise.", 0, 999, 1)


MMD, ENTROPY = "mmd", "latent_entropy"  # diversities of drawn pictures that are no metric of sets

NOT_ON_POLICY = frozenset(
    {
        "pairing",
        "best_worst",
        "pairs_per_prompt",
        "batch_size",
        "empty_prompts",
        "entropy_weight",
        "timestep_lo",
        "timestep_hi",
    }
)
"""Fields that mean nothing to a method that learns from what it draws while it trains."""

BY_GRADIENT = NOT_ON_POLICY | {"accumulate", "updates", "step_share", "step_weights", "diversity_weight"}
"""And those that mean nothing to one that follows a reward's slope: what a picture adds to diversity has none."""


FLOW_FIELDS = frozenset({"sde", "noise_level"})
"""Fields that mean something of flow models alone."""


@dataclass(frozen=True)
class RolloutOptions:
    """What a method that learns from a reward draws at every step, and whether variety is rewarded too."""

    groups: int = option(32, "Prompts a step", "Each with its group of pictures.", 1, 1024, 1, embedded=3)
    updates: int = option(
        1, "Updates a step", "The step's transitions are shared out over so many updates of the weights.", 1, 64, 1
    )
    step_share: float = option(
        1.0, "Share of the steps", "So many of a picture's steps are learned from.", 0.01, 1, 0.05, embedded=0.5
    )
    step_weights: str = option(
        "equal",
        "Weight of a step",
        "equal, as published; noise: a step counts as the noise that it adds (TempFlow-GRPO), so that the last steps do not "
        "drown those that decide what a picture shows.",
        choices=("equal", "noise"),
    )
    sde: str = option(
        "flow_grpo",
        "Noise of a flow's steps",
        "Of flow models: flow_grpo adds the more the noisier a picture is, dance_grpo the same all the way.",
        choices=("flow_grpo", "dance_grpo"),
    )
    noise_level: float = option(
        0.7,
        "Noise level",
        "Of flow models: how much noise their steps add; dance_grpo's published one is 0.3.",
        0.05,
        2,
        0.05,
    )
    diversity_weight: float = option(
        0.0,
        "Lambda: weight of diversity",
        "The reward becomes alignment + lambda times what a picture adds to the diversity of its group, each in its "
        "metric's own unit. Needs groups of three, or of two with mmd.",
        0,
        1000,
        0.1,
    )
    diversity_metric: str = option(
        "",
        "Diversity is",
        "A metric of sets; empty for the backbone's own. mmd: nearness to the base's unguided pictures; latent_entropy: "
        "the entropy of a group's latents.",
        choices=("lpips", "u_rke", "clip_diversity", MMD, ENTROPY),
        free=True,
    )
    correction: float = option(
        0.0,
        "Directional correction",
        "D2-Align's omega, 1.5 in its paper; 0: off. Takes out what a reward by embeddings, as metric:clip_score, likes in "
        "all pictures alike.",
        0,
        5,
        0.1,
    )


@dataclass(frozen=True)
class WatchOptions:
    """What is measured while it trains and at its end, always with the same prompts and seeds."""

    probe_every: int = option(
        100,
        "Steps between probes",
        "A small batch of fixed seeds is sampled and scored; 0 for none.",
        0,
        100_000,
        1,
        embedded=50,
    )
    test_prompts: int = option(
        16, "Test prompts at the end", "Scored before and after, with intervals; 0 for none.", 0, 10_000, 1, embedded=24
    )
    test_seeds: int = option(8, "Seeds a test prompt", "", 2, 64, 1)
    keep_steps: str = option(
        "",
        "Adapters kept on the way",
        "Steps, as 50,150: what was trained by then is a checkpoint too, called NAME-step50. A shorter run with the same "
        "seed would have made the same one.",
    )
    narrowest: float = option(
        0.0,
        "Stop when diversity fell by more than (%)",
        "Of what it was at step 0, as the probes measure it; 0: never. The checkpoint is that of the step at which it stopped.",
        0,
        100,
        1,
    )
