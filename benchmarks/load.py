"""Strangers at a page: so many clients at once for so long, some of them drawing; errors, times and the server's memory.

    python benchmarks/load.py --clients 50 --drawing 6 --minutes 5
    python benchmarks/load.py --quick                               # under a minute

It starts a server of its own on an empty store, as strangers find it (a token is set), with limits that let all clients be
one address. What is timed is a whole answer: the page, a chart's points with other axes each time, lists, a picture.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import psutil

AXES = ("oracle_alignment", "clip_score", "factor_diversity", "lpips", "u_rke", "ssim")
PROMPTS = ("a red circle", "a blue square", "a green star", "a yellow ring", "two red circles", "a small cross")
LIMITS = {"QUEUE": 1000, "RUNS": 1000, "WORK": 10**9, "DAY": 10**9, "REQUESTS": 10**9}


@dataclass
class Seen:
    """Times by what was asked, errors in words, and the server's memory over time."""

    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--clients", type=int, default=50)
    asked.add_argument("--drawing", type=int, default=6, help="of these, how many draw pictures")
    asked.add_argument("--minutes", type=float, default=5.0)
    asked.add_argument("--pause", type=float, default=2.0, help="seconds that a client looks before it asks again")
    asked.add_argument("--quick", action="store_true", help="10 clients, 2 of them drawing, for 20 s")
    asked.add_argument("--address", default="", help="a page that runs already, instead of one of its own")
    said = asked.parse_args()
    clients, drawing, minutes = (10, 2, 1 / 3) if said.quick else (said.clients, said.drawing, said.minutes)
    if said.address:
        seen = loaded(said.address.rstrip("/") + "/", clients, drawing, minutes * 60, said.pause)
        report(seen, None, clients, drawing, minutes)
        return
    with tempfile.TemporaryDirectory(prefix="t2ialign-load-") as home:
        server, address, first = started(Path(home))
        try:
            seen = loaded(address, clients, drawing, minutes * 60, said.pause)
        finally:
            server.terminate()
            server.wait(60)
    report(seen, first, clients, drawing, minutes)


def started(home: Path) -> tuple[subprocess.Popen[bytes], str, tuple[float, float]]:
    """A server of strangers, its address, and the seconds until its page came, on the clock and of CPU."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
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


def loaded(address: str, clients: int, drawing: int, seconds: float, pause: float) -> Seen:
    """Every client in a thread of its own until the time is up."""
    seen, lock, until = Seen(), threading.Lock(), time.monotonic() + seconds

    def client(number: int) -> None:
        chance = random.Random(number)
        while time.monotonic() < until:
            name, ask = drawn(chance) if number < drawing else looked(chance)
            begun = time.monotonic()
            try:
                ask(address)
                with lock:
                    seen.times[name].append(time.monotonic() - begun)
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


def looked(chance: random.Random):
    """What somebody does who looks around."""
    x, y = chance.sample(AXES[:2], 1)[0], chance.sample(AXES[2:], 1)[0]
    return chance.choice(
        [
            ("the page", lambda address: urllib.request.urlopen(address, timeout=60).read()),
            ("points of other axes", lambda address: call(address, "points", [x, y, [], [], ""])),
            ("checkpoints", lambda address: call(address, "checkpoints", [])),
            ("training runs", lambda address: call(address, "jobs", [])),
        ]
    )


def drawn(chance: random.Random):
    """Four pictures of four steps, waited for; each client has seeds of its own."""
    first = chance.randrange(10**6)
    fields = [chance.choice(PROMPTS), ["base"], 4.0, f"{first}-{first + 3}", 4, "ddim", "cfg", "", ["rmse"], 0, 0, 50.0]
    return "four pictures, drawn", lambda address: call(address, "generate", fields)


def call(address: str, name: str, data: list) -> dict:
    """A named endpoint's answer."""
    body, kind = json.dumps({"data": data}).encode(), {"Content-Type": "application/json"}
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
    print("| asked | answers | p50 s | p95 s | longest s |\n|---|---|---|---|---|")
    for name, times in sorted(seen.times.items()):
        ordered = sorted(times)
        p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
        print(f"| {name} | {len(times)} | {statistics.median(times):.2f} | {p95:.2f} | {ordered[-1]:.2f} |")
    print(f"{len(seen.errors)} errors {sorted(set(seen.errors))[:3] or ''}")
    print(
        f"memory {seen.memory[0]:.0f} MB at first, {max(seen.memory):.0f} MB at most, {seen.memory[-1]:.0f} MB at last"
    )


if __name__ == "__main__":
    main()
