from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from t2ialign.metrics import METRICS
from t2ialign.settings import is_tables
from t2ialign.store import Filters, Store, add_batch, add_scores, cell_scores, choices, list_cells, scored_points
from t2ialign.store.tables import open_tables
from t2ialign.store.upkeep import write_tables
from t2ialign.types import InputError, Score, SeedBatch
from tests.hub_server import Hub, serving, use_hub

X, Y = "clip_score", "lpips"


@pytest.fixture
def filled(store: Store, batch_of: Callable[..., SeedBatch], score_of: Callable[..., Score]) -> Store:
    for scale in (1.0, 4.0):
        for number, text in enumerate(("a", "b", "c")):
            batch = batch_of(text, seeds=(1, 2, 3), pixels=64, guidance_scale=scale)
            add_batch(store, batch)
            values = torch.rand(3, generator=torch.Generator().manual_seed(number), dtype=torch.float64) * scale
            add_scores(store, batch, [score_of(X, values), score_of(Y, values[:, None] + values, "pair")])
    return store


def answers(store: Store) -> list[str]:
    """As texts; sums over files come in another order, so that last digits differ."""
    found = scored_points(store, METRICS[X], METRICS[Y], Filters())
    known = (found, choices(store), list_cells(store), cell_scores(store, X, Y))
    return [re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.9g}", repr(one)) for one in known]


def test_exported_tables_answer_like_their_store_and_take_nothing(filled: Store, tmp_path: Path) -> None:
    write_tables(filled, tmp_path / "it's out")
    with open_tables(str(tmp_path / "it's out")) as tables:
        assert answers(tables) == answers(filled) and len(list_cells(tables)) == 6
        with pytest.raises(InputError), tables.transaction():
            pass


def test_they_are_read_wherever_fsspec_reaches(filled: Store, tmp_path: Path) -> None:
    import fsspec

    write_tables(filled, tmp_path / "out")
    memory = fsspec.filesystem("memory")  # of the whole process: another file's tests leave tables there too
    memory.put(str(tmp_path / "out"), "/of_one_store", recursive=True)
    with open_tables("memory://of_one_store") as tables:
        assert answers(tables) == answers(filled)
    memory.rm("/of_one_store", recursive=True)


def test_they_are_read_from_a_hub(filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import HfFileSystem

    write_tables(filled, tmp_path / "out")
    HfFileSystem.clear_instance_cache()
    with serving(Hub()) as hub:
        hub.files["you/results"] = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
        use_hub(hub, monkeypatch)
        with open_tables("hf://you/results") as tables:
            assert answers(tables) == answers(filled)
    HfFileSystem.clear_instance_cache()
    assert all(" bytes=" in asked for asked in hub.asked if "resolve" in asked), "no file comes whole"


def test_parts_become_one_store_in_which_each_cell_counts_once(
    filled: Store, tmp_path: Path, batch_of: Callable[..., SeedBatch], score_of: Callable[..., Score]
) -> None:
    """The second machine has what the first has, and one cell more."""
    write_tables(filled, tmp_path / "parts" / "out-0")
    batch = batch_of("d", seeds=(1, 2, 3), pixels=64, guidance_scale=1.0)
    add_batch(filled, batch)
    values = torch.tensor([0.1, 0.2, 0.4], dtype=torch.float64)
    add_scores(filled, batch, [score_of(X, values), score_of(Y, values[:, None] + values, "pair")])
    write_tables(filled, tmp_path / "parts" / "out-1")
    assert is_tables(str(tmp_path / "parts")) and not is_tables(str(filled.home)) and is_tables("hf://you/results")
    with open_tables(str(tmp_path / "parts")) as tables:
        assert answers(tables) == answers(filled) and len(list_cells(tables)) == 7
        with pytest.raises(InputError), tables.transaction():
            pass


@pytest.mark.parametrize("place", ["nowhere", "no-such-scheme://a"])
def test_a_place_without_tables_is_a_sentence(tmp_path: Path, place: str) -> None:
    (tmp_path / "empty").mkdir()
    for wrong in (place, str(tmp_path / "empty")):
        with pytest.raises(InputError, match=r"tables at .*t2ialign store export"):
            open_tables(wrong)
