"""The Study page's handlers for designing, opening and ending a study: plain functions that say what changes on the page."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from markupsafe import Markup

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.wiring import Updates
from t2ialign.dashboard.shared.words import CONSENT
from t2ialign.dashboard.study.design_form import design_of, more_prompts, values_of
from t2ialign.dashboard.study.qr import qr_svg
from t2ialign.dashboard.study.status_view import NOBODY, StudyStatus, arenas, history, invitation, standing
from t2ialign.hub.study_folder import import_zip
from t2ialign.store.studies import (
    QUICK,
    Study,
    add_study,
    delete_draft,
    list_studies,
    save_design,
    set_state,
    study_log,
    study_of,
)
from t2ialign.store.vote_queries import count_answers, list_surveys
from t2ialign.study.design import Contender, StudyDesign, read_design, to_toml
from t2ialign.types import InputError
from t2ialign.use_cases.batches.sweep import BatchesState, note_lines
from t2ialign.use_cases.studies.prepare import missing, notes_on, prepare, publish, requests_of

NEW = ("New study", "")
PER_CATEGORY = 3
QUICKLY = notice("Quick votes come from the large pictures of Explore; they were not blind.", "hint")
INSTRUCTIONS = "You see a text and pictures made from it. Read the text first, then answer the question above it."


def fresh_design(services: Services) -> StudyDesign:
    """What a new study starts from: two checkpoints of one backbone and a few prompts of every category."""
    known = next(iter(services.prompts.values()), ())
    categories = dict.fromkeys(prompt.category for prompt in known)
    of = {name: [prompt for prompt in known if prompt.category == name][:PER_CATEGORY] for name in categories}
    return StudyDesign(
        title="Which pictures fit the text?",
        contenders=_first_contenders(services),
        prompts=tuple(prompt for prompts in of.values() for prompt in prompts),
        instructions=INSTRUCTIONS,
        consent=CONSENT,
    )


def _first_contenders(services: Services) -> tuple[Contender, ...]:
    """The first checkpoint and one trained from the same backbone; where there is none, two CFG values of it."""
    entries = list(services.checkpoints().values())
    same = [one.name for one in entries if one.backbone == entries[0].backbone]
    if len(same) > 1:
        return tuple(Contender(name, name) for name in (same[0], same[-1]))
    return tuple(Contender(f"CFG {scale}", same[0] if same else "base", scale) for scale in (2, 6))


def open_page(services: Services, study: str | None, address: str) -> Updates:
    """The page as it is first seen: the chosen study, else the newest."""
    known = [one.id for one in list_studies(services.store)]
    chosen = study if study in known else next(iter(known), "")
    return fill(services, chosen) | draw(services, chosen, address)


def open_arenas(services: Services) -> Updates:
    """The arenas in which anybody may vote now, also whoever has no key: their links."""
    found = [one for one in list_studies(services.store) if one.state == "open" and one.designed.endless]
    return {"arenas": arenas([(one.id, one.title) for one in found])}


def choose(services: Services, study: str, address: str) -> Updates:
    """Another study, or a new one."""
    updates = fill(services, study) | draw(services, study or "", address)
    return (
        updates
        if study and study_of(services.store, study).state != "draft"
        else updates | {"inner": gr.Tabs(selected="design")}
    )


def fill(services: Services, study: str) -> Updates:
    """The form with a study's design."""
    found = study_of(services.store, study).design if study else fresh_design(services)
    if found is None:
        return {}
    values = values_of(found)
    return {**values, "contenders": gr.HTML(values["contenders"], checkpoints=list(services.checkpoints()))}


def draw(services: Services, study: str, address: str) -> Updates:
    """Everything around the form that says how a study stands."""
    found = study_of(services.store, study) if study else None
    state = found.state if found else "draft"
    choices = [NEW, *((f"{one.title} · {one.state}", one.id) for one in list_studies(services.store, quick=True))]
    quick = study == QUICK
    return {
        "study": gr.Dropdown(choices, value=study),
        "drafting": gr.Row(visible=state == "draft"),
        "delete": gr.Button(visible=found is not None),
        "copy": gr.Button(visible=state != "draft" and not quick),
        "pause": gr.Button(visible=state == "open" and not quick),
        "resume": gr.Button(visible=state == "paused"),
        "close": gr.Button(visible=state in ("open", "paused") and not quick),
        "log": history(study_log(services.store, study)) if study else "",
        **_with_notes(services, found, look(services, study, address)),
    }


def _with_notes(services: Services, found: Study | None, updates: Updates) -> Updates:
    """What is to be known of a study's pictures, after what went wrong."""
    if found is None or found.design is None:
        return updates
    try:
        notes = note_lines(notes_on(services.bench, found.design))
        return {
            **updates,
            "study_notice": Markup().join([updates["study_notice"], *(notice(one, "note") for one in notes)]),
        }
    except InputError:  # a checkpoint is gone, say: whoever wants its pictures hears it
        return updates


def look(services: Services, study: str, address: str) -> Updates:
    """How a study stands, and how people get there."""
    trouble = notice(services.trouble())
    if not study:
        return {"status": trouble + NOBODY, "invitation": "", "timer": gr.Timer(active=False), "seen": ""}
    seen = mark(services, study)  # before the look itself, so that what happens meanwhile is seen at the next one
    found = study_of(services.store, study)
    one = standing_of(services, found)
    task = services.engine.look(_task(study))
    code = qr_svg(f"{address}rate/{study}") if address else ""
    return {
        "status": trouble + standing(one),
        "invitation": invitation(address, study, found.state, code) if found.design else QUICKLY,
        "timer": gr.Timer(active=True),
        "seen": seen,
        "study_notice": notice(task.error) if task and task.error and found.state == "draft" else "",
    }


def standing_of(services: Services, found: Study) -> StudyStatus:
    """How a study stands; a draft's pictures are only counted while nobody makes them."""
    answers = count_answers(services.store, found.id)
    target = found.design.target if found.design else max(answers, 1)
    plain = partial(StudyStatus, found.id, found.title, found.state, answers, target)
    task = services.engine.look(_task(found.id))
    if task is not None and not task.finished:
        state = task.record if isinstance(task.record, BatchesState) else BatchesState(0, 1, 0, 0.0, None)
        return plain(0, fraction=state.fraction, remaining=state.remaining)
    if found.state == "draft" and found.design:
        lacking, asked = missing(services.bench, found.design), requests_of(found.design)
        return plain(0, missing=len(lacking), batches=len(asked), key=owner.sign(found.id))
    return plain(len(list_surveys(services.store, found.id)), found.hash)


def mark(services: Services, study: str) -> str:
    """A text that differs from the last one whenever the page would show something else."""
    found, task = study_of(services.store, study), services.engine.look(_task(study))
    work = f"{task.status} {task.record}" if task else ""
    return f"{found.id} {found.state} {count_answers(services.store, study)} {work} {services.trouble()}"


def tick(services: Services, study: str, address: str, seen: str) -> Updates:
    """What has changed since the last look; everything where the state has. Nothing while another study is on its way."""
    if not study or seen.split()[:1] != [study]:
        return {}
    now = mark(services, study)
    if now == seen:
        return {}
    changed = now.split()[:2] != seen.split()[:2] or "done" in now
    opened = invited(services, study) if seen.split()[1:2] == ["draft"] else {}
    return draw(services, study, address) | opened if changed else look(services, study, address)


def invited(services: Services, study: str) -> Updates:
    """Where a study has just been opened, its link comes into view."""
    return {"inner": gr.Tabs(selected="invite")} if study_of(services.store, study).state == "open" else {}


def save(services: Services, study: str, address: str, *fields: Any) -> Updates:
    """Keep the form as a draft: the chosen one's design, or a new one."""
    return draw(services, saved(services, study, fields).id, address)


def saved(services: Services, study: str, fields: tuple[Any, ...]) -> Study:
    """The study of the form as it is in the store now; a frozen one stays as it is."""
    design = design_of(fields)
    return save_design(services.store, study, design) if study else add_study(services.store, design)


def make_pictures(services: Services, study: str, address: str, *fields: Any) -> Updates:
    """Keep the draft and make what it lacks, in the background."""
    found = saved(services, study, fields)
    if missing(services.bench, found.designed):  # it also says at once what cannot be made
        start(services, found, lambda cancelled: prepare(services.bench, found.designed, cancelled))
    return draw(services, found.id, address)


def open_study(services: Services, study: str, address: str, *fields: Any) -> Updates:
    """Keep the draft, make what it lacks, then freeze and open it."""
    found = saved(services, study, fields)
    begin(services, found)
    return draw(services, found.id, address) | invited(services, found.id)


def begin(services: Services, found: Study) -> None:
    """Make what a draft lacks and open it, in the background; at once where nothing is lacking."""
    if missing(services.bench, found.designed):
        start(services, found, partial(_prepare_and_open, services, found))
    else:
        publish(services.bench, found.id)


def start(services: Services, found: Study, work: Callable[[Callable[[], bool]], Iterator[BatchesState]]) -> None:
    services.engine.submit(_task(found.id), work)


def step(services: Services, state: Any, study: str, address: str) -> Updates:
    """Pause, resume or close."""
    set_state(services.store, study, state)
    return draw(services, study, address)


def delete(services: Services, study: str, address: str) -> Updates:
    """Forget a draft."""
    services.engine.cancel(_task(study))
    delete_draft(services.store, study)
    return open_page(services, "", address)


def copy(services: Services, study: str, address: str, *fields: Any) -> Updates:
    """A new draft from the design on show."""
    return draw(services, add_study(services.store, design_of(fields)).id, address)


def write_toml(services: Services, *fields: Any) -> Updates:
    """The form as a file."""
    design = design_of(fields)
    folder = Path(services.exports.name) / uuid.uuid4().hex
    folder.mkdir(parents=True)
    path = folder / "study.toml"
    path.write_text(to_toml(design), encoding="utf-8")
    return {"toml": gr.File(str(path), visible=True)}


def read_toml(services: Services, address: str, file: str | None) -> Updates:
    """A design (TOML) as a new draft, or an exported study (zip) with its votes, closed."""
    if not file:
        raise InputError("No file has arrived: choose a TOML file, or the zip of an export.")
    if file.endswith(".zip"):
        study, _ = import_zip(services.store, Path(file))
        return fill(services, study.id) | draw(services, study.id, address)
    study = add_study(services.store, read_design(Path(file)))
    return fill(services, study.id) | draw(services, study.id, address)


def add_prompts(services: Services, text: str, known: str, categories: Any, each: Any) -> Updates:
    """More lines of prompts."""
    return {"study_prompts": more_prompts(text or "", services.prompts.get(known, ()), categories or (), each)}


def offer_prompt_sets(services: Services) -> Updates:
    """The prompt sets that there are now: some are imported while pages are open."""
    return {"add_set": gr.Dropdown(list(services.prompts))}


def show_categories(services: Services, known: str) -> Updates:
    """The categories of another prompt set."""
    names = list(dict.fromkeys(prompt.category for prompt in services.prompts.get(known, ())))
    return {"add_categories": gr.Dropdown(names, value=[], multiselect=True)}


def _prepare_and_open(services: Services, found: Study, cancelled: Callable[[], bool]) -> Iterator[BatchesState]:
    yield from prepare(services.bench, found.designed, cancelled)
    if not cancelled():
        publish(services.bench, found.id)


def _task(study: str) -> str:
    return f"study {study}"
