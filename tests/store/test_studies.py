from __future__ import annotations

import json
from dataclasses import replace

import pytest

from t2ialign.codec import decode, encode
from t2ialign.store import Store, images
from t2ialign.store import studies as api
from t2ialign.study.exclusion import Rule
from t2ialign.study.manifest import Manifest
from t2ialign.types import InputError
from tests.store.studying import manifest_of_noise, opened_study


def test_a_draft_can_be_changed_and_deleted(store: Store):
    design = manifest_of_noise(store).design
    study = api.add_study(store, design)
    assert study.id.startswith("which-")
    changed = api.save_design(store, study.id, replace(design, title="Which then?", rounds=2))
    assert (changed.title, changed.design.rounds, changed.state, changed.hash) == ("Which then?", 2, "draft", "")
    assert [found.id for found in api.list_studies(store)] == [study.id]
    api.delete_draft(store, study.id)
    assert api.list_studies(store) == []


def test_opening_freezes(store: Store):
    study = opened_study(store)
    assert study.state == "open"
    manifest = api.manifest_of(store, study.id)
    assert manifest.hash == study.hash
    with pytest.raises(InputError, match="frozen"):
        api.save_design(store, study.id, manifest.design)
    with pytest.raises(InputError, match="opened before"):
        api.open_study(store, study.id, manifest)
    with pytest.raises(InputError, match="Only a draft"):
        api.delete_draft(store, study.id)


def test_what_was_frozen_lies_beside_the_votes(store: Store):
    study = opened_study(store)
    text = (store.home / "votes" / f"{study.id}.json").read_text()
    assert decode(Manifest, json.loads(text)).hash == study.hash
    for sha in api.manifest_of(store, study.id).pictures:
        images.path_of(store.home, sha).unlink()
        assert images.digest(api.picture_of(store, sha)) == sha


def test_a_changed_manifest_is_noticed(store: Store):
    study = opened_study(store)
    text = json.dumps(encode(api.manifest_of(store, study.id))).replace("a star", "a moon")
    with store.transaction() as cursor:
        cursor.execute("UPDATE studies SET manifest = ?", [text]).fetchall()
    with pytest.raises(InputError, match="not what was frozen"):
        api.manifest_of(store, study.id)


def test_states_follow_each_other(store: Store):
    study = opened_study(store).id
    assert api.set_state(store, study, "paused").state == "paused"
    assert api.set_state(store, study, "open").state == "open"
    assert api.set_state(store, study, "closed").state == "closed"
    for state in ("open", "paused", "draft"):
        with pytest.raises(InputError, match="closed cannot become"):
            api.set_state(store, study, state)
    draft = api.add_study(store, manifest_of_noise(store).design).id
    with pytest.raises(InputError, match="draft cannot become open"):
        api.set_state(store, draft, "open")
    assert [event for _, event in api.study_log(store, study)][1:] != []


def test_a_study_without_its_pictures_does_not_open(store: Store):
    manifest = manifest_of_noise(store)
    study = api.add_study(store, manifest.design)
    images.path_of(store.home, manifest.exhibits[0].pictures[0]).unlink()
    with pytest.raises(InputError, match="changed or lost"):
        api.open_study(store, study.id, manifest)
    assert api.study_of(store, study.id).state == "draft"


def test_unknown_studies_and_forged_pictures(store: Store):
    for call in (api.study_of, api.manifest_of, api.delete_draft):
        with pytest.raises(InputError, match="no study"):
            call(store, "nonsense")
    for name in ("../../t2ialign.duckdb", "0" * 64, ""):
        with pytest.raises(InputError, match="changed or lost"):
            api.picture_of(store, name)


def test_exclusions_are_logged_and_reversible(store: Store):
    study, rule = opened_study(store).id, Rule("fast", 800)
    api.exclude(store, study, rule, "too quick to look")
    api.exclude(store, study, rule)
    assert api.exclusions(store, study) == (rule,)
    api.include(store, study, rule)
    assert api.exclusions(store, study) == ()
    events = [event for _, event in api.study_log(store, study)]
    assert sum("too quick to look" in event for event in events) == 1
    assert sum(event.startswith("taken back") for event in events) == 1
