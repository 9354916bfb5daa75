"""Strangers at a page: so many clients at once for so long, some of them drawing; errors, times, CPU, and the server's memory.

    python -m benchmarks.load --clients 50 --drawing 6 --minutes 5
    python -m benchmarks.load --quick                 # under a minute
    python -m benchmarks.load --alone                 # one client: CPU seconds of each interaction, whatever else runs
    python -m benchmarks.load --watchers 20           # of one run
    python -m benchmarks.load --sessions 100          # memory that open pages take
    python -m benchmarks.load --kill 3                # kill -9 and start again while some draw: is anything lost?

The server has only just begun to answer when all clients come at once: it still reads in what ships, and nothing has been
drawn yet. What was asked in the first 30 s is listed by itself.

It starts a server of its own on an empty store, as strangers find it (a token is set). Clients of the load have addresses of
their own (127.0.0.2 and on, which Linux has); the other questions come from one, with limits that let it. What is timed is a
whole answer. A client has a session of its own, and what it does are the page's own events,
as the page lists them: another axis (the chart, then its sentence), a look at a run, the page itself, and the API's points.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from tests.launching import free_port

AXES = ("oracle_alignment", "clip_score", "factor_diversity", "lpips", "u_rke", "ssim")
START_SECONDS = 30  # all come at once, to a server that still reads in what ships: listed by itself
PROMPTS = ("a red circle", "a blue square", "a green star", "a yellow ring", "two red circles", "a small cross")
LIMITS = {"QUEUE": 1000, "RUNS": 1000, "WORK": 10**9, "DAY": 10**9, "REQUESTS": 10**9, "EVENTS": 10**9}


OWN = threading.local()


class FromOwnAddress(urllib.request.HTTPHandler):
    """Requests of a thread come from the address that it has for its own."""

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        source = (getattr(OWN, "address", "127.0.0.1"), 0)
        return self.do_open(partial(http.client.HTTPConnection, source_address=source), request)


@dataclass
class Seen:
    """Times by whether it was the start and by what was asked, errors in words, and the server's memory over time."""

    times: dict[tuple[bool, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


def main() -> None:
    urllib.request.install_opener(urllib.request.build_opener(FromOwnAddress))
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--clients", type=int, default=50)
    asked.add_argument("--drawing", type=int, default=6, help="of these, how many draw pictures")
    asked.add_argument("--minutes", type=float, default=5.0)
    asked.add_argument("--pause", type=float, default=5.0, help="seconds that a client looks before it asks again")
    asked.add_argument("--alone", action="store_true", help="each interaction ten times, one at a time")
    asked.add_argument("--watchers", type=int, default=0, help="so many pages that watch one run")
    asked.add_argument("--sessions", type=int, default=0, help="so many pages opened, one after the other")
    asked.add_argument("--kill", type=int, default=0, help="so many times kill -9 while four draw")
    asked.add_argument("--quick", action="store_true", help="10 clients, 2 of them drawing, for 20 s")
    asked.add_argument("--address", default="", help="a page that runs already, instead of one of its own")
    said = asked.parse_args()
    clients, drawing, minutes = (10, 2, 1 / 3) if said.quick else (said.clients, said.drawing, said.minutes)
    if said.address:
        seen = loaded(said.address.rstrip("/") + "/", clients, drawing, minutes * 60, said.pause)
        report(seen, None, clients, drawing, minutes)
        return
    with tempfile.TemporaryDirectory(prefix="t2ialign-load-") as home:
        if said.kill:
            killed(Path(home), said.kill)
            return
        with serving(Path(home)) as (server, address, first):
            if said.alone or said.watchers or said.sessions:
                print(f"first paint after {first[0]:.1f} s ({first[1]:.1f} s of CPU)")
                alone(server, address) if said.alone else None
                watched(server, address, said.watchers) if said.watchers else None
                opened(address, said.sessions) if said.sessions else None
                return
            before = cpu_of(server)
            seen = loaded(address, clients, drawing, minutes * 60, said.pause)
            answers = sum(map(len, seen.times.values()))
            print(
                f"{(cpu_of(server) - before) / max(answers, 1):.3f} s of the server's CPU an answer, drawing included"
            )
    report(seen, first, clients, drawing, minutes)


@contextmanager
def serving(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, tuple[float, float]]]:
    """A server until the block ends."""
    server, address, first = started(home)
    try:
        call(address, "points", [AXES[0], AXES[3], [], [], ""])  # waits until the shipped results are in
        yield server, address, first
    finally:
        server.terminate()
        server.wait(300)


def started(home: Path) -> tuple[subprocess.Popen[bytes], str, tuple[float, float]]:
    """A server of strangers, its address, and the seconds until its page came, on the clock and of CPU."""
    port = free_port()
    limits = {f"T2IALIGN_VISITOR_{name}": str(value) for name, value in LIMITS.items()}
    environment = {**os.environ, **limits, "T2IALIGN_OWNER_TOKEN": "load", "T2IALIGN_HOME": str(home / "store")}
    begun = time.monotonic()
    command = [sys.executable, "-m", "t2ialign", "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/"
    while True:
        try:
            urllib.request.urlopen(address, timeout=10).read()
            used = psutil.Process(server.pid).cpu_times()
            return server, address, (time.monotonic() - begun, used.user + used.system)
        except OSError:
            if server.poll() is not None or time.monotonic() - begun > 300:
                raise
            time.sleep(0.1)


def cpu_of(server: subprocess.Popen[bytes]) -> float:
    """Seconds of processor time so far."""
    used = psutil.Process(server.pid).cpu_times()
    return used.user + used.system


class Page:
    """An open page: a session, and the page's own events by name, called as its queue is."""

    def __init__(self, address: str) -> None:
        self.address, self.session = address, uuid.uuid4().hex
        config = json.loads(urllib.request.urlopen(f"{address}config", timeout=120).read())
        parts = {one["id"]: one["props"] for one in config["components"]}
        self.events = {
            (one["api_name"], len(one["inputs"])): (one["id"], [parts[part].get("value") for part in one["inputs"]])
            for one in config["dependencies"]
            if one["backend_fn"]
        }

    def open(self) -> None:
        """What a browser does when the Trade-off tab is opened: its menus are filled for this session."""
        self.post("show_1", lambda said: said, {"theme": "light", "query": ""})

    def change_axes(self, x: str, y: str) -> None:
        """Another chart, and what it says."""
        place = {1: x, 2: y}
        self.post("draw", lambda said: [place.get(number - 1, one) for number, one in enumerate(said)])
        self.post("explain", lambda said: [place.get(number, one) for number, one in enumerate(said)])

    def look(self, run: str) -> str:
        """One tick of a page that watches a run."""
        return self.post("tick", lambda said: [f"run={run}", *said[1:]])

    def post(self, name: str, change: Callable[[list], list], data: dict | None = None) -> str:
        """An event's answer as the stream tells it."""
        index, said = next(found for (known, _), found in self.events.items() if known == name)
        asked = {"fn_index": index, "data": change(list(said)), "session_hash": self.session, "event_data": data}
        kind = {"Content-Type": "application/json"}
        joining = urllib.request.Request(f"{self.address}gradio_api/queue/join", json.dumps(asked).encode(), kind)
        urllib.request.urlopen(joining, timeout=120).read()
        told = []
        where = f"{self.address}gradio_api/queue/data?session_hash={self.session}"
        with urllib.request.urlopen(where, timeout=120) as stream:
            for line in stream:
                told.append(line.decode())
                if "process_completed" in told[-1]:
                    break
        if '"success":true' not in told[-1]:
            raise ValueError(f"{name}: {told[-1][-300:]}")
        return "".join(told)


def alone(server: subprocess.Popen[bytes], address: str, times: int = 10) -> None:
    """CPU seconds of each interaction when nothing else is asked."""
    page, chance = Page(address), random.Random(0)
    page.open()
    print("| asked alone | CPU s of the server | s |\n|---|---:|---:|")
    for name, ask in {
        "the page": lambda: urllib.request.urlopen(address, timeout=60).read(),
        "a new session's first event": lambda: Page(address).open(),
        "other axes: chart and sentence": lambda: page.change_axes(chance.choice(AXES[:2]), chance.choice(AXES[2:])),
        "points by the API": lambda: call(address, "points", [AXES[0], AXES[3], [], [], ""]),
        "checkpoints by the API": lambda: call(address, "checkpoints", []),
        "checkpoints by the API, within a session": lambda: call(address, "checkpoints", [], "one"),
    }.items():
        ask()
        before, begun = cpu_of(server), time.monotonic()
        for _ in range(times):
            ask()
        print(
            f"| {name} | {(cpu_of(server) - before) / times:.3f} | {(time.monotonic() - begun) / times:.3f} |",
            flush=True,
        )


def watched(server: subprocess.Popen[bytes], address: str, watchers: int) -> None:
    """One run of 16 pictures and 25 steps, first by itself, then with pages that look at it every second."""
    for pages in ([], [Page(address) for _ in range(watchers)]):
        first, took = random.randrange(10**6), []
        fields = ["a red circle", ["base"], 4.0, f"{first}-{first + 15}", 25, "ddim", "cfg", "", ["rmse"], 0, 0, 0.0]
        before, begun = cpu_of(server), time.monotonic()
        run = call(address, "generate", fields)["id"]
        over = threading.Event()

        def look(page: Page, took: list[float] = took, run: str = run, over: threading.Event = over) -> None:
            while not over.is_set():
                since = time.monotonic()
                page.look(run)
                took.append(time.monotonic() - since)
                over.wait(1)

        threads = [threading.Thread(target=look, args=[page]) for page in pages]
        for thread in threads:
            thread.start()
        while call(address, "work", [run, 30.0], "one")["status"] in ("queued", "running"):
            pass
        over.set()
        for thread in threads:
            thread.join()
        seconds, ticks = time.monotonic() - begun, sorted(took)
        shown = (
            f"ticks {len(ticks)}, p50 {ticks[len(ticks) // 2]:.2f} s, p95 {ticks[int(0.95 * len(ticks))]:.2f} s"
            if ticks
            else ""
        )
        print(
            f"{len(pages)} watchers: the run took {seconds:.0f} s, {cpu_of(server) - before:.1f} s of CPU; {shown}",
            flush=True,
        )


def opened(address: str, sessions: int) -> None:
    """Memory after pages were opened, ten warming up."""
    for count in (10, sessions, sessions):
        before = memory_of(address)
        for _ in range(count):
            page = Page(address)
            page.open()
            page.change_axes(AXES[0], AXES[3])
        print(f"{count} sessions: {before:.0f} to {memory_of(address):.0f} MB", flush=True)


def killed(home: Path, kills: int) -> None:
    """Four draw until the server dies; what was acknowledged as done must be there after it was started again."""
    done: list[str] = []
    lost = 0
    for round_ in range(kills):
        server, address, _ = started(home)
        until = time.monotonic() + 20 + 7 * round_

        def draw(number: int, address: str = address, until: float = until) -> None:
            chance = random.Random(f"{number} {until}")
            while time.monotonic() < until + 20:
                _, ask = drawn(chance)
                try:
                    work = ask(address)
                except (OSError, ValueError):
                    return  # killed meanwhile: nobody was told that it is done
                if work["status"] == "done":
                    done.append(work["id"])

        threads = [threading.Thread(target=draw, args=[number]) for number in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(max(0.0, until - time.monotonic()))
        server.kill()
        server.wait()
        for thread in threads:
            thread.join()
    with serving(home) as (server, address, _):
        for run in done:
            lost += not _whole(address, run)
    print(f"{kills} kills, {len(done)} runs acknowledged as done, {lost} lost")


def _whole(address: str, run: str) -> bool:
    """Whether a run is done, with four pictures that can be read and its scores."""
    work = call(address, "work", [run, 0.0], "one")
    pictures = [one["address"] for batch in work["batches"] for one in batch["pictures"]]
    read = [urllib.request.urlopen(f"{address}{where}", timeout=60).read()[:4] for where in pictures]
    scored = all(batch["scores"] for batch in work["batches"])
    return work["status"] == "done" and read == [b"\x89PNG"] * 4 and scored


def loaded(address: str, clients: int, drawing: int, seconds: float, pause: float) -> Seen:
    """Every client in a thread of its own until the time is up."""
    seen, lock, start = Seen(), threading.Lock(), time.monotonic()
    until = start + seconds

    def client(number: int) -> None:
        OWN.address = f"127.0.{number // 250}.{2 + number % 250}"
        chance, page = random.Random(number), Page(address)
        page.open()
        while time.monotonic() < until:
            name, ask = drawn(chance) if number < drawing else looked(chance, page)
            begun = time.monotonic()
            try:
                ask(address)
                with lock:
                    seen.times[begun - start < START_SECONDS, name].append(time.monotonic() - begun)
            except (OSError, ValueError) as error:
                with lock:
                    seen.errors.append(f"{name}: {error}")
            time.sleep(chance.expovariate(1 / pause))

    threads = [threading.Thread(target=client, args=[number]) for number in range(clients)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(min(5.0, seconds / 4))
        seen.memory.append(memory_of(address))
    return seen


def looked(chance: random.Random, page: Page):
    """What somebody does who looks around."""
    x, y = chance.choice(AXES[:2]), chance.choice(AXES[2:])
    axes = ("other axes: chart and sentence", lambda address: page.change_axes(x, y))
    others = [
        ("the page", lambda address: urllib.request.urlopen(address, timeout=60).read()),
        ("points by the API", lambda address: call(address, "points", [x, y, [], [], ""], page.session)),
        ("checkpoints by the API", lambda address: call(address, "checkpoints", [], page.session)),
    ]
    return chance.choice([axes, axes, axes, *others])


def drawn(chance: random.Random):
    """Four pictures of four steps, waited for; each client has seeds of its own."""
    first = chance.randrange(10**6)
    fields = [chance.choice(PROMPTS), ["base"], 4.0, f"{first}-{first + 3}", 4, "ddim", "cfg", "", ["rmse"], 0, 0, 50.0]
    return "four pictures, drawn", lambda address: call(address, "generate", fields)


def call(address: str, name: str, data: list, session: str = "") -> dict:
    """A named endpoint's answer, within a session or in none."""
    said = {"data": data, "session_hash": session} if session else {"data": data}
    body, kind = json.dumps(said).encode(), {"Content-Type": "application/json"}
    asking = urllib.request.Request(f"{address}gradio_api/run/{name}", body, kind)
    return json.loads(urllib.request.urlopen(asking, timeout=120).read())["data"][0]


def memory_of(address: str) -> float:
    """The server's memory in MB, as it says itself; NaN where it does not answer."""
    try:
        text = urllib.request.urlopen(f"{address}metrics", timeout=60).read().decode()
    except OSError:
        return float("nan")
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith("t2ialign_memory")) / 1e6


def report(seen: Seen, first: tuple[float, float] | None, clients: int, drawing: int, minutes: float) -> None:
    if first:
        print(f"first paint after {first[0]:.1f} s ({first[1]:.1f} s of CPU)")
    print(f"{clients} clients, {drawing} drawing, {minutes:.1f} min")
    print("| asked | when | answers | p50 s | p95 s | longest s |\n|---|---|---:|---:|---:|---:|")
    for (early, name), times in sorted(seen.times.items()):
        ordered = sorted(times)
        p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
        when = f"{'first' if early else 'after'} {START_SECONDS} s"
        print(f"| {name} | {when} | {len(times)} | {statistics.median(times):.2f} | {p95:.2f} | {ordered[-1]:.2f} |")
    print(f"{len(seen.errors)} errors {sorted(set(seen.errors))[:3] or ''}")
    print(
        f"memory {seen.memory[0]:.0f} MB at first, {max(seen.memory):.0f} MB at most, {seen.memory[-1]:.0f} MB at last"
    )


if __name__ == "__main__":
    main()
