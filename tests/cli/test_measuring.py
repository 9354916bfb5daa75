"""audit, rescore and metrics as a person meets them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from t2ialign import settings


@pytest.fixture
def folder(tmp_path):
    where = tmp_path / "pictures"
    where.mkdir()
    rng = np.random.default_rng(0)
    for index in range(8):
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(where / f"{index}.png")
    return where


@pytest.mark.slow
def test_a_folder_is_audited_as_far_as_possible(run, folder, tmp_path) -> None:
    report = tmp_path / "audit.html"
    code, out, _ = run("audit", str(folder), "--metrics", "rmse,ssim", "--out", str(report), "--json")
    found = {entry["metric"]: entry for entry in json.loads(out)["metrics"]}
    assert code == 0 and set(found) == {"rmse", "ssim"}
    assert set(found["rmse"]["nuisance"]) and found["rmse"]["truth"] == {} and found["rmse"]["power"] == []
    assert "Which metric tells the truth?" in report.read_text(encoding="utf-8")


def test_too_few_pictures_are_a_sentence(run, folder) -> None:
    for index in range(4):
        (folder / f"{index}.png").unlink()
    code, out, err = run("audit", str(folder), "--metrics", "rmse")
    assert (code, out) == (2, "") and "at least 8 pictures" in err.splitlines()[-1] and "Traceback" not in err


@pytest.mark.slow
def test_a_folder_is_scored_without_the_scorers_that_are_not_here(run, folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    asked = ["score", str(folder), "--scorers", "lpips-squeeze", "--json"]
    code, out, _ = run(*asked, "--metrics", "rmse,lpips")
    found = json.loads(out)
    assert code == 0 and set(found["scores"]) == {"rmse"}
    assert "cannot be measured now: lpips-squeeze" in found["skipped"]["lpips"]
    assert "`python -m t2ialign weights fetch lpips-squeeze` fetches it" in found["skipped"]["lpips"]
    code, _, err = run(*asked, "--metrics", "lpips")
    assert code == 2 and "'lpips' cannot be measured now" in err
    code, _, err = run(*asked, "--metrics", "rmse,clip_score")
    assert code == 2 and "'clip_score' needs another scorer" in err


@pytest.mark.slow
def test_rescore_of_an_empty_store(run, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(settings, "DATA", tmp_path)
    code, out, _ = run("rescore", "--metrics", "rmse", "--store", str(tmp_path / "home"))
    assert code == 0 and "The store holds no pictures yet" in out
    assert run("rescore", "--metrics", "rmsee", "--store", str(tmp_path / "home"))[0] == 2


@pytest.mark.slow
@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("Query interrupted")], ids=["python", "duckdb"])
def test_rescore_is_stopped_by_the_keyboard(run, tmp_path, monkeypatch, error) -> None:
    from t2ialign.use_cases.batches import rescore as rescoring

    def stopped(*_, **__):
        yield rescoring.RescoreState(3, 9, scores=5)
        raise error

    monkeypatch.setattr(settings, "DATA", tmp_path)
    monkeypatch.setattr(rescoring, "rescore", stopped)
    code, out, err = run("rescore", "--metrics", "rmse", "--store", str(tmp_path / "home"))
    said = "Stopped. 5 scores written for 3 of 9 cells. The same command goes on from here."
    assert (code, out, err.splitlines()[-1]) == (130, "", said)


def test_metrics_are_listed(run) -> None:
    rows = {row["name"]: row for row in json.loads(run("metrics", "--json")[1])}
    assert rows["lpips"]["higher_is_better"] and rows["vendi"]["equation"]
    assert run("metrics", "--markdown")[1] == (settings.ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_frontier_has_the_renderers_optimum_and_says_whose_it_is(run, home, tmp_path) -> None:
    """The table, the record and the chart; with a judge that is no style of the world there is none."""
    out = tmp_path / "frontier.html"
    code, printed, _ = run("frontier", "minimal_draft", "--store", str(home), "--out", str(out), "--json")
    (ideal,) = json.loads(printed)["ideals"]
    assert code == 0 and ideal["name"] == "renderer's optimum" and "A base is not the renderer" in ideal["about"]
    page = out.read_text(encoding="utf-8")
    assert "<p>The renderer&#39;s optimum is exact" in page and '"dash":"dash"' in page
    code, printed, _ = run("frontier", "minimal_draft", "--store", str(home), "--judge", "clip_score", "--json")
    assert code == 0 and json.loads(printed)["ideals"] == []


def test_the_shipped_audit_is_there_at_once(run, folder) -> None:
    code, out, _ = run("audit", "--shipped", "--metrics", "lpips,u_rke")
    assert code == 0 and "lpips" in out and "rmse" not in out
    whole = json.loads(run("audit", "--shipped", "--json")[1])["metrics"]
    asked = json.loads(run("audit", "--shipped", "--metrics", "lpips", "--json")[1])["metrics"]
    assert asked == [entry for entry in whole if entry["metric"] == "lpips"], (
        "its p-values are those of the whole family"
    )
    for words in (["--metrics", "style_sunny"], [str(folder)]):
        code, _, err = run("audit", "--shipped", *words)
        assert code == 2 and "leave --shipped out" in err and "Traceback" not in err
