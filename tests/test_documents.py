"""What the documents promise: the README's example runs, docstrings become pages, and files that are named are there."""

from __future__ import annotations

import math
import re
import runpy
from pathlib import Path

import pytest

from t2ialign import settings

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.timeout(600)  # imports everything, where nothing else has done so


@pytest.mark.slow
def test_the_readmes_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in example.splitlines() if line]) <= 10
    monkeypatch.setattr(settings, "HOME", tmp_path)
    monkeypatch.setattr(settings, "DATA", tmp_path)  # no shipped runs to take in
    exec(compile(example, "README.md", "exec"), {})
    steps = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [step for step, _ in steps] == ["1", "2", "3", "4", "5"]
    first, last = float(steps[0][1]), float(steps[-1][1])
    assert abs(first - math.log(2)) < 1e-5 and last < first


@pytest.mark.slow
def test_docstrings_become_pages(tmp_path: Path) -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_api.py"))
    files = {path for path in (ROOT / "t2ialign").rglob("*.py") if path.stem != "__main__"}
    assert len(made["modules"]()) == len(files) and "t2ialign.dashboard.theory.page" in made["modules"]()
    made["main"](tmp_path, "t2ialign.divergences", "t2ialign.objectives.sigmoid")
    page = (tmp_path / "t2ialign" / "divergences.html").read_text(encoding="utf-8")
    assert "The f-divergence" in page and "JensenShannon" in page
    assert (tmp_path / "index.html").is_file() and (tmp_path / "t2ialign/objectives/sigmoid.html").is_file()


def test_every_file_that_the_guide_names_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = {name for name in re.findall(r"`([\w./]+(?:\.py|\.md|\.toml|/))`", text) if name != "t2ialign/"}
    assert len(named) > 60
    assert [
        name for name in sorted(named) if not (ROOT / name).exists() and not (ROOT / "t2ialign" / name).exists()
    ] == []
