"""A sweep's spec as the command line that does the same: the page shows it, and the supervisor starts it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from t2ialign.registry import load_registry
from t2ialign.samplers import UsualRun
from t2ialign.seeds import plan_text
from t2ialign.use_cases.batches.usual import usual_of_all
from t2ialign.use_cases.sweeps.spec import SweepSpec


def command_of(spec: SweepSpec, home: Path | None = None) -> tuple[str, ...]:
    """What follows ``python -m t2ialign``; what is left at its default is left out.

    What checkpoints are usually drawn with is left out only where that is what all commands begin with.
    """
    plain, words = SweepSpec(), ["sweep"]
    said = {
        "--title": (spec.title, plain.title),
        "--prompts": (spec.prompts.set, plain.prompts.set),
        "--category": (",".join(spec.prompts.categories), ""),
        "--sample": (str(spec.prompts.sample), "0"),
        "--checkpoint": (",".join(spec.checkpoints), ",".join(plain.checkpoints)),
        "--weights": (_numbers(spec.weights), ""),
        "--seeds": (plan_text(spec.seeds).replace(" ", ""), plan_text(plain.seeds)),
        "--height": (str(spec.height), "0"),
        "--width": (str(spec.width), "0"),
        "--metrics": (",".join(spec.metrics), ""),
        "--scorers": (",".join(spec.scorers), ""),
    }
    for flag, value in _drawn(spec).items():
        said[flag] = (value, _drawn(plain)[flag] if _begins_plainly(spec.checkpoints, home) else "")
    for flag, (value, usual) in said.items():
        words += [f"{flag}={value}"] if value != usual else []
    return (*words, *(f"--prompt={text}" for text in spec.prompts.texts))


def _drawn(spec: SweepSpec) -> dict[str, str]:
    return {
        "--guidance-scales": _numbers(spec.guidance_scales),
        "--guidance": ",".join(spec.strategies),
        "--steps": str(spec.num_inference_steps),
        "--scheduler": spec.scheduler,
    }


def _begins_plainly(checkpoints: Sequence[str], home: Path | None) -> bool:
    """Whether all of them are known, and drawn with what is usual for most."""
    each = usual_of_all(checkpoints, load_registry(home=home)).each
    return len(each) == len(checkpoints) and {run for _, run in each} == {UsualRun()}


def _numbers(values: tuple[float, ...]) -> str:
    return ",".join(f"{value:g}" if float(f"{value:g}") == value else repr(value) for value in values)
