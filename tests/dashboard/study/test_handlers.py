import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from t2ialign.dashboard.rate import handlers
from t2ialign.dashboard.study import handlers as studying
from t2ialign.dashboard.study.design_form import FIELDS, values_of
from t2ialign.dashboard.study.qr import qr_svg
from t2ialign.hub.study_folder import export_csv
from t2ialign.store import open_store
from t2ialign.store.studies import list_studies, study_of
from t2ialign.store.vote_queries import answers_of
from t2ialign.study.design import from_toml, to_toml
from t2ialign.types import InputError
from tests.dashboard import fakes
from tests.dashboard.studies import DESIGN, PICK, draft, opened

HERE = "https://example.org/space/"


def form(design=DESIGN, **change) -> list:
    values = {**values_of(design), **change}
    return [values[name] for name in FIELDS]


def values(updates: dict) -> dict:
    """Updates of components as their values."""
    return {name: getattr(update, "value", update) for name, update in updates.items()}


def test_a_new_store_has_a_form_to_begin_with(services):
    updates = studying.open_page(services, "", HERE)
    assert "Ask people" in updates["status"] and updates["title"]
    assert [one["checkpoint"] for one in updates["contenders"].value] == ["base", "spo"]
    assert "mi-tune" in updates["contenders"].props["checkpoints"]
    assert updates["study"].choices == [studying.NEW] and not list_studies(services.store)


def test_the_form_is_kept_as_a_draft_and_changed(services):
    study = values(studying.save(services, "", HERE, *form()))["study"]
    assert study_of(services.store, study).design == DESIGN
    updates = studying.save(services, study, HERE, *form(title="Another <b>title</b>"))
    assert "Another &lt;b&gt;title" in updates["status"] and len(list_studies(services.store)) == 1
    assert "0 of 9 batches" in updates["status"] and "Preview as a rater" not in updates["status"]


def test_a_form_with_a_mistake_keeps_nothing(services):
    with pytest.raises(InputError, match="title"):
        studying.save(services, "", HERE, *form(title=" "))
    assert not list_studies(services.store)


def test_a_draft_with_pictures_can_be_looked_at(services):
    study = draft(services).id
    status = studying.look(services, study, HERE)["status"]
    assert "9 of 9 batches" in status and f'href="rate/{study}"' in status


def test_trouble_with_the_votes_is_told_above_every_study(services):
    warned = replace(services, trouble=lambda: "The Hub cannot be reached.")
    for study in ("", draft(services).id):
        assert '<p class="t2-notice problem" role="alert">The Hub' in studying.look(warned, study, HERE)["status"]


@pytest.mark.slow
def test_opening_freezes_and_invites(services):
    study = draft(services, PICK).id
    updates = studying.open_study(services, study, HERE, *form(PICK))
    assert study_of(services.store, study).state == "open" and "Frozen as" in updates["status"]
    assert f"{HERE}rate/{study}" in updates["invitation"] and "<svg" in updates["invitation"]
    assert not updates["drafting"].visible and updates["pause"].visible and "opened" in updates["log"]
    assert updates["inner"].selected == "invite"
    with pytest.raises(InputError, match="frozen"):
        studying.save(services, study, HERE, *form(PICK))


@pytest.mark.slow
def test_a_study_that_opens_by_itself_shows_its_link(services):
    study = draft(services, PICK).id
    seen = studying.look(services, study, HERE)["seen"]
    assert "inner" not in studying.tick(services, study, HERE, seen)
    studying.publish(services.bench, study)
    assert studying.tick(services, study, HERE, seen)["inner"].selected == "invite"
    assert "inner" not in studying.choose(services, study, HERE)
    assert studying.choose(services, "", HERE)["inner"].selected == "design"


@pytest.mark.slow
def test_open_arenas_are_for_everybody(services):
    assert studying.open_arenas(services) == {"arenas": ""}
    opened(services, PICK)
    arena = opened(services, replace(PICK, title="<b>Best</b>?", compare="arena", checks=0)).id
    told = studying.open_arenas(services)["arenas"]
    assert f'href="rate/{arena}"' in told and "&lt;b&gt;Best" in told and told.count("<a ") == 1
    studying.step(services, "paused", arena, HERE)
    assert studying.open_arenas(services) == {"arenas": ""}


def test_opening_makes_what_is_missing_first(services, monkeypatch):
    study = draft(services, pictures=False).id
    made = []
    monkeypatch.setattr(studying, "prepare", lambda *_: iter(made.append(1) or ()))
    monkeypatch.setattr(studying, "publish", lambda *_: made.append(2))
    studying.open_study(services, study, HERE, *form())
    services.engine.wait(f"study {study}", 20)
    assert made == [1, 2]


def test_what_fails_in_the_background_is_told(services, monkeypatch):
    def fail(*_):
        raise InputError("No such model.")
        yield

    study = draft(services, pictures=False).id
    monkeypatch.setattr(studying, "prepare", fail)
    studying.make_pictures(services, study, HERE, *form())
    services.engine.wait(f"study {study}", 20)
    assert "No such model." in studying.tick(services, study, HERE, f"{study} before")["study_notice"]


@pytest.mark.slow
def test_pause_resume_close(services):
    study = opened(services, PICK).id
    for state in ("paused", "open", "closed"):
        assert f"t2-state {state}" in studying.step(services, state, study, HERE)["status"]
    with pytest.raises(InputError, match="closed"):
        studying.step(services, "open", study, HERE)


@pytest.mark.slow
def test_a_draft_can_be_deleted_and_an_open_study_not(services):
    study, kept = draft(services).id, opened(services, PICK).id
    updates = studying.delete(services, study, HERE)
    assert values(updates)["study"] == kept and [one.id for one in list_studies(services.store)] == [kept]
    with pytest.raises(InputError):
        studying.delete(services, kept, HERE)


def test_a_frozen_design_begins_another_study(services):
    study = opened(services, PICK).id
    again = values(studying.copy(services, study, HERE, *form(PICK)))["study"]
    assert again != study and study_of(services.store, again).design == PICK


def test_toml_out_and_in(services, tmp_path):
    path = values(studying.write_toml(services, *form()))["toml"]["path"]
    assert from_toml(Path(path).read_text(encoding="utf-8")) == DESIGN
    file = tmp_path / "mine.toml"
    file.write_text(to_toml(PICK), encoding="utf-8")
    updates = studying.read_toml(services, HERE, str(file))
    assert updates["title"] == PICK.title and updates["kind"] == "pick"
    for bad in (b"title = ", b"\xff\xfe"):
        file.write_bytes(bad)
        with pytest.raises(InputError):
            studying.read_toml(services, HERE, str(file))
    with pytest.raises(InputError, match="choose"):
        studying.read_toml(services, HERE, None)


@pytest.mark.slow
def test_an_exported_study_comes_back_from_its_zip(services, tmp_path):
    with open_store(tmp_path / "other") as store:
        study = opened(fakes.services_of(store), PICK).id
        joined = handlers.join(store, study, consent=True)
        handlers.answer(store, study, joined["survey"], joined["rounds"][0]["trial"], {"chosen": [0]}, 900)
        export_csv(store, study, tmp_path / "out")
    file = shutil.make_archive(str(tmp_path / "study"), "zip", tmp_path / "out")
    assert "t2-state closed" in studying.read_toml(services, HERE, file)["status"]
    assert len(answers_of(services.store, study)) == 1


@pytest.mark.slow
def test_the_page_only_hears_what_is_new(services):
    study = opened(services, PICK).id
    seen = studying.look(services, study, HERE)["seen"]
    assert studying.tick(services, study, HERE, seen) == {} and studying.tick(services, "", HERE, "") == {}
    assert studying.tick(services, study, HERE, "") == {} == studying.tick(services, study, HERE, "another-study open")
    studying.step(services, "paused", study, HERE)
    assert "t2-state paused" in studying.tick(services, study, HERE, seen)["status"]


def test_lines_are_added(services):
    known = next(iter(services.prompts))
    added = studying.add_prompts(services, "", known, [], 2)["study_prompts"].splitlines()
    assert len(added) == 2 * len(dict.fromkeys(prompt.category for prompt in services.prompts[known]))
    assert studying.show_categories(services, known)["add_categories"].choices


def test_the_code_is_drawn_here():
    svg = qr_svg("https://example.org/rate/x")
    assert svg.startswith("<svg") and "viewBox" in svg and "<script" not in svg


def test_a_busy_study_shows_how_far_its_pictures_are(services, monkeypatch):
    def slowly(*_):
        yield studying.BatchesState(1, 4, 2, 1.0, 30.0)
        time.sleep(1.0)

    study = draft(services, pictures=False).id
    monkeypatch.setattr(studying, "prepare", slowly)
    studying.make_pictures(services, study, HERE, *form())
    time.sleep(0.3)
    assert "Making the pictures: 25%, about 30 s left" in studying.look(services, study, HERE)["status"]
