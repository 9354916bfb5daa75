"""Prompts that fit the chosen checkpoints: a backbone with prompt sets of its own knows their words alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from t2ialign.dashboard.services import Services
from t2ialign.use_cases.align.request import EVERYDAY, own_set
from t2ialign.use_cases.batches.requests import backbones_of

FIRST_PROMPT = "a red circle and a blue square"
SPLITS = ("test", "train")


def fitting(services: Services, specs: Iterable[str]) -> str:
    """The set that the checkpoints of these names (or blends) are drawn with; "" where none of them is known.

    Of several backbones it is that of the one that knows the fewest words.
    """
    found = [own_set(entry, SPLITS[0]) for entry in backbones_of(specs, services.bench.registry())]
    return next((name for name in found if name != EVERYDAY), found[0] if found else "")


def offered(services: Services, specs: Iterable[str]) -> list[str]:
    """The names of the sets for these checkpoints, the fitting one first; all where none of them is known."""
    fits = fitting(services, specs)
    if not fits:
        return list(services.prompts)
    left_out = _of_others(services, fits)
    return sorted((name for name in services.prompts if name not in left_out), key=lambda name: name != fits)


def following(services: Services, chosen: str, specs: Iterable[str]) -> str:
    """The set that was chosen, or the fitting one where that was made for others."""
    fits = fitting(services, specs)
    others = {*_of_others(services, fits), *({EVERYDAY} if fits != EVERYDAY else ())}
    return fits if fits and (chosen in others or not chosen) else chosen


def stale(services: Services, prompt: str, specs: Iterable[str]) -> bool:
    """Whether a prompt is an example that was offered for other checkpoints than these."""
    fits = fitting(services, specs)
    if not fits:
        return False
    texts = {one.text for name in _of_others(services, fits) for one in services.prompts.get(name, ())}
    if fits == EVERYDAY:
        return prompt in {FIRST_PROMPT, *texts}
    return prompt in {one.text for one in services.prompts.get(EVERYDAY, ())}


def first_prompt(services: Services, specs: Iterable[str]) -> str:
    """What to begin with."""
    fits = fitting(services, specs)
    known = services.prompts.get(fits, ())
    return known[0].text if fits == EVERYDAY and known else FIRST_PROMPT


def _of_others(services: Services, fits: str) -> set[str]:
    """Sets that were made for other backbones than the one that ``fits`` is for."""
    own: Sequence[str] = [f"{name}-{split}" for name in services.bench.registry().backbones for split in SPLITS]
    world = fits.removesuffix(f"-{SPLITS[0]}")
    return {name for name in own if name.rpartition("-")[0] != world}
