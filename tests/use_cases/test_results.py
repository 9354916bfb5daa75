"""Both places where results are kept say the same of what was kept in them; only the owner of a store has the store."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from t2ialign.source import Source
from t2ialign.store import StoreBusy, ingest_inbox, list_cells, open_store, post, record_scores
from t2ialign.types import GenerationConfig, Prompt, Score, SeedBatch
from t2ialign.use_cases.results import InboxResults, Results, StoreResults

PROMPT = Prompt("a red circle", "color", ("one",))
CONFIG = GenerationConfig("shapes", "rev", height=8, width=8)


def batch_of(*seeds: int) -> SeedBatch:
    """Pictures of one grey each, that of their seed."""
    images = torch.stack([torch.full((3, 8, 8), seed, dtype=torch.uint8) for seed in seeds])
    numbers = torch.tensor(seeds, dtype=torch.float32)
    return SeedBatch(PROMPT, CONFIG, seeds, images, numbers / 2, numbers / 4)


def score_of(*values: float, version: str = "1") -> Score:
    found = torch.tensor(values, dtype=torch.float64)
    return Score("some", version, "alignment", "image", found, float(found.mean()), 0.0, 9.0)


@pytest.fixture(params=["store", "inbox"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Results]:
    with open_store(tmp_path) as opened:
        yield StoreResults(opened) if request.param == "store" else InboxResults(tmp_path)


def test_what_is_kept_is_found_again_in_the_order_asked_for(kept: Results) -> None:
    assert kept.batch(CONFIG, PROMPT, (1, 2)).seeds == ()
    assert kept.batch(CONFIG, PROMPT, (1, 2)).images.shape == (0, 3, 8, 8)
    kept.keep_pictures(batch_of(1, 2), 3.0)
    kept.keep_pictures(batch_of(7))
    found = kept.batch(CONFIG, PROMPT, (7, 3, 1))
    assert found.seeds == (7, 1) and found.images[:, 0, 0, 0].tolist() == [7, 1]
    assert found.mutual_information.tolist() == [3.5, 0.5]
    assert found.mutual_information_released.tolist() == [1.75, 0.25]
    assert kept.count_pictures(dict.fromkeys((found.cell, "another"), (1, 2, 3))) == 2
    assert kept.batch(replace(CONFIG, guidance_scale=9.0), PROMPT, (1,)).seeds == ()


def test_a_picture_whose_file_is_lost_is_missing_or_its_own_thumbnail(kept: Results) -> None:
    """Pictures this small are their own thumbnails; noise of 128 pixels is not."""
    draw = torch.Generator().manual_seed(0)
    large = replace(CONFIG, height=128, width=128)
    noise = torch.randint(0, 256, (1, 3, 128, 128), generator=draw, dtype=torch.uint8)
    kept.keep_pictures(batch_of(1))
    kept.keep_pictures(SeedBatch(PROMPT, large, (1,), noise, torch.zeros(1), torch.zeros(1)))
    for file in (kept.home / "images").rglob("*.webp"):
        file.write_bytes(b"changed")
    assert kept.batch(CONFIG, PROMPT, (1,)).images[0, 0, 0, 0] == 1
    assert kept.batch(large, PROMPT, (1,)).seeds == ()


def test_scores_belong_to_their_seeds_and_versions(kept: Results) -> None:
    batch = kept.keep_pictures(batch_of(2, 1))
    kept.keep_scores(batch, [score_of(20.0, 10.0), score_of(2.0, 1.0, version="0")])
    kept.keep_scores(batch, [score_of(21.0, 11.0)])
    found = {score.version: score.values.tolist() for score in kept.scores(batch_of(1, 2))}
    assert found == {"0": [1.0, 2.0], "1": [11.0, 21.0]}
    assert kept.scores(batch_of(1)) == []


def test_notes_are_kept_once_and_travel_with_the_cell(kept: Results, tmp_path: Path) -> None:
    """In the store and the inbox, to those who find it again, and into the shipped results' files."""
    batch = kept.keep_pictures(batch_of(1, 2))
    assert kept.notes(batch) == ()
    kept.keep_scores(batch, [score_of(1.0, 2.0)], ("The prompt is long.", "So is its adapter."))
    kept.keep_scores(batch, [score_of(1.0, 2.0)], ("The prompt is long.",))
    assert kept.notes(batch) == ("The prompt is long.", "So is its adapter.")
    with open_store(tmp_path / "others") as opened:
        other = StoreResults(opened)
        post(opened.home, [record_scores(batch, [], kept.notes(batch))], "x")
        ingest_inbox(opened)
        assert other.notes(batch) == kept.notes(batch)
        other.share(batch)
        assert InboxResults(opened.home).notes(batch) == kept.notes(batch)


def test_what_the_owner_shares_is_found_without_the_store(tmp_path: Path) -> None:
    with open_store(tmp_path) as opened:
        owner, guest = StoreResults(opened), InboxResults(tmp_path)
        batch = owner.keep_pictures(batch_of(1, 2))
        owner.keep_scores(batch, [score_of(1.0, math.nan)])
        assert guest.batch(CONFIG, PROMPT, (1, 2)).seeds == ()
        owner.share(batch)
        assert torch.equal(guest.batch(CONFIG, PROMPT, (1, 2)).images, batch.images)
        assert guest.scores(batch)[0].mean == owner.scores(batch)[0].mean or math.isnan(owner.scores(batch)[0].mean)
        assert guest.scores(batch)[0].values[0] == 1.0


def test_what_a_guest_keeps_reaches_the_owner_once(tmp_path: Path) -> None:
    with open_store(tmp_path) as opened:
        owner, guest = StoreResults(opened), InboxResults(tmp_path)
        guest.keep_scores(guest.keep_pictures(batch_of(1, 2)), [score_of(1.0, 2.0)])
        assert list_cells(opened) == []
        ingest_inbox(opened)
        assert owner.batch(CONFIG, PROMPT, (1, 2)).seeds == (1, 2)
        assert [score.values.tolist() for score in owner.scores(batch_of(1, 2))] == [[1.0, 2.0]]


@pytest.mark.parametrize("damage", [b"", b"no parquet", b"PAR1"])
def test_a_damaged_note_is_no_note(tmp_path: Path, damage: bytes) -> None:
    guest = InboxResults(tmp_path)
    guest.keep_pictures(batch_of(1))
    for file in (tmp_path / "training" / "cells").iterdir():
        file.write_bytes(damage)
    assert guest.batch(CONFIG, PROMPT, (1,)).seeds == () and guest.scores(batch_of(1)) == []
    guest.keep_pictures(batch_of(1))
    assert guest.batch(CONFIG, PROMPT, (1,)).seeds == (1,)


ONLY_OWNERS: tuple[Callable[[Results], object], ...] = (
    lambda results: results.own_store(),
    lambda results: results.vote_pairs(Source("votes", "study"), 64),
    lambda results: results.vote_examples(Source("votes", "study"), 64),
    lambda results: results.votes_record(Source("votes", "study")),
)


@pytest.mark.parametrize("ask", ONLY_OWNERS)
def test_what_only_the_owner_can_do_is_one_sentence(tmp_path: Path, ask: Callable[[Results], object]) -> None:
    with pytest.raises(StoreBusy, match="in use by another process, and only that one can do this: use its page"):
        ask(InboxResults(tmp_path))
