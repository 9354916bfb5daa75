"""Many people rate at once through gradio_client while the server is killed: every acknowledged vote is there, once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from t2ialign import settings
from t2ialign.store import ingest_votes, open_store
from t2ialign.store.vote_log import read, shard_of
from t2ialign.store.vote_queries import answers_of, list_surveys
from tests.dashboard import fakes
from tests.dashboard.studies import PICK, opened
from tests.launching import free_port
from tests.repeats import times

RATERS = times(16, 50)
KILLS = times(2, 4)
PATIENCE = 20.0  # seconds for one call
ENOUGH = 180.0  # seconds after which nobody asks again
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Server:
    """The forking parent, and the child that serves now."""

    parent: subprocess.Popen
    port: int
    child: int = 0
    kills: int = 0  # the last one is the end

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        self.child = self._tell("start")

    def kill(self) -> None:
        """At once, in the middle of whatever it does; on return its files are free."""
        os.kill(self.child, signal.SIGKILL)
        self.child = self._tell("stop")
        self.kills += 1

    def _tell(self, word: str) -> int:
        self.parent.stdin.write(f"{word}\n")
        self.parent.stdin.flush()
        return int(self.parent.stdout.readline())

    def wait(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(OSError):
                urllib.request.urlopen(self.address + "config", timeout=5).read()
                return
            time.sleep(0.1)
        raise TimeoutError("the server did not come up")


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "tests.dashboard.rating_server", str(home), str(port)]
    parent = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    server = Server(parent, port)
    try:
        assert parent.stdout.readline() == "ready\n"
        server.start()
        server.wait()
        yield server
    finally:
        if server.child:
            server.kill()
        parent.stdin.close()
        parent.kill()
        parent.wait()


@dataclass
class Person:
    """Somebody who answers every round, and asks again for as long as the server does not."""

    server: Server
    study: str
    draw: random.Random
    acknowledged: list[tuple[str, str, tuple[int, ...]]] = field(default_factory=list)
    client: Any = None
    deadline: float = field(default_factory=lambda: time.monotonic() + ENOUGH)

    def ask(self, *values: Any, api_name: str) -> dict:
        from gradio_client import Client

        while True:
            try:
                self.client = self.client or Client(self.server.address, verbose=False, analytics_enabled=False)
                return self.client.submit(*values, api_name=api_name).result(timeout=PATIENCE)
            except Exception:  # a killed server shows itself in many ways
                if time.monotonic() > self.deadline:
                    raise
                self.client = None
                time.sleep(0.2 + 0.3 * self.draw.random())

    def rate(self) -> None:
        joined = self.ask(self.study, "", True, api_name="/rate_join")
        for one in joined["rounds"]:
            chosen = self.draw.randrange(len(one["options"]))
            answer = {"chosen": [chosen], "verdict": ""}
            self.ask(self.study, joined["survey"], one["trial"], answer, 700, 0, api_name="/rate_answer")
            self.acknowledged.append((joined["survey"], one["trial"], (chosen,)))


def kill_now_and_then(server: Server, over: threading.Event) -> None:
    draw = random.Random(5)
    for _ in range(KILLS):
        if over.wait(2 + 3 * draw.random()):
            return
        server.kill()
        server.start()
        with suppress(TimeoutError):
            server.wait()


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_every_acknowledged_vote_is_there_once(tmp_path, registry, monkeypatch):
    monkeypatch.setattr(settings, "CHECKPOINTS", registry)
    home = tmp_path / "home"
    with open_store(home) as store:
        study = opened(fakes.services_of(store), PICK).id
    with serving(home) as server:
        people = [Person(server, study, random.Random(number)) for number in range(RATERS)]
        over = threading.Event()
        killer = threading.Thread(target=kill_now_and_then, args=[server, over])
        killer.start()
        with ThreadPoolExecutor(RATERS) as pool:
            list(pool.map(Person.rate, people))
        over.set()
        killer.join()
    acknowledged = [one for person in people for one in person.acknowledged]
    assert server.kills > 1 and len(acknowledged) == RATERS * (PICK.rounds + PICK.checks)
    with open_store(home) as store:
        ingest_votes(store)
        stored = Counter((vote.survey, vote.trial.id, vote.answer.chosen) for vote in answers_of(store, study))
        rows = store.rows("SELECT count(*), count(DISTINCT vote) FROM votes")
        surveys = {survey.id for survey in list_surveys(store, study)}
    assert set(stored.values()) == {1} and not set(acknowledged) - set(stored), "an acknowledged vote is missing"
    assert rows == [(len(stored), len(stored))], "a vote is there twice"
    assert {survey for survey, *_ in acknowledged} <= surveys
    lines = Counter(json.dumps(line["vote"]) for line in read(shard_of(home, study)) if line["kind"] == "vote")
    assert len(lines) >= len(stored), "the shard alone would bring every vote back"
