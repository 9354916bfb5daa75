"""Scoring's share of sampling, and a preference step beside diffusers' script, at full size with random weights.

    python -m benchmarks.gpu_shares                            # on a GPU: SD-1.5's shape, bf16, 16 seeds, 25 steps
    python -m benchmarks.gpu_shares --device cpu --divide 8    # widths divided by 8, to see that it runs

Scoring is what a run of the page does after its pictures are there: the light short list of a real backbone (CLIP ViT-B/32 and
LPIPS squeeze, random too, with SSIM and RMSE), pictures from main memory to numbers. The aim is at most 10 % of the sampling of
16 pictures of 512 pixels. The peer of the preference step does what diffusers' ``train_diffusion_dpo.py`` does (``benchmarks/
training.py``): pictures and prompts are encoded anew in every step, where ours encodes them once. The aim is 1.2 times its
speed. Steps alternate; a number is the median over the rounds. Every round is said as it ends; what was found is written to
``benchmarks/results/gpu_shares-MACHINE.md`` (``--out`` for elsewhere).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu import PROMPT, Asked, in_hub_layout, ours, pipeline, seconds
from benchmarks.machine import BUDGET, Clock, described, write_result
from benchmarks.training import Ours, Peer

METRICS_READ = ("clip_score", "lpips", "ssim", "rmse")


@dataclass(frozen=True)
class Wanted:
    """What to measure, and on what."""

    device: str
    dtype: str
    seeds: int
    steps: int
    pairs: int
    rounds: int
    divide: int
    side: int
    out: str = ""


def encoders(device: str) -> list[Any]:
    """The light short list's networks as they are built, with random weights."""
    import lpips
    import open_clip

    from t2ialign.encoders.clip import ClipEncoder, ClipModel
    from t2ialign.encoders.lpips import LpipsEncoder

    def clip() -> ClipModel:
        network = open_clip.create_model("ViT-B-32", pretrained=None)
        return ClipModel(network, open_clip.get_model_preprocess_cfg(network), open_clip.get_tokenizer("ViT-B-32"))

    def squeeze(where: str) -> Any:
        network = lpips.LPIPS(net="squeeze", pretrained=False, pnet_rand=True, verbose=False).to(where).eval()
        return network.net, [lin.model[-1].weight.detach().abs().flatten() for lin in network.lins]

    return [ClipEncoder("clip", "", device, clip), LpipsEncoder("lpips", "", device, squeeze)]


def timed(what: str, work: Callable[[], float], rounds: int, clock: Clock) -> float:
    """The median of the rounds' seconds, each said as it ends; rounds that do not fit are left out."""
    found: list[float] = []
    for number in range(1, rounds + 1):
        if found and not clock.fits(found[-1]):
            clock.say(f"{what}: rounds left out from {number} on")
            break
        found.append(work())
        clock.say(f"{what}, round {number} of {rounds}: {found[-1]:.3f} s")
    return statistics.median(found)


def scoring(view: Any, wanted: Wanted, clock: Clock) -> tuple[float, float]:
    """Seconds to sample a batch and to score it."""
    from t2ialign.metrics import METRICS
    from t2ialign.types import Prompt
    from t2ialign.use_cases.batches.scoring import Scorer

    size = view.entry.size
    images = torch.randint(0, 256, (wanted.seeds, 3, size, size), dtype=torch.uint8)
    metrics, known = [METRICS[name] for name in METRICS_READ], encoders(wanted.device)
    asked = Asked(wanted.device, wanted.dtype, ("sd",), (wanted.seeds,), wanted.steps, 1, wanted.divide, "")

    def score() -> None:
        found = Scorer(Prompt(PROMPT), metrics, known).add_images(images, {})
        assert len(found) == len(metrics)

    score()  # networks are built at their first call
    ours(view, asked, wanted.seeds)
    sampled = timed("sampling", lambda: ours(view, asked, wanted.seeds)[0], wanted.rounds, clock)
    return sampled, timed("scoring", lambda: seconds(score, wanted.device), wanted.rounds, clock)


def preference(folder: Path, wanted: Wanted, clock: Clock) -> tuple[float, float]:
    """Seconds of a step, diffusers' script's and ours."""
    images = torch.randint(0, 256, (2 * wanted.pairs, 3, wanted.side, wanted.side), dtype=torch.uint8)
    mine = Ours(folder, wanted.pairs, images, wanted.rounds + 2, wanted.device, wanted.dtype)
    peer = Peer(folder, wanted.pairs, images, False, wanted.device, wanted.dtype)
    for one in (mine, peer):
        one.step()
    times: list[list[float]] = []
    for number in range(1, wanted.rounds + 1):
        if times and not clock.fits(sum(times[-1])):
            clock.say(f"steps left out from {number} on")
            break
        times.append([seconds(one.step, wanted.device) for one in (peer, mine)])
        clock.say(f"step {number} of {wanted.rounds}: theirs {times[-1][0]:.3f} s, ours {times[-1][1]:.3f} s")
    theirs, own = (statistics.median(column) for column in zip(*times, strict=True))
    return theirs, own


def parse() -> tuple[Wanted, Clock]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--divide", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--budget", type=float, default=BUDGET)
    parser.add_argument("--out", default="")
    said = parser.parse_args()
    gpu = said.device.startswith("cuda")
    wanted = Wanted(
        said.device,
        "bfloat16" if gpu else "float32",
        said.seeds or (16 if gpu else 2),
        said.steps or (25 if gpu else 2),
        said.pairs or (4 if gpu else 1),
        said.rounds or (5 if gpu else 1),
        said.divide,
        512 if said.divide == 1 else 128,
        said.out,
    )
    return wanted, Clock(said.budget)


def main() -> None:
    from t2ialign import torchvision_guard

    torchvision_guard.install()
    from t2ialign.diffusion.backbone import load_backbone
    from t2ialign.registry import BackboneEntry, load_registry

    wanted, clock = parse()
    lines = [f"{wanted.dtype}, widths divided by {wanted.divide}", ""]
    clock.say(f"{described(wanted.device)}, {lines[0]}")
    with tempfile.TemporaryDirectory() as name:
        entry, root = load_registry().backbones["sd-1.5"], Path(name)
        folder = in_hub_layout(pipeline("sd", root / "made", wanted.divide), entry, None, root / "hub")
        local = BackboneEntry("sd-1.5", "sd", folder, size=entry.size)
        clock.say("built")
        sampled, scored = scoring(load_backbone(local, wanted.device, wanted.dtype), wanted, clock)
        lines += [f"| {wanted.seeds} pictures of {entry.size} px, {wanted.steps} steps | s |", "|---|---|"]
        lines += [f"| sampled | {sampled:.2f} |", f"| scored ({', '.join(METRICS_READ)}) | {scored:.2f} |", ""]
        lines += [f"Scoring is {scored / sampled:.1%} of sampling.", ""]
        theirs, own = preference(folder, wanted, clock)
        lines += [f"| a step of {wanted.pairs} pairs of {wanted.side} px, LoRA rank 8 | s |", "|---|---|"]
        lines += [f"| diffusers' published loop | {theirs:.3f} |", f"| ours | {own:.3f} |", ""]
        lines += [f"Theirs by ours: {theirs / own:.2f}."]
    print("\n".join(lines))
    write_result("gpu_shares", wanted.device, lines, wanted.out)


if __name__ == "__main__":
    main()
