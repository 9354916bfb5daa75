"""The real app in a process of its own, and a real Chromium that watches for errors and for requests to elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.launching import free_port

ROOT = Path(__file__).resolve().parents[2]
APP = """
import runpy
from t2ialign.jobs import process

process.NICENESS = 0  # workers as important as the page: on a busy machine a test would wait long for them
runpy.run_path("app.py", run_name="__main__")
"""
BASE = ROOT / "checkpoints" / "shapes"
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
START_SECONDS = 240
PATIENCE = 60_000  # milliseconds; a busy machine is no failure


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is ``e2e``, may wait for the app to start, and gets a second chance on a busy machine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if not item.get_closest_marker("timeout"):  # a mark of the item comes before that of its module
                item.add_marker(pytest.mark.timeout(START_SECONDS + 240))
            item.add_marker(pytest.mark.flaky(reruns=1))


expect.set_options(timeout=PATIENCE)  # a busy machine takes its time


def is_complaint(said) -> bool:
    """An error on the console, also one of leaving the page."""
    return said.type == "error"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, shipped_home: Path) -> Path:
    """The folder of the app's store."""
    return shutil.copytree(shipped_home, tmp_path_factory.mktemp("app") / "home")


@pytest.fixture(scope="session")
def app(home: Path) -> Iterator[str]:
    """The address of ``app.py`` with a store of its own."""
    if not CHROMIUM:
        pytest.skip("no Chromium is installed here: install one to test the page in a browser")
    if not list(BASE.glob("**/*.safetensors")):
        pytest.skip("checkpoints/shapes holds no weights: train the embedded world first")
    folder, port = home.parent, free_port()
    environment = {**os.environ, "T2IALIGN_HOME": str(home), "GRADIO_SERVER_PORT": str(port)}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", APP], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/", process, folder / "log")
            wait_until_read(f"http://127.0.0.1:{port}/")
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:  # a busy machine
                process.kill()


def wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(address, timeout=5).read()
            return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(log.read_text())


def wait_until_read(address: str) -> None:
    """Until the shipped results are in the store, for which the endpoint of the chart's points waits."""
    body, kind = json.dumps({"data": ["", "", [], [], ""]}).encode(), {"Content-Type": "application/json"}
    asking = urllib.request.Request(f"{address}gradio_api/run/points", body, kind)
    assert json.load(urllib.request.urlopen(asking, timeout=START_SECONDS))["data"]


@pytest.fixture(scope="session")
def browser(app: str):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opening(browser, app: str) -> Iterator[Callable]:
    """Opens pages (``open_one("?run=...", width=380)``); at the end none may have complained or left the machine."""
    complaints: list[str] = []
    contexts = []

    def watch(page) -> None:
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))
        page.on("console", lambda said: complaints.append(f"console: {said.text}") if is_complaint(said) else None)
        page.on(
            "response",
            lambda answer: complaints.append(f"{answer.status}: {answer.url}") if answer.status >= 400 else None,
        )
        page.on(
            "request",
            lambda asked: complaints.append(f"left the machine: {asked.url}") if not at_home(asked.url) else None,
        )

    def at_home(url: str) -> bool:
        return url.startswith((app, "data:", "blob:"))

    def open_one(query: str = "", width: int = 1280, height: int = 800, **options):
        contexts.append(
            browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **options)
        )
        page = contexts[-1].new_page()
        watch(page)
        page.goto(app + query)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def open_page(browser, app: str) -> Iterator[Callable]:
    """Opens pages that belong to one test, ready to be used."""
    with opening(browser, app) as open_one:
        yield lambda query="", **options: ready(open_one(query, **options))


@pytest.fixture(scope="module")
def page(browser, app: str) -> Iterator[Page]:
    """One page for the tests of a module that leave it as they would like to find it; opening one takes seconds."""
    with opening(browser, app) as open_one:
        yield ready(open_one())


READY = """() => {
  const tab = document.querySelector('#t2-tabs [role=tab][aria-selected=true]');
  return tab && (tab.textContent.trim() !== 'Explore' || document.querySelector('#t2-explore-chart .js-plotly-plot'));
}"""


def ready(page: Page) -> Page:
    """The page once Explore has drawn its chart, or the tab that the link names is open."""
    page.wait_for_function(READY)
    return page
