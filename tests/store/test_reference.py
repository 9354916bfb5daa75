from __future__ import annotations

import errno
import io
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import torch
from PIL import Image

from t2ialign.store import (
    Store,
    add_batch,
    add_scores,
    cell_scores,
    export_reference,
    inbox,
    ingest_reference,
    list_cells,
    list_set_aside,
    load_batch,
    missing_seeds,
    open_store,
    pictures,
    scores_of,
    undrawn,
)
from t2ialign.store.reference import pictured
from t2ialign.store.upkeep import check
from t2ialign.types import InputError, Score, SeedBatch

Build = Callable[..., SeedBatch]
Judge = Callable[..., Score]


@pytest.fixture
def shipped(tmp_path: Path, batch_of: Build, score_of: Judge) -> Path:
    """A reference folder: one cell whose pictures are as small as thumbnails, one whose pictures are not."""
    with open_store(tmp_path / "maker") as maker:
        for batch in (batch_of("small", seeds=(0, 1)), batch_of("large", seeds=(0, 1), pixels=256)):
            add_batch(maker, batch)
            pairs = torch.tensor([[0.0, 0.5], [0.5, 0.0]])
            scores = [score_of("a", torch.tensor([0.1, 0.2])), score_of("b", pairs, "pair")]
            add_scores(maker, batch, scores, ("It is long.",) if batch.prompt.text == "large" else ())
        cells = [cell.key for cell in list_cells(maker)]
        size = export_reference(maker, cells, tmp_path / "reference" / "sweep.parquet")
    assert size == (tmp_path / "reference" / "sweep.parquet").stat().st_size
    return tmp_path / "reference"


@pytest.mark.slow
def test_a_first_start_takes_it_in_and_a_second_does_not(store: Store, shipped: Path):
    assert ingest_reference(store, shipped) == 1
    assert ingest_reference(store, shipped) == 0
    (shipped / "renamed.parquet").write_bytes((shipped / "sweep.parquet").read_bytes())
    assert ingest_reference(store, shipped) == 0
    found = {row.prompt: (row.seeds, row.notes) for row in cell_scores(store, "a", "b")}
    assert found == {"small": (2, ()), "large": (2, ("It is long.",))}


@pytest.mark.slow
def test_small_pictures_are_whole_and_answer_requests(store: Store, shipped: Path, batch_of: Build):
    ingest_reference(store, shipped)
    batch = batch_of("small", seeds=(0, 1))
    assert missing_seeds(store, batch.config, batch.prompt, (0, 1, 2)) == (2,)
    assert torch.equal(load_batch(store, batch.config, batch.prompt, (0, 1)).images, batch.images)
    assert scores_of(store, batch.cell, (1, 0))[0].values.tolist() == pytest.approx([0.2, 0.1])


@pytest.mark.slow
@pytest.mark.parametrize(("salt", "kept"), [(0, 2), (1, 0)])
def test_large_pictures_are_thumbnails_until_they_are_made(
    store: Store, shipped: Path, batch_of: Build, salt: int, kept: int
):
    """What this machine makes takes the place of the thumbnail, and its scores stay if the pixels are the same."""
    ingest_reference(store, shipped)
    batch = batch_of("large", seeds=(0, 1), pixels=256, salt=salt)
    assert missing_seeds(store, batch.config, batch.prompt, (0, 1)) == (0, 1)
    assert [Image.open(io.BytesIO(p.thumbnail)).size for p in pictures(store, batch.cell)] == [(128, 128)] * 2
    add_batch(store, batch)
    assert torch.equal(load_batch(store, batch.config, batch.prompt, (0, 1)).images, batch.images)
    assert len(scores_of(store, batch.cell, (0, 1))) == kept


@pytest.mark.slow
def test_own_pictures_stay_and_scores_of_other_pixels_are_not_taken(store: Store, shipped: Path, batch_of: Build):
    own = batch_of("small", seeds=(0, 1), salt=1)
    add_batch(store, own)
    ingest_reference(store, shipped)
    assert torch.equal(load_batch(store, own.config, own.prompt, (0, 1)).images, own.images)
    assert scores_of(store, own.cell, (0, 1)) == []


@pytest.mark.slow
def test_the_file_can_be_read_without_us(shipped: Path):
    sql = f"SELECT prompt.text, [p.seed for p in pictures], scores[1].metric FROM '{shipped}/*.parquet' ORDER BY 1"
    assert duckdb.sql(sql).fetchall() == [("large", [0, 1], "a"), ("small", [0, 1], "a")]


@pytest.mark.slow
def test_a_half_fetched_file_is_noted_and_the_others_go_on(store: Store, shipped: Path):
    (shipped / "a-pointer.parquet").write_text("version https://git-lfs.example/spec/v1\noid sha256:0\n")
    assert ingest_reference(store, shipped) == 1
    assert ingest_reference(store, shipped) == 0
    (sentence,) = list_set_aside(store)
    assert "a-pointer.parquet could not be read" in sentence
    assert sentence.endswith("fetch it again.")
    assert (shipped / "a-pointer.parquet").exists()


@pytest.mark.slow
def test_the_stores_own_trouble_is_told_and_tried_again(store: Store, shipped: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no room")

    with monkeypatch.context() as patch:
        patch.setitem(inbox.KINDS, "cells", full)
        with pytest.raises(InputError, match="is full"):
            ingest_reference(store, shipped)
    assert list_set_aside(store) == []
    assert ingest_reference(store, shipped) == 1


@pytest.mark.slow
def test_only_the_scores_to_keep_are_written(store: Store, shipped: Path, tmp_path: Path):
    ingest_reference(store, shipped)
    cells = [cell.key for cell in list_cells(store)]
    export_reference(store, cells, tmp_path / "less" / "x.parquet", lambda score: score.metric == "a")
    with open_store(tmp_path / "other") as other:
        ingest_reference(other, tmp_path / "less")
        found = [scores_of(other, cell.key, (0, 1)) for cell in list_cells(other)]
    assert [[score.metric for score in scores] for scores in found] == [["a"], ["a"]]


@pytest.mark.slow
def test_only_the_wanted_seeds_are_written(store: Store, shipped: Path, tmp_path: Path):
    ingest_reference(store, shipped)
    cells = [cell.key for cell in list_cells(store)]
    export_reference(store, cells, tmp_path / "less" / "x.parquet", seed=lambda prompt, seed: seed == 1)
    with open_store(tmp_path / "other") as other:
        ingest_reference(other, tmp_path / "less")
        found = list_cells(other)
        assert [cell.seeds for cell in found] == [(1,), (1,)]
        assert [scores_of(other, cell.key, (0, 1)) for cell in found] == [[], []], "scores of pictures left out"


def test_no_folder_is_no_reference(store: Store, tmp_path: Path):
    assert ingest_reference(store, tmp_path / "nowhere") == 0


def test_only_stored_cells_can_be_exported(store: Store, tmp_path: Path):
    with pytest.raises(InputError, match="No pictures are stored"):
        export_reference(store, ["0" * 16], tmp_path / "x.parquet")
    assert not (tmp_path / "x.parquet").exists()


def test_scores_of_an_early_look_stay_behind_where_a_cell_has_more(
    store: Store, batch_of: Build, score_of: Judge, tmp_path: Path
):
    """A sweep looks at a few seeds first, and scores them again with all; a cell that has no more is taken whole."""
    for name, seeds in (("whole", (0, 1, 2)), ("whole", (0,)), ("small", (0,))):
        batch = batch_of(name, seeds=seeds)
        add_batch(store, batch)
        add_scores(store, batch, [score_of("a", torch.tensor([0.1, 0.2, 0.3][: len(seeds)]))])
    export_reference(store, [cell.key for cell in list_cells(store)], tmp_path / "less" / "x.parquet", early=1)
    with open_store(tmp_path / "other") as other:
        ingest_reference(other, tmp_path / "less")
        found = {
            cell.prompt.text: [len(scores_of(other, cell.key, range(n))) for n in (1, 3)] for cell in list_cells(other)
        }
    assert found == {"whole": [0, 1], "small": [1, 0]}


@pytest.fixture
def bare(tmp_path: Path, batch_of: Build, score_of: Judge) -> Path:
    """A reference folder with the scores of one cell and none of its pictures."""
    with open_store(tmp_path / "maker") as maker:
        batch = batch_of("small", seeds=(0, 1))
        add_batch(maker, batch)
        add_scores(maker, batch, [score_of("a", torch.tensor([0.1, 0.2])), score_of("b", torch.tensor([0.3, 0.4]))])
        export_reference(maker, [batch.cell], tmp_path / "bare" / "x.parquet", scores_only=True)
    return tmp_path / "bare"


def test_scores_travel_alone(store: Store, bare: Path, batch_of: Build):
    """They count on the chart; their pictures are known by name alone, and are missing."""
    assert duckdb.sql(
        f"SELECT sum(octet_length(p.thumbnail)) FROM '{bare}/*.parquet', unnest(pictures) u(p)"
    ).fetchall() == [(0,)]
    batch = batch_of("small", seeds=(0, 1))
    assert pictured(bare) == {batch.cell: frozenset()}
    ingest_reference(store, bare)
    assert [row.value.mean for row in cell_scores(store, "a", "b")] == pytest.approx([0.15, 0.35])
    assert undrawn(store, [batch.cell]) == {batch.cell}
    assert [cell.seeds for cell in list_cells(store)] == [(0, 1)]
    assert missing_seeds(store, batch.config, batch.prompt, (0, 1)) == (0, 1)
    assert check(store).sound


@pytest.mark.parametrize(("salt", "kept"), [(0, 2), (1, 0)])
def test_scores_that_came_alone_stay_where_the_same_picture_is_drawn(
    store: Store, bare: Path, batch_of: Build, salt: int, kept: int
):
    ingest_reference(store, bare)
    batch = batch_of("small", seeds=(0, 1), salt=salt)
    add_batch(store, batch)
    assert torch.equal(load_batch(store, batch.config, batch.prompt, (0, 1)).images, batch.images)
    assert all(len(one.thumbnail) > 0 for one in pictures(store, batch.cell)), "the empty one made room"
    assert undrawn(store, [batch.cell]) == frozenset()
    assert len(scores_of(store, batch.cell, (0, 1))) == kept


def test_pictures_that_come_later_are_shown(store: Store, bare: Path, shipped: Path, batch_of: Build):
    """Whichever comes first: scores alone take no picture away, and a file with pictures brings them."""
    cell = batch_of("small", seeds=(0, 1)).cell
    ingest_reference(store, bare)
    ingest_reference(store, shipped)
    assert undrawn(store, [cell]) == frozenset() and missing_seeds_of(store, cell) == ()
    with open_store(store.home / "other") as other:
        ingest_reference(other, shipped)
        ingest_reference(other, bare)
        assert undrawn(other, [cell]) == frozenset() and missing_seeds_of(other, cell) == ()
        assert {score.metric for score in scores_of(other, cell, (0, 1))} == {"a", "b"}


def missing_seeds_of(store: Store, key: str) -> tuple[int, ...]:
    (cell,) = [cell for cell in list_cells(store) if cell.key == key]
    return missing_seeds(store, cell.config, cell.prompt, cell.seeds)


def test_a_folder_with_a_damaged_file_is_said(tmp_path: Path, shipped: Path):
    assert {len(seeds) for seeds in pictured(shipped).values()} == {2}
    (shipped / "odd.parquet").write_text("no table")
    with pytest.raises(InputError, match=r"odd\.parquet could not be read .* move it out of the folder"):
        pictured(shipped)
