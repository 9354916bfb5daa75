"""The page in Chromium: how long until it can be used, what it sends, how large it is, and what it costs at rest.

    python -m benchmarks.page --start                               # from `serve` to the first answer
    python -m benchmarks.page --quick                               # this tree: one visit, every tab once
    python -m benchmarks.page --quick --train                       # and a training run at rest when it has ended
    python -m benchmarks.page --beside ../first --rounds 5 --train  # with another checkout, in turn

Each tree's ``app.py`` runs with a new store that has the shipped results. Every visit is a new browser profile, so nothing is
cached; a first visit warms the server and does not count (of one round it does). On a busy machine seconds wait
for others, processor seconds do not. Wants Chromium and playwright, and Linux for the processor's time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.training import fill_short, open_align, start, wait_for_end
from tests.launching import free_port

ROOT = Path(__file__).resolve().parents[1]
WIDE, PHONE = (1366, 768), (390, 844)
USABLE = """() => {
  const button = [...document.querySelectorAll('button')].find((one) => one.textContent.trim() === 'Generate');
  return button && !button.disabled && document.querySelector('#t2-explore-chart .js-plotly-plot');
}"""
SEEN = {
    "Trade-off": "#t2-tradeoff-chart .points path.point",
    "Align": ".t2-method",
    "Study": "#t2-study-body",
    "Theory": "#t2-curve-f .js-plotly-plot",  # its landscapes are drawn once one comes near them
    "Explore": "#t2-explore-chart .js-plotly-plot",
}
"""By tab what is there when it can be used."""
REST = 10.0  # seconds that a page is watched at rest
SETTLE = 3.0  # seconds until nothing of a visit is at work any more
Numbers = dict[str, list[float]]


@dataclass(frozen=True)
class Served:
    """A tree's app at work."""

    address: str
    process: int

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(tree: Path, home: Path | None = None) -> Iterator[Served]:
    """``app.py`` of a tree on a port and with a store of its own, or that of ``home``."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        home = home or Path(folder, "home")
        own = {"PYTHONPATH": str(tree), "T2IALIGN_HOME": str(home), "GRADIO_SERVER_PORT": str(port)}
        with Path(folder, "log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=tree, env={**os.environ, **own}, stdout=log, stderr=subprocess.STDOUT
            )
            try:
                _wait(f"http://127.0.0.1:{port}/", process, Path(folder, "log"))
                yield Served(f"http://127.0.0.1:{port}/", process.pid)
            finally:
                process.terminate()
                process.wait(60)


def starting(tree: Path, found: Numbers) -> None:
    """From the command to the first answer, with a new store and with the same one again."""
    with tempfile.TemporaryDirectory() as folder:
        for what in ("a new store", "a store that is there"):
            begun = time.perf_counter()
            with serving(tree, Path(folder, "home")) as app:
                found[f"`serve` answers, {what}, s"].append(time.perf_counter() - begun)
                found[f"`serve` answers, {what}, processor s"].append(app.cpu())
                time.sleep(REST)  # what is read in later is there the next time


def _wait(address: str, process: subprocess.Popen, log: Path) -> None:
    for _ in range(6000):
        if process.poll() is not None:
            raise SystemExit(log.read_text())
        try:
            urllib.request.urlopen(address, timeout=5).read()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{address} does not answer: {log.read_text()}")


@contextmanager
def visiting(browser: Browser, size: tuple[int, int] = WIDE) -> Iterator[Page]:
    """A page of a new profile."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    context.set_default_timeout(120_000)
    yield context.new_page()
    context.close()


def visit(browser: Browser, app: Served, found: Numbers, quick: bool = False) -> None:
    """One visit to the plain address and through all tabs, and one to Theory's."""
    with visiting(browser) as page:
        sent = _counted(page)
        with _timed(page, app, "to open", found):
            page.goto(app.address)
            page.wait_for_function(USABLE)
        time.sleep(SETTLE)
        found["sent to open, MB"].append(sum(sent) / 1e6)
        found["elements when open"].append(page.evaluate("document.querySelectorAll('*').length"))
        for again in (False,) if quick else (False, True):
            for tab in SEEN:
                took = _switch(page, tab)
                if again or tab != "Explore":
                    found[f"{tab}, {'again' if again else 'first time'}, s"].append(took)
                time.sleep(0 if again else SETTLE)
        found["elements after all tabs"].append(page.evaluate("document.querySelectorAll('*').length"))
    with visiting(browser) as page, _timed(page, app, "to open Theory by its address", found):
        page.goto(f"{app.address}?tab=theory")
        page.locator(SEEN["Theory"]).first.wait_for()


@contextmanager
def _timed(page: Page, app: Served, what: str, found: Numbers) -> Iterator[None]:
    """Seconds that pass, and processor seconds of page and server."""
    spent = _spending(page, app)
    before, begun = spent(), time.perf_counter()
    yield
    found[f"{what}, s"].append(time.perf_counter() - begun)
    for who, old, new in zip(("page", "server"), before, spent()):
        found[f"{what}, processor s of the {who}"].append(new - old)


def _spending(page: Page, app: Served) -> Callable[[], tuple[float, float]]:
    """Processor seconds of the page's process and of the server, whenever it is asked."""
    wire = page.context.new_cdp_session(page)
    wire.send("Performance.enable")

    def spent() -> tuple[float, float]:
        told = {one["name"]: one["value"] for one in wire.send("Performance.getMetrics")["metrics"]}
        return told["ProcessTime"], app.cpu()

    return spent


def _counted(page: Page) -> list[float]:
    """What comes over the wire, as it comes."""
    sent: list[float] = []
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.on("Network.loadingFinished", lambda event: sent.append(event["encodedDataLength"]))
    return sent


def _switch(page: Page, tab: str) -> float:
    begun = time.perf_counter()
    page.get_by_role("tab", name=tab, exact=True).click()
    page.locator(SEEN[tab]).first.wait_for()
    return time.perf_counter() - begun


def heights(browser: Browser, app: Served, found: Numbers) -> None:
    """How high every tab is, on a laptop and on a phone."""
    for size in (WIDE, PHONE):
        with visiting(browser, size) as page:
            page.goto(app.address)
            page.wait_for_function(USABLE)
            for tab in ("Explore", "Trade-off", "Align", "Theory"):
                page.goto(f"{app.address}?tab={tab.lower().replace('-', '')}")
                page.locator(SEEN[tab]).first.wait_for()
                time.sleep(SETTLE)
                height = page.evaluate("document.documentElement.scrollHeight")
                found[f"height of {tab}, {size[0]} wide, px"].append(height)


def at_rest(page: Page, app: Served, what: str, found: Numbers) -> None:
    """The share of a core that the page and the server take while nobody touches anything."""
    spent = _spending(page, app)
    time.sleep(2 * SETTLE)
    before, begun = spent(), time.perf_counter()
    time.sleep(REST)
    passed = time.perf_counter() - begun
    for who, old, new in zip(("page", "server"), before, spent()):
        found[f"{who} at rest on {what}, % of a core"].append(100 * (new - old) / passed)


def resting(browser: Browser, app: Served, found: Numbers, trained: bool) -> None:
    """Explore and Trade-off at rest, and with ``trained`` a training run that has ended."""
    for what, query in (("Explore", ""), ("Trade-off", "?tab=tradeoff")):
        with visiting(browser) as page:
            page.goto(f"{app.address}{query}")
            page.locator(SEEN[what]).first.wait_for()
            at_rest(page, app, what, found)
    if trained:
        rest_of_a_run(browser, app, found)


def rest_of_a_run(browser: Browser, app: Served, found: Numbers) -> None:
    """A short training run, watched to its end and on."""
    with visiting(browser) as page:
        page.goto(app.address)
        page.wait_for_function(USABLE)
        open_align(page)
        fill_short(page, "diffusion_dpo", "for_rest")
        start(page)
        wait_for_end(page)
        at_rest(page, app, "an ended run", found)


def measure(trees: list[Path], rounds: int, trained: bool) -> list[Numbers]:
    """The numbers of each tree, all of them in turn."""
    found: list[Numbers] = [defaultdict(list) for _ in trees]
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
    if not path:
        raise SystemExit("No Chromium is installed here (Debian: apt-get install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        with contextmanager(_all_served)(trees) as apps:
            for app in apps if rounds > 1 else ():
                visit(browser, app, defaultdict(list))
            for _ in range(rounds):
                for app, numbers in zip(apps, found):
                    visit(browser, app, numbers, quick=rounds == 1)
                    _tell(numbers)
            for app, numbers in zip(apps, found):
                resting(browser, app, numbers, trained)
                heights(browser, app, numbers)
                _tell(numbers)
        browser.close()
    return found


def _tell(numbers: Numbers) -> None:
    """What is known so far, so that an interrupted run is not lost."""
    print(json.dumps(numbers), file=sys.stderr, flush=True)


def _all_served(trees: list[Path]) -> Iterator[list[Served]]:
    if not trees:
        yield []
        return
    with serving(trees[0]) as first, contextmanager(_all_served)(trees[1:]) as others:
        yield [first, *others]


def commit(tree: Path) -> str:
    said = subprocess.run(["git", "log", "-1", "--format=%h"], cwd=tree, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "no commit"


def table(trees: list[Path], found: list[Numbers]) -> Iterator[str]:
    """The medians side by side."""
    yield f"| | {' | '.join(commit(tree) for tree in trees)} |"
    yield f"|---|{'---:|' * len(trees)}"
    for name in dict.fromkeys(name for numbers in found for name in numbers):
        values = [f"{statistics.median(numbers[name]):,.5g}" if name in numbers else "-" for numbers in found]
        yield f"| {name} | {' | '.join(values)} |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--beside", type=Path, help="another checkout, measured first and in turn with this one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--train", action="store_true", help="also a training run, watched at rest when it has ended")
    parser.add_argument(
        "--quick", action="store_true", help="one round of visits to this tree, heights and rest left out"
    )
    parser.add_argument("--start", action="store_true", help="only how long `serve` takes, of each tree in turn")
    chosen = parser.parse_args()
    places = [ROOT] if chosen.beside is None else [chosen.beside.resolve(), ROOT]
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {datetime.now(UTC):%F}\n")
    if chosen.start:
        starts: list[Numbers] = [defaultdict(list) for _ in places]
        for _ in range(chosen.rounds):
            for place, numbers in zip(places, starts):
                starting(place, numbers)
                _tell(numbers)
        print("\n".join(table(places, starts)))
    elif chosen.quick:
        quick: Numbers = defaultdict(list)
        with sync_playwright() as playwright, serving(ROOT) as app:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            visit(browser, app, quick, True)
            if chosen.train:
                rest_of_a_run(browser, app, quick)
        print("\n".join(table([ROOT], [quick])))
    else:
        print("\n".join(table(places, measure(places, chosen.rounds, chosen.train))))
