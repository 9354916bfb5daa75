"""What a training run leaves behind: the adapter with its manifest, and scores before and after."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from t2ialign.diffusion.adapters import save_adapter
from t2ialign.diffusion.backbone import Backbone
from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import seed_effects
from t2ialign.tradeoff import families
from t2ialign.tradeoff.benchmark_set import benchmark_set, title_of
from t2ialign.tradeoff.interval import difference_of, moments, over_prompts, paired_difference, share_interval
from t2ialign.types import InputError, Interval
from t2ialign.use_cases.align.data import load_notes
from t2ialign.use_cases.align.estimate import evaluation_requests
from t2ialign.use_cases.align.manifest import (
    BeforeAfter,
    Difference,
    Ingredients,
    LearnedData,
    MetricChange,
    TrainingEffort,
    TrainingManifest,
    WinRate,
    record_of,
)
from t2ialign.use_cases.align.pictures import scored
from t2ialign.use_cases.align.request import Plan, repeatable
from t2ialign.use_cases.align.sources import witness_of
from t2ialign.use_cases.batches.score_batch import BatchState
from t2ialign.use_cases.workbench import Workbench


def check_free(bench: Workbench, name: str, target: Path, replace: bool, changed: Sequence[str] = ()) -> None:
    """Refuses a name that is taken, unless it is to be replaced where it lies; ``changed``: how what has it differs."""
    known = bench.registry().checkpoints.get(name)
    same = known is not None and isinstance(known.adapter, Path) and known.adapter.parent.resolve() == target.resolve()
    if (known is not None or target.exists()) and not (replace and (same or known is None)):
        made = f", of the same request but not of the same {', '.join(changed)}" if changed else ""
        mend = "train it anew with --replace" if changed else "remove that one first"
        raise InputError(f"There is a checkpoint called {name} already{made}: choose another name, or {mend}.")


def learned(bench: Workbench, plan: Plan, data: Path, examples: int) -> LearnedData:
    """What a run has learned from: its source, its content's hash and, of votes, whose they are."""
    votes = bench.results.votes_record(plan.source) if plan.source.kind == "votes" else None
    return LearnedData(plan.source, examples, hashlib.sha256(data.read_bytes()).hexdigest(), votes, load_notes(data))


def save(
    plan: Plan,
    backbone: Backbone,
    adapter: str,
    target: Path,
    ingredients: Ingredients,
    data: LearnedData,
    training: TrainingEffort,
    stopped: str = "",
) -> None:
    """Writes the adapter in training (``adapter`` is its name there) and its manifest to ``target``, whole or not at all.

    ``stopped`` says why a run ended before its last step.
    """
    note = f"Trained from {plan.parent.name} on {str(plan.source) or 'its own pictures'}."
    manifest = TrainingManifest(
        title=f"{plan.method.title} ({plan.request.name})",
        method=plan.method.name,
        note=" ".join(filter(None, [note, stopped])),
        citation=plan.method.citation,
        parents=(plan.parent.name,),
        request=repeatable(plan),
        ingredients=ingredients,
        data=data,
        training=training,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    save_adapter(backbone, adapter, target, record_of(manifest))


def compared(bench: Workbench, plan: Plan, cancelled: Any) -> Iterator[tuple[float, BeforeAfter | None]]:
    """Scores parent and new checkpoint on the same test cells: (fraction, None) as it goes, (1, the report) at the end."""
    before, after = (evaluation_requests(plan, name) for name in (plan.parent.name, plan.request.name))
    count = plan.settings.watch.test_seeds
    tested = [request.prompt for request in before]
    bench.results.keep_benchmark(benchmark_set(title_of(f"{len(tested)} test prompts", count), tested, count))
    done: list[BatchState] = []
    for state in scored(bench, [*before, *after], cancelled):
        if state.phase == "done":
            done.append(state)
        yield (len(done) + (state.fraction if state.phase != "done" else 0)) / (2 * len(before)), None
    if len(done) == 2 * len(before):
        yield 1.0, _report(bench, plan, done[: len(before)], done[len(before) :])


def _report(bench: Workbench, plan: Plan, before: Sequence[BatchState], after: Sequence[BatchState]) -> BeforeAfter:
    """Every metric before and after with intervals over prompts, and how often the new pictures are preferred."""
    names = [name for name in before[0].scores if all(name in state.scores for state in [*before, *after])]
    found = {name: _change(name, before, after) for name in names}
    return BeforeAfter(
        prompts=len(before),
        seeds=len(before[0].request.seeds),
        guidance_scale=before[0].request.guidance_scale,
        steps=before[0].request.num_inference_steps,
        metrics={name: change for name, change in found.items() if change is not None},
        win_rate=_win_rate(bench, plan, before, after),
    )


def _win_rate(
    bench: Workbench, plan: Plan, before: Sequence[BatchState], after: Sequence[BatchState]
) -> WinRate | None:
    """How often the new pictures are preferred; None where nobody can say."""
    witness = witness_of(bench, plan)
    if witness is None:
        return None
    cells = [(new.batch, old.batch) for old, new in zip(before, after)]
    wins = [float(witness.wins(new, old).mean()) for new, old in cells if new is not None and old is not None]
    rate = share_interval(moments(wins))
    return WinRate(witness.name, rate.mean, rate.lo, rate.hi)


def _change(name: str, before: Sequence[BatchState], after: Sequence[BatchState]) -> MetricChange | None:
    """One metric before, after, and (but for effective numbers) their difference prompt by prompt; None if unscored."""
    finish = METRICS[name].finish
    sides = [[_cell(state, name) for state in states] for states in (before, after)]
    old_effects, new_effects = (
        {state.request.prompt.key: seed_effects(state.scores[name], state.whole.seeds) for state in states}
        for states in (before, after)
    )
    old = over_prompts(sides[0], finish, list(old_effects.values()))
    new = over_prompts(sides[1], finish, list(new_effects.values()))
    if math.isnan(old.mean) or math.isnan(new.mean):
        return None
    ours, theirs = (
        {state.request.prompt.key: _cell(state, name).mean for state in states} for states in (after, before)
    )
    if finish:
        return MetricChange(old, new)
    effects = {key: difference_of(new_effects[key], old_effects[key]) for key in new_effects}
    found = paired_difference(ours, theirs, effects)
    gap = found.interval
    return MetricChange(old, new, Difference(gap.mean, gap.lo, gap.hi, None if math.isnan(found.p) else found.p))


def _cell(state: BatchState, name: str) -> Interval:
    score = state.scores[name]
    return Interval(score.mean, score.lo, score.hi)


def _family(metrics: Mapping[str, MetricChange]) -> Iterator[str]:
    """Which of the differences exclude zero in their family."""
    found = {name: change.difference.p for name, change in metrics.items() if change.difference}
    ps = [math.nan if p is None else p for p in found.values()]
    if any(map(math.isfinite, ps)):
        standing = [name for name, p in zip(found, families.holm(ps)) if families.stands(p)]
        yield f"  zero is excluded, after Holm over {families.tests(ps)} differences: {', '.join(standing) or 'by none'}"


def report_lines(manifest: TrainingManifest) -> Iterator[str]:
    """A finished checkpoint's manifest in words."""
    seconds = manifest.training.seconds if manifest.training else 0.0
    yield f"{manifest.title or 'The checkpoint'} is trained ({seconds:.0f} s) and can be chosen everywhere."
    if "Stopped at step" in manifest.note:
        yield f"  {manifest.note[manifest.note.index('Stopped at step') :]}"
    yield from (f"  {note}" for note in (manifest.data.notes if manifest.data else ()))
    scores = manifest.scores or BeforeAfter()
    for name, change in scores.metrics.items():
        more = "" if change.difference is None else f"  {change.gap.mean:+.3f}"
        more += "" if math.isnan(change.gap.lo) else f" [{change.gap.lo:+.3f}, {change.gap.hi:+.3f}]"
        means = f"{change.before.mean:8.3f} -> {change.after.mean:8.3f}"
        yield f"  {METRICS[name].axis:<10} {name:<28} {means}{more}"
    yield from _family(scores.metrics)
    if scores.win_rate is not None:
        rate = scores.win_rate
        interval = "" if math.isnan(rate.lo) else f" [{rate.lo:.3f}, {rate.hi:.3f}]"
        yield f"  preferred to its parent by {rate.by}: {rate.mean:.3f}{interval}"
