"""What a sweep asks for: the frozen ``SweepSpec``, its TOML, and what makes one valid.

::

    title = "How far does spo go?"
    checkpoints = ["base", "spo"]
    weights = [0.5, 1]                                  # of checkpoints that have an adapter
    guidance_scales = [1, 2, 4, 8]
    strategies = ["cfg", "cads:noise_scale=0.1", "cads:noise_scale=0.25"]
    seeds = "own:16"                                    # or "0-15", or a list
    num_inference_steps = 25
    scheduler = "ddim"                                  # of all conditions
    [prompts]
    set = "shapes-test"                                 # a shipped set or a file; or texts = ["a red circle"]
    categories = ["color"]
    sample = 20                                         # 0: all of them

What is left out has its default; that of steps, scheduler, CFG values and strategies is what the checkpoints are usually drawn
with, where they agree. The form, the job's record and the command line are the same record.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from t2ialign import settings
from t2ialign.codec import IF_SAID, decode, encode
from t2ialign.files import Say, foreign, text_of, unsaid
from t2ialign.limits import check_guidance_scale, check_prompt, check_seeds, check_steps
from t2ialign.metrics import SHORT
from t2ialign.registry import Registry, load_registry
from t2ialign.samplers import UsualRun, check_scheduler
from t2ialign.seeds import BLOCK, SeedPlan, parse_plan, plan_text
from t2ialign.types import InputError, Prompt, content_key
from t2ialign.use_cases.batches import prompt_sets
from t2ialign.use_cases.batches.requests import check_metrics, check_scorers
from t2ialign.use_cases.batches.usual import scales_around, usual_of_all

UNREADABLE = "The sweep's TOML cannot be read"
LONGEST_TITLE = 120
USUAL = {
    "scheduler": "scheduler",
    "num_inference_steps": "steps",
    "guidance_scales": "guidance_scale",
    "strategies": "guidance",
}
"""The fields that begin as the checkpoints are usually drawn, with the number of a ``UsualRun`` that they begin with."""


@dataclass(frozen=True)
class PromptChoice:
    """Prompts of a ``set`` (a shipped one or a file), or ``texts`` of one's own in its place.

    ``categories``: of the set only these. ``sample``: so many of them at even distances; 0: all.
    """

    set: str = "shapes-test"
    texts: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    sample: int = 0

    @property
    def name(self) -> str:
        """What a benchmark set of these prompts is called."""
        if self.texts:
            return f"“{self.texts[0]}”" if len(self.texts) == 1 else f"{len(self.texts)} prompts"
        parts = [Path(self.set).stem, *self.categories]
        return ", ".join([*parts, f"{self.sample} prompts"] if self.sample else parts)


@dataclass(frozen=True)
class SweepSpec:
    """Everything that decides a sweep. ``metrics`` empty: the short list; ``("short", NAME)``: that and more.

    ``scorers`` come before the backbones' own.

    ``weights`` are those of every checkpoint that has an adapter and says none itself; empty: as they are. ``height`` and
    ``width`` in pixels; 0: the backbone's own. ``scheduler`` is that of all conditions.
    """

    title: str = ""
    prompts: PromptChoice = PromptChoice()
    checkpoints: tuple[str, ...] = ("base",)
    weights: tuple[float, ...] = ()
    guidance_scales: tuple[float, ...] = (1.0, 2.0, 4.0, 6.0, 8.0)
    strategies: tuple[str, ...] = ("cfg",)
    seeds: SeedPlan = 16
    num_inference_steps: int = 25
    metrics: tuple[str, ...] = ()
    scorers: tuple[str, ...] = ()
    height: int = 0
    width: int = 0
    scheduler: str = field(default=UsualRun.scheduler, metadata=IF_SAID)

    @property
    def key(self) -> str:
        """The hash of what is asked for, whatever it is called."""
        return content_key(encode(replace(self, title="")))

    @property
    def name(self) -> str:
        """The title, or what says as much."""
        return self.title or f"{', '.join(self.checkpoints)} on {self.prompts.name}"


def checked(spec: SweepSpec) -> SweepSpec:
    """The spec tidied, each value once, known to be good as far as no model need be asked.

    Raises:
        InputError: the first thing that is wrong, in one sentence.
    """
    if not (spec.checkpoints and spec.guidance_scales and spec.strategies):
        raise InputError("The grid is empty; name at least one checkpoint and one guidance scale.")
    if isinstance(spec.seeds, int) and not 1 <= spec.seeds <= BLOCK:
        raise InputError(f"Each prompt has 1 to {BLOCK} seeds of its own, not {spec.seeds}.")
    if spec.prompts.sample < 0:
        raise InputError(f"The sample of prompts is a number from 0 (all), not {spec.prompts.sample}.")
    texts = tuple(dict.fromkeys(check_prompt(text) for text in spec.prompts.texts))
    steps, scheduler = check_steps(spec.num_inference_steps), spec.scheduler.strip()
    check_scheduler(scheduler, steps)
    return replace(
        spec,
        title=" ".join(spec.title.split())[:LONGEST_TITLE],
        prompts=replace(spec.prompts, texts=texts, categories=_once(spec.prompts.categories)),
        checkpoints=_once(spec.checkpoints),
        weights=tuple(dict.fromkeys(_weight(weight) for weight in spec.weights)),
        guidance_scales=tuple(dict.fromkeys(check_guidance_scale(scale) for scale in spec.guidance_scales)),
        strategies=_strategies(_once(spec.strategies)),
        seeds=spec.seeds if isinstance(spec.seeds, int) else check_seeds(spec.seeds),
        num_inference_steps=steps,
        scheduler=scheduler,
        metrics=check_metrics(spec.metrics),
        scorers=check_scorers(spec.scorers),
    )


def prompts_of(choice: PromptChoice, say: Say = unsaid, home: Path | None = None) -> tuple[Prompt, ...]:
    """The prompts themselves; ``say`` hears which rows of a file were left out. Sets of one's own are those of ``home``.

    Raises:
        InputError: no such set, or no prompt in these categories.
    """
    if choice.texts:
        found = tuple(Prompt(text) for text in choice.texts)
    else:
        known = prompt_sets.load(choice.set, say, home)
        categories = dict.fromkeys(prompt.category for prompt in known)
        for name in choice.categories:
            if name not in categories:
                there = ", ".join(filter(None, categories)) or "none"
                raise InputError(f"No prompt of {choice.set} is of the category {name[:40]!r}; there are {there}.")
        found = tuple(prompt for prompt in known if not choice.categories or prompt.category in choice.categories)
    if not choice.sample:
        return found
    from t2ialign.use_cases.align.request import spread

    return spread(found, choice.sample)


def begun(spec: SweepSpec, unsaid_fields: Iterable[str], registry: Registry, say: Say = unsaid) -> SweepSpec:
    """The spec with what nobody said as its checkpoints are usually drawn; ``say`` hears where they differ in that.

    ``unsaid_fields`` are some of ``USUAL``; a scheduler that was said brings its own steps and CFG, as it does for one picture.
    """
    left = tuple(unsaid_fields)
    if not left:
        return spec
    asked = "" if "scheduler" in left else spec.scheduler
    found = usual_of_all(spec.checkpoints, registry, asked)
    if note := found.note(USUAL[name] for name in left):
        say(note)
    values: dict[str, Any] = {
        "scheduler": found.run.scheduler,
        "num_inference_steps": found.run.steps,
        "guidance_scales": scales_around(found.run.guidance_scale),
        "strategies": (found.run.guidance,),
    }
    return replace(spec, **{name: values[name] for name in left})


def read_spec(path: Path, say: Say = unsaid, home: Path | None = None) -> SweepSpec:
    """A checked spec from a TOML file. ``InputError`` where there is none, or none in it."""
    path = settings.expanded(path)
    with foreign(f"There is no file {str(path)[:80]!r}", "check the path"):
        there = path.is_file()
    if not there:
        raise InputError(f"There is no file {path}: check the path.")
    with foreign(f"{path.name} is no sweep in UTF-8", "mend it, or save it as one"):
        return from_toml(text_of(path.read_bytes()), say, home)


def from_toml(text: str, say: Say = unsaid, home: Path | None = None) -> SweepSpec:
    """A checked spec from its TOML; seeds may be a text (``own:16``, ``0-15``), what is left out is as ``begun`` has it."""
    try:
        record = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"The sweep is not valid TOML: {error}.") from error
    if isinstance(record.get("seeds"), str):
        record["seeds"] = parse_plan(record["seeds"])
    spec = decode(SweepSpec, record, UNREADABLE)
    return checked(begun(spec, [name for name in USUAL if name not in record], load_registry(home=home), say))


def to_toml(spec: SweepSpec) -> str:
    """The spec as TOML that ``from_toml`` reads back."""
    import tomlkit

    record = encode(spec)
    prompts = record.pop("prompts")
    return tomlkit.dumps({**record, "scheduler": spec.scheduler, "seeds": plan_text(spec.seeds), "prompts": prompts})


def extended(old: SweepSpec, new: SweepSpec) -> SweepSpec:
    """Both together: the conditions, seeds, prompts and metrics of either; what was done stays a part of it.

    Raises:
        InputError: they differ in what no extension can join.
    """
    if old.num_inference_steps != new.num_inference_steps:
        raise InputError(
            f"A sweep of {old.num_inference_steps} steps cannot be extended with {new.num_inference_steps}: start a new one."
        )
    if old.scheduler != new.scheduler:
        raise InputError(
            f"A sweep drawn by {old.scheduler} cannot be extended with pictures of {new.scheduler}: start a new one."
        )
    if (old.height, old.width) != (new.height, new.width):
        raise InputError("An extension keeps the size of the pictures: start a new sweep for another.")
    return replace(
        old,
        title=new.title or old.title,
        prompts=_more_prompts(old.prompts, new.prompts),
        checkpoints=_once((*old.checkpoints, *new.checkpoints)),
        weights=_more_weights(old.weights, new.weights),
        guidance_scales=tuple(sorted({*old.guidance_scales, *new.guidance_scales})),
        strategies=_once((*old.strategies, *new.strategies)),
        seeds=_more_seeds(old.seeds, new.seeds),
        metrics=check_metrics((*(old.metrics or (SHORT,)), *(new.metrics or (SHORT,)))),
        scorers=_once((*old.scorers, *new.scorers)),
    )


def _more_prompts(old: PromptChoice, new: PromptChoice) -> PromptChoice:
    if old.texts and new.texts:
        return replace(old, texts=_once((*old.texts, *new.texts)), sample=0)
    if (old.set, old.categories, bool(old.texts)) != (new.set, new.categories, bool(new.texts)):
        raise InputError("An extension keeps the set of prompts and its categories: start a new sweep for others.")
    less, more = sorted((old.sample, new.sample))
    if less and more % less:  # a sample at even distances holds another one only then
        raise InputError(
            f"A sample of {old.sample} prompts grows to {2 * old.sample}, {3 * old.sample} and so on, or to 0 (all of them): "
            f"one of {new.sample} would leave out prompts that are done."
        )
    return replace(old, sample=more if less else 0)


def _more_weights(old: tuple[float, ...], new: tuple[float, ...]) -> tuple[float, ...]:
    """Either's; "as they are" is the weight 1."""
    if old == new:
        return old
    return tuple(sorted({*(old or (1.0,)), *(new or (1.0,))}))


def _more_seeds(old: SeedPlan, new: SeedPlan) -> SeedPlan:
    if isinstance(old, int) and isinstance(new, int):
        return max(old, new)
    if isinstance(old, int) or isinstance(new, int):
        raise InputError("Seeds of each prompt's own and seeds for all prompts alike do not join: start a new sweep.")
    return tuple(dict.fromkeys((*old, *new)))


def _strategies(said: tuple[str, ...]) -> tuple[str, ...]:
    """Each with its parameters as they are written; plain guidance is known without a look at any other."""
    if said == ("cfg",):
        return said
    from t2ialign.guidance import needs_of, read_strategy
    from t2ialign.names import strategy_text

    found = [read_strategy(one) for one in said]
    for name, _ in found:
        needs_of(name)
    return tuple(dict.fromkeys(strategy_text(name, params) for name, params in found))


def _weight(weight: float) -> float:
    if not -10 <= weight <= 10:  # NaN is refused too
        raise InputError(f"The weight of an adapter is a number from -10 to 10, not {weight:g}.")
    return float(weight)


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value.strip() for value in values if value.strip()))
