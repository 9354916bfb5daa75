"""Strangers' work by address: the budget of an hour, what an address is, and who is asked."""

from __future__ import annotations

import itertools
import threading
from functools import partial
from types import SimpleNamespace

import gradio as gr
import pytest

from t2ialign import settings
from t2ialign.dashboard.shared.visitors import LEAST, TooMany, Visitor, Visits, in_a_line, network, visitor_of
from t2ialign.engines import LocalEngine
from t2ialign.settings import VisitorLimits, visitor_limits
from t2ialign.types import InputError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def visits(clock: Clock) -> Visits:
    return Visits(LocalEngine(), VisitorLimits(work=1000), clock)


def begin(visits: Visits, work: int, address: str = "1.2.3.4", owner: bool = False) -> str:
    name = f"run {len(visits._asked)} {visits.clock()}"
    return visits.begin(Visitor("page", address, owner), work, lambda: name)


def test_an_address_has_so_many_picture_steps_an_hour(visits, clock):
    begin(visits, 600)
    clock.now = 1200.0
    begin(visits, 400)
    with pytest.raises(
        InputError, match="This takes 25 picture steps, and of 1,000 an hour your address has 0 left.* wait 40 min"
    ):
        begin(visits, 1)
    begin(visits, 1000, "5.6.7.8")
    clock.now = 3600.0
    begin(visits, 600)
    with pytest.raises(InputError, match="has 0 left"):
        begin(visits, 1)


def test_the_smallest_run_counts_too_for_each_is_a_row(visits):
    names = itertools.count()
    for _ in range(1000 // LEAST):
        visits.begin(Visitor("page", "1.2.3.4", owner=False), 1, lambda: f"run {next(names)}")
    with pytest.raises(TooMany, match="has 0 left"):
        begin(visits, 1)


def test_what_no_hour_has_room_for_says_so(visits):
    with pytest.raises(InputError, match="fewer seeds, steps or checkpoints.$"):
        begin(visits, 1001)


def test_the_owner_has_no_budget_and_uses_up_nobodys(visits):
    for _ in range(3):
        begin(visits, 10_000, owner=True)
    begin(visits, 1000)  # all that an hour has room for is still there
    with pytest.raises(InputError, match="has 0 left"):
        begin(visits, 1)


def test_what_is_over_is_forgotten(visits, clock):
    for day in range(5):
        clock.now = 24 * 3600.0 * day
        begin(visits, 1)
    assert len(visits._asked) == 1


def test_all_addresses_together_have_a_day(clock):
    visits = Visits(LocalEngine(), VisitorLimits(work=1000, day=2500), clock)
    for last in range(2):
        begin(visits, 1000, f"1.2.3.{last}")
    begin(visits, 9000, owner=True)
    with pytest.raises(InputError, match="used up today's 2,500 picture steps"):
        begin(visits, 1000, "1.2.3.9")
    clock.now = 24 * 3600.0
    begin(visits, 1000, "1.2.3.9")


def test_an_address_may_ask_so_often_a_minute(clock):
    visits = Visits(LocalEngine(), VisitorLimits(requests=2), clock)
    stranger = Visitor("", "1.2.3.4", owner=False)
    for _ in range(2):
        visits.count(stranger)
    clock.now = 20.0
    with pytest.raises(InputError, match="2 times a minute: wait 40 s"):
        visits.count(stranger)
    visits.count(Visitor("", "5.6.7.8", owner=False))
    visits.count(Visitor())
    clock.now = 60.0
    visits.count(stranger)


def test_who_waits_hears_when_it_may_begin(clock):
    """The run at work has done a quarter of 400 picture steps and needs 30 s more; 200 wait before the last: 15 s."""
    engine, go_on = LocalEngine(), threading.Event()
    visits = Visits(engine, VisitorLimits(runs=9), clock)

    def work(cancelled):
        yield SimpleNamespace(fraction=0.25, remaining=30.0)
        go_on.wait(20)

    def start(name, work):
        engine.submit(name, work)
        return name

    for name, size in (("first", 400), ("second", 200), ("third", 1)):
        visits.begin(Visitor("page", "1.2.3.4", owner=False), size, partial(start, name, work))
    while engine.look("first").record is None:
        pass
    assert visits.seconds_until("first") is None and visits.seconds_until("nothing") is None
    assert visits.seconds_until("second") == 30.0
    assert visits.seconds_until("third") == 30.0 + 200 * 30 / 300
    go_on.set()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1.2.3.4", "1.2.3.5", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:1.2.3.4", "1.2.3.4", True),
        ("testclient", "testclient", True),
    ],
)
def test_an_address_is_a_household(one: str, other: str, same: bool):
    assert (network(one) == network(other)) is same


def asking(host: str, **headers: str) -> gr.Request:
    return gr.Request(SimpleNamespace(client=SimpleNamespace(host=host), headers=headers), session_hash="chosen")


def test_what_a_request_claims_about_its_address_is_not_believed(monkeypatch):
    told = asking("9.9.9.9", **{"x-forwarded-for": "1.1.1.1"})
    assert visitor_of(told, "") == Visitor("chosen", "9.9.9.9", owner=True)
    monkeypatch.setattr(settings, "OWNER_TOKEN", "secret")
    assert not visitor_of(told, "guess").owner and visitor_of(told, "secret").owner


def test_limits_are_whole_numbers_of_the_environment(monkeypatch):
    visitor_limits.cache_clear()
    monkeypatch.setenv("T2IALIGN_VISITOR_QUEUE", "3")
    assert visitor_limits() == VisitorLimits(queue=3)
    visitor_limits.cache_clear()
    for bad in ("0", "-1", "many", "1.5", "9" * 30):
        monkeypatch.setenv("T2IALIGN_VISITOR_QUEUE", bad)
        with pytest.raises(InputError, match="T2IALIGN_VISITOR_QUEUE is"):
            visitor_limits()
    visitor_limits.cache_clear()


def test_the_page_says_them_where_there_are_strangers(monkeypatch):
    assert in_a_line(VisitorLimits()) == ""
    monkeypatch.setattr(settings, "SPACE", "someone/space")
    assert "8 runs in the queue, 2 of one address; 40,000 picture steps an hour" in in_a_line(VisitorLimits())
