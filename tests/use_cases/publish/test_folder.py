"""A shipped checkpoint as a folder for others: what is in it, and that it can be read back."""

from __future__ import annotations

import math
import re
import shutil
from pathlib import Path

import pytest
import yaml
from PIL import Image

from t2ialign.content import file_sha256
from t2ialign.registry import load_registry
from t2ialign.types import InputError, MergeError
from t2ialign.use_cases.align.manifest import MergedPart, TrainingManifest
from t2ialign.use_cases.publish.card import About, PictureStrip, card_text
from t2ialign.use_cases.publish.folder import write_folder
from t2ialign.use_cases.publish.trade_off import trade_off
from t2ialign.use_cases.reports.comparisons import stored_comparisons
from t2ialign.use_cases.workbench import open_workbench

NAME = "minimal_dpo-step150"


@pytest.fixture(scope="module")
def bench(shipped_home: Path, tmp_path_factory: pytest.TempPathFactory):
    with open_workbench(shutil.copytree(shipped_home, tmp_path_factory.mktemp("push") / "home")) as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / NAME
    write_folder(bench, NAME, out, "cc-by-4.0")
    return out


@pytest.mark.slow
def test_the_card_says_what_compare_says(bench, folder: Path):
    (same,) = [
        one
        for one in stored_comparisons(bench.store, [NAME], "base", ["factor_diversity"])
        if one.policy.guidance_scale == 4 and one.policy.guidance == "cfg"
    ]
    text = (folder / "README.md").read_text()
    header = yaml.safe_load(text.split("---")[1])
    assert header["license"] == "cc-by-4.0" and header["library_name"] == "diffusers"
    (model,) = header["model-index"]
    told = [one for result in model["results"] for one in result["metrics"]]
    found = {one["type"]: one["value"] for one in told if "at CFG 4 " in one["name"]}
    assert found["factor_diversity"] == pytest.approx(same.policy_mean.mean, abs=1e-6)
    assert found["win_rate"] == pytest.approx(0.770833, abs=1e-6)
    gap = same.difference
    assert f"{gap.mean:+.3f} [{gap.lo:+.3f}, {gap.hi:+.3f}]" in text
    assert "preferred in 77 % (70 to 83)" in text and "--pairs style:minimal" in text


def test_everything_that_the_card_shows_lies_beside_it(folder: Path):
    shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", (folder / "README.md").read_text())
    assert shown == ["trade-off.png", "pictures/1.png", "pictures/2.png", "pictures/3.png"]
    for name in shown:
        with Image.open(folder / name) as picture:
            assert picture.width > 300


def test_the_folder_is_a_checkpoint_again(folder: Path, tmp_path: Path):
    copied = shutil.copytree(folder, tmp_path / "home" / "checkpoints" / "theirs")
    entry = load_registry(home=tmp_path / "home").checkpoints["theirs"]
    assert entry.sha256 == file_sha256(copied / "pytorch_lora_weights.safetensors")
    assert entry.backbone == "shapes" and entry.parents == ("base",)


def test_the_chart_has_the_parents_whole_curve(bench):
    found = trade_off(bench, NAME)
    assert [arrow.policy.guidance_scale for arrow in found.arrows] == [2, 3, 4, 6]
    assert {arrow.policy.guidance for arrow in found.arrows} == {"cfg"}, "strategies are another question"
    assert found.usual.policy.guidance_scale == found.usual_scale == 4
    assert len(found.curve) >= 4 and found.curve[0].config.guidance_scale == 1
    assert all(math.isfinite(point.x.mean) for point in found.curve)


def test_another_metric_and_set_can_be_asked_for(bench):
    found = trade_off(bench, NAME, x="clip_score", y="lpips")
    assert (found.x.name, found.y.name) == ("clip_score", "lpips")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"name": "base"}, "is a backbone by itself"),
        ({"name": "nobody"}, "There is no checkpoint"),
        ({"name": NAME, "benchmark": "none such"}, "no benchmark set"),
        ({"name": NAME, "x": "lpips"}, "measures diversity, not alignment"),
        ({"name": NAME, "y": "lpipps"}, "no metric"),
    ],
)
def test_what_cannot_be_said_is_refused(bench, asked, said):
    with pytest.raises(InputError, match=said):
        trade_off(bench, **asked)


def test_what_should_not_be_published_is_refused(bench, folder: Path, tmp_path: Path):
    with pytest.raises(InputError, match="is not empty"):
        write_folder(bench, NAME, folder)
    with pytest.raises(InputError, match="licence identifier"):
        write_folder(bench, NAME, tmp_path / "new", "My own licence!")


def test_what_people_wrote_is_text_and_nothing_else(bench):
    hostile = "<script>alert(1)</script>\n# Not a heading [link](javascript:x) | cell"
    registry, entry = bench.registry(), bench.registry().checkpoints[NAME]
    manifest = TrainingManifest(title=hostile, note=hostile, parents=(hostile,))
    about = About(entry, registry.backbones["shapes"], manifest)
    text = card_text(about, trade_off(bench, NAME), [PictureStrip(hostile, "pictures/1.png")])
    body = text.split("\n---\n", 1)[1]
    assert "<script" not in body.replace("\\<", "") and "\n# Not" not in body and "[link]" not in body
    assert "\\<script\\>alert" in body
    assert yaml.safe_load(text.split("---")[1])["widget"][0]["text"] == hostile


def test_a_merged_checkpoint_says_how_close_it_is(bench):
    registry, entry = bench.registry(), bench.registry().checkpoints[NAME]
    error = MergeError(8, 0.012, 0.2, "mid.to_q|<b>")
    about = About(
        entry, registry.backbones["shapes"], TrainingManifest(merge=(MergedPart("a", 0.5),), merge_error=error)
    )
    text = card_text(about, trade_off(bench, NAME), [])
    assert "misses 1.2 % of what is added to the weights" in text and "20 % in the worst layer" in text
    assert "to_q|<b>" not in text


@pytest.mark.slow
def test_the_command_writes_the_folder_and_says_what_is_missing(run, tmp_path: Path, shipped_home: Path):
    home = shutil.copytree(shipped_home, tmp_path / "home")
    code, out, err = run("push", NAME, "--dry-run", str(tmp_path / "out"), "--store", str(home))
    assert code == 0, err
    assert "preferred in 77 %" in out and "names no licence" in out
    assert (tmp_path / "out" / "manifest.json").is_file()
    code, _, err = run("push", NAME, "--store", str(home))
    assert code == 2 and "--dry-run FOLDER" in err
