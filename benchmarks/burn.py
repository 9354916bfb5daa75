"""One stranger who asks odd things as fast as the answers come: the server's CPU seconds a call, and the memory that stays.

    python -m benchmarks.burn                       # 2,000 calls of everything that anybody may ask
    python -m benchmarks.burn --calls 200 --only draw,points
    python -m benchmarks.burn --dropped 50          # pages opened and left, and what they leave
    python -m benchmarks.burn --unheard 2000        # asked, and the answers never fetched
    python -m benchmarks.burn --limits              # with the limits as they are: how much of it is let through

Controls are drawn at random from what the page itself offers, words and links from noise. It starts a server of its own as
``load.py`` does, with the limits on what is asked in a minute raised, so that calls are answered and not refused.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import load

EVENTS = (
    *("draw", "explain", "draw_more", "compare_runs", "take_away", "show_audit", "choose_prompt"),
    *("open_explore", "tick", "compare", "change_axis", "price", "follow_run", "draw_theory", "looking"),
)
ADDRESSES = 10
NAMED = ("points", "work", "checkpoints", "jobs")
OTHERS = ("the page", "deep JSON", "a picture")
WORDS = ("red", "blue", "circle", "star", "größer", "'; --", "%", "base", "spo", "0-15", "nan", "1e308")
QUERIES = ("run={}", "tab=grid&run={}", "job={}", "tab={}", "set={}&x={}", "prompt={}&seeds=0-3&on=base")


class Stranger:
    """A page, and odd calls of it."""

    def __init__(self, address: str, seed: int) -> None:
        self.address, self.chance = address, random.Random(seed)
        self.page = load.Page(address)
        config = json.loads(urllib.request.urlopen(f"{address}config", timeout=120).read())
        self.parts = {one["id"]: one["props"] for one in config["components"]}
        self.inputs = {one["api_name"]: one["inputs"] for one in config["dependencies"] if one["backend_fn"]}

    def ask(self, name: str) -> None:
        """One call. Raises ``ValueError`` or ``OSError`` where it is refused."""
        if name in self.inputs and name not in NAMED:
            self.page.post(name, lambda said: [self.odd(part) for part in self.inputs[name]], self.data())
        elif name in NAMED:
            load.call(self.address, name, self.named(name))
        elif name == "the page":
            urllib.request.urlopen(f"{self.address}?{self.query()}", timeout=120).read()
        elif name == "a picture":
            urllib.request.urlopen(
                f"{self.address}pictures/{urllib.request.quote(self.word())}/{self.chance.randrange(99)}.webp",
                timeout=60,
            )
        else:
            self.deep()

    def odd(self, part: int) -> object:
        """A value of a component: one that it offers, noise, or what it shows."""
        props, chance = self.parts[part], self.chance
        offered = [one[1] if isinstance(one, list) else one for one in props.get("choices") or ()]
        if offered and props.get("multiselect"):
            return chance.sample(offered, chance.randrange(len(offered) + 1))
        if offered:
            return chance.choice(offered)
        value = props.get("value")
        if isinstance(value, bool):
            return chance.random() < 0.5
        if isinstance(value, int | float):
            return round(chance.uniform(props.get("minimum") or 0, props.get("maximum") or 99), 2)
        return chance.choice([value, value, self.word(), self.query()]) if isinstance(value, str) else value

    def data(self) -> dict[str, str]:
        names = ("query", "point", "cell", "act", "checkpoint", "theme", "run", "job")
        return {name: self.query() if name == "query" else self.word() for name in self.chance.sample(names, 3)}

    def named(self, name: str) -> list:
        if name == "points":
            some = self.chance.sample([*load.AXES, self.word()], 2)
            kinds = self.chance.sample(WORDS, self.chance.randrange(4))
            return [
                *some,
                self.chance.sample(WORDS, self.chance.randrange(3)),
                kinds,
                self.chance.choice(["", self.word()]),
            ]
        return [self.word(), 0.0] if name == "work" else []

    def word(self) -> str:
        return self.chance.choice([self.chance.choice(WORDS), uuid.UUID(int=self.chance.getrandbits(128)).hex])

    def query(self) -> str:
        return self.chance.choice(QUERIES).replace("{}", urllib.request.quote(self.word()))

    def deep(self) -> None:
        """Lists within lists, in the place of parameters."""
        depth = self.chance.choice([100, 1_000, 100_000])
        body = b'{"data": [' + b"[" * depth + b"]" * depth + b"]}"
        asking = urllib.request.Request(
            f"{self.address}gradio_api/run/points", body, {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(asking, timeout=60).read()


def burn(server: subprocess.Popen[bytes], address: str, names: list[str], calls: int) -> None:
    """So many calls in all, in turn by name; what each costs and how many are refused."""
    stranger = Stranger(address, 0)
    stranger.page.open()
    names = [name for name in names if name in (*NAMED, *OTHERS) or name in stranger.inputs]
    print("| asked | calls | refused | CPU s a call | MB more |\n|---|---:|---:|---:|---:|")
    first = load.memory_of(address)
    for name in names:
        before, memory, refused = load.cpu_of(server), load.memory_of(address), Counter()
        for _ in range(max(1, calls // len(names))):
            _tried(partial(stranger.ask, name), refused)
        done, more = max(1, calls // len(names)), load.memory_of(address) - memory
        cost = (load.cpu_of(server) - before) / done
        print(f"| {name} | {done} | {_in_words(refused)} | {cost:.3f} | {more:.0f} |", flush=True)
    print(f"memory {first:.0f} MB before, {load.memory_of(address):.0f} MB after")


def dropped(address: str, pages: int) -> None:
    """Pages that are opened, ask for two charts, and are gone."""
    for _ in range(3):
        before = load.memory_of(address)
        for _ in range(pages):
            page = load.Page(address)
            page.open()
            page.change_axes(load.AXES[0], load.AXES[3])
        print(f"{pages} pages opened and left: {before:.0f} to {load.memory_of(address):.0f} MB", flush=True)


def unheard(server: subprocess.Popen[bytes], address: str, asked: int) -> None:
    """Charts that all differ, asked for by pages that never listen, from ten addresses in turn; what stays after each."""
    stranger, refused = Stranger(address, 0), Counter[str]()
    index, said = next(found for (known, _), found in stranger.page.events.items() if known == "draw")
    begun, steps = load.memory_of(address), []
    for number in range(asked):
        load.OWN.address = f"127.0.0.{2 + number * ADDRESSES // asked}"
        values = [
            old if isinstance(old, str) and not old else stranger.odd(part)
            for old, part in zip(said, stranger.inputs["draw"])
        ]
        body = {"fn_index": index, "data": values, "session_hash": f"unheard {load.OWN.address} {number % 40}"}
        kind = {"Content-Type": "application/json"}
        asking = urllib.request.Request(f"{address}gradio_api/queue/join", json.dumps(body).encode(), kind)
        _tried(partial(urllib.request.urlopen, asking, timeout=120), refused)
        if (number + 1) % max(1, asked // ADDRESSES) == 0:
            while _busy(server):
                pass
            steps.append(f"{load.memory_of(address):.0f}")
    print(f"{asked} asked and not fetched, {_in_words(refused)} refused: {begun:.0f} MB, then {', '.join(steps)}")


def _busy(server: subprocess.Popen[bytes]) -> bool:
    before = load.cpu_of(server)
    time.sleep(2)
    return load.cpu_of(server) - before > 0.5


def _tried(act: Callable[[], object], refused: Counter[str]) -> None:
    try:
        act()
    except urllib.error.HTTPError as error:
        refused[str(error.code)] += 1
    except (OSError, ValueError):
        refused["sentence"] += 1


def _in_words(refused: Counter[str]) -> str:
    return ", ".join(f"{count} × {name}" for name, count in sorted(refused.items())) or "0"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--calls", type=int, default=2000)
    asked.add_argument("--only", default="", help="names, separated by commas")
    asked.add_argument("--dropped", type=int, default=0)
    asked.add_argument("--unheard", type=int, default=0)
    asked.add_argument("--limits", action="store_true")
    said = asked.parse_args()
    if said.limits:
        load.LIMITS.clear()
    urllib.request.install_opener(urllib.request.build_opener(load.FromOwnAddress))
    with tempfile.TemporaryDirectory(prefix="t2ialign-burn-") as home, load.serving(Path(home)) as (server, address, _):
        if said.dropped:
            dropped(address, said.dropped)
        elif said.unheard:
            unheard(server, address, said.unheard)
        else:
            burn(server, address, said.only.split(",") if said.only else [*EVENTS, *NAMED, *OTHERS], said.calls)


if __name__ == "__main__":
    main()
