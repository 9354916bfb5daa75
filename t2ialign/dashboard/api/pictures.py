"""Endpoints that draw, and what is asked about drawing that goes on: generate, grid, work, stop."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from t2ialign.codec import encode
from t2ialign.dashboard.api.endpoint import Call, said
from t2ialign.dashboard.api.records import Work
from t2ialign.dashboard.api.work import ENDED, SWEEPS, standing
from t2ialign.dashboard.shared.hub_models import check_local
from t2ialign.engines.local import Cancelled
from t2ialign.guidance import read_strategy
from t2ialign.limits import parse_seeds
from t2ialign.types import InputError, Prompt, content_key
from t2ialign.use_cases.batches import grid as grids
from t2ialign.use_cases.batches.requests import BatchRequest, check_metrics
from t2ialign.use_cases.batches.run import open_run, requests_for, run_batches
from t2ialign.use_cases.batches.usual import usual_of_all

LONGEST_WAIT = 60.0
WAIT = "Seconds to wait for the end, at most 60; afterwards ask `work` with the id."
SEEDS = "Seeds as 0-15 or 1,5,9."
USUAL = "what the checkpoints are usually drawn with, where they agree"
CHECKPOINT = "A checkpoint or a blend, as base, my_adapter@0.5 or one+other (`checkpoints` lists them)."


@dataclass(frozen=True)
class AskGenerate:
    """Parameters of `generate`: a prompt on one to four checkpoints."""

    prompt: str = said("What the pictures should show.")
    checkpoints: tuple[str, ...] = said(f"One to four. {CHECKPOINT}", ("base",))
    guidance_scale: float | None = said(
        f"Strength of classifier-free guidance (CFG), 0 to 50; null: {USUAL}, mostly 4.", None
    )
    seeds: str = said(SEEDS, "0-15")
    steps: int | None = said(f"Denoising steps; null: {USUAL}, mostly 25.", None)
    scheduler: str = said(f"ddim, euler, dpmsolver++, lcm, ...; empty: {USUAL}, mostly ddim.", "")
    guidance: str = said(
        f"How CFG is applied, with parameters: cfg, apg, aig:power=4, ...; empty: {USUAL}, mostly cfg.", ""
    )
    negative_prompt: str = said("What the pictures should not show.", "")
    metrics: tuple[str, ...] = said("Metrics by name; none: the short list.", ())
    height: int = said("Pixels, 0 for the model's own (others are the owner's).", 0)
    width: int = said("Pixels, 0 for the model's own (others are the owner's).", 0)
    wait: float = said(WAIT, 30.0)


@dataclass(frozen=True)
class AskGrid:
    """Parameters of `grid`: two or three settings changed at once."""

    x: str = said(
        "What changes from left to right: prompt, guidance_scale, checkpoint, weight, guidance, steps, scheduler, size or "
        "seed."
    )
    x_values: tuple[str, ...] = said("Its values as people write them, as 1, 4, 8.")
    y: str = said("What changes from top to bottom, another of these; empty for nothing.", "")
    y_values: tuple[str, ...] = said("Its values.", ())
    prompt: str = said("The prompt, where no axis says it.", "-")
    checkpoint: str = said(f"Where no axis says it. {CHECKPOINT}", "base")
    guidance_scale: float | None = said(f"CFG, where no axis says it; null: {USUAL}, mostly 4.", None)
    guidance: str = said(f"The strategy, where no axis says it; empty: {USUAL}, mostly cfg.", "")
    seeds: str = said(f"Of every cell. {SEEDS}", "0-3")
    steps: int | None = said(f"Denoising steps; null: {USUAL}, mostly 25.", None)
    wait: float = said(WAIT, 30.0)
    scheduler: str = said(f"Where no axis says it; empty: {USUAL}, mostly ddim.", "")
    z: str = said("What changes from page to page, a third of these; empty for one page.", "")
    z_values: tuple[str, ...] = said("Its values.", ())


@dataclass(frozen=True)
class AskWork:
    """Parameters of `work`: which work to look at."""

    id: str = said("The id that generate, grid, score or sweep answered, or of a link.")
    wait: float = said(WAIT, 0.0)


@dataclass(frozen=True)
class AskStop:
    """Parameters of `stop`: which work, and the ticket that proves who began it."""

    id: str = said("The id of the work.")
    ticket: str = said("The ticket that was told when it began; the owner needs none.", "")


def generate(call: Call, asked: AskGenerate) -> Work:
    """Begins a run under an id of its own; what is stored is not drawn again."""
    request = replace(
        _begun(call, asked, asked.checkpoints),
        prompt=Prompt(asked.prompt, call.services.categories().get(asked.prompt.strip(), "")),
        negative_prompt=asked.negative_prompt,
        metrics=check_metrics(asked.metrics),
        height=asked.height,
        width=asked.width,
    )
    requests, bench = requests_for(request, asked.checkpoints), call.services.bench
    _check(call, requests)

    def start() -> str:
        run = open_run(bench, requests).id
        call.services.engine.submit(run, lambda cancelled: run_batches(bench, run, requests, cancelled))
        return run

    return begun(call, sum(len(one.seeds) * one.num_inference_steps for one in requests), start)


def grid(call: Call, asked: AskGrid) -> Work:
    """The grid as it is stored, and the drawing of what it lacks; the same grid has the same id."""
    said_axes = ((asked.x, asked.x_values), (asked.y, asked.y_values), (asked.z, asked.z_values))
    axes = [_axis(kind, values) for kind, values in said_axes]
    across = next((axis.values for axis in axes if axis.kind == "checkpoint"), (asked.checkpoint,))
    varied = {axis.kind for axis in axes}
    rest = replace(_begun(call, asked, across, varied), checkpoint=asked.checkpoint)
    requests = grids.requests_of(grids.plan_grid(rest, *axes))
    _check(call, requests)
    state = grids.stored_grid(call.services.bench, requests)
    key = f"grid {content_key(encode(requests))}"
    if all(one.phase == "done" and one.scores for one in state.cells):
        return standing(call, key, state)
    work = sum(one.missing * one.request.num_inference_steps for one in state.cells)
    return _submitted(call, key, work, lambda cancelled: grids.make_grid(call.services.bench, requests, cancelled))


def look(call: Call, asked: AskWork) -> Work:
    """How something stands that was begun here or in the page."""
    return standing(call, asked.id)


def stop(call: Call, asked: AskStop) -> Work:
    """Asks work to stop at its next step; what is drawn stays."""
    found = standing(call, asked.id)
    if found.id.startswith(SWEEPS):  # the owner's alone, as ``standing`` has made sure
        if found.status not in ENDED:
            call.services.supervisor.cancel(found.id)
        return standing(call, found.id)
    if not call.services.visits.may_stop(replace(call.visitor, page=asked.ticket), found.id):
        raise InputError("Only the ticket that was told when this work began stops it, or the owner.")
    call.services.engine.cancel(found.id)
    return standing(call, asked.id)


def begun(call: Call, work: int, start: Callable[[], str]) -> Work:
    """Work that is counted and has a ticket. ``InputError`` where there is no room for it."""
    ticket = uuid.uuid4().hex
    run = call.services.visits.begin(replace(call.visitor, page=ticket), work, start)
    return replace(standing(call, run), ticket=ticket)


def _begun(
    call: Call, asked: AskGenerate | AskGrid, checkpoints: Sequence[str], varied: Collection[str] = ()
) -> BatchRequest:
    """The request with what nobody said as these checkpoints are usually drawn; a note says on what they do not agree.

    What an axis of a grid says (``varied``) is nobody's to begin with.
    """
    found = usual_of_all(checkpoints, call.services.bench.registry(), asked.scheduler)
    unsaid = {
        "scheduler": not asked.scheduler,
        "steps": asked.steps is None,
        "guidance_scale": asked.guidance_scale is None,
        "guidance": not asked.guidance,
    }
    note = found.note(name for name, left in unsaid.items() if left and name not in varied)
    guidance, params = read_strategy(asked.guidance or found.run.guidance)
    return BatchRequest(
        Prompt(asked.prompt),
        "",
        parse_seeds(asked.seeds),
        found.run.guidance_scale if asked.guidance_scale is None else asked.guidance_scale,
        found.run.steps if asked.steps is None else asked.steps,
        found.run.scheduler,
        guidance,
        params,
        notes=(note,) if note else (),
    )


def _submitted(call: Call, key: str, work: int, start: Callable[[Cancelled], Iterator[Any]]) -> Work:
    """The same for work whose id is its content: what is at work already is not begun again."""
    task = call.services.engine.look(key)
    if task is not None and not task.finished:
        return standing(call, key)

    def submit() -> str:
        call.services.engine.submit(key, start)
        return key

    return begun(call, work, submit)


def _check(call: Call, requests: Sequence[BatchRequest]) -> None:
    call.services.visits.check_sizes(call.visitor, requests)
    if not call.visitor.owner:
        check_local(call.services, requests)


def _axis(kind: str, values: tuple[str, ...]) -> grids.GridAxis:
    if kind not in grids.TITLES:
        raise InputError(f"An axis is {', '.join(filter(None, grids.TITLES))}, not {kind[:40]!r}.")
    if values and not kind:
        raise InputError(f"The values {', '.join(values)[:40]} are of nothing: say in x, y or z what changes.")
    named: Any = kind
    return grids.GridAxis(named, values or ("",))
