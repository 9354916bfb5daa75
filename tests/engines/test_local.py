"""The background thread: order, newest record, cancelling, failures that do not kill it."""

from __future__ import annotations

import threading

from t2ialign.engines import LocalEngine
from t2ialign.types import InputError


def test_tasks_run_in_turn_and_keep_their_newest_record() -> None:
    engine, order = LocalEngine(), []

    def count(name: str):
        def start(cancelled):
            for number in range(3):
                order.append(name)
                yield number

        return start

    engine.submit("a", count("a"))
    engine.submit("b", count("b"))
    task = engine.wait("b", timeout=5)
    assert task is not None and task.status == "done" and task.record == 2
    assert order == ["a"] * 3 + ["b"] * 3


def test_cancelling_stops_a_running_task_and_drops_a_waiting_one() -> None:
    engine, entered, ran = LocalEngine(), threading.Event(), []

    def endless(cancelled):
        while not cancelled():
            entered.set()
            yield "tick"

    engine.submit("long", endless)
    engine.submit("waiting", lambda cancelled: iter(ran.append(1) or ()))
    assert entered.wait(5) and engine.ahead_of("waiting") == 1
    engine.cancel("waiting")
    engine.cancel("long")
    assert engine.wait("long", 5).status == "cancelled"
    engine.submit("after", lambda cancelled: iter(["x"]))
    assert engine.wait("after", 5).record == "x"
    assert engine.look("waiting").status == "cancelled" and not ran


def test_a_failure_becomes_a_sentence_and_the_thread_lives_on() -> None:
    engine = LocalEngine()

    def bad_input(cancelled):
        yield 1
        raise InputError("Seeds must not be negative; write 0-15.")

    def crash(cancelled):
        raise ZeroDivisionError("division by zero")
        yield

    engine.submit("person", bad_input)
    engine.submit("program", crash)
    person, program = engine.wait("person", 5), engine.wait("program", 5)
    assert (person.status, person.record, person.error) == ("failed", 1, "Seeds must not be negative; write 0-15.")
    assert program.status == "failed" and "ZeroDivisionError" in program.error
    engine.submit("person", lambda cancelled: iter([7]))
    assert engine.wait("person", 5).status == "done"


def test_a_key_at_work_is_not_started_twice() -> None:
    engine, gate, starts = LocalEngine(), threading.Event(), []

    def wait_for_gate(cancelled):
        starts.append(1)
        gate.wait(5)
        yield "once"

    engine.submit("same", wait_for_gate)
    engine.submit("same", wait_for_gate)
    gate.set()
    assert engine.wait("same", 5).record == "once" and len(starts) == 1
