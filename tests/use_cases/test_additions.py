"""Checkpoints from elsewhere, from a disk and from a Hub on this machine, through registry, pictures, scores and chart."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from t2ialign import settings
from t2ialign.cli import main
from t2ialign.diffusion.backbone import fetch_backbone
from t2ialign.registry import BackboneEntry, adapter_file, load_registry, resolve
from t2ialign.samplers import UsualRun
from t2ialign.source import parse_source
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases import additions
from t2ialign.use_cases.additions import Words, add, annotate, rename
from t2ialign.use_cases.align import removal
from t2ialign.use_cases.align.request import AlignRequest, plan
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import score_batch, stored_state
from t2ialign.use_cases.batches.usual import usual_of
from t2ialign.use_cases.reports.text import stored_points
from t2ialign.use_cases.weights import fetch_weights, list_weights
from t2ialign.use_cases.workbench import Workbench, open_workbench
from tests.hub_server import Hub, serving, use_hub
from tests.hubs import put, use_cache
from tests.tiny import SIDE, save_tiny, save_tiny_adapter, tiny_unet
from tests.use_cases.aligning import run, short

COMMIT = "a" * 40
TOML = f"""
[backbones.tiny]
family = "sd"
path = "tiny"
size = {SIDE}
dtype = "float32"

[backbones.tiny-xl]
family = "sdxl"
path = "tiny-xl"
size = {SIDE}
dtype = "float32"

[checkpoints.tiny]
backbone = "tiny"

[checkpoints.published]
backbone = "tiny"
kind = "unet"
hub = "org/whole"
file = "unet"
megabytes = 3440
licence = "openrail++"
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints folder with two tiny backbones, and sources beside it."""
    root = tmp_path_factory.mktemp("additions")
    save_tiny(root / "checkpoints" / "tiny")
    save_tiny(root / "checkpoints" / "tiny-xl", "sdxl")
    (root / "checkpoints" / "registry.toml").write_text(TOML)
    torch.manual_seed(5)
    tiny_unet("sd-1.5").save_pretrained(root / "whole" / "unet")
    save_tiny_adapter(root / "lora")
    save_tiny_adapter(root / "xl", "dora", "sdxl")
    return root


@pytest.fixture
def home(world: Path, tmp_path: Path, light_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "CHECKPOINTS", world / "checkpoints")
    monkeypatch.setattr(settings, "HOME", tmp_path / "home")
    use_cache(tmp_path / "hub", monkeypatch)
    return shutil.copytree(light_home, tmp_path / "home")


@pytest.fixture
def hub(world: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    def files(folder: Path) -> dict[str, bytes]:
        return {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()}

    lora = (world / "lora" / "pytorch_lora_weights.safetensors").read_bytes()
    repositories = {
        "org/whole": files(world / "whole"),
        "org/lora": {"README.md": b"x", "special_lora.safetensors": lora, "old.bin": b"PK\x03\x04"},
        "org/two": {"one.safetensors": lora, "two.safetensors": lora},
        "org/pickle": {"pytorch_lora_weights.bin": b"PK\x03\x04"},
    }
    with serving(Hub(files=repositories, licence="apache-2.0")) as found:
        yield use_hub(found, monkeypatch)


@pytest.fixture
def bench(home: Path) -> Iterator[Workbench]:
    with open_workbench(home) as found:
        yield replace(found, device="cpu", dtype="float32")


def pictures(bench: Workbench, checkpoint: str) -> dict[int, torch.Tensor]:
    request = BatchRequest(Prompt("a red star"), checkpoint, (0, 1), num_inference_steps=2, metrics=("ssim", "rmse"))
    *_, last = score_batch(bench, request)
    assert last.phase == "done" and set(last.scores) == {"ssim", "rmse"}
    return last.images


@pytest.mark.slow
def test_a_unet_from_a_folder_goes_the_whole_way(world: Path, home: Path, bench: Workbench) -> None:
    """Registry, pictures, scores, store, points on the chart, and reload in a new workbench."""
    entry = add(home, str(world / "whole"), Words("dpo", note="mine", licence="mit"))
    assert (entry.kind, entry.backbone, entry.licence, entry.note) == ("unet", "tiny", "mit", "mine")
    base, half, whole = (pictures(bench, spec) for spec in ("tiny", "dpo@0.5", "dpo"))
    assert not torch.equal(base[0], whole[0]) and not torch.equal(half[0], whole[0])
    assert torch.equal(pictures(bench, "dpo@0")[0], base[0])
    points = {point.config.checkpoint for point in stored_points(bench.store, "ssim", "rmse")}
    assert {"dpo", "dpo@0.5"} <= points
    again = replace(bench, _backbones={})
    _, uses = resolve("dpo", load_registry(home=home))
    assert uses[0].sha == load_registry(home=home).checkpoints["dpo"].sha256
    assert torch.equal(pictures(again, "dpo")[1], whole[1])


@pytest.mark.slow
def test_a_unet_that_predicts_something_else_is_refused(world: Path, home: Path, hub: Hub, tmp_path: Path) -> None:
    """Its tensors fit, so that only the scheduler beside it tells: from a pipeline's folder, its unet/, and the Hub."""
    place = tmp_path / "pipeline"
    shutil.copytree(world / "whole" / "unet", place / "unet")
    (place / "scheduler").mkdir()
    config = place / "scheduler" / "scheduler_config.json"
    config.write_text(json.dumps({"prediction_type": "v_prediction"}))
    files = {one.relative_to(place).as_posix(): one.read_bytes() for one in place.rglob("*") if one.is_file()}
    hub.files["org/pipeline"] = files
    for source in (str(place), str(place / "unet"), "org/pipeline"):
        with pytest.raises(InputError, match="new predicts v_prediction as the scheduler .* tiny predicts epsilon"):
            add(home, source, Words("new", backbone="tiny"))
    config.write_text(json.dumps({"prediction_type": "epsilon"}))
    assert add(home, str(place), Words("new")).kind == "unet"


@pytest.mark.slow
def test_what_peft_wrote_without_its_scale_is_said(world: Path, home: Path, tmp_path: Path, capsys) -> None:
    named = load_file(world / "lora" / "pytorch_lora_weights.safetensors")
    file = tmp_path / "adapter_model.safetensors"
    save_file({key.replace("unet.", "base_model.model."): tensor for key, tensor in named.items()}, file)
    heard: list[str] = []
    entry = add(home, str(file), Words("one"), say=heard.append)
    assert heard == [entry.note] and "came without peft's adapter_config.json, which says its scale" in entry.note
    file.with_name("adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "lora_alpha": 8}))
    assert add(home, str(tmp_path), Words("two"), say=heard.append).note == "" and len(heard) == 1
    file.with_name("adapter_config.json").write_text("{")
    with pytest.raises(InputError, match="The configuration .*adapter_config.json cannot be read .*: mend it there"):
        add(home, str(tmp_path), Words("odd"))
    with pytest.raises(SystemExit):
        main(["checkpoints", "add", str(shutil.copy(file, tmp_path / "x.safetensors")), "--name", "three"])
    assert "add both together if that file says another alpha" in capsys.readouterr().err


@pytest.mark.slow
def test_a_unet_is_no_parent_and_says_so(world: Path, home: Path, bench: Workbench) -> None:
    add(home, str(world / "whole"), Words("dpo"))
    with pytest.raises(InputError, match="dpo is a whole UNet, and what is trained here is an adapter of tiny"):
        plan(bench, AlignRequest("diffusion_dpo", "new", parent="dpo"))


@pytest.mark.slow
def test_an_adapter_finds_its_backbone_and_kind(world: Path, home: Path, bench: Workbench) -> None:
    entry = add(home, str(world / "xl"), Words())
    assert (entry.name, entry.kind, entry.backbone) == ("xl", "dora", "tiny-xl")
    file = adapter_file(entry)
    assert home in file.parents and file.read_bytes() == next((world / "xl").glob("*.safetensors")).read_bytes()
    assert len(pictures(bench, "xl")) == 2
    assert removal.own(bench) == {"xl"}
    with pytest.raises(InputError, match="There is a checkpoint called xl already"):
        add(home, str(world / "xl"))
    with pytest.raises(InputError, match="xl-2 was made for another architecture than tiny "):
        add(home, str(world / "xl"), Words("xl-2", backbone="tiny"))


def test_what_fits_nothing_is_one_short_sentence(world: Path, home: Path, tmp_path: Path, monkeypatch) -> None:
    """It names what was tried, and what could not be."""
    halves = {"A": torch.ones(1, 2), "B": torch.ones(2, 1)}
    save_file({f"unet.conv_9.lora_{half}.weight": one for half, one in halves.items()}, tmp_path / "x.safetensors")
    with pytest.raises(
        InputError, match="^new fits none of tiny, tiny-xl: say which backbone it was made for"
    ) as refusal:
        add(home, str(tmp_path / "x.safetensors"), Words("new"))
    assert len(str(refusal.value)) < 150
    checkpoints = tmp_path / "checkpoints"
    shutil.copytree(world / "checkpoints", checkpoints)
    (checkpoints / "tiny-xl" / "unet" / "config.json").unlink()
    monkeypatch.setattr(settings, "CHECKPOINTS", checkpoints)
    with pytest.raises(
        InputError, match="new fits none of tiny and could not be held against tiny-xl .The configuration"
    ):
        add(home, str(tmp_path / "x.safetensors"), Words("new"))


@pytest.mark.slow
def test_align_goes_on_from_an_added_adapter(world: Path, home: Path, bench: Workbench) -> None:
    add(home, str(world / "lora"), Words("mine"))
    judge = parse_source("metric:mutual_information")
    *_, last = run(bench, short("f_dpo", "more", parent="mine", pairs=judge, steps=1))
    assert last.checkpoint == "more" and load_registry(home=home).checkpoints["more"].parents == ("mine",)
    assert not torch.equal(pictures(bench, "more")[0], pictures(bench, "tiny")[0])


@pytest.mark.slow
def test_from_the_hub_with_its_commit_and_licence(hub: Hub, home: Path, bench: Workbench) -> None:
    whole = add(home, "org/whole", Words("far"))
    assert (whole.adapter, whole.file, whole.kind, whole.licence) == (
        f"org/whole@{COMMIT}",
        "unet",
        "unet",
        "apache-2.0",
    )
    lora = add(home, "org/lora/special_lora.safetensors")
    assert (lora.name, lora.kind, lora.backbone, lora.licence) == ("special_lora", "lora", "tiny", "apache-2.0")
    assert json.loads((home / "checkpoints" / "special_lora" / "manifest.json").read_text())["source"] == (
        f"org/lora@{COMMIT}/special_lora.safetensors"
    )
    assert len(pictures(bench, "far@0.5+special_lora")) == 2
    hub.files.clear()  # once here, nobody is asked again
    assert adapter_file(load_registry(home=home).checkpoints["far"]).is_dir()


def test_a_published_unet_is_listed_fetched_and_never_fetched_in_passing(hub: Hub, home: Path) -> None:
    (row,) = [one for one in list_weights(load_registry()) if one.kind == "checkpoint"]
    assert (row.name, row.bytes, row.here, row.wanted_by) == ("published", 3_440_000_000, False, ("tiny",))
    with pytest.raises(
        InputError, match=r"published is not on this machine \(3.4 GB\): `python -m t2ialign weights fetch"
    ):
        resolve("published", load_registry())
    assert hub.asked == []
    (found,) = fetch_weights(load_registry(), ["published"], lambda *_: None)
    assert not found.problem and Path(found.place, "config.json").is_file()
    entry, uses = resolve("published@0.5", load_registry())
    assert entry.name == "tiny" and len(uses[0].sha) == 16
    assert 'org/whole" = ' in (home / "revisions.toml").read_text(), "pinned on first use"


def damaged(world: Path, tmp_path: Path) -> str:
    file = tmp_path / "cut.safetensors"
    file.write_bytes((world / "lora" / "pytorch_lora_weights.safetensors").read_bytes()[:3000])
    return str(file)


def pickled(world: Path, tmp_path: Path) -> str:
    (tmp_path / "x.safetensors").write_bytes(b"PK\x03\x04" + bytes(100))
    return str(tmp_path / "x.safetensors")


def infinite(world: Path, tmp_path: Path) -> str:
    torch.manual_seed(1)
    tiny_unet("sd-1.5").save_pretrained(tmp_path / "inf")
    file = tmp_path / "inf" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(file)
    save_file({**tensors, "conv_in.bias": torch.full_like(tensors["conv_in.bias"], torch.inf)}, file)
    return str(tmp_path / "inf")


def picture(world: Path, tmp_path: Path) -> str:
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    return str(tmp_path / "x.png")


REFUSALS = {
    "picture": (picture, "x.png is no adapter: name a file of the kind safetensors"),
    "damaged": (damaged, "truncated or damaged"),
    "pickled": (pickled, "is a pickle, which can run code"),
    "infinite": (infinite, r"numbers that are not finite \(conv_in.bias\)"),
    "address": (lambda *_: "https://huggingface.co/org/lora", "by its id, as org/name"),
    "nothing": (lambda *_: "no such thing", "neither a file or folder of this machine nor an id"),
    "long": (lambda *_: "a" * 400, "cannot be looked at"),
    "empty": (lambda *_: " ", "neither a file or folder of this machine nor an id"),
    "absent": (lambda *_: "org/none", "knows no org/none"),
    "absent-file": (lambda *_: "org/lora/x.safetensors", "org/lora has no x.safetensors"),
    "two": (lambda *_: "org/two", "holds 2 files: name the one you mean, as org/two/one.safetensors"),
    "pickles": (lambda *_: "org/pickle", "holds pickles alone"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_listed_says_why_and_leaves_nothing(case, hub: Hub, world, home, tmp_path) -> None:
    make, sentence = REFUSALS[case]
    with pytest.raises(InputError, match=sentence):
        add(home, make(world, tmp_path), Words("new"))
    assert not list((home / "checkpoints").glob("*")) and load_registry(home=home).problems == ()


def test_a_name_is_a_folder_s_too(world: Path, home: Path) -> None:
    for name in ("n" * 101, "größe", "a+b", ".."):
        with pytest.raises(InputError, match="needs a name of letters, digits, .* 100 at most"):
            add(home, str(world / "lora"), Words(name))


def test_an_adapter_has_a_largest_size(world: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(additions, "LARGEST", 1000)
    with pytest.raises(InputError, match="adapters have 1 kB at most"):
        add(home, str(world / "lora"))


@pytest.mark.slow
def test_by_command_it_is_added_renamed_annotated_and_removed(world: Path, home: Path, capsys, monkeypatch) -> None:
    def said(*words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["checkpoints", *words])
        assert ended.value.code == 0
        return capsys.readouterr().out

    makers = ("--steps", "4", "--guidance-scale", "1.5", "--scheduler", "lcm")
    assert "lora: lora of tiny" in said("add", str(world / "lora"), "--licence", "mit", "--title", "Mine", *makers)
    assert usual_of("lora", home) == UsualRun("lcm", 4, 1.5)
    said("note", "lora", "--steps", "0", "--guidance-scale", "0", "--scheduler", "")
    assert usual_of("lora", home) == usual_of("tiny", home)
    assert "lora is mine now" in said("rename", "lora", "mine")
    assert "mine: Mine good one" in said("note", "mine", "good one")
    rows = {row["name"]: row for row in json.loads(said("--json"))}
    assert rows["mine"]["note"] == "good one" and rows["mine"]["licence"] == "mit" and "lora" not in rows
    said("--remove", "mine")
    assert "mine" not in load_registry(home=home).checkpoints
    said("--restore", "mine")
    assert "mine" in load_registry(home=home).checkpoints


def test_the_list_is_in_columns_however_long_the_names(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = home / "checkpoints" / ("long-" * 8 + "name")
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"kind": "lora", "backbone": "tiny-xl", "title": "Mine"}))
    with pytest.raises(SystemExit):
        main(["checkpoints"])
    lines = capsys.readouterr().out.splitlines()
    places = {re.match(r"\S+\s+", line).end() for line in lines}
    assert len(lines) == 3 and len(places) == 1


@pytest.mark.slow
def test_a_new_name_reaches_its_children(world: Path, home: Path) -> None:
    add(home, str(world / "lora"), Words("parent"))
    add(home, str(world / "lora"), Words("child"))
    manifest = home / "checkpoints" / "child" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"parents": ["parent"]}))
    rename(home, "parent", "ancestor")
    assert load_registry(home=home).checkpoints["child"].parents == ("ancestor",)
    with pytest.raises(InputError, match="tiny is not a checkpoint of this store"):
        rename(home, "tiny", "other")
    assert annotate(home, "child", Words(note="x", licence="mit")).licence == "mit"


@pytest.mark.slow
def test_pictures_of_another_size_are_other_cells(bench: Workbench, home: Path) -> None:
    request = BatchRequest(Prompt("a red star"), "tiny", (0,), num_inference_steps=1, metrics=("ssim",), width=2 * SIDE)
    *_, wide = score_batch(bench, request)
    assert wide.images[0].shape == (3, SIDE, 2 * SIDE) and (wide.config.height, wide.config.width) == (SIDE, 2 * SIDE)
    *_, usual = score_batch(bench, replace(request, width=0))
    assert usual.images[0].shape == (3, SIDE, SIDE) and usual.cell != wide.cell
    *_, again = score_batch(bench, request)
    assert again.from_store and stored_state(bench, request.prompt, wide.config, (0,)).request.width == 2 * SIDE
    with pytest.raises(InputError, match="multiples of 8 pixels"):
        list(score_batch(bench, replace(request, width=SIDE + 1)))


def test_what_lies_in_the_hubs_cache_is_added_without_a_network(
    world: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A LoRA and a whole UNet by their ids, at the commits that the cache has; what it has not is said to be absent."""
    cache = use_cache(tmp_path / "hub", monkeypatch)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    put(cache, "org/lora", world / "lora", "b" * 40)
    put(cache, "org/unet", world / "whole", "c" * 40)
    lora, unet = add(home, "org/lora", Words("mine")), add(home, "org/unet", Words("other", backbone="tiny"))
    assert (lora.kind, lora.backbone, unet.kind) == ("lora", "tiny", "unet")
    assert unet.adapter == f"org/unet@{'c' * 40}" and adapter_file(unet).is_dir()
    with pytest.raises(InputError, match="org/nothing is not on this machine"):
        add(home, "org/nothing", Words("absent"))


def test_a_backbone_that_lies_whole_in_the_cache_is_fetched_without_a_network(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = use_cache(tmp_path / "hub", monkeypatch)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    snapshot = put(cache, "org/tiny", world / "checkpoints" / "tiny", "d" * 40)
    entry = BackboneEntry("tiny", "sd", "org/tiny", size=SIDE)
    assert fetch_backbone(entry, "float32") == snapshot
    next((snapshot / "vae").glob("*.safetensors")).unlink()
    with pytest.raises(InputError, match="org/tiny is not on this machine"):
        fetch_backbone(entry, "float32")


@pytest.mark.slow
def test_a_strip_that_cannot_be_drawn_costs_the_others_nothing(world: Path, home: Path, capsys) -> None:
    gone = home / "checkpoints" / "gone"
    gone.mkdir(parents=True)
    (gone / "manifest.json").write_text('{"kind": "lora", "backbone": "tiny"}')
    with pytest.raises(SystemExit) as ended:
        main(["checkpoints", "preview", "gone", "tiny"])
    said = capsys.readouterr()
    assert ended.value.code == 2 and said.out.startswith("tiny: ") and "gone should be in" in said.err
