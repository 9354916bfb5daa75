"""Answers that are worked out once for all who ask."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from t2ialign.remembering import Memory


def test_many_who_ask_at_once_share_one_answer() -> None:
    """Eight ask; the first works until all are there, so that each of the others has to wait for it or work too."""
    memory, asked, all_here = Memory(4), [], threading.Barrier(8)

    def answer() -> str:
        asked.append(1)
        all_here.wait(10)
        return "said"

    def ask(number: int) -> str:
        if number:
            helper = threading.Thread(target=all_here.wait, args=(10,))
            helper.start()
        return memory.ask("what?", answer)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == ["said"] * 8
    assert len(asked) == 1
    assert memory.ask("what?", answer) == "said"


def test_an_answer_counts_while_it_holds() -> None:
    memory, clock = Memory(4), [1]

    def ask() -> int:
        return memory.ask("when?", lambda: clock[0], clock[0], lambda then: then == clock[0])

    assert ask() == ask() == 1
    clock[0] = 2
    assert ask() == 2


def test_what_was_begun_before_a_change_is_no_answer_for_who_asks_after_it() -> None:
    memory, begun, go_on, clock = Memory(4), threading.Event(), threading.Event(), [1]

    def slow() -> str:
        begun.set()
        go_on.wait(10)
        return "old"

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(memory.ask, "what?", slow, 1)
        begun.wait(10)
        clock[0] = 2
        assert memory.ask("what?", lambda: "new", 2, lambda then: then == 2) == "new"
        go_on.set()
        assert first.result(10) == "old"
    assert memory.ask("what?", lambda: "newer", 2, lambda then: then == 2) == "new"


def test_a_failure_is_nobody_elses() -> None:
    memory = Memory(4)
    with pytest.raises(ZeroDivisionError):
        memory.ask("what?", lambda: 1 // 0)
    assert memory.ask("what?", lambda: "said") == "said"


def test_the_one_not_asked_for_longest_makes_room() -> None:
    memory = Memory(2)
    for question in ("a", "b", "a", "c"):
        memory.ask(question, lambda: "first")
    assert [memory.ask(question, lambda: "again") for question in ("a", "c", "b")] == ["first", "first", "again"]


def test_what_is_forgotten_is_worked_out_anew() -> None:
    memory, asked = Memory(4), []
    for _ in range(2):
        memory.ask("what?", lambda: asked.append(1))
    memory.forget()
    memory.ask("what?", lambda: asked.append(1))
    assert len(asked) == 2
