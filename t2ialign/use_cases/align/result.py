"""What a training run leaves behind: the adapter with its manifest, and scores before and after."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from t2ialign.codec import encode
from t2ialign.diffusion.adapters import save_adapter
from t2ialign.diffusion.backbone import Backbone
from t2ialign.files import write_whole
from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import seed_effects
from t2ialign.registry import revision_of
from t2ialign.tradeoff import families
from t2ialign.tradeoff.interval import difference_of, mean_interval, over_prompts, paired_difference
from t2ialign.types import InputError, Interval
from t2ialign.use_cases.align.estimate import evaluation_requests
from t2ialign.use_cases.align.pictures import scored
from t2ialign.use_cases.align.request import Plan, repeatable
from t2ialign.use_cases.align.sources import witness_of
from t2ialign.use_cases.batches.score_batch import BatchState
from t2ialign.use_cases.reports.text import jsonable
from t2ialign.use_cases.workbench import Workbench

MANIFEST = "manifest.json"


def check_free(bench: Workbench, name: str, target: Path, replace: bool) -> None:
    """Refuses a name that is taken, unless it is to be replaced where it lies."""
    known = bench.registry().checkpoints.get(name)
    same = known is not None and isinstance(known.adapter, Path) and known.adapter.parent.resolve() == target.resolve()
    if (known is not None or target.exists()) and not (replace and (same or known is None)):
        raise InputError(f"There is a checkpoint called {name} already: choose another name, or remove that one first.")


def is_finished(plan: Plan, target: Path) -> bool:
    """Whether this very run, on these very weights, has saved its adapter already."""
    record = read_manifest(target)
    return record.get("request") == encode(repeatable(plan)) and record.get("backbone_revision") == revision_of(
        plan.entry
    )


def read_manifest(target: Path) -> dict[str, Any]:
    """A checkpoint's manifest; empty where there is none."""
    try:
        return json.loads((target / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def data_record(bench: Workbench, plan: Plan, data: Path, examples: int) -> dict[str, Any]:
    """What a run has learned from: its source, its content's hash and, of votes, whose they are."""
    votes = bench.results.votes_record(plan.source) if plan.source.kind == "votes" else {}
    record = {"source": str(plan.source), "examples": examples, "sha256": hashlib.sha256(data.read_bytes()).hexdigest()}
    return {**record, "votes": votes} if votes else record


def save(plan: Plan, backbone: Backbone, target: Path, data: Mapping[str, Any], training: Mapping[str, Any]) -> None:
    """Writes the adapter in training and its manifest to ``target``, whole or not at all."""
    manifest = {
        "title": f"{plan.method.title} ({plan.request.name})",
        "method": plan.method.name,
        "note": f"Trained from {plan.parent.name} on {str(plan.source) or 'its own pictures'}.",
        "citation": plan.method.citation,
        "parents": [plan.parent.name],
        "request": encode(repeatable(plan)),
        "data": data,
        "training": training,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    save_adapter(backbone, plan.request.name, target, jsonable(manifest))


def add_to_manifest(target: Path, more: Mapping[str, Any]) -> dict[str, Any]:
    """Writes further entries into a checkpoint's manifest; the adapter stays as it is."""
    record = {**read_manifest(target), **jsonable(more)}
    write_whole(target / MANIFEST, (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode(), sync=True)
    return record


def compared(bench: Workbench, plan: Plan, cancelled: Any) -> Iterator[tuple[float, Mapping[str, Any] | None]]:
    """Scores parent and new checkpoint on the same test cells: (fraction, None) as it goes, (1, the report) at the end."""
    before, after = (evaluation_requests(plan, name) for name in (plan.parent.name, plan.request.name))
    done: list[BatchState] = []
    for state in scored(bench, [*before, *after], cancelled):
        if state.phase == "done":
            done.append(state)
        yield (len(done) + (state.fraction if state.phase != "done" else 0)) / (2 * len(before)), None
    if len(done) == 2 * len(before):
        yield 1.0, _report(bench, plan, done[: len(before)], done[len(before) :])


def _report(bench: Workbench, plan: Plan, before: Sequence[BatchState], after: Sequence[BatchState]) -> dict[str, Any]:
    """Every metric before and after with intervals over prompts, and how often the new pictures are preferred."""
    names = [name for name in before[0].scores if all(name in state.scores for state in [*before, *after])]
    found = {name: _change(name, before, after) for name in names}
    witness = witness_of(bench, plan)
    report: dict[str, Any] = {
        "prompts": len(before),
        "seeds": len(before[0].request.seeds),
        "guidance_scale": before[0].request.guidance_scale,
        "steps": before[0].request.num_inference_steps,
        "metrics": {name: change for name, change in found.items() if change},
    }
    if witness is not None:
        wins = [float(witness.wins(new.batch, old.batch).mean()) for old, new in zip(before, after)]
        rate = mean_interval(wins)
        report["win_rate"] = {"by": witness.name, **_numbers(Interval(rate.mean, max(rate.lo, 0.0), min(rate.hi, 1.0)))}
    return report


def _change(name: str, before: Sequence[BatchState], after: Sequence[BatchState]) -> dict[str, Any]:
    """One metric before, after, and (but for effective numbers) their difference prompt by prompt; nothing if unscored."""
    finish = METRICS[name].finish
    sides = [[_cell(state, name) for state in states] for states in (before, after)]
    old_effects, new_effects = (
        {state.request.prompt.key: seed_effects(state.scores[name], state.batch.seeds) for state in states}
        for states in (before, after)
    )
    old = over_prompts(sides[0], finish, list(old_effects.values()))
    new = over_prompts(sides[1], finish, list(new_effects.values()))
    if math.isnan(old.mean) or math.isnan(new.mean):
        return {}
    keyed = [{state.request.prompt.key: _cell(state, name).mean for state in states} for states in (after, before)]
    sides = {"before": _numbers(old), "after": _numbers(new)}
    if finish:
        return sides
    effects = {key: difference_of(new_effects[key], old_effects[key]) for key in new_effects}
    found = paired_difference(*keyed, effects)
    return {**sides, "difference": {**_numbers(found.interval), "p": found.p}}


def _cell(state: BatchState, name: str) -> Interval:
    score = state.scores[name]
    return Interval(score.mean, score.lo, score.hi)


def _numbers(found: Interval) -> dict[str, float]:
    return {"mean": found.mean, "lo": found.lo, "hi": found.hi}


def _family(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Which of the differences exclude zero in their family."""
    found = {name: change["difference"].get("p") for name, change in metrics.items() if change.get("difference")}
    ps = [math.nan if p is None else p for p in found.values()]
    if any(map(math.isfinite, ps)):
        standing = [name for name, p in zip(found, families.holm(ps)) if families.stands(p)]
        yield f"  zero is excluded, after Holm over {families.tests(ps)} differences: {', '.join(standing) or 'by none'}"


def report_lines(record: Mapping[str, Any]) -> Iterator[str]:
    """A finished checkpoint's manifest in words."""
    seconds = record.get("training", {}).get("seconds", 0.0)
    yield f"{record.get('title', 'The checkpoint')} is trained ({seconds:.0f} s) and can be chosen everywhere."
    scores = record.get("scores", {})
    for name, change in scores.get("metrics", {}).items():
        old, new, gap = change["before"], change["after"], change.get("difference")
        more = "" if gap is None else f"  {gap['mean']:+.3f}"
        more += f" [{gap['lo']:+.3f}, {gap['hi']:+.3f}]" if gap and gap["lo"] is not None else ""
        yield f"  {METRICS[name].axis:<10} {name:<28} {old['mean']:8.3f} -> {new['mean']:8.3f}{more}"
    yield from _family(scores.get("metrics", {}))
    if "win_rate" in scores:
        rate = scores["win_rate"]
        interval = "" if rate["lo"] is None else f" [{rate['lo']:.3f}, {rate['hi']:.3f}]"
        yield f"  preferred to its parent by {rate['by']}: {rate['mean']:.3f}{interval}"
