"""The button for weights that a run's scores lack: the owner's alone, beside other runs, and the page then shows the scores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from t2ialign.dashboard.explore import handlers, missing_weights
from t2ialign.dashboard.explore.subject_state import fetching, watch
from t2ialign.dashboard.services import Services, open_services
from t2ialign.dashboard.shared.links import Subject
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.use_cases.batches.run import open_run, requests_for, run_batches
from t2ialign.use_cases.weights import Fetched
from t2ialign.use_cases.workbench import Workbench
from tests.use_cases.batches.test_left_out import REQUEST, bench, bring_squeezenet, pipeline  # noqa: F401

OWNER, STRANGER = Visitor("mine"), Visitor("another", "1.2.3.4", owner=False)


@pytest.fixture
def services(bench: Workbench) -> Iterator[Services]:  # noqa: F811
    yield open_services(bench)


def shown(services: Services, subject: Subject) -> dict:
    return handlers.draw(services, watch(services, subject), "light", charted="")


@pytest.mark.slow
def test_what_a_run_lacks_is_fetched_and_scored(services: Services, tmp_path: Path, monkeypatch):
    requests = requests_for(REQUEST, ["sd-1.5"])
    run = open_run(services.bench, requests)
    services.engine.submit(run.id, lambda cancelled: run_batches(services.bench, run.id, requests, cancelled))
    assert services.engine.wait(run.id, 60).status == "done"
    subject = Subject(run=run.id)
    before = shown(services, subject)
    assert before["fetch"].visible and before["fetch"].value == "Fetch clip-vit-b-32 and lpips-squeeze"
    assert "weights fetch lpips-squeeze" in before["notice"]

    def fetch(registry, names, watch_bytes):
        assert names == ("clip-vit-b-32", "lpips-squeeze")
        watch_bytes("squeezenet", 500_000, 1_000_000)
        assert "Fetching squeezenet: 500 kB of 1 MB (50%)." in shown(services, subject)["notice"]
        bring_squeezenet(tmp_path)
        yield Fetched("clip-vit-b-32", problem="The Hub is closed today.")
        yield Fetched("lpips-squeeze", "here")

    monkeypatch.setattr(missing_weights, "fetch_weights", fetch)
    refused = missing_weights.fetch(services, STRANGER, str(subject))
    assert "belongs to the owner" in refused["notice"] and services.downloads.look(fetching(subject)) is None
    begun = missing_weights.fetch(services, OWNER, str(subject))
    assert begun["timer"].active and not begun["fetch"].visible
    assert services.downloads.wait(fetching(subject), 60).status == "done"
    after = shown(services, subject)
    assert "The Hub is closed today. 1 scores written for 1 of 1 cells." in after["notice"]
    assert after["fetch"].visible and after["fetch"].value == "Fetch clip-vit-b-32"
    assert "lpips" in watch(services, subject).batches[0].scores


def test_nothing_is_offered_where_nothing_is_missing(services: Services):
    assert not shown(services, Subject())["fetch"].visible
