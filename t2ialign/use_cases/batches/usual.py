"""What checkpoints are usually drawn with: the beginning of every form, command and program that does not say otherwise.

Several checkpoints begin with the numbers on which they agree; on which they do not is said in a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass, fields, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from t2ialign.names import names_in
from t2ialign.registry import Registry, load_registry
from t2ialign.samplers import UsualRun, usual_run

FIELDS = tuple(field.name for field in fields(UsualRun))
TIMES = (0.25, 0.5, 1.0, 1.5, 2.0)  # of the usual CFG: 1, 2, 4, 6, 8 where that is 4
FORM_TIMES = (0.25, 0.5, 1.0, 2.0)  # the same in forms: 1, 2, 4, 8


@dataclass(frozen=True)
class Together:
    """What several checkpoints begin with: each number on which all agree, else that which is usual for most.

    ``differ`` are the fields on which they do not, ``each`` the checkpoints with the runs of their own.
    """

    run: UsualRun
    differ: tuple[str, ...]
    each: tuple[tuple[str, UsualRun], ...]

    def note(self, asked: Iterable[str] = FIELDS) -> str:
        """Who is drawn with what, and what is taken, where they differ in a field of ``asked``; "" where they do not."""
        if not set(self.differ) & set(asked):
            return ""
        groups: dict[UsualRun, list[str]] = {}
        for name, run in self.each:
            groups.setdefault(run, []).append(name)
        said = "; ".join(f"{', '.join(names)}: {in_words(run)}" for run, names in groups.items())
        return (
            f"These checkpoints are usually drawn with different numbers ({said}). Where they differ and nobody says "
            f"otherwise, it is {in_words(self.run)}: ask for them one at a time, or say the numbers."
        )


def in_words(run: UsualRun) -> str:
    """``25 steps of ddim at CFG 4``, with the strategy where it is not plain guidance."""
    strategy = "" if run.guidance == UsualRun.guidance else f" with guidance {run.guidance}"
    return f"{run.steps} step{'s' * (run.steps != 1)} of {run.scheduler} at CFG {run.guidance_scale:g}{strategy}"


def usual_of(checkpoint: str, home: Path | None, scheduler: str = "") -> UsualRun:
    """What a checkpoint is drawn with where nobody says otherwise; of an unknown one, what is usual for most.

    Raises:
        InputError: there is no such scheduler.
    """
    return usual_of_all([checkpoint], load_registry(home=home), scheduler).run


def usual_of_all(checkpoints: Iterable[str], registry: Registry, scheduler: str = "") -> Together:
    """What several checkpoints are drawn with, as far as they are known and agree.

    Of a blend the part that says numbers of its own decides.

    Raises:
        InputError: there is no such scheduler.
    """
    plain = usual_run(None, scheduler)
    each = tuple((one, run) for one in checkpoints if (run := _usual(one, registry, scheduler)) is not None)
    values = [astuple(run) for _, run in each]
    differ = tuple(name for name, column in zip(FIELDS, zip(*values)) if len(set(column)) > 1)
    run = replace(each[0][1], **{name: getattr(plain, name) for name in differ}) if each else plain
    return Together(run, differ, each)


def _usual(checkpoint: str, registry: Registry, scheduler: str) -> UsualRun | None:
    known = [registry.checkpoints[name] for name in names_in(checkpoint) if name in registry.checkpoints]
    if not known:
        return None
    tuned = next((one for one in known if one.scheduler or one.steps or one.guidance_scale), None)
    return usual_run(registry.backbones[known[0].backbone], scheduler, tuned)


def beginnings(registry: Registry) -> frozenset[UsualRun]:
    """Every run that a form may have begun with: of each checkpoint, and of checkpoints that agree in a part of it.

    A form that says one of them holds no number of a person's own.
    """
    plain = usual_run(None)
    runs = {plain, *(run for name in registry.checkpoints if (run := _usual(name, registry, "")) is not None)}
    subsets = [names for size in range(len(FIELDS) + 1) for names in combinations(FIELDS, size)]
    return frozenset(_partly(run, plain, names) for run in runs for names in subsets)


def begin_anew(
    checkpoints: Iterable[str],
    registry: Registry,
    said: Mapping[str, Any],
    shown: Callable[[UsualRun], Mapping[str, Any]],
) -> Mapping[str, Any]:
    """What a form's fields hold once these checkpoints were chosen, where they held (``said``) a beginning; else nothing.

    ``shown`` has the fields of a run by their names.
    """
    found = usual_of_all(checkpoints, registry)
    held = bool(found.each) and any(shown(run) == said for run in beginnings(registry))
    return shown(found.run) if held else {}


def _partly(run: UsualRun, plain: UsualRun, names: Iterable[str]) -> UsualRun:
    return replace(run, **{name: getattr(plain, name) for name in names})


def scales_around(scale: float, times: Iterable[float] = TIMES) -> tuple[float, ...]:
    """CFG values around the usual one, none below 1; of a model that is drawn without guidance only 1."""
    if scale <= 1:
        return (1.0,)
    return tuple(dict.fromkeys(max(1.0, round(scale * one, 3)) for one in sorted(times)))
