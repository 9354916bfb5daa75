"""What a protocol will do here: the checkpoints to train, the cells to draw, the weights and the time that they need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from t2ialign.diffusion.backbone import folder_of
from t2ialign.guidance import needs_of
from t2ialign.metrics import DEFAULT
from t2ialign.names import unknown
from t2ialign.network import in_bytes
from t2ialign.registry import BackboneEntry, Registry
from t2ialign.seeds import count_of, parse_plan, seeds_for
from t2ialign.source import parse_source
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.align.estimate import costs, evaluation_seconds
from t2ialign.use_cases.align.request import AlignRequest, controls, own_set, spread
from t2ialign.use_cases.align.request import plan as align_plan
from t2ialign.use_cases.batches import prompt_sets
from t2ialign.use_cases.batches.requests import BatchRequest, check_metrics, checked
from t2ialign.use_cases.measures import LeftOut
from t2ialign.use_cases.protocols.protocol import Protocol, ProtocolRow
from t2ialign.use_cases.weights import Weight, list_weights
from t2ialign.use_cases.workbench import Workbench


@dataclass(frozen=True)
class ProtocolChanges:
    """What a person changes of a protocol; empty parts are the protocol's own.

    ``limit`` prompts of each category (of the whole set, where no column is about a category); ``options`` are training
    options for every row that has them.
    """

    backbone: str = ""
    prompts: str = ""
    train_prompts: str = ""
    pairs: str = ""
    seeds: str = ""
    steps: int = 0
    guidance_scales: tuple[float, ...] = ()
    limit: int = 0
    train_steps: int = 0
    options: tuple[tuple[str, Any], ...] = ()
    captions: str = ""
    reference: str = ""


@dataclass(frozen=True)
class Tuned:
    """A checkpoint of a row, of one category where the row has one for each."""

    row: str
    category: str
    request: AlignRequest


@dataclass(frozen=True)
class PlannedPrompt:
    """One prompt of one row; ``category`` is that which the row's checkpoint was trained for ("" = for all)."""

    row: str
    category: str
    request: BatchRequest


@dataclass(frozen=True)
class ProtocolPlan:
    """A protocol for one backbone on this machine. ``more`` are metrics of the short list beside the paper's.

    ``captions`` are the cells whose pictures are held against the real ones of a folder.
    """

    name: str
    protocol: Protocol
    asked: ProtocolChanges
    entry: BackboneEntry
    trainings: tuple[Tuned, ...]
    cells: tuple[PlannedPrompt, ...]
    captions: tuple[PlannedPrompt, ...]
    more: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]

    @property
    def pictures(self) -> int:
        return sum(len(cell.request.seeds) for cell in (*self.cells, *self.captions))


def make_plan(bench: Workbench, name: str, protocol: Protocol, asked: ProtocolChanges) -> ProtocolPlan:
    """The protocol with everything looked up and checked; nothing is loaded or drawn.

    Raises:
        InputError: an unknown backbone or prompt set, an option that no row has, values out of range.
    """
    registry = bench.registry()
    entry, base = _backbone(registry, asked.backbone or protocol.backbone)
    notes: list[str] = []
    test = _prompts(bench, protocol, asked.prompts or _own(entry, "test") or protocol.prompts.test, notes)
    categories = [one for one in protocol.categories if any(prompt.category == one for prompt in test)]
    if missing := [one for one in protocol.categories if one not in categories]:
        notes.append(f"No prompt is of the categories {', '.join(missing)}: their columns stay empty.")
    trainings = tuple(_trainings(bench, name, protocol, asked, entry, base, categories))
    chosen = bench.choose(entry.scorers, protocol.metrics, entry.on_request, strict=False)
    short = bench.choose(entry.scorers, DEFAULT, strict=False)
    more = tuple(metric for metric in short.readers if metric not in protocol.metrics)
    metrics = check_metrics((*chosen.readers, *more))
    if not metrics:
        raise InputError(f"None of this protocol's metrics can be measured with {entry.name}'s scorers.")
    prompts = _limited(test, categories, asked.limit)
    cells = tuple(_cells(protocol, asked, base, trainings, prompts, metrics))
    return ProtocolPlan(
        name,
        protocol,
        asked,
        entry,
        trainings,
        cells,
        tuple(_captions(bench, protocol, asked, base, trainings)),
        more,
        chosen.left_out,
        tuple(notes),
    )


def _backbone(registry: Registry, name: str) -> tuple[BackboneEntry, str]:
    """A backbone, and the checkpoint that is the backbone itself."""
    plain = {entry.backbone: entry.name for entry in registry.checkpoints.values() if entry.adapter is None}
    if name not in plain:
        raise unknown("backbone", name, plain)
    return registry.backbones[name], plain[name]


def _own(entry: BackboneEntry, split: str) -> str:
    """The shipped set that was made for a backbone; empty where there is none."""
    found = own_set(entry, split)
    return found if found.startswith(f"{entry.name}-") else ""


def _check_here(bench: Workbench, protocol: Protocol, said: str) -> None:
    """Refuses a set of the protocol's own that was not imported yet, with the command that does."""
    known = {*prompt_sets.names(), *prompt_sets.own_names(bench.home)}
    wanted = (protocol.prompts.test, protocol.prompts.train)
    if said in wanted and said not in known:
        raise InputError(
            f"The protocol's prompts {said} are not here: `{protocol.prompts.fetch}` brings them, or name another set with "
            "--prompts and --train-prompts."
        )


def _prompts(bench: Workbench, protocol: Protocol, said: str, notes: list[str]) -> tuple[Prompt, ...]:
    _check_here(bench, protocol, said)
    return prompt_sets.load(said, notes.append, bench.home)


def _limited(prompts: Sequence[Prompt], categories: Sequence[str], limit: int) -> tuple[Prompt, ...]:
    """The prompts that some column is about, at most ``limit`` of each category."""
    groups = [tuple(one for one in prompts if one.category == name) for name in categories] or [tuple(prompts)]
    return tuple(prompt for group in groups for prompt in (spread(group, limit) if limit > 0 else group))


def _trainings(
    bench: Workbench,
    name: str,
    protocol: Protocol,
    asked: ProtocolChanges,
    entry: BackboneEntry,
    base: str,
    categories: Sequence[str],
) -> Iterator[Tuned]:
    rows = [row for row in protocol.rows if row.method]
    own = _own(entry, "train")
    prompts = asked.train_prompts or own or protocol.prompts.train
    if rows:
        _check_here(bench, protocol, prompts)
    if any(one not in {control.name for row in rows for control in controls(row.method)} for one, _ in asked.options):
        raise InputError(
            f"No row of {name} has the option {asked.options[0][0]!r}: `align METHOD --fields` lists them."
        )
    for row in rows:
        for category in categories if row.per_category else ("",):
            said = f"{prompts}:{category}" if category else prompts
            request = _request(row, f"{name}-{entry.name}-{row.name}{category and f'-{category}'}", base, said)
            request = _changed(request, asked, protocol, entry)
            align_plan(bench, request)
            yield Tuned(row.name, category, request)


def _request(row: ProtocolRow, name: str, base: str, prompts: str) -> AlignRequest:
    """What is measured here is measured by the protocol, so a run of its own measures nothing at its end."""
    options = {**dict(row.options), "prompts": prompts, "test_prompts": 0, "probe_every": 0}
    return AlignRequest(row.method, name, parent=base, options=tuple(sorted(options.items())))


def _changed(request: AlignRequest, asked: ProtocolChanges, protocol: Protocol, entry: BackboneEntry) -> AlignRequest:
    """With what the person changed; pairs of photographs are no use to a world with raters of its own."""
    fields = {control.name for control in controls(request.method)}
    options = {**dict(request.options), **{key: value for key, value in asked.options if key in fields}}
    if "pairing" in fields:
        said = asked.pairs or ("" if _own(entry, "train") else protocol.pairs)
        request = replace(request, pairs=parse_source(said) if said else request.pairs)
        if request.pairs.brings == "pairs":
            options.pop("prompts")
    return replace(request, steps=asked.train_steps, options=tuple(sorted(options.items())))


def _cells(
    protocol: Protocol,
    asked: ProtocolChanges,
    base: str,
    trainings: Sequence[Tuned],
    prompts: Sequence[Prompt],
    metrics: tuple[str, ...],
) -> Iterator[PlannedPrompt]:
    """Row by row, prompts innermost, so that one checkpoint stays loaded."""
    plan = parse_plan(asked.seeds or protocol.sampling.seeds)
    steps = asked.steps or protocol.sampling.steps
    checkpoints = [("base", "", base), *((one.row, one.category, one.request.name) for one in trainings)]
    for row, category, checkpoint in checkpoints:
        for scale in asked.guidance_scales or protocol.sampling.guidance_scales:
            for prompt in prompts:
                if category in ("", prompt.category):
                    seeds = seeds_for(plan, prompt)
                    request = BatchRequest(prompt, checkpoint, seeds, scale, steps, metrics=metrics)
                    yield PlannedPrompt(row, category, checked(request))


def _captions(
    bench: Workbench, protocol: Protocol, asked: ProtocolChanges, base: str, trainings: Sequence[Tuned]
) -> Iterator[PlannedPrompt]:
    """One picture a caption, of the base and of each category's checkpoint of the first trained row, at the last CFG."""
    if protocol.distances is None or not (asked.captions and asked.reference):
        return
    scale = (asked.guidance_scales or protocol.sampling.guidance_scales)[-1]
    first = next((one.row for one in trainings), "")
    tuned = [(one.row, one.category, one.request.name) for one in trainings if one.row == first]
    for row, category, checkpoint in [("base", "", base), *tuned]:
        for prompt in prompt_sets.load(asked.captions, home=bench.home):
            steps = asked.steps or protocol.sampling.steps
            request = BatchRequest(prompt, checkpoint, seeds_for(1, prompt), scale, steps, metrics=("entropy_1d",))
            yield PlannedPrompt(row, category, checked(request))


@dataclass(frozen=True)
class Needed:
    """What a plan costs: weights with their place, and seconds of drawing and of training (None: unknown, and why)."""

    weights: tuple[Weight, ...]
    drawing: float | None = None
    training: float | None = None
    why: str = ""


def needed(bench: Workbench, plan: ProtocolPlan) -> Needed:
    """Weights from the registry; time from one timed evaluation, where the backbone is on this machine."""
    scorers = {part.scorer for part in plan.left_out} | set(
        bench.choose(plan.entry.scorers, plan.cells[0].request.metrics, plan.entry.on_request, strict=False).scorers
    )
    wanted = {plan.entry.name, *scorers}
    weights = tuple(one for one in list_weights(bench.registry()) if one.name in wanted)
    if folder_of(plan.entry) is None:
        return Needed(weights, why=f"{plan.entry.name} is not on this machine, so nothing could be timed")
    evaluation = evaluation_seconds(bench.backbone(plan.entry))
    steps = sum(len(one.request.seeds) * one.request.num_inference_steps for one in (*plan.cells, *plan.captions))
    training = sum(costs(bench, align_plan(bench, one.request), evaluation).seconds for one in plan.trainings)
    return Needed(weights, steps * evaluation * needs_of("cfg").evaluations, training)


def lines(plan: ProtocolPlan, cost: Needed) -> Iterator[str]:
    """A dry run to read."""
    yield f"{plan.protocol.title} ({plan.protocol.paper}), on {plan.entry.name}"
    yield from plan.protocol.notes
    yield from plan.notes
    seeds = count_of(parse_plan(plan.asked.seeds or plan.protocol.sampling.seeds))
    yield f"{len(plan.trainings)} checkpoints to train, {len(plan.cells) + len(plan.captions)} cells, {plan.pictures} pictures."
    for row in plan.protocol.rows:
        mine = [cell for cell in plan.cells if cell.row == row.name]
        names = list(dict.fromkeys(cell.request.checkpoint for cell in mine))
        scales = ", ".join(f"{scale:g}" for scale in dict.fromkeys(cell.request.guidance_scale for cell in mine))
        if mine:
            prompts = len({cell.request.prompt.text for cell in mine})
            yield f"  {row.title}: {prompts} prompts, {seeds} seeds, CFG {scales}; {', '.join(names)}"
    yield "Weights:"
    for one in cost.weights:
        yield f"  {one.name:<20} {in_bytes(one.bytes) if one.bytes else '?':>8}  {one.place or 'not here'}"
    yield from map(str, plan.left_out)
    if cost.drawing is None or cost.training is None:
        yield f"Time: not known ({cost.why})."
    else:
        yield f"Time on this machine: about {cost.training / 3600:.2f} h of training, {cost.drawing / 3600:.2f} h of drawing."


@dataclass(frozen=True)
class Summary:
    """A dry run as a record."""

    protocol: str
    backbone: str
    checkpoints: tuple[str, ...]
    cells: int
    pictures: int
    weights: tuple[Weight, ...]
    training_seconds: float | None
    drawing_seconds: float | None


def summary(plan: ProtocolPlan, cost: Needed) -> Summary:
    """What ``--dry-run --json`` prints."""
    cells = len(plan.cells) + len(plan.captions)
    checkpoints = tuple(one.request.name for one in plan.trainings)
    return Summary(
        plan.name, plan.entry.name, checkpoints, cells, plan.pictures, cost.weights, cost.training, cost.drawing
    )


def read_options(said: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Training options as people write them, ``name=value``."""
    pairs = [one.partition("=") for one in said]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise InputError(f"A training option is written name=value, as prompt_count=32, not {name[:40]!r}.")
    return tuple((name.strip().replace("-", "_"), value.strip()) for name, _, value in pairs)
