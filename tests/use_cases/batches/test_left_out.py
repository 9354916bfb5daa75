"""A real backbone whose scorers are not all here: pictures come, other scores too, and what is missing is said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from t2ialign import settings, store
from t2ialign.encoders import lpips
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.api import run_request
from t2ialign.use_cases.batches import rescore as rescoring
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import score_batch, stored_state
from t2ialign.use_cases.batches.sweep import sweep
from t2ialign.use_cases.measures import LeftOut
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.workbench import Workbench
from tests.hubs import FIRST, put, use_cache
from tests.tiny import SIDE, save_tiny

TOML = f"""
[backbones."sd-1.5"]
family = "sd"
hub = "org/sd"
revision = "{FIRST}"
size = {SIDE}
scorers = ["clip-vit-b-32", "lpips-squeeze"]
on_request = ["pick-score"]

[checkpoints."sd-1.5"]
backbone = "sd-1.5"

[scorers.clip-vit-b-32]
loader = "t2ialign.encoders.clip:load"
source = "ViT-B-32-quickgelu/openai"
megabytes = 605

[scorers.lpips-squeeze]
loader = "t2ialign.encoders.lpips:load"
source = "squeeze"

[scorers.pick-score]
loader = "t2ialign.encoders.pick_score:load"
source = "yuvalkirstain/PickScore_v1"
"""
REQUEST = BatchRequest(Prompt("a red circle"), "sd-1.5", (0, 1, 2), num_inference_steps=2)
FETCH = "python -m t2ialign weights fetch"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("pipeline"))


@pytest.fixture
def bench(tmp_path: Path, pipeline: Path, light_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """A tiny pipeline in the Hub's cache under the name of a real one, and none of its scorers' weights."""
    put(use_cache(tmp_path / "hub", monkeypatch), "org/sd", pipeline, FIRST)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / "registry.toml").write_text(TOML)
    monkeypatch.setattr(settings, "CHECKPOINTS", folder)
    monkeypatch.setattr(settings, "HOME", tmp_path / "home")
    with store.open_store(shutil.copytree(light_home, tmp_path / "home")) as opened:
        yield Workbench(StoreResults(opened), "cpu", "float32")


def bring_squeezenet(tmp_path: Path) -> None:
    """Random weights where torch keeps the trunk of LPIPS."""
    from torchvision.models import squeezenet1_1

    file = tmp_path / "torch" / "checkpoints" / "squeezenet1_1-b8a52dc0.pth"
    file.parent.mkdir(parents=True)
    torch.manual_seed(0)
    torch.save(squeezenet1_1().state_dict(), file)


@pytest.mark.slow
def test_only_the_scorers_that_the_metrics_need_are_touched(bench: Workbench, tmp_path: Path, monkeypatch):
    bring_squeezenet(tmp_path)
    touched: list[str] = []
    encoder = Workbench.encoder
    monkeypatch.setattr(Workbench, "encoder", lambda self, name: touched.append(name) or encoder(self, name))
    state = run_request(bench, replace(REQUEST, metrics=("ssim", "lpips")))
    assert set(state.scores) == {"ssim", "lpips"} and state.left_out == () and set(touched) == {"lpips-squeeze"}
    touched.clear()
    assert set(run_request(bench, replace(REQUEST, metrics=("ssim", "rmse"))).scores) == {"ssim", "rmse"}
    assert touched == []


@pytest.mark.slow
def test_what_is_not_here_is_left_out_and_the_rest_comes(bench: Workbench):
    states = list(score_batch(bench, REQUEST))
    last = states[-1]
    assert last.phase == "done" and len(last.images) == 3 and any(state.previews for state in states)
    assert {"ssim", "rmse", "mutual_information"} <= set(last.scores)
    assert [(part.scorer, part.fetch) for part in last.left_out] == [
        ("clip-vit-b-32", f"{FETCH} clip-vit-b-32"),
        ("lpips-squeeze", f"{FETCH} lpips-squeeze"),
    ]
    assert {"clip_score", "u_rke"} <= set(last.left_out[0].metrics)
    said = "(open_clip_model.safetensors of timm/vit_base_patch32_clip_224.openai, 605 MB) is not on this machine"
    assert said in last.left_out[0].reason
    assert [str(part) for part in last.left_out] == list(last.notes)
    remembered = stored_state(bench, last.request.prompt, last.config, last.request.seeds)
    assert remembered.left_out == last.left_out, "a page that is opened later says so too"
    assert run_request(bench, REQUEST).from_store


@pytest.mark.slow
def test_a_metric_asked_for_by_name_is_left_out_too_and_an_impossible_one_refused(bench: Workbench):
    state = run_request(bench, replace(REQUEST, metrics=("pick_score", "rmse")))
    (part,) = state.left_out
    assert part.metrics == ("pick_score",) and part.again == "python -m t2ialign rescore --metrics pick_score"
    assert set(state.scores) == {"rmse"}
    with pytest.raises(InputError, match="'taste' cannot be measured here: no scorer provides taste"):
        run_request(bench, replace(REQUEST, metrics=("taste",)))
    with pytest.raises(InputError, match=f"pick_score cannot be measured now. .+`{FETCH} pick-score` fetches it"):
        bench.scorers_for(("lpips-squeeze",), ("pick_score",), ("pick-score",))


@pytest.mark.slow
def test_rescore_adds_what_was_missing_once_it_is_here(bench: Workbench, tmp_path: Path):
    state = run_request(bench, REQUEST)
    *_, nothing = rescoring.rescore(bench, ("lpips",))
    assert nothing.scores == 0 and [part.metrics for part in nothing.left_out] == [("lpips",)]
    assert "Nothing to do" not in rescoring.report(nothing)
    *_, partly = rescoring.rescore(bench, ("taste", "rmse_paper"))
    assert partly.scores == 1 and "no scorer provides taste" in partly.left_out[0].reason, "one costs not the others"
    bring_squeezenet(tmp_path)
    *_, added = rescoring.rescore(bench)
    assert added.scores == 1 and [part.scorer for part in added.left_out] == ["clip-vit-b-32"]
    again = run_request(bench, REQUEST)
    assert again.from_store and set(again.scores) == {*state.scores, "lpips"}


@pytest.mark.slow
def test_a_scorer_that_fails_for_reasons_of_its_own_costs_only_its_metrics(
    bench: Workbench, tmp_path: Path, monkeypatch
):
    bring_squeezenet(tmp_path)
    monkeypatch.setattr(lpips, "package_model", lambda net: (_ for _ in ()).throw(MemoryError("no room for it")))
    state = run_request(bench, replace(REQUEST, metrics=("lpips", "rmse")))
    assert set(state.scores) == {"rmse"} and len(state.images) == 3
    assert state.left_out == (
        LeftOut("lpips-squeeze", ("lpips",), "lpips-squeeze failed (MemoryError: no room for it)"),
    )
    monkeypatch.setattr(lpips, "load", lambda *_: (_ for _ in ()).throw(OSError("odd bytes")))
    bench._encoders.clear()
    state = run_request(bench, replace(REQUEST, metrics=("lpips", "ssim")))
    assert set(state.scores) == {"ssim"} and "cannot be loaded (OSError: odd bytes)" in state.left_out[0].reason


@pytest.mark.slow
def test_a_sweep_says_it_once(bench: Workbench):
    cells = [replace(REQUEST, seeds=(0, 1), metrics=("lpips", "rmse"), guidance_scale=scale) for scale in (1.0, 2.0)]
    *_, state = sweep(bench, cells)
    ((note, prompts),) = state.notes
    assert f"{FETCH} lpips-squeeze" in note and prompts == ("a red circle",)


@pytest.mark.slow
def test_the_command_line_says_it_on_stderr_and_in_json(bench: Workbench, run, tmp_path: Path):
    bench.results.opened.close()
    said = ["generate", "a red circle", "--checkpoint", "sd-1.5", "--seeds", "0,1", "--steps", "1"]
    code, out, err = run(*said, "--metrics", "lpips,rmse", "--store", str(tmp_path / "home"), "--json")
    found = json.loads(out)
    assert code == 0 and set(found["scores"]) == {"rmse"} and len(found["images"]) == 2
    assert found["left_out"][0]["fetch"] == f"{FETCH} lpips-squeeze"
    assert err.count("Left out: lpips. lpips-squeeze") == 1
