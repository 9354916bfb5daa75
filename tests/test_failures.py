"""The list of failed tests at the end of the output."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

from tests.failures import listed, say


def reporter(**stats: list[str]) -> SimpleNamespace:
    written = io.StringIO()
    reports = {kind: [SimpleNamespace(nodeid=name) for name in names] for kind, names in stats.items()}
    return SimpleNamespace(stats=reports, written=written, write=lambda text, flush: written.write(text) and None)


def config_of(found: SimpleNamespace | None, **more: object) -> SimpleNamespace:
    return SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin={"terminalreporter": found}.get), **more)


def test_failures_and_errors_are_listed_once_each(tmp_path: Path):
    found = reporter(failed=["a.py::x", "a.py::y[1]"], error=["a.py::x", "b.py"], passed=["c.py::z"], rerun=["c.py::z"])
    say(config_of(found), str(tmp_path / "list"))
    assert found.written.getvalue() == "3 failed:\na.py::x\na.py::y[1]\nb.py\n"
    assert (tmp_path / "list").read_text() == found.written.getvalue()


def test_too_many_are_counted_by_file():
    found = reporter(failed=[f"a.py::{name}" for name in range(5)] + ["b.py::x"])
    assert listed(found, 20) == ["6 failed:", "a.py: 5", "b.py: 1"]
    assert len(listed(found, 1000)) == 7


def test_nothing_is_said_where_all_pass_nor_by_a_worker(tmp_path: Path):
    passed, worker = reporter(passed=["a.py::x"]), reporter(failed=["a.py::x"])
    say(config_of(passed), str(tmp_path / "list"))
    say(config_of(worker, workerinput={}), str(tmp_path / "none"))
    say(config_of(None), str(tmp_path / "none"))
    assert passed.written.getvalue() == worker.written.getvalue() == ""
    assert (tmp_path / "list").read_text() == "" and not (tmp_path / "none").exists()
