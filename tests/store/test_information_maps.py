"""Where in a picture the prompt speaks: kept with the picture, on every way into the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pytest
import torch

from t2ialign.store import (
    Store,
    add_batch,
    export_reference,
    images,
    ingest_inbox,
    load_map,
    open_store,
    post,
    record_batch,
)
from t2ialign.store.records import SCHEMA, from_table, to_table
from t2ialign.store.reference import ingest_reference
from t2ialign.types import SeedBatch

Build = Callable[..., SeedBatch]


@pytest.fixture
def mapped(batch_of: Build) -> SeedBatch:
    batch = batch_of(seeds=(3, 1), pixels=16)
    share = torch.rand(2, 4, 4, generator=torch.Generator().manual_seed(0))
    share = share / share.sum((1, 2), keepdim=True) * batch.mutual_information[:, None, None]
    return replace(batch, mutual_information_map=share)


def assert_kept(store: Store, batch: SeedBatch) -> None:
    """The shares of each picture, to within the grey levels of a PNG, and adding up to its mutual information."""
    for seed, share, total in zip(batch.seeds, batch.mutual_information_map, batch.mutual_information):
        found = load_map(store, batch.cell, seed)
        assert found.sum().item() == pytest.approx(total.item(), rel=1e-6)
        torch.testing.assert_close(found.float(), share, atol=share.max().item() / 200, rtol=0)


def test_a_map_comes_back(store: Store, mapped: SeedBatch) -> None:
    add_batch(store, mapped)
    assert_kept(store, mapped)
    add_batch(store, replace(mapped, mutual_information_map=None))
    assert_kept(store, mapped)


def test_it_travels_through_the_inbox(store: Store, mapped: SeedBatch) -> None:
    post(store.home, [record_batch(store.home, mapped)], "worker")
    assert ingest_inbox(store) == 1
    assert_kept(store, mapped)


@pytest.mark.slow
def test_it_travels_with_the_reference(store: Store, mapped: SeedBatch, tmp_path) -> None:
    add_batch(store, mapped)
    export_reference(store, [mapped.cell], tmp_path / "shipped" / "base.parquet")
    with open_store(tmp_path / "other") as other:
        assert ingest_reference(other, tmp_path / "shipped") == 1
        assert_kept(other, mapped)


def test_records_from_before_there_were_maps_can_be_read(store: Store, mapped: SeedBatch) -> None:
    table = to_table([record_batch(store.home, mapped)])
    picture = SCHEMA.field("pictures").type.value_type
    older = pa.struct([field for field in picture if field.name != "information_map"])
    index = SCHEMA.get_field_index("pictures")
    (record,) = from_table(table.cast(SCHEMA.set(index, pa.field("pictures", pa.list_(older)))))
    assert [picture.information_map for picture in record.pictures] == [None, None]


def test_without_a_map_there_is_none(store: Store, batch_of: Build) -> None:
    batch = batch_of(seeds=(3,))
    add_batch(store, batch)
    assert load_map(store, batch.cell, 3) is None and load_map(store, "nothing", 3) is None


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_what_is_no_share_is_not_kept(value: float) -> None:
    assert images.encode_map(torch.full((2, 2), value)) is None
