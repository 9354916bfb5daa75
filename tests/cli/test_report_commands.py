"""Every command that the report of the shipped runs names prints the numbers above it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from t2ialign.use_cases.reports.research import research
from t2ialign.use_cases.reports.research_material import ReportSubject
from t2ialign.use_cases.workbench import open_workbench

NUMBER = re.compile(r"(?<![\w.\-+])([+-]?\d+(?:\.(\d+))?)(?: ?(%))?(?![\w\-]|\.\d)")
SHARE = re.compile(r"([+-]\d+) % \(([+-]\d+) to ([+-]\d+)\)")


def numbers(said: str) -> set[tuple[float, int, bool]]:
    """Of every number of a text: itself, its decimals, and whether it is per cent. Names and titles have none."""
    each = SHARE.sub(r"\1 % (\2 % to \3 %)", said)
    return {(float(value), len(digits or ""), bool(share)) for value, digits, share in NUMBER.findall(each)}


def printed(wanted: tuple[float, int, bool], there: set[tuple[float, int, bool]]) -> bool:
    """Whether a number stands there, with as many digits or with more of them."""
    value, digits, share = wanted
    for other, more, other_share in there:
        if share and not other_share:
            other, more = 100 * other, more - 2
        if (share or not other_share) and more >= digits:
            room = 0.0 if more == digits else 0.5 * 10.0**-digits + 0.5 * 10.0**-more
            if abs(other - value) <= room + 1e-9:
                return True
    return False


def counted(command: str, said: str, y: str) -> Iterator[tuple[float, int, bool]]:
    """What a sentence counts of a command's lines: the settings compared, those that lost, the metrics judged."""
    rows = [line for line in said.splitlines() if f" {y} " in line and " -> " in line]
    lost = [line for line in rows if "also after Holm" in line and re.search(r"  -\d", line)]
    judged = [line for line in said.splitlines() if line.startswith("  ") and not line.startswith("  factor_")]
    for found in (rows, lost, judged if command.startswith("audit") else []):
        yield float(len(found)), 0, False


@pytest.fixture
def ask(run, home: Path, tmp_path: Path) -> Callable[[str], str]:
    """A command's output; each is run once, on the shipped runs, and writes its files elsewhere."""
    known: dict[str, str] = {}

    def call(command: str) -> str:
        if command not in known:
            words = shlex.split(command.removeprefix("python -m t2ialign "))
            if "--out" in words:
                words[words.index("--out") + 1] = str(tmp_path / words[words.index("--out") + 1])
            store = [] if words[0] == "audit" else ["--store", str(home)]
            code, known[command], error = run(*words, *store)
            assert code == 0, error
        return known[command]

    return call


@pytest.mark.slow
def test_every_command_prints_the_numbers_above_it(ask, home: Path) -> None:
    with open_workbench(home, share=False) as bench:
        found = research(bench, ReportSubject())
    for exhibit in found.exhibits:
        said = [(command, ask(command)) for command in exhibit.command.splitlines()]
        if all(" report" in command for command, _ in said):
            assert all(exhibit.sentence in text for _, text in said), exhibit.title
            continue
        there = set().union(*(numbers(text) for _, text in said))
        for command, text in said:
            there |= set(counted(command.removeprefix("python -m t2ialign "), text, "factor_diversity"))
        missing = [number for number in numbers(exhibit.sentence) if not printed(number, there)]
        assert not missing, (exhibit.title, exhibit.sentence, missing)


def test_what_counts_as_the_same_number() -> None:
    said = numbers("minimal-seed2-step150 at CFG 4: 0.267 (-12 % (-17 to -7)), the 12-bit one, in 62% of cases.")
    assert said == {(4, 0, False), (0.267, 3, False), (-12, 0, True), (-17, 0, True), (-7, 0, True), (62, 0, True)}
    assert printed((-12, 0, True), numbers("-11.7%")) and printed((62, 0, True), numbers("at win rate 0.62"))
    assert not printed((0.267, 3, False), numbers("0.241 0.27 0.2684")) and not printed(
        (-12, 0, True), numbers("-12.6%")
    )
