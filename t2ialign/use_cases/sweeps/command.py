"""A sweep's spec as the command line that does the same: the page shows it, and the supervisor starts it."""

from __future__ import annotations

from t2ialign.seeds import plan_text
from t2ialign.use_cases.sweeps.spec import SweepSpec


def command_of(spec: SweepSpec) -> tuple[str, ...]:
    """What follows ``python -m t2ialign``; what is left at its default is left out."""
    plain, words = SweepSpec(), ["sweep"]
    said = {
        "--title": (spec.title, plain.title),
        "--prompts": (spec.prompts.set, plain.prompts.set),
        "--category": (",".join(spec.prompts.categories), ""),
        "--sample": (str(spec.prompts.sample), "0"),
        "--checkpoint": (",".join(spec.checkpoints), ",".join(plain.checkpoints)),
        "--weights": (_numbers(spec.weights), ""),
        "--guidance-scales": (_numbers(spec.guidance_scales), _numbers(plain.guidance_scales)),
        "--guidance": (",".join(spec.strategies), ",".join(plain.strategies)),
        "--seeds": (plan_text(spec.seeds).replace(" ", ""), plan_text(plain.seeds)),
        "--steps": (str(spec.num_inference_steps), str(plain.num_inference_steps)),
        "--height": (str(spec.height), "0"),
        "--width": (str(spec.width), "0"),
        "--metrics": (",".join(spec.metrics), ""),
        "--scorers": (",".join(spec.scorers), ""),
    }
    for flag, (value, usual) in said.items():
        words += [f"{flag}={value}"] if value != usual else []
    return (*words, *(f"--prompt={text}" for text in spec.prompts.texts))


def _numbers(values: tuple[float, ...]) -> str:
    return ",".join(f"{value:g}" if float(f"{value:g}") == value else repr(value) for value in values)
