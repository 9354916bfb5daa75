"""What the documents promise: the README's example runs, docstrings become pages, and files that are named are there."""

from __future__ import annotations

import math
import re
import runpy
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

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


def commands_of(page: Path) -> list[str]:
    """The command lines of a page's code blocks, without their comments, continued lines joined."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    found = re.findall(r"^ +(?:\w+=\S+ )*(?:python -m |\.venv/bin/)?t2ialign ([a-z].*)$", text, re.MULTILINE)
    return [line.partition(" && ")[0] for line in found]


def test_every_command_that_the_documents_show_is_understood() -> None:
    """By click's own parser: subcommands, options and the values that they want."""
    from typer.main import get_command

    from t2ialign.cli import app

    known: Any = get_command(app)
    shown = [line for page in (*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md") for line in commands_of(page)]
    assert len(shown) > 100
    odd = []
    for line in shown:
        words, command = shlex.split(line, comments=True), known
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        try:
            command.make_parser(command.context_class(command, **command.context_settings)).parse_args(words)
        except Exception as error:
            odd.append(f"{line}: {error}")
        if command is known:
            odd.append(f"{line}: no such command")
    assert odd == []


def test_the_help_of_align_names_every_method_and_source() -> None:
    from typer.main import get_command

    from t2ialign.cli import app
    from t2ialign.methods import METHODS
    from t2ialign.source import KINDS

    known: Any = get_command(app)
    helps = {param.name: param.help for param in known.commands["align"].params}
    assert set(METHODS) <= set(re.findall(r"\w+", helps["method"]))
    assert all(kind.written in helps["pairs"] for kind in KINDS.values())
    assert {"style:GROUP", "pictures:FOLDER", "votes:STUDY:GROUP"} <= set(re.findall(r"[\w:/]+", helps["pairs"]))


def test_the_readme_names_every_method() -> None:
    from t2ialign.methods import METHODS

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [method.title for method in METHODS.values() if method.title not in text] == []


def test_every_page_is_in_the_index() -> None:
    text = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages == set(re.findall(r"\]\(([\w-]+\.md)\)", text))


def test_every_setting_has_its_row() -> None:
    """docs/deploy.md has a row for each variable that ``settings`` reads, with the limits' own defaults."""
    rows = dict(
        re.findall(
            r"^\| `(\w+)` \|.*\| ([^|]*) \|$", (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    assert set(re.findall(r"T2IALIGN_[A-Z]+(?:_[A-Z]+)*(?=``)", settings.__doc__ or "")) <= rows.keys()
    limits = {
        f"T2IALIGN_VISITOR_{name.upper()}": str(usual) for name, usual in asdict(settings.VisitorLimits()).items()
    }
    assert limits.items() <= rows.items()


def test_benchmarks_run_as_they_are_shown() -> None:
    """``python -m benchmarks.NAME``: each is there, and finds its neighbours from the checkout's folder."""
    names = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / "benchmarks").glob("*"), ROOT / "README.md", ROOT / "LOG.md"]
    texts = [page.read_text(encoding="utf-8") for page in pages if page.is_file()]
    assert {name for text in texts for name in re.findall(r"python -m benchmarks\.(\w+)", text)} <= names
    assert not [text for text in texts if re.search(r"python benchmarks/", text)]
    imported = {
        (path.stem, name)
        for path in (ROOT / "benchmarks").glob("*.py")
        for name in re.findall(r"^(?:from|import) (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert not [pair for pair in imported if pair[1] in names]
