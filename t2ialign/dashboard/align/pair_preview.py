"""A look at what a run would learn from, before it starts: a few prompts' pictures, judged as training would."""

from __future__ import annotations

import torch

from t2ialign.dashboard.align.pairs_view import ShownChoice, ShownPair, kept, pairs
from t2ialign.dashboard.shared.pictures import preview_uri
from t2ialign.metrics import METRICS
from t2ialign.types import InputError, PreferencePair, SeedBatch
from t2ialign.use_cases.align.pictures import sampled
from t2ialign.use_cases.align.request import Plan, is_small
from t2ialign.use_cases.align.sources import judge_of, measured, pairs_of, picture_requests, ready_pairs
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.workbench import Workbench

PROMPTS, EACH = 4, 2  # prompts that are sampled, and pairs shown of each
CHOICES = 2


def preview(bench: Workbench, plan: Plan) -> str:
    """A few of the pairs (or kept pictures) as HTML; the pictures are stored, so training need not make them again.

    Raises:
        InputError: the source has nothing to learn from, in one sentence.
    """
    small = is_small(plan.entry)
    if plan.method.data == "selected":
        choices, measure = _choices(bench, plan)
        return kept(choices, measure, small)
    found = _pairs(bench, plan)
    if not found:
        raise InputError("These pictures are all ties: sample more a prompt, or choose another source.")
    shown = [ShownPair(pair.prompt.text, preview_uri(pair.win), preview_uri(pair.lose)) for pair in found]
    return pairs(shown, str(plan.source), small)


def _pairs(bench: Workbench, plan: Plan) -> list[PreferencePair]:
    judge = judge_of(bench, plan)
    if judge is None:
        ready = ready_pairs(bench, plan)
        return ready[:: max(1, len(ready) // (PROMPTS * EACH))][: PROMPTS * EACH]
    draw = torch.Generator().manual_seed(plan.request.seed)
    return [
        pair for batch in _sampled(bench, _few(plan, PROMPTS)) for pair in pairs_of(plan, judge, batch, draw)[:EACH]
    ]


def _choices(bench: Workbench, plan: Plan) -> tuple[list[ShownChoice], str]:
    assert plan.method.selection is not None, f"{plan.method.name} selects nothing"
    rule = plan.method.selection(plan.settings)
    marks = measured(bench, plan, rule.measure)
    found = []
    for batch in _sampled(bench, _few(plan, CHOICES)):
        chosen = [example.picture for example in rule.choose(batch, marks(batch))]
        rows = [(preview_uri(picture), any(torch.equal(picture, one) for one in chosen)) for picture in batch.images]
        found.append(ShownChoice(batch.prompt.text, rows))
    return found, METRICS[rule.measure].title.lower() if rule.measure in METRICS else "its alignment"


def _few(plan: Plan, count: int) -> list[BatchRequest]:
    """The requests of a few prompts, spread over all of them."""
    requests = picture_requests(plan)
    return requests[:: max(1, len(requests) // count)][:count]


def _sampled(bench: Workbench, requests: list[BatchRequest]) -> list[SeedBatch]:
    return [event.batch for event in sampled(bench, requests, lambda: False) if event.batch is not None]
