"""Identity from content: what decides a result changes it, and nothing else does."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from t2ialign import content, settings
from t2ialign.content import file_sha256, identity, pipeline_sha, settings_in, sha_of, snapshot_sha
from t2ialign.types import InputError
from tests.hubs import FIRST, SECOND, put

INDEX = {
    "_class_name": "StableDiffusionPipeline",
    **{name: ["diffusers", name] for name in ("scheduler", "text_encoder", "tokenizer", "unet", "vae")},
    "safety_checker": ["stable_diffusion", "checker"],
    "image_encoder": [None, None],
}
SETTINGS = {
    "model_index.json": INDEX,
    "scheduler/scheduler_config.json": {"beta_end": 0.012, "beta_start": 0.001},
    "text_encoder/config.json": {"hidden_size": 8},
    "tokenizer/vocab.json": {"a": 0, "red": 1},
    "tokenizer/tokenizer_config.json": {"model_max_length": 77},
    "unet/config.json": {"in_channels": 4},
    "vae/config.json": {"scaling_factor": 0.18},
}
WEIGHTS = ("text_encoder/model.safetensors", "unet/model.safetensors", "vae/model.safetensors")
EVERYTHING = (*SETTINGS, *WEIGHTS, "tokenizer/merges.txt")


def write(folder: Path, name: str, data: bytes) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    folder = tmp_path / "pipeline"
    for name, said in SETTINGS.items():
        write(folder, name, json.dumps(said).encode())
    for name in WEIGHTS:
        write(folder, name, name.encode())
    write(folder, "tokenizer/merges.txt", b"r e\nre d\n")
    return folder


def edited(name: str, data: bytes) -> bytes:
    """The file with something else in it."""
    if name.endswith(".json"):
        return json.dumps({**json.loads(data), "edited": True}).encode()
    return data + b"e d\n"


@pytest.mark.parametrize("name", EVERYTHING)
def test_whatever_decides_a_picture_makes_another_pipeline(pipeline: Path, name: str):
    before = pipeline_sha(pipeline)
    file = pipeline / name
    file.write_bytes(edited(name, file.read_bytes()))
    changed = pipeline_sha(pipeline)
    assert changed != before and len(changed) == 16
    file.unlink()
    assert pipeline_sha(pipeline) not in (before, changed)


MATTERS_NOT: dict[str, Callable[[Path], object]] = {
    "time": lambda folder: [os.utime(folder / name, (1, 1)) for name in EVERYTHING],
    "readme": lambda folder: write(folder, "README.md", b"about it"),
    "notes": lambda folder: write(folder, "notes.txt", b"about it"),
    "samples": lambda folder: write(folder, "samples/prompts.txt", b"a red circle"),
    "manifest": lambda folder: write(folder, "manifest.json", b"{}"),
    "unused part": lambda folder: write(folder, "safety_checker/model.safetensors", b"never loaded"),
    "hidden": lambda folder: write(folder, ".cache/huggingface/unet/config.json", b"{}"),
    "layout": lambda folder: write(
        folder, "unet/config.json", json.dumps(SETTINGS["unet/config.json"], indent=7).encode()
    ),
    "order": lambda folder: write(
        folder, "scheduler/scheduler_config.json", b'{"beta_start": 0.001, "beta_end": 0.012}'
    ),
    "line endings": lambda folder: write(folder, "tokenizer/merges.txt", b"r e\r\nre d\r\n"),
}


@pytest.mark.parametrize("what", MATTERS_NOT)
def test_what_decides_nothing_changes_nothing(pipeline: Path, what: str):
    before = pipeline_sha(pipeline)
    MATTERS_NOT[what](pipeline)
    assert pipeline_sha(pipeline) == before


def test_neither_does_the_folders_name_or_a_copy(pipeline: Path):
    before = pipeline_sha(pipeline)
    copy = shutil.copytree(pipeline, pipeline.with_name("copy"))
    assert pipeline_sha(pipeline.rename(pipeline.with_name("renamed"))) == pipeline_sha(copy) == before


def test_a_folder_without_an_index_counts_as_a_whole(tmp_path: Path):
    write(tmp_path, "unet.safetensors", b"weights")
    before = pipeline_sha(tmp_path)
    write(tmp_path, "part/config.json", b"{}")
    assert pipeline_sha(tmp_path) != before
    with pytest.raises(InputError, match="holds no weights"):
        pipeline_sha(tmp_path / "part")


def test_the_shipped_models_keep_the_names_that_stores_know(tmp_path: Path):
    """The reference and the stores of earlier versions were filled when identities were those of the weights alone."""
    shapes, clip = settings.CHECKPOINTS / "shapes", settings.CHECKPOINTS / "clip-shapes"
    rows = pq.read_table(settings.DATA / "reference" / "base-cfg-4.parquet").to_pylist()
    assert {json.loads(row["config"])["revision"] for row in rows} == {pipeline_sha(shapes)} == {sha_of(shapes)}
    versions = {score["version"] for row in rows for score in row["scores"] if score["metric"] == "clip_score"}
    sha = identity(
        [clip / name for name in ("open_clip_config.json", "open_clip_model.safetensors")],
        settings_in(shapes / "tokenizer"),
    )
    assert versions == {f"1+clip-shapes:{sha[:12]}"}
    copy = shutil.copytree(shapes, tmp_path / "shapes")
    for name in ("scheduler/scheduler_config.json", "tokenizer/vocab.json", "tokenizer/merges.txt"):
        original = (copy / name).read_bytes()
        (copy / name).write_bytes(edited(name, original))
        assert pipeline_sha(copy) != pipeline_sha(shapes)
        (copy / name).write_bytes(original)
    assert pipeline_sha(copy) == pipeline_sha(shapes)


def test_a_snapshot_as_the_hub_gave_it_is_its_commit(pipeline: Path, tmp_path: Path):
    first = put(tmp_path / "hub", "org/x", pipeline, FIRST)
    second = put(tmp_path / "hub", "org/x", pipeline, SECOND)
    assert (snapshot_sha(first), snapshot_sha(second)) == (FIRST[:16], SECOND[:16])


@pytest.mark.parametrize("how", ["in place", "as a file of its own"])
@pytest.mark.parametrize("name", ["scheduler/scheduler_config.json", "tokenizer/merges.txt"])
def test_an_edited_snapshot_is_its_commit_no_more(pipeline: Path, tmp_path: Path, name: str, how: str):
    snapshot = put(tmp_path / "hub", "org/x", pipeline, FIRST)
    data = edited(name, (snapshot / name).read_bytes())
    if how != "in place":
        (snapshot / name).unlink()
    (snapshot / name).write_bytes(data)
    found = snapshot_sha(snapshot)
    assert found != FIRST[:16]
    (snapshot / name).write_bytes(edited(name, data + b" " if name.endswith(".txt") else b'{"another": 1}'))
    assert snapshot_sha(snapshot) not in (found, FIRST[:16])


def test_replaced_weights_in_a_snapshot_show(pipeline: Path, tmp_path: Path):
    snapshot = put(tmp_path / "hub", "org/x", pipeline, FIRST)
    (snapshot / "unet/model.safetensors").unlink()
    write(snapshot, "unet/model.safetensors", b"others")
    assert snapshot_sha(snapshot) != FIRST[:16]


def test_a_cache_of_plain_copies_goes_by_content(pipeline: Path, tmp_path: Path):
    snapshot = shutil.copytree(pipeline, tmp_path / "snapshots" / FIRST)
    before = snapshot_sha(snapshot)
    assert snapshot_sha(snapshot) == before
    write(snapshot, "scheduler/scheduler_config.json", b'{"beta_end": 0.02}')
    assert snapshot_sha(snapshot) != before


def test_settings_beside_an_encoders_weights_count(tmp_path: Path):
    write(tmp_path, "model.safetensors", b"weights")
    write(tmp_path, "preprocessor_config.json", b'{"size": 224}')
    write(tmp_path, "README.md", b"about it")
    weights = [tmp_path / "model.safetensors"]
    before = identity(weights, settings_in(tmp_path))
    write(tmp_path, "README.md", b"more about it")
    write(tmp_path, "preprocessor_config.json", b'{ "size": 224 }')
    assert identity(weights, settings_in(tmp_path)) == before
    write(tmp_path, "preprocessor_config.json", b'{"size": 336}')
    assert identity(weights, settings_in(tmp_path)) != before


def test_sha_of_files_and_folders(tmp_path: Path):
    one, two = tmp_path / "one.safetensors", tmp_path / "unet" / "two.safetensors"
    write(tmp_path, "one.safetensors", b"one")
    write(tmp_path, "unet/two.safetensors", b"two")
    assert file_sha256(one) == hashlib.sha256(b"one").hexdigest()
    assert sha_of(one) == hashlib.sha256(b"one").hexdigest()[:16]
    before = sha_of(tmp_path)
    (tmp_path / "README.md").write_text("not weights")
    assert sha_of(tmp_path) == before
    two.write_bytes(b"another")
    changed = sha_of(tmp_path)
    assert changed != before
    two.rename(tmp_path / "three.safetensors")
    assert sha_of(tmp_path) not in (before, changed)
    with pytest.raises(InputError, match="holds no weights"):
        sha_of(tmp_path / "missing")


def test_sha_is_remembered_until_the_file_changes(tmp_path: Path):
    file = tmp_path / "weights.safetensors"
    file.write_bytes(b"first")
    os.utime(file, ns=(1, 1))
    first = sha_of(file)
    file.write_bytes(b"other")  # same size; with the same time nobody could know
    os.utime(file, ns=(1, 1))
    assert sha_of(file) == first
    os.utime(file, ns=(2, 2))
    assert sha_of(file) != first


def test_digests_of_large_files_are_remembered_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(content, "LARGE", 6)
    monkeypatch.setattr(settings, "HOME", tmp_path / "home")
    large, small = tmp_path / "large.bin", tmp_path / "small.bin"
    large.write_bytes(b"a large one")
    small.write_bytes(b"small")
    assert [file_sha256(file) for file in (large, small)] == [
        hashlib.sha256(file.read_bytes()).hexdigest() for file in (large, small)
    ]
    (note,) = (tmp_path / "home" / "digests").iterdir()
    note.write_text("f" * 64)
    content._file_sha256.cache_clear()  # as another process would begin
    assert file_sha256(large) == "f" * 64
    large.write_bytes(b"another large one")
    assert file_sha256(large) == hashlib.sha256(b"another large one").hexdigest()


def test_settings_too_deep_to_be_read_count_as_their_bytes(tmp_path: Path):
    weights, odd = tmp_path / "a.safetensors", tmp_path / "adapter_config.json"
    weights.write_bytes(b"weights")
    found = []
    for depth in (100_000, 100_001):
        odd.write_text("[" * depth)
        found.append(identity([weights], [odd]))
    assert found[0] != found[1]
