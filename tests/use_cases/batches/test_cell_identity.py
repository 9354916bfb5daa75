"""A cell is found again exactly where nothing that decides its pictures has changed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from t2ialign import settings, store
from t2ialign.adapter_places import ADAPTER_FILE
from t2ialign.names import BATCH
from t2ialign.seeds import designed_seeds
from t2ialign.types import InputError, Prompt, cell_key
from t2ialign.use_cases.api import run_request
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import config_of
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.workbench import Workbench
from tests.hubs import FIRST, SECOND, put, use_cache

REQUEST = BatchRequest(Prompt("a red circle"), "a@0.5+hubby@0.5", (0,))
TOML = """
[backbones.shapes]
family = "sd"
path = "shapes"
size = 64
dtype = "float32"
scorers = []

[checkpoints.base]
backbone = "shapes"

[checkpoints.hubby]
backbone = "shapes"
hub = "me/lora"
kind = "lora"
"""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    with store.open_store(tmp_path / "home") as opened:
        yield Workbench(StoreResults(opened), "cpu", "float32")


@pytest.fixture
def shipped(home: Path) -> Iterator[Workbench]:
    """One with the shipped results."""
    with store.open_store(home) as opened:
        yield Workbench(StoreResults(opened), "cpu", "float32")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry with a backbone, a local adapter and one on the Hub; the weights are never loaded."""
    found = tmp_path / "checkpoints"
    index = {name: ["diffusers", name] for name in ("scheduler", "tokenizer", "unet")}
    files = {
        "registry.toml": TOML,
        "shapes/model_index.json": json.dumps(index),
        "shapes/scheduler/scheduler_config.json": '{"beta_end": 0.012}',
        "shapes/tokenizer/vocab.json": '{"red": 0}',
        "shapes/unet/model.safetensors": "weights",
        f"a/{ADAPTER_FILE}": "adapter",
        "a/manifest.json": '{"backbone": "shapes", "kind": "lora"}',
    }
    for name, text in files.items():
        (found / name).parent.mkdir(parents=True, exist_ok=True)
        (found / name).write_text(text)
    monkeypatch.setattr(settings, "CHECKPOINTS", found)
    use_cache(tmp_path / "hub", monkeypatch)
    publish(found, FIRST)
    return found


def publish(folder: Path, commit: str) -> None:
    """A commit of the Hub adapter, to which its main branch moves."""
    source = folder.parent / f"commit-{commit[:1]}"
    source.mkdir()
    (source / ADAPTER_FILE).write_text(commit)
    put(folder.parent / "hub", "me/lora", source, commit)


def key(bench: Workbench, request: BatchRequest = REQUEST) -> str:
    return cell_key(config_of(bench, request)[1], request.prompt)


def written(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


DECIDES: dict[str, Callable[[Path], object]] = {
    "scheduler": written("shapes/scheduler/scheduler_config.json", '{"beta_end": 0.02}'),
    "tokenizer": written("shapes/tokenizer/vocab.json", '{"red": 1}'),
    "network": written("shapes/unet/model.safetensors", "others"),
    "index": written("shapes/model_index.json", '{"unet": ["diffusers", "unet"]}'),
    "adapter": written(f"a/{ADAPTER_FILE}", "another"),
    "main of the Hub's adapter": lambda folder: publish(folder, SECOND),
}
DECIDES_NOT: dict[str, Callable[[Path], object]] = {
    "time": lambda folder: [os.utime(file, (1, 1)) for file in folder.rglob("*") if file.is_file()],
    "readme": written("shapes/README.md", "about it"),
    "an adapter's notes": written("a/README.md", "about it"),
    "an adapter's manifest": written("a/manifest.json", '{"backbone": "shapes", "kind": "lora", "note": "good"}'),
    "folder": lambda folder: [
        (folder / "shapes").rename(folder / "world"),
        (folder / "registry.toml").write_text(TOML.replace('path = "shapes"', 'path = "world"')),
    ],
    "pinned to the same commit": written("registry.toml", TOML.replace("me/lora", f"me/lora@{FIRST}")),
}
REQUESTS: dict[str, dict[str, Any]] = {
    "weight": {"checkpoint": "a@0.4+hubby@0.6"},
    "one adapter": {"checkpoint": "a"},
    "guidance scale": {"guidance_scale": 5.0},
    "strategy": {"guidance": "interval"},
    "its parameters": {"guidance": "apg", "guidance_params": (("eta", 0.5),)},
    "parameters of another": {"guidance": "aig", "guidance_params": (("power", 4.0),)},
    "pictures made together": {"guidance": "latent_particle", "seeds": (0, 1, 2)},
    "steps": {"num_inference_steps": 5},
    "scheduler": {"scheduler": "euler"},
    "negative prompt": {"negative_prompt": "blue"},
    "prompt": {"prompt": Prompt("a red square")},
}


@pytest.mark.parametrize("what", DECIDES)
def test_what_decides_a_picture_makes_another_cell(bench: Workbench, folder: Path, what: str):
    before = key(bench)
    DECIDES[what](folder)
    assert key(bench) != before


@pytest.mark.parametrize("what", DECIDES_NOT)
def test_what_decides_nothing_leaves_the_cell(bench: Workbench, folder: Path, what: str):
    before = key(bench)
    DECIDES_NOT[what](folder)
    assert key(bench) == before


@pytest.mark.parametrize("what", REQUESTS)
def test_another_request_is_another_cell(bench: Workbench, folder: Path, what: str):
    assert key(bench, replace(REQUEST, **REQUESTS[what])) != key(bench)


def test_pictures_made_together_are_a_cell_of_their_own(bench: Workbench, folder: Path):
    """Other seeds of the same request make other pictures; each prompt's own seeds are one config over all prompts."""
    together = replace(REQUEST, guidance="latent_particle", seeds=(0, 1, 2))
    keys = {key(bench, replace(together, seeds=seeds)) for seeds in ((0, 1, 2), (0, 1, 2, 3), (1, 2, 3))}
    assert len(keys) == 3 and key(bench, replace(together, seeds=(2, 0, 1))) in keys
    prompts = (Prompt("a red circle"), Prompt("a red square"))
    own = [replace(together, prompt=prompt, seeds=designed_seeds(prompt, 4)) for prompt in prompts]
    assert len({config_of(bench, request)[1] for request in own}) == 1
    stored = replace(together, guidance_params=config_of(bench, together)[1].guidance_params)
    assert key(bench, stored) == key(bench, together)
    with pytest.raises(InputError, match="a batch cannot be extended"):
        config_of(bench, replace(stored, seeds=(0, 1, 2, 3)))


def test_order_and_category_make_no_other_cell(bench: Workbench, folder: Path):
    same = replace(REQUEST, checkpoint="hubby@0.5 + a@0.5", prompt=Prompt("a red circle", "shapes", ("tag",)))
    assert key(bench, same) == key(bench)


def test_a_backbone_on_the_hub_is_its_commit(bench: Workbench, folder: Path):
    """Main as it stands in the cache; and once a file there is edited, its commit no more."""
    text = TOML.replace('path = "shapes"', 'hub = "org/shapes"')
    (folder / "registry.toml").write_text(text)
    snapshot = put(folder.parent / "hub", "org/shapes", folder / "shapes", FIRST)
    keys = [key(bench)]
    put(folder.parent / "hub", "org/shapes", folder / "shapes", SECOND)
    keys.append(key(bench))
    (folder / "registry.toml").write_text(text.replace("org/shapes", f'org/shapes"\nrevision = "{FIRST}'))
    assert key(bench) == keys[0]
    (snapshot / "scheduler/scheduler_config.json").unlink()
    (snapshot / "scheduler/scheduler_config.json").write_text('{"beta_end": 0.02}')
    assert len({*keys, key(bench)}) == 3


@pytest.mark.slow
def test_the_shipped_cells_are_those_of_the_shipped_base(shipped: Workbench):
    cells = store.list_cells(shipped.store)
    found = {config_of(shipped, request_of(cell))[1] for cell in cells}
    files = list((settings.DATA / "reference").glob("*.parquet"))
    assert found == {cell.config for cell in cells} and len(found) == len(files) > 20
    cell = next(cell for cell in cells if cell.config.checkpoint == "minimal_dpo")
    assert store.missing_seeds(shipped.store, config_of(shipped, request_of(cell))[1], cell.prompt, cell.seeds) == ()


def request_of(cell: store.Cell) -> BatchRequest:
    config = cell.config
    return BatchRequest(
        cell.prompt,
        config.checkpoint,
        cell.seeds,
        config.guidance_scale,
        config.num_inference_steps,
        config.scheduler,
        config.guidance,
        tuple(param for param in config.guidance_params if param[0] != BATCH),
    )


@pytest.mark.slow
def test_an_edited_scheduler_draws_another_picture_in_the_same_process(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The loaded backbone, too, is as its folder is now."""
    copy = tmp_path / "checkpoints"
    shutil.copytree(settings.CHECKPOINTS / "shapes", copy / "shapes")
    (copy / "registry.toml").write_text(TOML)
    monkeypatch.setattr(settings, "CHECKPOINTS", copy)
    request = replace(REQUEST, checkpoint="base", num_inference_steps=3, metrics=("entropy_1d",))
    first = run_request(bench, request)
    assert run_request(bench, request).from_store
    file = copy / "shapes" / "scheduler" / "scheduler_config.json"
    said = json.loads(file.read_text())
    file.write_text(json.dumps({**said, "beta_end": said["beta_end"] * 1.5}))
    second = run_request(bench, request)
    assert not second.from_store and not torch.equal(first.images[0], second.images[0])
    file.write_text(json.dumps(said))
    assert run_request(bench, request).from_store
