"""Trains everything that ships for the embedded world, each part by one command and resumable:

    python -m t2ialign.shapes.pretrain reader|vae|base|clip|lpips [--steps N --batch N --out DIR --state DIR --seed N]
    python -m t2ialign.shapes.pretrain step_scorer
    python -m t2ialign.shapes.pretrain base --warm --steps 6000 --rate 1e-3   # goes on from the weights that stand there

``reader`` is the oracle's network, ``vae`` the autoencoder, ``base`` the UNet and text encoder as a stock Stable Diffusion
directory, ``clip`` the small open_clip scorer and ``lpips`` the trunk under LPIPS. ``base`` needs ``vae``. ``step_scorer`` is
SPO's step-aware preference model: it needs ``base``, and does not ship.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from t2ialign import settings, torchvision_guard
from t2ialign.shapes.fit import FitPlan, fit

EMA_SHARE = 10  # the averaged weights remember the last tenth of the steps

# name -> steps, batch and rate of the shipped weights; each is a module ``train_<name>`` with build, loss_function and save
PARTS = {
    "reader": (2_000, 48, 2.5e-3),
    "vae": (2_400, 80, 2.5e-3),
    "base": (3_000, 64, 1.5e-3),
    "clip": (1_500, 128, 2e-3),
    "lpips": (1_000, 48, 2e-3),
    "step_scorer": (1_500, 32, 1e-3),
}


def part_module(name: str) -> ModuleType:
    """The module of a part, imported only when it is trained (torchvision must be guarded before diffusers loads)."""
    torchvision_guard.install()
    return importlib.import_module(f"t2ialign.shapes.train_{name}")


def pretrain(
    name: str,
    out: Path,
    steps: int,
    batch: int,
    rate: float,
    seed: int = 0,
    state: Path | None = None,
    warm: bool = False,
    snapshots: tuple[int, ...] = (),
    report: Callable[[str], None] = print,
) -> None:
    """Trains one part and saves its averaged weights under ``out``; ``snapshots`` are also saved, as ``out-<step>``.

    ``warm`` starts from the weights under ``out`` instead of random ones; only ``base`` offers it.
    """
    module = part_module(name)
    device = settings.device()[0]
    torch.manual_seed(seed)
    model: nn.Module = (module.load(out) if warm else module.build(out)).to(device)
    loss = module.loss_function(model, out, batch, torch.Generator(device).manual_seed(seed + 1))
    plan = FitPlan(
        steps,
        rate,
        seed=seed,
        ema=1 - EMA_SHARE / steps,
        state=state / f"{name}.pt" if state else None,
        bfloat16=device != "cpu" or "AVX512" in torch.backends.cpu.get_cpu_capability(),  # without it, 10 times slower
    )
    for step in fit(model, loss, plan):
        if step.step % 500 == 0 or step.step == steps:
            report(
                json.dumps(
                    {"part": name, "step": step.step, "loss": round(step.loss, 5), "seconds": round(step.seconds, 1)}
                )
            )
        if step.step in snapshots:
            module.save(step.averaged, out.with_name(f"{out.name}-{step.step}"))
    module.save(step.averaged, out)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m t2ialign.shapes.pretrain", description=__doc__.split("\n")[0])
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=settings.CHECKPOINTS, help="folder of the checkpoints")
    parser.add_argument("--state", type=Path, default=None, help="folder for resumable training states")
    parser.add_argument("--warm", action="store_true", help="start from the weights that stand there (base only)")
    parser.add_argument("--snapshots", type=int, nargs="*", default=())
    given = parser.parse_args(arguments)
    steps, batch, rate = PARTS[given.part]
    pretrain(
        given.part,
        given.out / part_module(given.part).FOLDER,
        given.steps or steps,
        given.batch or batch,
        given.rate or rate,
        given.seed,
        given.state,
        given.warm,
        tuple(given.snapshots),
        lambda line: print(line, file=sys.stderr, flush=True),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
