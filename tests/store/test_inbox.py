from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import torch

from t2ialign.store import (
    Store,
    add_batch,
    images,
    inbox,
    ingest_inbox,
    list_cells,
    list_set_aside,
    load_batch,
    missing_seeds,
    open_store,
    post,
    record_batch,
    record_scores,
    scores_of,
)
from t2ialign.store.writing import OTHERS
from t2ialign.types import InputError, Score, SeedBatch

Build = Callable[..., SeedBatch]
Judge = Callable[..., Score]


def waiting(store: Store) -> list[Path]:
    return [path for path in (store.home / "inbox").glob("*") if path.is_file()]


def test_what_another_process_leaves_is_taken_in(store: Store, batch_of: Build, score_of: Judge):
    batch = batch_of(seeds=(2, 1), pixels=64)
    scores = record_scores(batch, [score_of("m", torch.tensor([0.2, 0.1]))])
    path = post(store.home, [record_batch(store.home, batch, 3.0), scores], worker="host 1/gpu:0")
    assert path.name.startswith("host-1-gpu-0-")
    assert path.parent == store.home / "inbox"
    assert list_cells(store) == []
    assert ingest_inbox(store) == 1
    assert torch.equal(load_batch(store, batch.config, batch.prompt, batch.seeds).images, batch.images)
    assert scores_of(store, batch.cell, batch.seeds)[0].values.tolist() == pytest.approx([0.2, 0.1])
    assert waiting(store) == []
    assert ingest_inbox(store) == 0


def test_an_unfinished_shard_is_not_looked_at(store: Store, batch_of: Build):
    (store.home / "inbox").mkdir()
    (store.home / "inbox" / ".abc.part").write_bytes(b"half")
    assert ingest_inbox(store) == 0
    assert len(waiting(store)) == 1


@pytest.fixture
def tally(store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """A kind of shard that, unlike cells, would count double if it were taken in twice."""

    def take(home: Path, cursor: duckdb.DuckDBPyConnection, table: pa.Table) -> None:
        cursor.execute("INSERT INTO tally SELECT * FROM (VALUES (?))", [table["n"][0].as_py()]).fetchall()

    with store.transaction() as cursor:
        cursor.execute("CREATE TABLE tally (n INTEGER)").fetchall()
    monkeypatch.setitem(inbox.KINDS, "tally", take)
    return lambda: store.rows("SELECT count(*) FROM tally")[0][0]


def test_a_crash_between_commit_and_delete_does_not_count_twice(store: Store, tally: Callable[[], int]):
    path = inbox.post_shard(store.home, "tally", pa.table({"n": [1]}), "w")
    data = path.read_bytes()
    assert ingest_inbox(store) == 1
    path.write_bytes(data)
    assert ingest_inbox(store) == 0
    assert (tally(), waiting(store)) == (1, [])


ROWS = ("prompts", "cells", "images", "thumbnails", "image_scores", "batch_scores", "seed_sets", "cell_notes")


def conflicting(home: Path, batch_of: Build, score_of: Judge) -> None:
    """Shards that disagree: a category known late and forgotten, other pixels of the same seed, scores made again."""
    for number, (salt, category, value) in enumerate([(0, "", 0.1), (0, "color", 0.2), (1, "", 0.3), (0, "", 0.4)]):
        batch = batch_of(seeds=(1, 2, 3), pixels=64, salt=salt, category=category)
        judged = record_scores(batch, [score_of("m", torch.tensor([value, 0.5, 1.0]))], [f"note {number}"])
        path = post(home, [record_batch(home, batch), judged], "w")
        path.replace(path.with_name(f"{number}.parquet"))


def test_shards_of_one_transaction_are_those_of_one_each(
    tmp_path: Path, batch_of: Build, score_of: Judge, monkeypatch: pytest.MonkeyPatch
):
    found = []
    for together in (inbox.TOGETHER, 0):
        monkeypatch.setattr(inbox, "TOGETHER", together)
        with open_store(tmp_path / str(together)) as store:
            conflicting(store.home, batch_of, score_of)
            with monkeypatch.context() as patch:
                begun = []
                patch.setattr(Store, "transaction", counted(Store.transaction, begun))
                assert ingest_inbox(store) == 4
            assert len(begun) == (1 if together else 4)
            found.append({name: sorted(map(str, store.rows(f"FROM {name}"))) for name in ROWS})
    assert found[0] == found[1] and len(found[0]["images"]) == 3
    assert sum(OTHERS in note for note in found[0]["cell_notes"]) == 1, "the third shard's scores are of other pictures"


def counted(transaction: Callable[..., object], begun: list[Store]) -> Callable[..., object]:
    def counting(store: Store, *prompts: object) -> object:
        begun.append(store)
        return transaction(store, *prompts)

    return counting


def test_a_shard_that_was_taken_before_does_not_count_among_others(store: Store, tally: Callable[[], int]):
    path = inbox.post_shard(store.home, "tally", pa.table({"n": [1]}), "w")
    data = path.read_bytes()
    assert ingest_inbox(store) == 1
    path.write_bytes(data)
    for number in (2, 3):
        inbox.post_shard(store.home, "tally", pa.table({"n": [number]}), "w")
    assert ingest_inbox(store) == 2
    assert (tally(), waiting(store)) == (3, [])


@pytest.mark.slow
def test_four_threads_take_each_shard_once(store: Store, tally: Callable[[], int]):
    for number in range(20):
        inbox.post_shard(store.home, "tally", pa.table({"n": [number]}), "w")
    taken = []
    threads = [threading.Thread(target=lambda: taken.append(ingest_inbox(store))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(taken), len(taken), tally()) == (20, 4, 20)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:-20],
        lambda data: b"not a shard at all",
        lambda data: inbox.parquet(pa.table({"n": [1]}), "cells"),
        lambda data: inbox.parquet(pa.table({"n": [1]}), "of the future"),
    ],
)
def test_a_corrupt_shard_is_set_aside_and_blocks_nothing(
    store: Store, batch_of: Build, spoil: Callable[[bytes], bytes]
):
    bad = post(store.home, [record_batch(store.home, batch_of("bad"))], "a")
    bad.write_bytes(spoil(bad.read_bytes()))
    post(store.home, [record_batch(store.home, batch_of("good"))], "b")
    assert ingest_inbox(store) == 1
    assert [cell.prompt.text for cell in list_cells(store)] == ["good"]
    (sentence,) = list_set_aside(store)
    assert sentence.startswith(f"{bad.name} could not be read (")
    assert "\n" not in sentence
    assert (store.home / "inbox" / "set_aside" / bad.name).exists()
    assert waiting(store) == []
    assert ingest_inbox(store) == 0


def test_a_folder_named_like_a_shard_blocks_nothing(store: Store, batch_of: Build):
    (store.home / "inbox" / "a-0.parquet").mkdir(parents=True)
    post(store.home, [record_batch(store.home, batch_of())], "b")
    assert ingest_inbox(store) == 1
    assert len(list_set_aside(store)) == 1


def test_four_threads_set_a_corrupt_shard_aside_once(store: Store):
    for number in range(5):
        images.write_whole(store.home / "inbox" / f"bad-{number}.parquet", b"bad")
    failures = []

    def work() -> None:
        try:
            assert ingest_inbox(store) == 0
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failures, len(list_set_aside(store)), waiting(store)) == ([], 5, [])


def test_a_shard_that_fails_midway_leaves_nothing_behind(
    store: Store, batch_of: Build, monkeypatch: pytest.MonkeyPatch
):
    def fail(home: Path, cursor: duckdb.DuckDBPyConnection, table: pa.Table) -> None:
        inbox._take_cells(home, cursor, table)
        raise KeyError("midway")

    post(store.home, [record_batch(store.home, batch_of())], "w")
    monkeypatch.setitem(inbox.KINDS, "cells", fail)
    assert ingest_inbox(store) == 0
    assert list_cells(store) == []
    assert store.rows("SELECT count(*) FROM ingested") == [(0,)]


def test_the_stores_own_trouble_leaves_the_shard_waiting(
    store: Store, batch_of: Build, monkeypatch: pytest.MonkeyPatch
):
    def full(home: Path, cursor: duckdb.DuckDBPyConnection, table: pa.Table) -> None:
        raise OSError(errno.ENOSPC, "no room")

    post(store.home, [record_batch(store.home, batch_of())], "w")
    with monkeypatch.context() as patch:
        patch.setitem(inbox.KINDS, "cells", full)
        with pytest.raises(InputError, match="is full"):
            ingest_inbox(store)
    assert list_set_aside(store) == []
    assert ingest_inbox(store) == 1


def test_a_picture_that_did_not_arrive_counts_as_not_stored(store: Store, batch_of: Build):
    batch = batch_of(pixels=64)
    record = record_batch(store.home, batch)
    images.path_of(store.home, record.pictures[0].sha).unlink()
    post(store.home, [record], "w")
    ingest_inbox(store)
    assert missing_seeds(store, batch.config, batch.prompt, (0,)) == (0,)


def test_scores_of_other_pixels_are_not_taken(store: Store, batch_of: Build, score_of: Judge):
    """Two devices made the same cell slightly differently: the first pictures stay, with scores of their own only."""
    add_batch(store, batch_of(seeds=(0, 1), pixels=64))
    other = batch_of(seeds=(0, 1), pixels=64, salt=1)
    judged = record_scores(other, [score_of("m", torch.tensor([0.2, 0.1]))])
    post(store.home, [record_batch(store.home, other), judged], "w")
    ingest_inbox(store)
    assert scores_of(store, other.cell, (0, 1)) == []


POSTS = """
children = []
for name in "abc":
    children.append(os.fork())
    if children[-1] == 0:
        for number in range(15):
            batch = batch_of(f"{name} {number}", seeds=(number,))
            api.post(home, [api.record_batch(home, batch, 1.0)], name)
        os._exit(0)
say("ready")
sys.exit(sum(os.waitpid(child, 0)[1] for child in children))
"""


@pytest.mark.slow
@pytest.mark.timeout(600)  # a starved machine may take minutes
@pytest.mark.skipif(os.name != "posix", reason="fork is POSIX's")
def test_three_processes_write_while_threads_read_and_ingest(
    home: Path, worker: Callable[..., subprocess.Popen], batch_of: Build
):
    workers = worker(POSTS, home)
    assert workers.stdout.readline() == "ready\n"
    with open_store(home) as store:
        done, taken, failures = threading.Event(), [], []

        def work(ingests: bool) -> None:
            try:
                while not done.wait(0.01):
                    taken.append(ingest_inbox(store) if ingests else 0 * len(list_cells(store)))
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(ingests,)) for ingests in (True, True, False, False)]
        for thread in threads:
            thread.start()
        code = workers.wait()
        done.set()
        for thread in threads:
            thread.join()
        taken.append(ingest_inbox(store))
        assert (code, failures, sum(taken)) == (0, [], 45)
        assert store.rows("SELECT count(*) FROM ingested") == [(45,)]
        assert waiting(store) == []
        for name in "abc":
            for number in range(15):
                batch = batch_of(f"{name} {number}", seeds=(number,))
                assert torch.equal(load_batch(store, batch.config, batch.prompt, batch.seeds).images, batch.images)
