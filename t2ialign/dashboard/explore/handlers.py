"""Explore's handlers: plain functions of services and values that say what changes on the page."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import gradio as gr
from markupsafe import Markup
from PIL import Image

from t2ialign.charts import small, tradeoff_figure
from t2ialign.charts.current import add_current
from t2ialign.dashboard.explore import missing_weights
from t2ialign.dashboard.explore.example_prompts import chips, sets_menu
from t2ialign.dashboard.explore.form import Form, all_params, cost_of, form_of, requests_of
from t2ialign.dashboard.explore.progress_view import notes, progress
from t2ialign.dashboard.explore.subject_state import SubjectState, last, watch
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.batch_view import group_of, headline_of, metric_of, point_of
from t2ialign.dashboard.shared.browser_events import DARK
from t2ialign.dashboard.shared.chart_points import ChartChoice, choose, load_points, usual_benchmark
from t2ialign.dashboard.shared.checkpoint_menu import menus
from t2ialign.dashboard.shared.contact_sheet import empty_sheet, sheet
from t2ialign.dashboard.shared.fitting_prompts import first_prompt, fitting, following, stale
from t2ialign.dashboard.shared.headline import headlines
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.hub_models import check_local
from t2ialign.dashboard.shared.links import Subject, read_query
from t2ialign.dashboard.shared.pictures import picture_file
from t2ialign.dashboard.shared.point_details import point_details
from t2ialign.dashboard.shared.point_details_view import point_details_html
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.dashboard.shared.wiring import Updates, said
from t2ialign.guidance import fitted_params
from t2ialign.names import names_in
from t2ialign.samplers import UsualRun, usual_run
from t2ialign.store import Filters, choices, find_run
from t2ialign.types import InputError
from t2ialign.use_cases.align.request import EVERYDAY
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.run import open_run, run_batches
from t2ialign.use_cases.batches.score_batch import plain_name
from t2ialign.use_cases.batches.usual import begin_anew, usual_of_all

USUAL = ("scheduler", "steps", "guidance_scale", "guidance")  # the fields of a ``UsualRun``
ENLARGED = 512  # smaller pictures are enlarged with hard pixels before the slider smooths them


def generate(services: Services, visitor: Visitor, subject: str, theme: str, *fields: Any) -> Updates:
    """Writes the run down, hands it to the engine and shows that it waits; a problem leaves everything as it was."""
    try:
        requests = requests_of(read_form(fields), services)
        if not visitor.owner:
            services.visits.check_sizes(visitor, requests)
            check_local(services, requests)
        begin = partial(_begin, services, visitor, requests)
        run = services.page_runs.ask(visitor.page, read_query(subject).run, requests, begin)
    except InputError as error:
        return {"notice": notice(str(error))}
    cleared = {"point_details": "", "compare": gr.Column(visible=False)}
    return cleared | draw(services, watch(services, Subject(run=run)), theme, charted="")


def _begin(services: Services, visitor: Visitor, requests: tuple[BatchRequest, ...]) -> str:
    def start() -> str:
        run = open_run(services.bench, requests).id
        services.engine.submit(run, lambda cancelled: run_batches(services.bench, run, requests, cancelled))
        return run

    return services.visits.begin(visitor, sum(len(one.seeds) * one.num_inference_steps for one in requests), start)


def cancel(services: Services, visitor: Visitor, subject: str) -> Updates:
    """Asks a run to stop at its next step; the timer shows when it has. Other work of the engine has no id of a run."""
    run = read_query(subject).run
    try:
        if not services.visits.may_stop(visitor, find_run(services.store, run).id):
            raise InputError("Only the page that started this run can stop it, or the owner.")
    except InputError as error:
        return {"notice": notice(str(error))}
    services.engine.cancel(run)
    return {"cancel": gr.Button("Stopping", interactive=False)}


def tick(services: Services, subject: str, theme: str, seen: str, charted: str) -> Updates:
    """What changed since the last look."""
    try:
        watched = watch(services, read_query(subject))
    except InputError as error:
        return {"notice": notice(str(error)), "timer": gr.Timer(active=False)}
    return {} if watched.mark == seen else draw(services, watched, theme, charted)


def open_explore(services: Services, visitor: Visitor, data: Mapping[str, Any]) -> Updates:
    """The first view; where Generate was pressed before it came, that run, and the form as it was left."""
    theme = said(data, "theme")
    updates = {} if _begun(services, visitor) else _first_view(services, data, theme)
    if run := _begun(services, visitor):  # perhaps meanwhile
        return {"page": theme, **draw(services, watch(services, Subject(run=run)), theme, charted="")}
    return updates


def _begun(services: Services, visitor: Visitor) -> str:
    """The run that this page has asked for; empty where it has not, or asked for a grid."""
    run = services.page_runs.last(visitor.page)
    try:
        return find_run(services.store, run).id if run else ""
    except InputError:
        return ""


def _first_view(services: Services, data: Mapping[str, Any], theme: str) -> Updates:
    """What the address names or the last batch, with the form filled from it, or the shipped runs."""
    try:
        subject = read_query(said(data, "query"))
        watched = watch(services, subject) if str(subject) else last(services)
    except InputError as error:
        return {"page": theme, "notice": notice(str(error)), **draw_chart(services, SubjectState(Subject()), theme)}
    form = form_of(watched.batches).values() if watched.batches else {}
    return {"page": theme, **form, **draw(services, watched, theme, charted="")}


def repaint(services: Services, subject: str, theme: str) -> Updates:
    """The chart in the page's other theme."""
    try:
        return draw_chart(services, watch(services, read_query(subject)), theme)
    except InputError:
        return {}


def draw(services: Services, watched: SubjectState, theme: str, charted: str) -> Updates:
    """Everything that shows a subject; the chart only where its numbers moved."""
    updates: Updates = {
        "subject": str(watched.subject),
        "seen": watched.mark,
        "notice": notice(watched.error) + Markup().join(notice(note, "note") for note in _notes(watched)),
        "fetch": missing_weights.button(watched),
        "progress": _progress(watched),
        "timer": gr.Timer(active=watched.working or bool(watched.fetching)),
        "generate": gr.Button(visible=not watched.working),
        "cancel": gr.Button("Cancel", visible=watched.working, interactive=True),
        **_pictures(services, watched),
    }
    if chart_mark(watched, theme) != charted:
        updates |= draw_chart(services, watched, theme)
    return updates if watched.working else {**updates, **offer_comparison(watched)}


def _notes(watched: SubjectState) -> list[str]:
    """What the batches want said, and how a fetch for their scores stands."""
    return [*notes(watched.batches), *filter(None, (watched.fetching, watched.fetched))]


def _progress(watched: SubjectState) -> str:
    if watched.state is None:
        return ""
    return progress(watched.state, watched.status, watched.ahead, watched.subject, watched.wait)


def _pictures(services: Services, watched: SubjectState) -> Updates:
    if not watched.batches:
        return {"headline": "", "sheet": empty_sheet()}
    alignment, diversity = (metric_of(axis, watched.batches) for axis in ("alignment", "diversity"))
    palette = services.palette(batch.config.checkpoint for batch in watched.batches)
    lines = [headline_of(batch, palette, alignment, diversity) for batch in watched.batches]
    groups = [group_of(batch, palette, alignment) for batch in watched.batches]
    return {"headline": headlines(lines, alignment, diversity), "sheet": sheet(groups)}


def chart_mark(watched: SubjectState, theme: str) -> str:
    """A text that differs from the last one whenever the chart would."""
    scored = [f"{batch.config.key} {len(batch.scores)} {len(batch.images)}" for batch in watched.batches]
    return f"{watched.subject} {watched.working} {theme} {scored}"


def draw_chart(services: Services, watched: SubjectState, theme: str) -> Updates:
    """The small chart: the points of this backbone, and over them the batches on show."""
    chosen, dark = chosen_for(services, watched), theme == DARK
    points, order = load_points(services, chosen).points, services.order()
    current = [point_of(batch, chosen.x, chosen.y) for batch in watched.batches]
    shown = points or current
    plain = {one.config.checkpoint: plain_name(services.bench, one.config) for one in shown if not one.config.adapters}
    figure = tradeoff_figure(shown, chosen.x, chosen.y, pareto=False, dark=dark, order=order, bars=False, titles=plain)
    add_current(figure, current, chosen.x, chosen.y, dark, order)
    caption = "Points: one checkpoint at one guidance each, all on the same prompts. Click one to see its pictures."
    return {"chart": small(figure), "caption": notice(caption, "hint"), "charted": chart_mark(watched, theme)}


def chosen_for(services: Services, watched: SubjectState) -> ChartChoice:
    """The metrics and cells of the small chart: those of the batches on show, else the usual ones."""
    if not watched.batches:
        return choose("", "", choices(services.store)["metrics"], _on_one_set(services, Filters()))
    backbones = tuple(sorted({batch.config.backbone for batch in watched.batches}))
    x, y = metric_of("alignment", watched.batches), metric_of("diversity", watched.batches)
    return ChartChoice(x, y, _on_one_set(services, Filters(backbones=backbones)))


def _on_one_set(services: Services, filters: Filters) -> Filters:
    """The filters with the benchmark set on which most points that pass them are compared."""
    return replace(filters, benchmarks=(usual_benchmark(services, filters),))


def offer_comparison(watched: SubjectState) -> Updates:
    """The slider's choices: two checkpoints that both have a picture of some seed; hidden where there are none."""
    names = [batch.request.checkpoint for batch in watched.batches if batch.images]
    shared = set.intersection(*(set(batch.images) for batch in watched.batches)) if watched.batches else set()
    if len(names) < 2 or not shared:
        return {"compare": gr.Column(visible=False)}
    seeds = [str(seed) for seed in sorted(shared)]
    return {
        "compare": gr.Column(visible=True),
        "left": gr.Dropdown(names, value=names[0]),
        "right": gr.Dropdown(names, value=names[1]),
        "compare_seed": gr.Dropdown(seeds, value=seeds[0]),
    }


def compare(services: Services, subject: str, left: str | None, right: str | None, seed: str | None) -> Updates:
    """Two pictures of one seed for the slider."""
    try:
        cells = {batch.request.checkpoint: batch.cell for batch in watch(services, read_query(subject)).batches}
    except InputError as error:
        return {"notice": notice(str(error))}
    if left not in cells or right not in cells or seed is None:
        return {}
    files = [picture_file(services.store, cells[name], int(seed)) for name in (left, right)]
    found = [file for file in files if file]
    return {"slider": tuple(_enlarged(file) for file in found)} if len(found) == 2 else {}


def _enlarged(file: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(file)).convert("RGB")
    times = max(1, ENLARGED // max(picture.size))
    return picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)


def click_point(services: Services, data: Mapping[str, Any], subject: str) -> Updates:
    """The pictures behind a clicked point."""
    return show_behind(services, subject, said(data, "point"))


def choose_prompt(services: Services, data: Mapping[str, Any], subject: str) -> Updates:
    """Another prompt of the same point."""
    return show_behind(services, subject, said(data, "point"), said(data, "cell"))


def show_behind(services: Services, subject: str, point: str, cell: str = "") -> Updates:
    """The panel for a point and one of its prompts; a point or a run that is gone says so."""
    try:
        chosen = chosen_for(services, watch(services, read_query(subject)))
        return {"point_details": point_details_html(point_details(services, chosen, point, cell))}
    except InputError as error:
        return {"point_details": notice(str(error))}


def offer_checkpoints(services: Services) -> Updates:
    """What can be sampled now, for the list; what is chosen stays."""
    return menus(services)


def usual_of(scheduler: str) -> Updates:
    """The steps and the guidance that a scheduler is made for, when it is another than the others' usual."""
    usual, others = usual_run(None, scheduler), UsualRun()
    if (usual.steps, usual.guidance_scale) == (others.steps, others.guidance_scale):
        return {}
    return {"steps": usual.steps, "guidance_scale": usual.guidance_scale}


def usual_for(services: Services, checkpoints: Sequence[str] | None, *said: Any) -> Updates:
    """What the chosen models are usually drawn with, where the form still says what is usual for others."""
    held = dict(zip(USUAL, said, strict=False))
    return dict(begin_anew(checkpoints or (), services.bench.registry(), held, asdict))


def choose_guidance(services: Services, guidance: str, checkpoints: Sequence[str] | None) -> Updates:
    """The chosen strategy's cost, and its parameters with their defaults for these checkpoints, to be changed."""
    known, backbones = services.checkpoints(), services.bench.registry().backbones
    names = [name for blend in checkpoints or () for name in names_in(blend)]
    chosen = [backbones[known[name].backbone] for name in names if name in known]
    small, flow = all(one.small for one in chosen), bool(chosen) and all(one.family_traits.flow for one in chosen)
    shown = all_params(guidance, fitted_params(guidance, (), small, flow))
    return {"guidance": gr.Dropdown(info=cost_of(guidance)), "guidance_params": shown}


def pick_example(data: Mapping[str, Any]) -> Updates:
    """A clicked example fills the prompt box."""
    text = said(data, "prompt")
    return {"prompt": text} if text else {}


def show_examples(services: Services, prompt_set: str, checkpoints: Sequence[str] | None) -> Updates:
    """The examples of another prompt set; for a model that has prompts of its own, others say so.

    So do models that are usually drawn with different numbers.
    """
    chosen = checkpoints or ()
    told = (_beyond(services, prompt_set, chosen), usual_of_all(chosen, services.bench.registry()).note())
    return {
        "examples": chips(services.prompts.get(prompt_set, ())),
        "world": notice(" ".join(filter(None, told)), "hint"),
    }


def follow_checkpoints(services: Services, checkpoints: Sequence[str] | None, prompt_set: str | None) -> Updates:
    """The prompt sets that fit the chosen checkpoints, and the examples of another where the one on show was for others."""
    chosen = following(services, prompt_set or "", checkpoints or ())
    return {
        "prompt_set": sets_menu(services, checkpoints or (), chosen),
        **show_examples(services, chosen, checkpoints),
    }


def follow_choice(services: Services, checkpoints: Sequence[str] | None, prompt: str | None, *said: Any) -> Updates:
    """After somebody chose checkpoints: their usual numbers, and an example in the prompt box that fits them.

    What was typed stays; ``said`` are the fields of ``USUAL``.
    """
    usual = usual_for(services, checkpoints, *said)
    if not stale(services, prompt or "", checkpoints or ()):
        return usual
    return usual | {"prompt": first_prompt(services, checkpoints or ())}


def _beyond(services: Services, prompt_set: str, checkpoints: Sequence[str]) -> str:
    """Why a prompt set is not for the chosen checkpoints; empty where it is."""
    own = fitting(services, checkpoints)
    if not own or own == EVERYDAY or prompt_set != EVERYDAY:
        return ""
    name = next(one for one in checkpoints if fitting(services, [one]) == own).partition("@")[0]
    return (
        f"{name} knows only what its own examples ({own}) name: of these prompts it draws blobs, and its scores "
        "stay empty. They are for models from the Hub."
    )


def read_form(fields: Sequence[Any]) -> Form:
    """The form's values in the order of its controls; what a browser leaves empty is the text ``""``."""
    prompt, checkpoints, scale, first, count, steps, scheduler, guidance, params, negative, height, width = fields
    names = tuple(str(name) for name in checkpoints or ())
    words = (scheduler or "", guidance or "", params or "", negative or "")
    return Form(prompt or "", names, scale, first, count, steps, *words, height, width)
