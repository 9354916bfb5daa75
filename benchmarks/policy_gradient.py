"""Which steps of a picture a policy gradient comes from, and whether it points where the reward rises.

    python -m benchmarks.policy_gradient            # docs/experiments.md; about 100 CPU seconds

At the untrained adapter of the embedded world, GRPO on ``style:minimal``: 6 groups of 16 pictures, 6 steps. Step by step the
length of the gradient of -advantage log p, and its cosine with the reward's own slope, which flows through all 6 steps of 48
other pictures of the same chain and has the same expectation. Sessions are those of ``align``, stopped before their first step.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from t2ialign import store
from t2ialign.source import parse_source
from t2ialign.training.chains import noise_share
from t2ialign.training.draws import epoch_order
from t2ialign.training.on_policy import OnPolicySession
from t2ialign.training.reward_gradient import GradientSession
from t2ialign.training.step_losses import evaluate_steps
from t2ialign.use_cases.align import optimise
from t2ialign.use_cases.align.request import AlignRequest
from t2ialign.use_cases.align.train import align
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.workbench import Workbench

COMMON = {"guidance_scale": 1.0, "sampling_steps": 6, "test_prompts": 0, "probe_every": 0}
GRPO = {**COMMON, "groups": 6, "candidates": 16, "step_share": 1.0}
SLOPE = {**COMMON, "groups": 12, "candidates": 4, "last": 6, "eta": 1.0}
CHUNK = 16  # transitions that are evaluated at once


class Measured(Exception):
    """What was asked of a session, which ends with it."""


def measured(bench: Workbench, method: str, options: dict[str, Any], folder: Path, ask: Callable[[Any], Any]) -> Any:
    """What ``ask`` finds out about the session that ``align`` would train."""

    def instead(session: Any, path: Path | None = None) -> Any:
        raise Measured(ask(session))

    request = AlignRequest(
        method, "measured", pairs=parse_source("style:minimal"), options=tuple(options.items()), steps=5
    )
    trains, optimise.train_on_policy = optimise.train_on_policy, instead
    try:
        list(align(bench, request, folder))
    except Measured as end:
        return end.args[0]
    finally:
        optimise.train_on_policy = trains


def gradient(parameters: list[Tensor]) -> Tensor:
    return torch.cat([(torch.zeros_like(one) if one.grad is None else one.grad).flatten() for one in parameters])


def by_step(found: OnPolicySession) -> list[tuple[int, float, Tensor]]:
    """Timestep, share of the noise and gradient of each step of the chain, over all pictures."""
    replay, parameters, grown = found.draw(0).replay, list(found.state.parameters.values()), []
    for index in range(found.chain.noisy):
        found.state.optimizer.zero_grad(set_to_none=True)
        rows = (replay.index == index).nonzero().flatten()
        for part in rows.split(CHUNK):
            seen = evaluate_steps(found.policy, found.chain, replay.take(part))
            torch.autograd.backward(-(seen.weights * seen.log_prob).sum() / len(rows))
        grown.append(gradient(parameters))
    return list(zip(found.chain.timesteps.tolist(), noise_share(found.chain).tolist(), grown, strict=True))


def slope(found: GradientSession) -> Tensor:
    """The gradient of minus the reward, through every step."""
    found.state.optimizer.zero_grad(set_to_none=True)
    rows = epoch_order(found.plan, 0, found.prompts).tolist()
    for number, row in enumerate(rows):
        reached, _ = found._reached(0, number, row)
        torch.autograd.backward(-found.reward(reached.latents, row).mean() / len(rows))
    return gradient(list(found.state.parameters.values()))


def cosine(one: Tensor, other: Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(one, other, 0))


def main() -> None:
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder, store.open_store(Path(folder) / "home") as opened:
        bench = Workbench(StoreResults(opened), "cpu", "float32")
        steps = measured(bench, "grpo", GRPO, Path(folder) / "grpo", by_step)
        up = measured(bench, "draft", SLOPE, Path(folder) / "draft", slope)
    print("| timestep | noise that it adds | length of its gradient | cosine with the slope |\n|---|---|---|---|")
    for timestep, share, found in steps:
        print(f"| {timestep} | {share:.2f} | {float(found.norm()):.1e} | {cosine(found, up):+.3f} |")
    for name in ("equal", "noise"):
        whole = torch.stack([found * (share if name == "noise" else 1) for _, share, found in steps]).sum(0)
        print(f"| all, `{name}` | | {float(whole.norm()):.1e} | {cosine(whole, up):+.3f} |")
    chance = float(up.pow(4).sum().sqrt() / up.square().sum())
    print(f"\nTwo directions that have nothing in common: a cosine of about {chance:.3f}.")


if __name__ == "__main__":
    main()
