"""What a person may ask of training, and the plan it becomes: checked, with every option's value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from t2ialign.codec import AS_OBJECT
from t2ialign.methods import METHODS
from t2ialign.methods.controls import Control, Value, read_values
from t2ialign.methods.method import Method, ModelKind, Settings
from t2ialign.methods.options import FLOW_FIELDS, WatchOptions
from t2ialign.model_families import FAMILIES
from t2ialign.names import check_name, unknown
from t2ialign.registry import BackboneEntry, CheckpointEntry
from t2ialign.settings import expanded
from t2ialign.source import FILES, Source, known
from t2ialign.store import belongs_to
from t2ialign.training.experience import Branches
from t2ialign.training.on_policy import Recipe
from t2ialign.training.reward_gradient import GradientRecipe
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.align.drawing import check_drawing
from t2ialign.use_cases.batches import prompt_sets
from t2ialign.use_cases.workbench import Workbench

EVERYDAY = "everyday"


@dataclass(frozen=True)
class AlignRequest:
    """One training run. Empty and 0 mean the method's own default; ``options`` are (field, value) pairs as people say them.

    ``parent`` is the checkpoint to go on from, ``pairs`` what it learns from (``source.KINDS``).
    """

    method: str
    name: str
    backbone: str = ""
    parent: str = "base"
    pairs: Source = Source()
    steps: int = 0
    seed: int = 0
    options: tuple[tuple[str, Any], ...] = field(default=(), metadata=AS_OBJECT)


@dataclass(frozen=True)
class Plan:
    """A checked request: what it trains, from where, on which prompts, and every option's value.

    ``kept`` are the steps at which a checkpoint is kept on the way.
    """

    request: AlignRequest
    method: Method
    settings: Settings
    entry: BackboneEntry
    parent: CheckpointEntry
    source: Source
    steps: int
    rounds: int
    prompts: tuple[Prompt, ...]
    values: Mapping[str, Value]
    kept: tuple[int, ...] = ()

    @property
    def pictures_to_sample(self) -> int:
        """Of one round; 0 where the source brings its own."""
        samples = self.method.data == "selected" or (self.source.brings == "judge" and self.method.data != "reward")
        return len(self.prompts) * self.settings.pictures.candidates if samples else 0

    def kept_at(self, step: int) -> Plan:
        """The request of the shorter run that ends at ``step``; this run saves that run's checkpoint on its way."""
        request = replace(self.request, name=f"{self.request.name}-step{step}")
        return replace(self, request=request, steps=step, values={**self.values, "keep_steps": ""}, kept=())


def controls(method: str, kind: ModelKind | None = None) -> tuple[Control, ...]:
    """Every field of a method that a person may set, in the order to show them; of one kind of model those that it has."""
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    return METHODS[method].controls(kind)


def is_small(entry: BackboneEntry) -> bool:
    return entry.small


def kind_of(entry: BackboneEntry) -> ModelKind:
    """The kind of model by which a method chooses its defaults."""
    if not entry.family_traits.flow:
        return "diffusion"
    return "told" if entry.embedded_scale else "flow"


def _check_recipe(method: Method, settings: Settings, entry: BackboneEntry) -> None:
    """Refuses a way of drawing while training that cannot be, and a model without a UNet where one is looked into."""
    if method.unet_only and FAMILIES[entry.family].flow:
        raise InputError(
            f"{entry.name} has a transformer, and {method.title} looks into a UNet: choose another method, such as "
            "diffusion_dpo."
        )
    if method.recipe is None:
        return
    recipe, steps = method.recipe_of(settings), settings.pictures.sampling_steps
    noisy = steps - 1 if entry.family_traits.flow else steps  # a flow's last step adds no noise
    skipped = recipe.collector.skip if isinstance(recipe, Recipe) and isinstance(recipe.collector, Branches) else 0
    if isinstance(recipe, Recipe) and noisy <= skipped:
        wanted = f"the first {skipped} left out" if skipped else "one at least"
        raise InputError(
            f"{method.title} learns from steps that add noise, {wanted}, and {steps} of {entry.name} have {noisy}: ask for "
            "more denoising steps."
        )


def _check_flow_fields(request: AlignRequest, entry: BackboneEntry) -> None:
    """Refuses what is said of a flow's steps where there are none."""
    said = FLOW_FIELDS & dict(request.options).keys()
    known = {control.name for control in controls(request.method)}
    if kind_of(entry) == "diffusion" and said & known:
        raise InputError(
            f"{entry.name} is no flow model, and draws by DDIM's steps with eta 1: leave the SDE and its noise level out."
        )


def plan(bench: Workbench, request: AlignRequest) -> Plan:
    """The request with everything looked up and checked; nothing heavy is loaded.

    Raises:
        InputError: an unknown method, option, parent or prompt set, a value out of range, a parent of another backbone.
    """
    controls(request.method)
    method, registry = METHODS[request.method], bench.registry()
    check_name(request.name, "The new checkpoint")
    parent = _parent(request, registry.checkpoints)
    entry = registry.backbones[parent.backbone]
    kind = kind_of(entry)
    _check_flow_fields(request, entry)
    values = read_values(method.controls(kind), dict(request.options), is_small(entry))
    if parent.kind == "unet":
        raise InputError(
            f"{parent.name} is a whole UNet, and what is trained here is an adapter of {parent.backbone}, which is worth "
            "nothing without the UNet below it: start from the backbone, or from one of its adapters."
        )
    if parent.adapter is not None:
        values = _of_parent(values, request, parent)
    settings = method.settings(values)
    _check_recipe(method, settings, entry)
    check_drawing(bench, method, settings, entry)
    source = _source(method, request.pairs)
    _check_slope(method, settings, source)
    _check_border(bench.home, source, settings.pictures.prompts)
    steps = request.steps or method.steps(is_small(entry))
    if steps < 1:
        raise InputError(f"The number of steps must be at least 1, not {steps}.")
    _check_watch(settings.watch, int(values.get("rounds", 1)))
    return Plan(
        request=request,
        method=method,
        settings=settings,
        entry=entry,
        parent=parent,
        source=source,
        steps=steps,
        rounds=int(values.get("rounds", 1)),
        prompts=_prompts(bench.home, entry, settings.pictures.prompts, settings.pictures.prompt_count),
        values=values,
        kept=_kept(settings.watch.keep_steps, steps, int(values.get("rounds", 1))),
    )


def _check_watch(watch: WatchOptions, rounds: int) -> None:
    """Refuses a run that is to stop by its diversity where nobody looks at that."""
    if watch.narrowest and not watch.probe_every:
        raise InputError(
            "A run stops by its diversity only where that is probed: set the steps between probes above 0."
        )
    if watch.narrowest and rounds > 1:
        raise InputError("A run in rounds does not stop by its diversity: ask for one round, or leave --narrowest out.")


def _kept(said: str, steps: int, rounds: int) -> tuple[int, ...]:
    """The steps at which to keep what is trained so far."""
    words = [word.strip() for word in said.split(",") if word.strip()]
    if not all(word.isdecimal() and 0 < int(word) < steps for word in words):
        raise InputError(f"Adapters are kept at steps from 1 to {steps - 1}, as 50,150, not {said[:40]!r}.")
    if words and rounds > 1:
        raise InputError("A run in rounds keeps no adapters on the way: ask for one round, or leave --keep-steps out.")
    return tuple(sorted({int(word) for word in words}))


def _parent(request: AlignRequest, checkpoints: Mapping[str, CheckpointEntry]) -> CheckpointEntry:
    """The checkpoint to go on from: of the backbone that was asked for, and a plain one rather than a blend."""
    name = request.parent
    plain = [entry.name for entry in checkpoints.values() if entry.adapter is None]
    if request.backbone and name == "base":
        known = {checkpoints[one].backbone: one for one in plain}
        if request.backbone not in known:
            raise unknown("backbone", request.backbone, known)
        name = known[request.backbone]
    if "@" in name or "+" in name:
        raise InputError(f"{name} is a blend: merge it into a checkpoint first (`merge {name} --name ...`).")
    if name not in checkpoints:
        raise unknown("checkpoint", name, checkpoints)
    found = checkpoints[name]
    if request.backbone and found.backbone != request.backbone:
        raise InputError(
            f"{name} is an adapter of {found.backbone}, not of {request.backbone}: choose a parent of that backbone."
        )
    return found


def _of_parent(values: dict[str, Value], request: AlignRequest, parent: CheckpointEntry) -> dict[str, Value]:
    """A run that goes on from an adapter keeps that adapter's kind."""
    said = dict(request.options).get("adapter", parent.kind)
    if said != parent.kind:
        raise InputError(
            f"{parent.name} is a {parent.kind}, so what is trained from it is one too: leave --adapter out, or start "
            "from the backbone."
        )
    return {**values, "adapter": str(parent.kind)}


def _source(method: Method, said: Source) -> Source:
    source = known(said if said.kind else method.source)
    if method.data == "selected" and source.brings not in ("", "pictures"):
        raise InputError(
            f"{method.title} chooses its own pictures: leave --pairs out, or mix in given ones with pictures:FOLDER."
        )
    if method.data == "reward" and source.brings != "judge":
        raise InputError(
            f"{method.title} draws its own pictures and needs somebody to mark them: learn from metric:NAME, or in the "
            "embedded world from annotator or style:GROUP."
        )
    if method.data != "selected" and source.brings == "pictures":
        raise InputError(f"{method.title} learns from preferences, and a folder of pictures has none: use mi_tune.")
    return source


def _check_slope(method: Method, settings: Settings, source: Source) -> None:
    """Refuses what is known to have no slope, or no embedding to correct, before anything is loaded."""
    if method.recipe is None:
        return
    if source.kind == "annotator" and isinstance(method.recipe_of(settings), GradientRecipe):
        raise InputError(
            f"{source} counts what holds and what does not, which has no slope: {method.title} learns from metric:clip_score "
            "or, in the embedded world, from style:GROUP."
        )
    if settings.rollouts.correction and source.kind != "metric":
        raise InputError(
            f"{source} compares no embeddings, and only such a reward has a direction to correct: learn from "
            "metric:clip_score, pick_score or hps_v21, or set correction to 0."
        )


def _check_border(home: Path, source: Source, prompts: str) -> None:
    """Nothing is read from the store's own folder: only DuckDB may open its database, and what else lies there is kept."""
    named = [source.argument] if source.kind in (*FILES, "pictures") else []
    for name in (name for name in (*named, prompts) if name):
        path = expanded(name)
        try:
            files = path.iterdir() if source.kind == "pictures" and path.is_dir() else ()
            inside = next((one for one in (path, *files) if belongs_to(home, one)), None)
        except (OSError, RuntimeError, ValueError) as error:  # forbidden, a loop of links, no path at all
            raise InputError(f"{name[:200]!r} cannot be read ({error}): choose another.") from error
        if inside is not None:
            raise InputError(
                f"'{inside}' lies in the store's own folder, which is no place to read from: copy it elsewhere."
            )


def _prompts(home: Path, entry: BackboneEntry, said: str, count: int) -> tuple[Prompt, ...]:
    """``count`` prompts spread evenly over a set, so that every category comes in."""
    return spread(prompt_sets.load(said or own_set(entry, "train"), home=home), count)


def own_set(entry: BackboneEntry, split: str) -> str:
    """The shipped prompt set made for a backbone, or the one for everybody."""
    own = f"{entry.name}-{split}"
    return own if own in prompt_sets.names() else EVERYDAY


def spread(prompts: tuple[Prompt, ...], count: int) -> tuple[Prompt, ...]:
    """At most ``count`` of the prompts at even distances."""
    count = min(count, len(prompts))
    return tuple(prompts[index * len(prompts) // count] for index in range(count))


def repeatable(plan: Plan) -> AlignRequest:
    """The request with everything said, nothing left to a default: enough to repeat a run, and to know it again."""
    return replace(
        plan.request,
        parent=plan.parent.name,
        backbone=plan.entry.name,
        pairs=plan.source,
        steps=plan.steps,
        options=tuple(sorted(plan.values.items())),
    )
