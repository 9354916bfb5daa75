"""The study commands as a person meets them: JSON on stdout, sentences and exit code 2 for bad input."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from t2ialign import cli

DESIGN = """
title = "Guidance"
rounds = 2
[answer]
kind = "pick"
[pictures]
seeds = "0-1"
num_inference_steps = 2
[prompts]
color = ["a red circle", "a blue star"]
[[contenders]]
name = "weak"
guidance_scale = 1
[[contenders]]
name = "strong"
guidance_scale = 6
"""


@pytest.fixture
def run(monkeypatch, capsys):
    """The console script within this process: ``run(...)`` returns exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["t2ialign", "study", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        output = capsys.readouterr()
        return stopped.value.code or 0, output.out, output.err

    return call


@pytest.fixture
def home(tmp_path: Path, light_home: Path) -> Path:
    """The shipped results are not looked at here."""
    return shutil.copytree(light_home, tmp_path / "home")


@pytest.mark.slow
def test_a_title_cannot_speak_to_the_terminal(run, tmp_path: Path, home: Path):
    (tmp_path / "design.toml").write_text(
        DESIGN.replace('"Guidance"', r'"\u001b[31mRed\u001b]0;owned\u0007 \u202eback"')
    )
    code, _, said = run("new", tmp_path / "design.toml", "--store", home)
    if code == 0:
        _, out, said = run("list", "--store", home)
        assert "Red" in out
        said += out
    assert not any(code in said for code in "\x1b\x07\u202e"), repr(said)


@pytest.mark.slow
def test_agreement_of_anybodys_answers(run, tmp_path: Path):
    rows = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    lines = [f"u{u},r{r},{a}" for r, row in enumerate(rows) for u, a in enumerate(row) if a != "."]
    (tmp_path / "answers.csv").write_text("\n".join(["unit,rater,answer", *lines]))
    code, out, _ = run("agreement", tmp_path / "answers.csv", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["alpha"] == pytest.approx(0.743, abs=5e-4)
    assert found["lo"] < found["alpha"] < found["hi"]
    assert (found["units"], found["raters"], found["answers"]) == (11, 4, 40)
    assert "alpha 0.743" in run("agreement", tmp_path / "answers.csv")[1]


def test_strengths_of_anybodys_votes(run, tmp_path: Path):
    rows = (
        ["a,b,left"] * 6 + ["b,a,left"] * 3 + ["b,c,left"] * 5 + ["c,b,left"] * 4 + ["a,c,tie"] * 3 + ["c,a,right"] * 2
    )
    (tmp_path / "votes.csv").write_text("\n".join(["left,right,outcome", *rows]))
    found = json.loads(run("strengths", tmp_path / "votes.csv", "--json")[1])
    assert found["model"] == "Davidson"
    assert [one["name"] for one in found["strengths"]] == ["a", "b", "c"]
    assert sum(one["strength"] for one in found["strengths"]) == pytest.approx(0, abs=1e-9)
    assert all(one["lo"] < one["strength"] < one["hi"] for one in found["strengths"])
    assert (found["strengths"][0]["wins"], found["strengths"][0]["losses"], found["strengths"][0]["ties"]) == (8, 3, 3)


@pytest.mark.slow
def test_bad_input_is_one_sentence(run, tmp_path: Path, home: Path):
    (tmp_path / "votes.csv").write_text("left,right,outcome\na,b,draw\n")
    (tmp_path / "bad.toml").write_text("title = 3")
    for arguments in (
        ("strengths", tmp_path / "votes.csv", "--json"),
        ("agreement", tmp_path / "none.csv"),
        ("new", tmp_path / "bad.toml", "--store", home),
        ("results", "nonsense", "--store", home),
        ("close", "nonsense", "--store", home),
        ("export", "nonsense", tmp_path / "out", "--as", "pdf", "--store", home),
        ("import", tmp_path / "nowhere", "--store", home),
        ("exclude", "nonsense", "ugly", "--store", home),
    ):
        code, out, err = run(*arguments)
        assert (code, out) == (2, ""), arguments
        assert err.strip().startswith("t2ialign:") and "\n" not in err.strip(), err


@pytest.mark.slow
def test_a_study_from_design_to_import(run, tmp_path: Path, home: Path):
    (tmp_path / "design.toml").write_text(DESIGN)
    other = ("--store", shutil.copytree(home, tmp_path / "other"))
    home = ("--store", home)
    study = json.loads(run("new", tmp_path / "design.toml", *home, "--json")[1])["study"]
    opened = json.loads(run("open", study, *home, "--json")[1])
    assert (opened["state"], len(opened["hash"])) == ("open", 64)
    assert run("simulate", study, "--surveys", 4, *home)[0] == 0
    results = json.loads(run("results", study, *home, "--json")[1])
    assert results["results"]["answers"] == 8
    assert "strength" in run("results", study, *home)[1]
    assert run("pause", study, *home)[0] == 0
    assert run("simulate", study, *home)[0] == 2
    assert run("open", study, *home)[0] == 0
    assert "excluded" in run("exclude", study, "fast", "--value", 100, "--reason", "a trial", *home)[1]
    assert run("close", study, *home)[0] == 0
    assert run("export", study, tmp_path / "all", "--as", "all", *home)[0] == 0
    assert "4 files" in run("export", study, tmp_path / "csv", *home)[1]
    assert json.loads(run("import", tmp_path / "all", *other, "--json")[1]) == {"study": study, "votes": 8}
    (row,) = json.loads(run("list", *other, "--json")[1])
    assert (row["study"], row["state"], row["answers"]) == (study, "closed", 8)
