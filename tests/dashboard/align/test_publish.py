"""The button that publishes: what it needs, what it sends, and that only the owner presses it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from t2ialign.dashboard.align import publish
from t2ialign.dashboard.align.job_state import Watch
from t2ialign.types import InputError
from tests.dashboard.trainings import add_training


@pytest.fixture
def sent(monkeypatch) -> list:
    """What would go to the Hub; the folder is another test's."""
    found: list = []
    monkeypatch.setattr(
        publish, "write_folder", lambda bench, name, folder, licence: SimpleNamespace(usual=name, x="x", y="y")
    )
    monkeypatch.setattr(publish, "in_a_sentence", lambda usual, x, y: f"{usual} is better.")
    monkeypatch.setattr(
        publish, "push_checkpoint", lambda folder, repo: found.append((folder.name, repo)) or "https://hub/me/mine"
    )
    return found


@pytest.fixture
def watch(services) -> Watch:
    add_training(services.store, "align-1", steps=1, command=("align", "f_dpo", "--name", "mine"))
    return Watch(services)


def test_a_finished_run_is_published(services, watch, sent):
    told = publish.publish(services, watch, "align-1", " me/mine ", "")["pushed"]
    assert sent == [("mine", "me/mine")]
    assert "Published, private: https://hub/me/mine. mine is better. The card names no licence" in told
    assert "licence" not in publish.publish(services, watch, "align-1", "me/mine", "apache-2.0")["pushed"]


@pytest.mark.parametrize(
    ("job", "repo", "said"), [("x", "mine", "as your-name/"), ("x", "/", "as your"), ("", "a/b", "Open")]
)
def test_what_is_missing_is_said(services, watch, sent, job, repo, said):
    with pytest.raises(InputError, match=said):
        publish.publish(services, watch, job, repo, None)
    assert sent == []
