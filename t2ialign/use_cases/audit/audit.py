"""The audit: which metric tells the truth? Six questions with known answers, asked of every metric at hand.

(a) Does a diversity metric follow the true spread of renders? (b) How much diversity does it see in one picture moved,
mirrored, brightened or enlarged? (c) Do copies count as what they are? (d) Does its value depend on the number of
pictures? (e) From how many seeds a prompt does it tell two guidance scales apart, on the shipped runs? (f) Does an
alignment metric prefer right pictures to nearly right ones, and rank generated pictures as the oracle does?

The embedded world answers all of them; (b), (c) and (d) are asked of any folder of pictures too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jaxtyping import UInt8
from torch import Tensor

from t2ialign import settings
from t2ialign.metrics import ALL
from t2ialign.metrics.scoring import version_of
from t2ialign.shapes.annotator import TASTES
from t2ialign.shapes.grammar import prompts
from t2ialign.shapes.oracle import GROUPS
from t2ialign.tradeoff.audit import Audit, MetricAudit, from_record
from t2ialign.tradeoff.families import holm
from t2ialign.types import Encoder, InputError, Interval, Metric, Prompt
from t2ialign.use_cases.audit.picture_questions import (
    Encode,
    MeasuredPrompt,
    Values,
    copies,
    follows,
    leads,
    negatives,
    nuisances,
    sizes,
    spread_values,
)
from t2ialign.use_cases.audit.rendered_sets import audit_prompts, hard_negatives, pool, spread_sets
from t2ialign.use_cases.audit.run_questions import TRUTH, agreement, powers, reference_cells
from t2ialign.use_cases.batches.picture_folders import read_pictures
from t2ialign.use_cases.batches.requests import check_metrics, picture_files
from t2ialign.use_cases.batches.score_pictures import default_scorers
from t2ialign.use_cases.batches.scoring import features_of, weights_of
from t2ialign.use_cases.workbench import Workbench

WORLD = "the embedded world"
SLOW = frozenset({"mutual_information_renoise", "mutual_information_renoise_released"})  # 20 UNet evaluations a picture
OF_THE_TRUTH = frozenset({"factor_diversity_faithful", *(f"factor_{group}" for group in GROUPS)})
OF_NO_PROMPT = frozenset(f"style_{group}" for group in TASTES)
UNASKED = SLOW | OF_THE_TRUTH | OF_NO_PROMPT
"""What must be asked for by name: what takes minutes, parts of the truth itself, and what does not look at the prompt."""


@dataclass(frozen=True)
class AuditPlan:
    """How much to look at. ``prompts`` are clusters of every interval; the defaults take about 13 minutes of CPU time."""

    prompts: int = 24
    pools: int = 6
    set_size: int = 8
    levels: int = 5
    mixed: int = 12
    pool: int = 64
    negatives: int = 6
    draws: int = 40
    seed: int = 0

    def check(self) -> AuditPlan:
        """The plan itself, or ``InputError`` where a test could not be made with it."""
        if min(self.prompts, self.pools, self.set_size, self.levels, self.negatives, self.draws) < 2 or self.pool < 16:
            raise InputError("An audit needs at least 2 prompts, 2 pictures a set, 2 levels and a pool of 16 pictures.")
        return self


@dataclass(frozen=True)
class AuditState:
    """How far an audit is, and the whole of it at the end."""

    doing: str
    fraction: float
    audit: Audit | None = None


AuditStates = Iterator[AuditState]


def audit_world(
    metrics: Sequence[Metric], encoders: Sequence[Encoder], plan: AuditPlan, reference: Path | None
) -> AuditStates:
    """Audits metrics on the embedded world; ``reference`` is the folder of shipped runs for (e) and half of (f).

    Yields how far it is; the last state carries the audit.
    """
    plan = plan.check()
    chosen = audit_prompts(plan.prompts)
    varied = _varied(metrics)
    found = {metric.name: _begun(metric, encoders) for metric in metrics}
    yield AuditState("renders of controlled spread", 0.0)
    rows: list[dict[str, Values]] = []
    for index, prompt in enumerate(chosen):
        sets = spread_sets(prompt, plan.set_size, plan.levels, plan.mixed, plan.seed + index)
        rows.append(spread_values(varied, _encode(prompt, encoders, varied), sets))
        yield AuditState("renders of controlled spread", 0.5 * (index + 1) / len(chosen))
    names = set().union(*rows)
    _enter(found, "truth", {name: follows([row[name] for row in rows if name in row]) for name in names})
    gaps = leads(rows)
    _enter(found, "lead", {name: gap.interval for name, gap in gaps.items()})
    _enter(found, "lead_p", dict(zip(gaps, holm([gap.p for gap in gaps.values()]))))
    groups = []
    for index, prompt in enumerate(chosen[: plan.pools]):
        yield AuditState("nuisances, copies and numbers", 0.5 + 0.2 * index / plan.pools)
        groups.append(
            MeasuredPrompt.of(varied, _encode(prompt, encoders, varied), pool(prompt, plan.pool, plan.seed + index))
        )
    _enter_pool_tests(found, varied, groups)
    yield AuditState("hard negatives", 0.7)
    _enter(found, "negatives", _prefer_right(_faithful(metrics), encoders, plan))
    if reference is not None:
        yield AuditState("the shipped runs", 0.8)
        cells = reference_cells(reference, metrics, encoders)
        _enter(found, "power", powers(metrics, cells, plan.draws, plan.seed))
        _enter(found, "agreement", agreement(_faithful(metrics), cells))
    yield AuditState("done", 1.0, _whole(WORLD, plan, found, reference))


def audit_pictures(
    subject: str,
    images: UInt8[Tensor, "n 3 h w"],
    metrics: Sequence[Metric],
    encoders: Sequence[Encoder],
    watch: Callable[[float], None] = lambda fraction: None,
) -> Audit:
    """(b), (c) and (d) on any pictures, taken as seeds of one prompt; ``watch`` hears the finished share."""
    if len(images) < 8:
        raise InputError(f"An audit needs at least 8 pictures, and here are {len(images)} ({subject}): add some.")
    varied = _varied(metrics)
    group = MeasuredPrompt.of(varied, _encode(Prompt(""), encoders, varied), images, watch)
    found = {metric.name: _begun(metric, encoders) for metric in varied if metric.name in group.pool}
    _enter_pool_tests(found, varied, [group])
    return Audit(subject, {"pictures": len(images)}, tuple(found.values()))


def _varied(metrics: Sequence[Metric]) -> list[Metric]:
    """The diversity metrics, except those that only the truth of a prompt could feed."""
    return [metric for metric in metrics if metric.axis == "diversity"]


def _faithful(metrics: Sequence[Metric]) -> list[Metric]:
    return [metric for metric in metrics if metric.axis == "alignment"]


def _begun(metric: Metric, encoders: Sequence[Encoder]) -> MetricAudit:
    return MetricAudit(metric.name, version_of(metric, weights_of(metric, encoders)), metric.axis, metric.level)


def _enter(found: dict[str, MetricAudit], test: str, answers: Mapping[str, Any]) -> None:
    for name, answer in answers.items():
        found[name] = replace(found[name], **{test: answer})


def _enter_pool_tests(
    found: dict[str, MetricAudit], metrics: Sequence[Metric], groups: Sequence[MeasuredPrompt]
) -> None:
    tests: dict[str, Callable[[Metric, Sequence[MeasuredPrompt]], object]] = {
        "nuisance": nuisances,
        "copies": copies,
        "sizes": sizes,
    }
    measurable = [metric for metric in metrics if all(metric.name in group.pool for group in groups)]
    for test, ask in tests.items():
        _enter(found, test, {metric.name: ask(metric, groups) for metric in measurable})


def _encode(prompt: Prompt, encoders: Sequence[Encoder], metrics: Sequence[Metric]) -> Encode:
    """Features of a prompt's pictures, by the encoders that the metrics need."""
    wanted = {need for metric in metrics for need in metric.needs}
    needed = [encoder for encoder in encoders if wanted.intersection(encoder.provides)]
    return lambda pictures: features_of(pictures, prompt, needed)


def _prefer_right(
    metrics: Sequence[Metric], encoders: Sequence[Encoder], plan: AuditPlan
) -> dict[str, dict[str, Interval]]:
    """(f), first half: on test prompts of every category."""
    chosen = prompts("test", max(1, plan.prompts // 3))
    drawn = (hard_negatives(prompt, plan.negatives, plan.seed + index) for index, prompt in enumerate(chosen))
    return negatives(
        metrics, ((_encode(prompt, encoders, metrics), made) for prompt, made in zip(chosen, drawn, strict=True))
    )


def _whole(subject: str, plan: AuditPlan, found: dict[str, MetricAudit], reference: Path | None) -> Audit:
    scope = {name: getattr(plan, name) for name in plan.__dataclass_fields__}
    return Audit(subject, {**scope, "shipped_runs": reference is not None}, tuple(found.values()))


def run_audit(
    bench: Workbench,
    folder: Path | None,
    names: Sequence[str],
    scorers: Sequence[str],
    plan: AuditPlan,
    show: Callable[[float, float | None], None],
) -> Audit:
    """The audit of the embedded world with the shipped runs, or of a folder.

    ``names`` empty means every metric possible but those of ``UNASKED``.
    """
    asked = check_metrics(names) or ALL
    if folder is None and asked != ALL:  # the truth itself is always among them
        asked = tuple(dict.fromkeys((*asked, *TRUTH.values())))
    metrics, encoders = bench.scorers_for(scorers or default_scorers(asked), asked)
    if not names:
        metrics = [metric for metric in metrics if metric.name not in UNASKED]
    begun = time.monotonic()

    def tell(fraction: float) -> None:
        spent = time.monotonic() - begun
        show(fraction, spent / fraction * (1 - fraction) if fraction else None)

    if folder is not None:
        show(0.0, None)
        pictures = read_pictures(picture_files(folder))
        return audit_pictures(f"the pictures of '{folder.name}'", pictures, metrics, encoders, tell)
    for state in audit_world(metrics, encoders, plan, settings.DATA / "reference"):
        tell(state.fraction)
    assert state.audit is not None, "the last state carries the audit"
    return state.audit


def shipped_audit() -> Audit | None:
    """The audit that ships with the project (``data/audit.json``), or None where it is missing or of another layout."""
    try:
        return from_record(json.loads((settings.DATA / "audit.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def of_the_record(folder: Path | None, names: Sequence[str]) -> Audit:
    """What the shipped audit says of some metrics (none: of all); its p-values stay those of the whole audit.

    Raises:
        InputError: a folder, of which no record can tell; no record ships; or it has none of these metrics.
    """
    found = shipped_audit()
    if folder is not None or found is None:
        why = (
            "No audit ships with this installation" if folder is None else "The shipped audit is of the embedded world"
        )
        raise InputError(f"{why}: leave --shipped out to make one.")
    kept = tuple(entry for entry in found.metrics if not names or names == ALL or entry.metric in names)
    if not kept:
        raise InputError(f"The shipped audit did not ask {', '.join(names)}: leave --shipped out to ask now.")
    return replace(found, metrics=kept)
