"""A local cluster with two workers, one of them killed midway; skipped where Ray is not installed."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from t2ialign.engines import ray as engine
from t2ialign.types import InputError
from tests.engines.ray_work import begin


def test_without_ray_a_sentence(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install .*\[ray\]"):
        list(engine.run_on_ray("local", begin, [1], int))


@pytest.fixture(scope="module")
def cluster():
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-dev.txt")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=10**8)
    yield
    ray.shutdown()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_lost_worker_costs_what_it_was_at_and_nothing_else(cluster) -> None:
    items, found, killed, seen = list(range(90)), {}, 0, set()  # whoever replaces the lost one takes seconds to start
    for item, (double, pid) in engine.run_on_ray("auto", begin, items, int, workers=2):
        assert item not in found
        found[item] = double
        seen.add(pid)
        if len(found) == 3:
            killed = pid  # it has its next item by now
            os.kill(pid, signal.SIGKILL)
        assert len(found) <= 4 or pid != killed
    assert found == {item: 2 * item for item in items} and killed in seen
    assert len(seen) == 3, "two, and one in the place of the lost one"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_more_workers_than_there_is_room_for_block_nothing(cluster) -> None:
    """A lost worker's item goes to whoever is there, though nobody comes in its place while the others have all room."""
    found, killed = {}, []
    for item, (double, pid) in engine.run_on_ray("auto", begin, list(range(8)), int, 3, alike=lambda item: item % 4):
        found[item] = double
        if not killed:
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)
    assert found == {item: 2 * item for item in range(8)}


@pytest.mark.slow
def test_what_goes_wrong_is_a_sentence_and_a_stop_is_heard(cluster) -> None:
    with pytest.raises(InputError, match=r"^-1 is no number to double\.$"):
        list(engine.run_on_ray("auto", begin, [-1], int))
    with pytest.raises(InputError, match="lost 3 times at the same item"):
        list(engine.run_on_ray("auto", begin, [666], int))
    ended = []
    for item, _ in engine.run_on_ray("auto", begin, list(range(50)), int, 2, lambda: len(ended) > 1):
        ended.append(item)
    assert 2 <= len(ended) < 50


@pytest.mark.slow
def test_of_items_that_are_alike_one_begins_when_the_one_before_was_taken(cluster) -> None:
    """Two of three actors are free from the start; 0, 10 and 20 are alike, so are 1 and 11."""
    sent, taken = [], []

    def send(item: int) -> int:
        assert all(other in taken for other in sent if other % 10 == item % 10)
        sent.append(item)
        return item

    items = [0, 10, 20, 1, 11, 2]
    for item, _ in engine.run_on_ray("auto", begin, items, send, 2, alike=lambda item: item % 10):
        taken.append(item)
    assert sorted(taken) == sorted(items) == sorted(sent)
    assert sent[:2] == [0, 1], "what may begin begins in its order"
