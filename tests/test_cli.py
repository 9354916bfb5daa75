"""The command line as a person meets it: JSON on stdout, sentences and exit code 2 for bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def test_the_module_is_the_console_script() -> None:
    arguments = [sys.executable, "-m", "t2ialign", "generate", "", "--seeds", "0"]
    result = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert (result.returncode, result.stdout) == (2, "")
    assert "prompt is empty" in result.stderr and "Traceback" not in result.stderr


def test_generate_score_and_points_fit_together(run, tmp_path) -> None:
    out, home = str(tmp_path / "out"), str(tmp_path / "home")
    generate = ("generate", "a red circle", "--seeds", "0-3", "--steps", "3", "--store", home, "--out", out, "--json")
    first = json.loads(run(*generate)[1])
    assert first["from_store"] is False and [image["seed"] for image in first["images"]] == [0, 1, 2, 3]
    assert all(Path(image["file"]).is_file() and len(image["sha256"]) == 64 for image in first["images"])
    assert all(image["mutual_information"] > 0 for image in first["images"])
    assert {"axis", "level", "values", "mean", "lo", "hi", "version"} <= set(first["scores"]["oracle_alignment"])
    again = json.loads(run(*generate)[1])
    assert again["from_store"] is True and again["cell"] == first["cell"]
    assert [image["sha256"] for image in again["images"]] == [image["sha256"] for image in first["images"]]

    scored = json.loads(
        run("score", out, "--prompt", "a red circle", "--metrics", "lpips,ssim", "--pairs", "--json")[1]
    )
    assert len(scored["scores"]["lpips"]["values"]) == 4
    assert scored["scores"]["lpips"]["mean"] == pytest.approx(first["scores"]["lpips"]["mean"], rel=1e-4)

    points = json.loads(run("points", "--x", "oracle_alignment", "--y", "lpips", "--store", home, "--json")[1])
    assert any(point["config"]["num_inference_steps"] == 3 and point["prompts"] == 1 for point in points)


def test_checkpoints_lists_the_backbones(run) -> None:
    names = {row["name"] for row in json.loads(run("checkpoints", "--json")[1])}
    assert {"base", "sd-1.5", "sd-2.1-base", "sdxl"} <= names


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("generate", "", "--seeds", "0"), "prompt is empty"),
        (("generate", "a ring", "--seeds", "5-"), "'5-'"),
        (("generate", "a ring", "--seeds", "3-1"), "backwards"),
        (("generate", "a ring", "--seeds", "0-999999"), "seeds"),
        (("generate", "a ring", "--seeds", "0", "--checkpoint", "bse"), "did you mean 'base'"),
        (("generate", "a ring", "--seeds", "0", "--guidance-scale", "nan"), "guidance scale"),
        (("generate", "a ring", "--seeds", "0", "--steps", "0"), "steps"),
        (("points", "--x", "oracle_alignmnt"), "did you mean 'oracle_alignment'"),
        (("score", "/nowhere"), "not a folder"),
        (("sweep", "--prompts", "nowhere"), "no prompt set"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(run, tmp_path, arguments: tuple[str, ...], sentence: str) -> None:
    home = () if arguments[0] == "score" else ("--store", str(tmp_path / "home"))
    code, out, err = run(*arguments, *home)
    assert (code, out) == (2, "")
    assert sentence in err.splitlines()[-1] and "Traceback" not in err
