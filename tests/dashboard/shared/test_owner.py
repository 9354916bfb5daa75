import pytest

from t2ialign import settings
from t2ialign.dashboard.shared import owner
from t2ialign.types import InputError


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setattr(settings, "OWNER_TOKEN", "ein Schlüssel")
    return "ein Schlüssel"


def test_without_a_token_nobody_is_kept_out():
    assert not owner.locked("") and not owner.locked("anything")


def test_with_a_token_only_the_key_opens(token):
    assert owner.locked("") and owner.locked("ein") and not owner.locked(token)
    with pytest.raises(InputError, match="unlock"):
        owner.check("")
    with pytest.raises(InputError, match="not the owner's token"):
        owner.unlocked("wrong", owner.Guesses(), "1.2.3.4")
    assert owner.unlocked(token, owner.Guesses(), "1.2.3.4") == token


def test_a_space_without_a_token_has_no_owner(monkeypatch):
    monkeypatch.setattr(settings, "SPACE", "someone/space")
    assert owner.locked("") and owner.locked("anything") and not owner.signed("draft", owner.sign("draft"))
    for act in (owner.check, lambda key: owner.unlocked(key, owner.Guesses(), "1.2.3.4")):
        with pytest.raises(InputError, match="set the secret T2IALIGN_OWNER_TOKEN"):
            act("")


def test_guesses_are_counted_by_address_and_each_costs_twice_the_last(token):
    now = [0.0]
    guesses = owner.Guesses(lambda: now[0])

    def told(typed: str, address: str = "1.2.3.4") -> str:
        try:
            return owner.unlocked(typed, guesses, address)
        except InputError as error:
            return str(error)

    assert [told("guess") for _ in range(5)] == [owner.WRONG] * 5
    assert told(token) == "There were 5 wrong tokens: wait 1 s, then try again.", "even the right one is not looked at"
    assert told(token, "5.6.7.8") == token
    waits = []
    for _ in range(12):
        now[0] = guesses._wrong["1.2.3.4"][1]
        assert told("guess") == owner.WRONG
        waits.append(guesses._wrong["1.2.3.4"][1] - now[0])
    assert waits[:8] == [2, 4, 8, 16, 32, 64, 128, 256] and set(waits[8:]) == {300.0}
    now[0] += 300
    assert told(token) == token and told("guess") == owner.WRONG and told(token) == token


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
