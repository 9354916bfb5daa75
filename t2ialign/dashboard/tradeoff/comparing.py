"""Chosen runs of the table beside each other: what differs in their settings, and how they trained."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from t2ialign.charts.training import Curve, overlay_figure
from t2ialign.codec import encode
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.wiring import Updates
from t2ialign.metrics import METRICS
from t2ialign.store import list_jobs, titles
from t2ialign.types import Axis, GenerationConfig, InputError, TradeoffPoint, TrainStep
from t2ialign.use_cases.align.job import KIND, probes_of, request_of, steps_of
from t2ialign.use_cases.align.lineage import Lineage, lineages
from t2ialign.use_cases.align.probe import Probe

MOST = 6  # runs
PLOTS = ("curve_loss", "curve_accuracy", "curve_alignment", "curve_diversity")
SHOWN = ("differences", "curves", "curve_names", *PLOTS)


@dataclass(frozen=True)
class Trained:
    """What a checkpoint's training measured, where this store has it."""

    checkpoint: str
    steps: tuple[TrainStep, ...] = ()
    probes: tuple[Probe, ...] = ()


def compare(services: Services, points: Sequence[TradeoffPoint], dark: bool) -> Updates:
    """The settings in which the points differ and the curves of their checkpoints; fewer than two say what to do."""
    if len(points) < 2:
        hint = "Tick another run to see what differs, and how both trained." if points else ""
        return {"differences": notice(hint, "hint"), "curves": gr.Row(visible=False), "curve_names": ""}
    return {"differences": differences(services, points), **curves(services, points, dark)}


def differences(services: Services, points: Sequence[TradeoffPoint]) -> str:
    """Points' settings side by side, where they differ."""
    known, called = lineages(services.checkpoints().values()), titles(services.store)
    sides = [dict(_settings(point.config, known.get(point.config.checkpoint))) for point in points]
    names = list(dict.fromkeys(name for side in sides for name in side))
    rows = [(name, [side.get(name, "") for side in sides]) for name in names]
    heads = [(called.get(name := point.config.checkpoint, name), point.config.guidance_scale) for point in points]
    return render(
        "tradeoff/differences.html",
        titles=[f"{name} at CFG {scale:g}" for name, scale in heads],
        rows=[row for row in rows if len(set(row[1])) > 1],
        same=sum(len(set(values)) == 1 for _, values in rows),
    )


def curves(services: Services, points: Sequence[TradeoffPoint], dark: bool) -> Updates:
    """Loss, order and both axes of the fixed batch, a line a checkpoint; what has no curves here is named."""
    palette, called = services.palette(), titles(services.store)
    found = [trained(services, name) for name in dict.fromkeys(point.config.checkpoint for point in points)]
    drawn = [one for one in found if one.steps or one.probes]
    looks = [(called.get(one.checkpoint, one.checkpoint), palette[one.checkpoint]) for one in drawn]
    without = [called.get(one.checkpoint, one.checkpoint) for one in found if one not in drawn]
    words = render("tradeoff/curve_names.html", looks=looks, without=without)
    if not drawn:
        return {"curves": gr.Row(visible=False), "curve_names": words}

    def line(place: int, values: Sequence[tuple[int, float]]) -> Curve:
        name, look = looks[place]
        return Curve(name, look.dark if dark else look.light, [(x, y) for x, y in values if math.isfinite(y)])

    losses = [line(i, [(step.step, step.loss) for step in one.steps]) for i, one in enumerate(drawn)]
    orders = [line(i, [(step.step, step.accuracy) for step in one.steps]) for i, one in enumerate(drawn)]
    both: tuple[Axis, ...] = ("alignment", "diversity")
    axes = [
        overlay_figure([line(i, _means(one.probes, axis, metric)) for i, one in enumerate(drawn)], title, dark=dark)
        for axis in both
        for metric in [_shared_metric(drawn, axis)]
        for title in [METRICS[metric].title if metric in METRICS else axis.capitalize()]
    ]
    plots = (overlay_figure(losses, "Loss", dark=dark), overlay_figure(orders, "Right order", True, dark=dark), *axes)
    return {"curves": gr.Row(visible=True), "curve_names": words, **dict(zip(PLOTS, plots, strict=True))}


def trained(services: Services, checkpoint: str) -> Trained:
    """The steps and probes of the last job that trained a checkpoint, under the name that it was asked for by."""
    line = lineages(services.checkpoints().values()).get(checkpoint)
    request = line.manifest.request if line and line.manifest else None
    name = request.name if request else checkpoint
    jobs = [job.id for job in list_jobs(services.store, kind=KIND) if request_of(job).name == name]
    try:
        steps = steps_of(services.store, jobs[-1]) if jobs else []
        return Trained(checkpoint, tuple(steps), tuple(probes_of(services.store, jobs[-1])) if jobs else ())
    except InputError:  # of a version that wrote them otherwise
        return Trained(checkpoint)


def _shared_metric(drawn: Sequence[Trained], axis: Axis) -> str:
    """The metric by which the fixed batch of most runs was measured: others' are not drawn on its scale."""
    names = [probe.measured(axis)[0] for one in drawn for probe in one.probes[-1:]]
    return max(dict.fromkeys(names), key=names.count, default="")


def _means(probes: Sequence[Probe], axis: Axis, metric: str) -> list[tuple[int, float]]:
    measured = [(probe.step, *probe.measured(axis)) for probe in probes]
    return [(step, value.mean) for step, name, value in measured if name == metric]


def _settings(config: GenerationConfig, line: Lineage | None) -> Iterator[tuple[str, str]]:
    """What made a point, as (field, value): how it was sampled, and how its checkpoint was trained."""
    yield from _flat("sampling", encode(config))
    if line is None or line.manifest is None:
        return
    manifest = line.manifest
    if manifest.request is not None:
        yield from _flat("training", encode(manifest.request))
    if manifest.data is not None:
        yield from _flat("data", {"examples": manifest.data.examples, "sha256": manifest.data.sha256[:16]})
    if manifest.training is not None:
        yield from _flat("training", encode(manifest.training))
    yield "created", manifest.created


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _flat(f"{prefix}.{name}", part)
    elif value not in (None, "", [], {}):
        yield prefix, str(value)
