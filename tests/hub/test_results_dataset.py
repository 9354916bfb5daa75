"""A container that is lost, and the next one that has what it had: on a stand-in for the Hub."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from t2ialign.hub.results_dataset import commit_results, kept_results, marks, restore_results
from t2ialign.store import add_batch, add_scores, ingest_inbox, list_cells, load_batch, open_store
from t2ialign.store.scores import records_of
from t2ialign.types import GenerationConfig, InputError, Prompt, Score, SeedBatch
from tests.hub.disk_hub import DiskHub

CONFIG = GenerationConfig("shapes", "1")
REPO = "me/results"


def drawn(store, prompt: str, side: int = 160) -> SeedBatch:
    """A scored batch; at this size a picture is no thumbnail of itself."""
    draw = torch.Generator().manual_seed(len(prompt))
    images = torch.randint(0, 256, (2, 3, side, side), generator=draw, dtype=torch.uint8)
    batch = SeedBatch(Prompt(prompt), CONFIG, (0, 1), images, torch.ones(2), torch.ones(2))
    add_batch(store, batch)
    values = torch.tensor([0.25, 0.75])
    add_scores(store, batch, [Score("oracle_alignment", "2", "alignment", "image", values, 0.5, 0.2, 0.8)])
    return batch


@pytest.fixture
def hub(tmp_path: Path) -> DiskHub:
    return DiskHub(tmp_path / "hub")


@pytest.mark.slow
def test_the_next_container_has_what_this_one_made(hub: DiskHub, tmp_path: Path):
    assert restore_results(tmp_path / "first", REPO, hub) == 0
    with open_store(tmp_path / "first") as store:
        shipped = drawn(store, "shipped")
        with kept_results(store, REPO, api=hub):
            made = drawn(store, "a red circle")
            adapter = store.home / "checkpoints" / "mine"
            adapter.mkdir(parents=True)
            (adapter / "manifest.json").write_text("{}")
            (adapter / "pytorch_lora_weights.safetensors").write_bytes(b"weights")
            (store.home / "checkpoints" / ".half").mkdir()
            (store.home / "checkpoints" / ".half" / "manifest.json").write_text("{}")
        scores = records_of(store, made.cell)
    assert hub.private == {REPO: True}
    assert restore_results(tmp_path / "second", REPO, hub) == 5  # a shard, two pictures, two files of the adapter
    with open_store(tmp_path / "second") as store:
        assert ingest_inbox(store) == 1
        assert torch.equal(load_batch(store, CONFIG, made.prompt, [0, 1]).images, made.images)
        assert records_of(store, made.cell) == scores
        assert shipped.cell not in marks(store), "what was there when it began is not sent"
        file = store.home / "checkpoints/mine/pytorch_lora_weights.safetensors"
        assert file.read_bytes() == b"weights" and not (store.home / "checkpoints/.half").exists()


@pytest.mark.slow
def test_two_containers_do_not_collide(hub: DiskHub, tmp_path: Path):
    for place, prompts in (("one", ("a", "both")), ("two", ("b", "both"))):
        with open_store(tmp_path / place) as store:
            for prompt in prompts:
                drawn(store, prompt)
            assert commit_results(store, REPO, {}, set(), hub) > 0
    restore_results(tmp_path / "third", REPO, hub)
    with open_store(tmp_path / "third") as store:
        assert ingest_inbox(store) == 2
        assert sorted(cell.prompt.text for cell in list_cells(store)) == ["a", "b", "both"]
        assert all(cell.seeds == (0, 1) for cell in list_cells(store))
    assert restore_results(tmp_path / "third", REPO, hub) == 2  # the shards only: taken in again they change nothing
    with open_store(tmp_path / "third") as store:
        assert ingest_inbox(store) == 0 and len(list_cells(store)) == 3


@pytest.mark.slow
def test_only_what_is_new_goes_and_a_failure_is_tried_again(hub: DiskHub, tmp_path: Path):
    with open_store(tmp_path / "home") as store:
        known, sent = marks(store), set()
        drawn(store, "a")

        class Away(DiskHub):
            def create_commit(self, *_, **__):
                raise ConnectionError("no route")

        with pytest.raises(InputError, match="cannot be reached"):
            commit_results(store, REPO, known, sent, Away(hub.root))
        assert commit_results(store, REPO, known, sent, hub) == 3
        assert commit_results(store, REPO, known, sent, hub) == 0
        drawn(store, "a longer one")
        assert commit_results(store, REPO, known, sent, hub) == 3
