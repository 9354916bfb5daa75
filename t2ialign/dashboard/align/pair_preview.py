"""A look at what a run would learn from, before it starts: a few prompts' pictures, judged as training would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from t2ialign.dashboard.align.pairs_view import ShownChoice, ShownPair, kept, pairs
from t2ialign.dashboard.shared.pictures import preview_uri
from t2ialign.diffusion.backbone import folder_of
from t2ialign.diffusion.text import truncation_notes, unread_words
from t2ialign.files import Say
from t2ialign.limits import literal_notes
from t2ialign.metrics import METRICS
from t2ialign.types import InputError, PreferencePair, Prompt, SeedBatch
from t2ialign.use_cases.align.pictures import sampled
from t2ialign.use_cases.align.request import Plan, is_small
from t2ialign.use_cases.align.sources import given_examples, judge_of, measured, pairs_of, picture_requests, ready_pairs
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
    said: list[str] = []
    if plan.method.data == "selected":
        examples = given_examples(plan, said.append)
        choices, measure = _choices(bench, plan)
        return kept(choices, measure, small, [*said, *_notes(plan, [*plan.prompts, *(one.prompt for one in examples)])])
    found, prompts = _pairs(bench, plan, said.append)
    if not found:
        raise InputError("These pictures are all ties: sample more a prompt, or choose another source.")
    shown = [ShownPair(pair.prompt.text, preview_uri(pair.win), preview_uri(pair.lose)) for pair in found]
    return pairs(shown, str(plan.source), small, [*said, *_notes(plan, prompts)])


def _pairs(bench: Workbench, plan: Plan, say: Say) -> tuple[list[PreferencePair], Sequence[Prompt]]:
    """The pairs to show, and the prompts of all that a run would learn from."""
    judge = judge_of(bench, plan)
    if judge is None:
        ready = ready_pairs(bench, plan, say)
        shown = ready[:: max(1, len(ready) // (PROMPTS * EACH))][: PROMPTS * EACH]
        return shown, [pair.prompt for pair in ready]
    rng = torch.Generator().manual_seed(plan.request.seed)
    batches = _sampled(bench, _few(plan, PROMPTS))
    return [pair for batch in batches for pair in pairs_of(plan, judge, batch, rng)[:EACH]], plan.prompts


def _notes(plan: Plan, prompts: Sequence[Prompt]) -> Iterator[str]:
    """What training would say of these prompts, without loading the model."""
    texts, folder = [prompt.text for prompt in prompts], folder_of(plan.entry)
    unread = {text: unread_words(folder, text) if folder else "" for text in texts}
    yield from filter(None, (truncation_notes([unread[text] for text in texts]), literal_notes(texts)))


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
