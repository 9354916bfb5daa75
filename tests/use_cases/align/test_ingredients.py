"""A run is found again exactly where what it learns from, who judges it and what it starts from have not changed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from t2ialign import settings
from t2ialign.adapter_places import ADAPTER_FILE
from t2ialign.source import parse_source
from t2ialign.training.pair_files import write_pairs
from t2ialign.types import InputError, PreferencePair, Prompt
from t2ialign.use_cases.align.ingredients import ingredients_of, is_finished, work_key
from t2ialign.use_cases.align.manifest import find_manifest, write_manifest
from t2ialign.use_cases.align.request import AlignRequest, plan
from t2ialign.use_cases.align.train import align
from t2ialign.use_cases.workbench import Workbench
from tests.hubs import FIRST, SECOND, put, use_cache
from tests.use_cases.aligning import opened, run, short


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    with opened(tmp_path / "home") as bench:
        yield bench


def write_preferences(path: Path, count: int = 4, swapped: bool = False, word: str = "circle") -> Path:
    draw = torch.Generator().manual_seed(0)
    sides = torch.randint(0, 256, (count, 2, 3, 64, 64), generator=draw, dtype=torch.uint8)
    sides = sides.flip(1) if swapped else sides
    write_pairs(path, [PreferencePair(Prompt(f"a red {word}"), win, lose, "") for win, lose in sides])
    return path


def write_picture(path: Path, shade: int, caption: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 64), (shade, 0, 0)).save(path)
    if caption:
        path.with_suffix(".txt").write_text(caption)


def key(bench: Workbench, request: AlignRequest) -> str:
    made = plan(bench, request)
    return work_key(made, ingredients_of(bench, made))


def on_pairs(path: Path, **more: object) -> AlignRequest:
    return short("diffusion_dpo", pairs=parse_source(f"parquet:{path}"), **more)


@pytest.mark.parametrize("change", [{"swapped": True}, {"count": 5}, {"word": "square"}])
def test_other_pairs_are_another_run(bench: Workbench, tmp_path: Path, change: dict) -> None:
    before = key(bench, on_pairs(write_preferences(tmp_path / "p.parquet")))
    assert key(bench, on_pairs(write_preferences(tmp_path / "p.parquet", **change))) != before


def test_where_pairs_lie_does_not_matter(bench: Workbench, tmp_path: Path) -> None:
    path = write_preferences(tmp_path / "p.parquet")
    before = key(bench, on_pairs(path))
    os.utime(path, (1, 1))
    (tmp_path / "README.md").write_text("about them")
    moved = shutil.copy(path, tmp_path / "another.parquet")
    assert key(bench, on_pairs(path)) == key(bench, on_pairs(moved)) == before


def test_pairs_in_jsonl_are_their_pictures_too(bench: Workbench, tmp_path: Path) -> None:
    """The file stays as it is; a picture that it names becomes another."""
    path = tmp_path / "a" / "p.jsonl"
    write_picture(tmp_path / "a" / "win.png", 200)
    write_picture(tmp_path / "a" / "lose.png", 20)
    path.write_text(json.dumps({"caption": "a red circle", "jpg_0": "win.png", "jpg_1": "lose.png", "label_0": 1}))
    request = short("diffusion_dpo", pairs=parse_source(f"jsonl:{path}"))
    before = key(bench, request)
    moved = shutil.copytree(tmp_path / "a", tmp_path / "b") / "p.jsonl"
    assert key(bench, replace(request, pairs=parse_source(f"jsonl:{moved}"))) == before
    write_picture(tmp_path / "a" / "win.png", 201)
    assert key(bench, request) != before


def test_pairs_of_a_dataset_on_the_hub_are_their_file(bench: Workbench, tmp_path: Path, monkeypatch) -> None:
    cache = use_cache(tmp_path / "hub", monkeypatch)
    request = short("diffusion_dpo", pairs=parse_source("hub:org/pairs/train.parquet"))
    keys = []
    for commit, count in ((FIRST, 4), (SECOND, 5)):
        (tmp_path / commit).mkdir()
        write_preferences(tmp_path / commit / "train.parquet", count)
        put(cache, "org/pairs", tmp_path / commit, commit, kind="datasets")
        keys.append(key(bench, request))
    assert len(set(keys)) == 2
    assert key(bench, on_pairs(tmp_path / SECOND / "train.parquet")) != keys[1], "another kind of source"


PICTURES: dict[str, tuple[Callable[[Path], object], bool]] = {
    "a picture": (lambda folder: write_picture(folder / "a.png", 9), True),
    "one more": (lambda folder: write_picture(folder / "c.png", 9, "a star"), True),
    "a caption": (lambda folder: (folder / "b.txt").write_text("a blue square"), True),
    "a name": (lambda folder: [(folder / f"b{end}").rename(folder / f"c{end}") for end in (".png", ".txt")], False),
    "notes": (lambda folder: (folder / "README.md").write_text("about them"), False),
    "time": (lambda folder: os.utime(folder / "b.png", (1, 1)), False),
}


@pytest.mark.parametrize("what", PICTURES)
def test_given_pictures_are_their_pixels_and_captions(bench: Workbench, tmp_path: Path, what: str) -> None:
    folder = tmp_path / "photos"
    write_picture(folder / "a.png", 1, "a red circle")
    write_picture(folder / "b.png", 2, "a red square")
    request = short("mi_tune", pairs=parse_source(f"pictures:{folder}"), real_share=0.5)
    before = key(bench, request)
    change, matters = PICTURES[what]
    change(folder)
    assert (key(bench, request) != before) is matters
    moved = folder.rename(tmp_path / "elsewhere")
    assert (key(bench, replace(request, pairs=parse_source(f"pictures:{moved}"))) != before) is matters


def test_a_name_that_is_the_caption_counts(bench: Workbench, tmp_path: Path) -> None:
    write_picture(tmp_path / "photos" / "a_red_circle.png", 1)
    request = short("mi_tune", pairs=parse_source(f"pictures:{tmp_path / 'photos'}"), real_share=0.5)
    before = key(bench, request)
    (tmp_path / "photos" / "a_red_circle.png").rename(tmp_path / "photos" / "a_star.png")
    assert key(bench, request) != before


def test_prompts_count_and_their_file_does_not(bench: Workbench, tmp_path: Path) -> None:
    def with_prompts(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        return key(bench, short("f_dpo", prompts=str(tmp_path / name)))

    before = with_prompts("one.txt", "a red circle\na blue star\n")
    assert with_prompts("two.txt", "a red circle\na blue star\n") == before
    assert with_prompts("one.txt", "a red circle\na blue ring\n") != before


@pytest.mark.parametrize(
    ("more", "same"),
    [
        ({"steps": 9}, True),
        ({"test_prompts": 3}, True),
        ({"probe_every": 1}, True),
        ({"seed": 1}, False),
        ({"batch_size": 1}, False),
        ({"learning_rate": 0.05}, False),
        ({"pairs": parse_source("annotator:sunny")}, False),
        ({"pairs": parse_source("metric:clip_score")}, False),
    ],
)
def test_what_may_differ_when_a_run_goes_on(bench: Workbench, more: dict, same: bool) -> None:
    assert (key(bench, short("f_dpo", **more)) == key(bench, short("f_dpo"))) is same


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped checkpoints as a copy that may be edited."""
    folder = tmp_path / "checkpoints"
    kept = ("shapes", "oracle-shapes", "clip-shapes", "lpips-shapes", "dpo", "registry.toml")
    folder.mkdir()
    for name in kept:
        source = settings.CHECKPOINTS / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    monkeypatch.setattr(settings, "CHECKPOINTS", folder)
    return folder


def nudge(file: Path) -> None:
    """The same tensors, one number of them another."""
    tensors = load_file(file)
    name = min(tensors)
    tensors[name] = tensors[name] + (torch.arange(tensors[name].numel()) == 0).view_as(tensors[name])
    save_file(tensors, file)


def edit(file: Path) -> None:
    said = json.loads(file.read_text())
    file.write_text(json.dumps({**said, "edited": True}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "change"),
    [
        ("annotator:sunny", lambda folder: nudge(folder / "oracle-shapes" / "reader.safetensors")),
        ("style:sunny", lambda folder: nudge(folder / "oracle-shapes" / "reader.safetensors")),
        ("metric:clip_score", lambda folder: edit(folder / "clip-shapes" / "open_clip_config.json")),
        ("metric:clip_score", lambda folder: edit(folder / "shapes" / "tokenizer" / "tokenizer_config.json")),
        ("annotator", lambda folder: edit(folder / "shapes" / "scheduler" / "scheduler_config.json")),
        ("annotator", lambda folder: nudge(folder / "shapes" / "vae" / "diffusion_pytorch_model.safetensors")),
    ],
)
def test_another_judge_or_backbone_is_another_run(tmp_path: Path, world: Path, source: str, change) -> None:
    keys = []
    for _ in range(2):
        with opened(tmp_path / "home") as bench:
            keys.append(key(bench, short("f_dpo", pairs=parse_source(source))))
        change(world)
    assert len(set(keys)) == 2


def test_what_selects_pictures_is_a_judge_too(bench: Workbench) -> None:
    one, other = (plan(bench, short("mi_tune", measure=name)) for name in ("mutual_information", "clip_score"))
    assert ingredients_of(bench, one).judge != ingredients_of(bench, other).judge != ""


def test_a_parent_is_its_file(bench: Workbench, world: Path, tmp_path: Path) -> None:
    path = write_preferences(tmp_path / "p.parquet")
    before = key(bench, on_pairs(path, parent="dpo"))
    assert before != key(bench, on_pairs(path))
    shutil.copytree(world / "dpo", world / "twin")
    assert key(bench, on_pairs(path, parent="twin")) == before
    nudge(world / "dpo" / ADAPTER_FILE)
    assert key(bench, on_pairs(path, parent="dpo")) != before


@pytest.mark.slow
def test_replaced_pairs_are_learned_from(bench: Workbench, tmp_path: Path) -> None:
    path = write_preferences(tmp_path / "p.parquet")
    request = on_pairs(path)
    target = bench.home / "checkpoints" / "new"
    run(bench, request)
    first = (target / ADAPTER_FILE).read_bytes()
    moved = write_preferences(tmp_path / "moved.parquet")
    assert not any(state.step for state in run(bench, on_pairs(moved))), "the very same pairs, from another place"
    write_preferences(path, count=5, swapped=True)
    with pytest.raises(
        InputError, match="called new already, of the same request but not of the same data: .*--replace"
    ):
        run(bench, request)
    assert (target / ADAPTER_FILE).read_bytes() == first
    states = run(bench, request, replace=True)
    assert [state.step.step for state in states if state.step] == [1, 2]
    assert (target / ADAPTER_FILE).read_bytes() != first
    found = find_manifest(target)
    assert found is not None and found.data is not None and found.data.examples == 5
    assert found.ingredients == ingredients_of(bench, plan(bench, request))
    assert not any(state.step for state in run(bench, request, replace=True)), "the same data: nothing to do"


@pytest.mark.slow
def test_a_paused_run_begins_anew_on_other_data(bench: Workbench, tmp_path: Path) -> None:
    path = write_preferences(tmp_path / "p.parquet")
    request = on_pairs(path, steps=3)
    asked: list[str] = []
    for state in align(bench, request, bench.home / "training" / "new", control=lambda: "pause" if asked else ""):
        if state.step:
            asked.append("now")
    write_preferences(path, swapped=True)
    assert [state.step.step for state in run(bench, request) if state.step] == [1, 2, 3]


@pytest.mark.slow
def test_checkpoints_of_earlier_versions_are_not_taken_for_this_run(bench: Workbench, tmp_path: Path) -> None:
    """They do not say what they were made of."""
    request = on_pairs(write_preferences(tmp_path / "p.parquet"))
    run(bench, request)
    target = bench.home / "checkpoints" / "new"
    found = find_manifest(target)
    assert found is not None
    made = plan(bench, request)
    assert is_finished(made, ingredients_of(bench, made), target)
    write_manifest(target, replace(found, ingredients=None))
    assert not is_finished(made, ingredients_of(bench, made), target)
    with pytest.raises(InputError, match="not of the same ingredients, as far as is known"):
        run(bench, request)
    assert any(state.step for state in run(bench, request, replace=True))
