"""From a plan to data that is ready to train on, kept in the run's folder so that a resumed run learns from the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save

from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.text import PromptEmbeds
from t2ialign.files import Say, write_whole
from t2ialign.limits import literal_notes
from t2ialign.training.data import PromptTable, TrainData, paired_data, prompt_data, single_data
from t2ialign.training.pairs import checked_pairs
from t2ialign.training.selection import checked_examples, liked_and_disliked, mixed, shared_out
from t2ialign.types import Example, InputError, PreferencePair, SeedBatch
from t2ialign.use_cases.align.pictures import Sampled, sample_policy, sampled
from t2ialign.use_cases.align.request import Plan
from t2ialign.use_cases.align.sources import (
    given_examples,
    judge_of,
    measured,
    pairs_of,
    picture_requests,
    ready_examples,
    ready_pairs,
)
from t2ialign.use_cases.workbench import Workbench

NOTE = "t2ialign"  # one entry: safetensors writes several in any order
Gathered = Iterator[Sampled | TrainData]


def gather(
    bench: Workbench, plan: Plan, backbone: Backbone, policy: Backbone | None, cancelled: Callable[[], bool]
) -> Gathered:
    """Yields the progress of sampling, and at last the data; ends without it when cancelled.

    ``policy`` is given from the second round on: pictures then come from it as it is, not from the parent.
    """
    said: list[str] = []
    if plan.method.data == "reward":
        events: Gathered = iter([_prompts(plan, backbone)])
    elif plan.method.data == "selected":
        events = _selected(bench, plan, backbone, policy, cancelled, said.append)
    else:
        events = _preferred(bench, plan, backbone, cancelled, said.append)
    for event in events:
        if isinstance(event, TrainData):
            event = replace(event, notes=tuple(dict.fromkeys(filter(None, (*said, *event.notes, event.unread())))))
        yield event


def _preferred(bench: Workbench, plan: Plan, backbone: Backbone, cancelled: Callable[[], bool], say: Say) -> Gathered:
    judge, draw = judge_of(bench, plan), _draw(plan)
    if judge is None and plan.method.data == "unpaired" and plan.source.kind == "votes":
        yield _labelled(plan, backbone, ready_examples(bench, plan), draw)
        return
    if judge is None:
        pairs = ready_pairs(bench, plan, say)
    else:
        pairs = []
        for event in sampled(bench, picture_requests(plan), cancelled):
            if event.batch is not None:
                pairs += pairs_of(plan, judge, event.batch, draw)
            yield event
        if cancelled():
            return
        why = f"all pictures are ties by {judge.name}; sample more pictures a prompt, or choose another source"
        pairs = checked_pairs(pairs, plan.entry.size, why)
    yield _pair_data(plan, backbone, pairs, draw)


def _prompts(plan: Plan, backbone: Backbone) -> TrainData:
    """Prompts alone: the pictures are drawn while it trains."""
    prompts = [prompt.text for prompt in plan.prompts]
    return replace(prompt_data(backbone, prompts), notes=(literal_notes(prompts),))


def _pair_data(plan: Plan, backbone: Backbone, pairs: Sequence[PreferencePair], rng: torch.Generator) -> TrainData:
    if plan.method.data == "pairs":
        found = paired_data(backbone, pairs, plan.settings.training.empty_prompts)
        return replace(found, notes=(literal_notes([pair.prompt.text for pair in pairs]),))
    return _labelled(plan, backbone, liked_and_disliked(pairs), rng)


def _labelled(plan: Plan, backbone: Backbone, examples: Sequence[Example], rng: torch.Generator) -> TrainData:
    examples = shared_out(examples, plan.settings.own.liked_share, rng)
    return _single_data(plan, backbone, examples, [example.desirable for example in examples])


def _single_data(
    plan: Plan, backbone: Backbone, examples: Sequence[Example], desirable: Sequence[bool] | None = None
) -> TrainData:
    prompts, pictures = [e.prompt.text for e in examples], [e.picture for e in examples]
    weights, empty = [e.weight for e in examples], plan.settings.training.empty_prompts
    found = single_data(backbone, prompts, pictures, weights, desirable, empty)
    return replace(found, notes=(literal_notes(prompts),))


def _selected(
    bench: Workbench,
    plan: Plan,
    backbone: Backbone,
    policy: Backbone | None,
    cancelled: Callable[[], bool],
    say: Say,
) -> Gathered:
    assert plan.method.selection is not None, f"{plan.method.name} selects nothing"
    rule = plan.method.selection(plan.settings)
    given = checked_examples(given_examples(plan, say), plan.entry.size, "") if plan.source.kind else []
    if rule.given_share and not given:
        raise InputError("There are no pictures to mix in: give them with --pairs pictures:FOLDER.")
    marks, examples = measured(bench, plan, rule.measure), []
    for event in _candidates(bench, plan, policy, cancelled):
        if event.batch is not None:
            examples += rule.choose(event.batch, marks(event.batch))
        yield event
    if cancelled():
        return
    examples = checked_examples(examples, plan.entry.size, rule.nothing)
    if given:
        examples = checked_examples(
            mixed(examples, given, rule.given_share, _draw(plan)), plan.entry.size, rule.nothing
        )
    yield _single_data(plan, backbone, examples)


def _candidates(
    bench: Workbench, plan: Plan, policy: Backbone | None, cancelled: Callable[[], bool]
) -> Iterator[Sampled]:
    requests = picture_requests(plan)
    if policy is None:
        yield from sampled(bench, requests, cancelled)
        return
    for number, request in enumerate(requests):
        if cancelled():
            return
        batch: SeedBatch = sample_policy(
            policy, request.prompt, request.seeds, request.guidance_scale, request.num_inference_steps
        )
        yield Sampled(number + 1, len(requests), batch)


def _draw(plan: Plan) -> torch.Generator:
    return torch.Generator().manual_seed(plan.request.seed)


def save_data(data: TrainData, path: Path) -> None:
    """Writes data as one safetensors file, whole or not at all; the same data make the same file.

    Notes are no data: they lie beside it.
    """
    table = data.prompts
    tensors = {
        "latents": data.latents,
        "weights": data.weights,
        "desirable": data.desirable,
        "rows": table.rows,
        "prompt_embeds": table.embeds.prompt_embeds,
        "pooled_prompt_embeds": table.embeds.pooled_prompt_embeds,
        "mask": table.embeds.mask,
    }
    known = {name: tensor.contiguous() for name, tensor in tensors.items() if tensor is not None}
    said = {"empty_prompts": data.empty_prompts, "truncated": table.embeds.truncated}
    write_whole(_notes_path(path), json.dumps(data.notes).encode(), sync=True)
    write_whole(path, save(known, {NOTE: json.dumps(said)}), sync=True)


def load_data(path: Path) -> TrainData:
    """Inverse of ``save_data``."""
    with safe_open(path, framework="pt") as file:
        said = json.loads(file.metadata()[NOTE])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    pooled, mask = tensors.get("pooled_prompt_embeds"), tensors.get("mask")
    embeds = PromptEmbeds(tensors["prompt_embeds"], pooled, tuple(said["truncated"]), mask)
    table = PromptTable(embeds, tensors["rows"])
    labels, empty = tensors.get("desirable"), float(said["empty_prompts"])
    return TrainData(tensors["latents"], table, tensors["weights"], labels, empty, load_notes(path))


def load_notes(path: Path) -> tuple[str, ...]:
    """The notes beside data; none where an earlier version wrote it."""
    beside = _notes_path(path)
    return tuple(json.loads(beside.read_bytes())) if beside.is_file() else ()


def _notes_path(path: Path) -> Path:
    return path.with_suffix(".notes.json")
