import pytest

from t2ialign import settings
from t2ialign.dashboard.shared import owner
from t2ialign.types import InputError


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setattr(settings, "OWNER_TOKEN", "ein Schlüssel")
    monkeypatch.setattr(owner, "PATIENCE", 0.0)
    return "ein Schlüssel"


def test_without_a_token_nobody_is_kept_out():
    assert not owner.locked("") and not owner.locked("anything")


def test_with_a_token_only_the_key_opens(token):
    assert owner.locked("") and owner.locked("ein") and not owner.locked(token)
    with pytest.raises(InputError, match="unlock"):
        owner.check("")
    with pytest.raises(InputError, match="not the owner's token"):
        owner.unlocked("wrong")
    assert owner.unlocked(token) == token


def test_a_guarded_handler_runs_for_the_owner_only(token):
    asked = []
    run = owner.owned(lambda *values: asked.append(values), lambda sentence: sentence)
    assert run("", 1) == owner.REFUSAL and run("wrong", 1) == owner.REFUSAL and asked == []
    run(token, 1, 2)
    assert asked == [(1, 2)]


def test_a_problem_becomes_its_sentence(token):
    def fail(*values):
        raise InputError("Fill it in.")

    assert owner.owned(fail, str.upper)(token) == "FILL IT IN."
