"""People come first: a worker waits while the page serves somebody, and for no app that is gone."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from t2ialign.engines import LocalEngine
from t2ialign.jobs.precedence import give_way, is_serving, serving


def test_nobody_waits_for_an_idle_page(tmp_path):
    assert not is_serving(tmp_path) and give_way(tmp_path, lambda: False) == 0


def test_a_worker_waits_as_long_as_the_engine_works_and_says_so(tmp_path):
    begun, go, said = threading.Event(), threading.Event(), []

    def work(cancelled):
        begun.set()
        yield go.wait(30)

    engine = LocalEngine(lambda: serving(tmp_path))
    engine.submit("a", work)
    assert begun.wait(30) and is_serving(tmp_path)
    waiting = threading.Thread(target=give_way, args=[tmp_path, lambda: False, lambda: said.append(1)])
    waiting.start()
    time.sleep(0.3)
    assert waiting.is_alive() and said == [1]
    go.set()
    waiting.join(30)
    assert not waiting.is_alive() and engine.wait("a", 30).status == "done" and not is_serving(tmp_path)


def test_whoever_is_asked_to_stop_waits_no_longer(tmp_path):
    with serving(tmp_path):
        assert give_way(tmp_path, lambda: True) == 0


@pytest.mark.skipif(os.name != "posix", reason="fork is POSIX's")
def test_an_app_that_was_killed_holds_nobody_up(tmp_path):
    process = os.fork()
    if process == 0:
        with serving(tmp_path):
            (tmp_path / "holds").touch()
            time.sleep(600)
    while not (tmp_path / "holds").exists():
        time.sleep(0.01)
    assert is_serving(tmp_path)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    assert not is_serving(tmp_path)
