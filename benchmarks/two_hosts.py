"""A sweep on a Ray cluster of two hosts, the second of which dies midway: every cell once, bit for bit those of one machine.

    sudo python -m benchmarks.two_hosts               # a few minutes; Linux, root, iproute2, the extra `ray`

The hosts are network namespaces of this machine, joined by a virtual cable; the second has its own /tmp and /dev/shm. Ray's
head and the sweep's owner are on the first, a node on the second. Once a quarter of the sweep is done the cable is pulled and
every process of the second host is ended by ``kill -9``. Its tables are then compared with those of this machine alone.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from t2ialign.store import open_store

HOSTS = {"t2ialign-a": "10.77.0.1", "t2ialign-b": "10.77.0.2"}
FIRST, SECOND = HOSTS
PORT = 6379
PERCENT = re.compile(r"(\d{1,3})%")
SPEC = """
guidance_scales = [1, 2, 4]
seeds = "own:8"
num_inference_steps = 10
metrics = ["oracle_alignment", "factor_diversity", "lpips"]
[prompts]
set = "shapes-test"
sample = 4
"""
TABLES = {
    "cells": "*",
    "images": "image, cell, seed, sha, mutual_information, mutual_information_released",
    "thumbnails": "*",
    "image_scores": "*",
    "batch_scores": "*",
    "seed_sets": "*",
}
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}  # Ray asks for one between hosts
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1", "RAY_worker_niceness": "0", **TOKEN}
T2IALIGN = [sys.executable, "-m", "t2ialign"]


def ip(*words: str, check: bool = True) -> str:
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True).stdout


def on(host: str, *command: str, own_files: bool = False) -> subprocess.Popen[str]:
    """A command on a host; its lines can be read from ``stdout``."""
    inside = list(command)
    if own_files:
        words = " ".join(command)
        inside = ["unshare", "--mount", "sh", "-c"]
        inside += [f"mount -t tmpfs none /tmp && mount -t tmpfs none /dev/shm && exec {words}"]
    return subprocess.Popen(
        ["ip", "netns", "exec", host, *inside],
        env={**os.environ, **QUIET},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def end(host: str) -> int:
    """Kills everything on a host; how many processes that were."""
    found = [int(pid) for pid in ip("netns", "pids", host, check=False).split()]
    for pid in found:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return len(found)


@contextmanager
def hosts() -> Iterator[None]:
    """Two namespaces and a cable between them."""
    try:
        for name in HOSTS:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("link", "add", "t2a", "netns", FIRST, "type", "veth", "peer", "name", "t2b", "netns", SECOND)
        for (name, address), device in zip(HOSTS.items(), ("t2a", "t2b")):
            ip("-n", name, "address", "add", f"{address}/24", "dev", device)
            ip("-n", name, "link", "set", device, "up")
        yield
    finally:
        for name in HOSTS:
            end(name)
            ip("netns", "delete", name, check=False)


def cluster() -> None:
    """A head on the first host and a node on the second, a worker each."""
    ray = str(Path(sys.executable).with_name("ray"))
    address = f"{HOSTS[FIRST]}:{PORT}"
    room = ("--num-cpus", "1", "--object-store-memory", "200000000", "--block", "--disable-usage-stats")
    on(FIRST, ray, "start", "--head", "--node-ip-address", HOSTS[FIRST], "--port", str(PORT), *room)
    answers(ray, address, 1)
    on(SECOND, ray, "start", "--address", address, "--node-ip-address", HOSTS[SECOND], *room, own_files=True)
    answers(ray, address, 2)


def answers(ray: str, address: str, nodes: int) -> None:
    """Waits until the cluster has so many nodes."""
    for _ in range(60):
        said, _ = on(FIRST, ray, "status", "--address", address).communicate()
        if len(re.findall(r"^ 1 node_", said, re.MULTILINE)) == nodes:
            return
        time.sleep(1)
    raise SystemExit(f"The cluster never had {nodes} nodes: {said[-500:]}")


def disturbed(spec: Path, home: Path) -> Iterator[str]:
    """The sweep on both, and what happened, in lines."""
    begun, cut = time.monotonic(), 0.0
    command = [*T2IALIGN, "sweep", str(spec), "--store", str(home), "--engine", "ray", "--workers", "2"]
    sweep = on(FIRST, *command, "--address", f"{HOSTS[FIRST]}:{PORT}")
    last = ""
    for line in sweep.stdout or ():
        last = line.strip() or last
        found = PERCENT.search(line)
        if found and int(found[1]) >= 25 and not cut:
            cut = time.monotonic()
            working = ip("netns", "pids", SECOND).split()
            names = [Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode() for pid in working]
            actors = [name for name in names if name.startswith("ray::_Actor")]
            ip("-n", FIRST, "link", "set", "t2a", "down")
            ended = f"{end(SECOND)} processes, of them {len(actors)} at work"
            yield f"at {found[1]} %, {cut - begun:.0f} s: the second host dies, {ended}"
    code = sweep.wait()
    yield f"the sweep ended after {time.monotonic() - begun:.0f} s with exit code {code}: {last}"


def rows(home: Path) -> dict[str, list[str]]:
    with open_store(home) as store:
        return {name: sorted(map(str, store.rows(f"SELECT {columns} FROM {name}"))) for name, columns in TABLES.items()}


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="t2ialign-hosts-", dir="/var/tmp"))
    try:
        spec = folder / "sweep.toml"
        spec.write_text(SPEC)
        local = [*T2IALIGN, "sweep", str(spec), "--store", str(folder / "alone")]
        subprocess.run(local, env={**os.environ, **QUIET}, check=True, capture_output=True)
        with hosts():
            cluster()
            for line in disturbed(spec, folder / "both"):
                print(line, flush=True)
        alone, both = rows(folder / "alone"), rows(folder / "both")
        for name in TABLES:
            print(f"{name}: {len(alone[name])} rows, {'equal' if alone[name] == both[name] else 'NOT EQUAL'}")
        raise SystemExit(0 if alone == both else "the tables differ")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
