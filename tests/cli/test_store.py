"""Looking after a store on the command line."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from t2ialign.store import open_store, post, record_batch
from t2ialign.types import GenerationConfig, Prompt, SeedBatch


@pytest.fixture
def home(tmp_path: Path, new_store: Path) -> Path:
    return shutil.copytree(new_store, tmp_path / "home")


def batch(text: str, pixels: int = 8) -> SeedBatch:
    images = torch.randint(0, 256, (2, 3, pixels, pixels), generator=torch.Generator().manual_seed(0)).byte()
    config, known = GenerationConfig("tiny", height=pixels, width=pixels), torch.zeros(2)
    return SeedBatch(Prompt(text), config, (0, 1), images, known, known)


def leave(home: Path, text: str, pixels: int = 8) -> Path:
    return post(home, [record_batch(home, batch(text, pixels))], "worker")


def rows(run, home: Path) -> tuple[int, dict]:
    code, out, _ = run("store", "check", "--store", str(home), "--json")
    return code, json.loads(out)


@pytest.mark.slow
def test_a_sound_store_is_counted(run, home: Path):
    leave(home, "a red circle")
    code, found = rows(run, home)
    assert (code, found["sound"], found["rows"]["images"], found["waiting"]) == (0, True, 0, 1)
    assert run("store", "repair", "--store", str(home))[1].startswith("1 shards were taken in.")
    assert rows(run, home)[1]["rows"]["images"] == 2


@pytest.mark.slow
def test_rows_of_nothing_and_lost_pictures_are_said(run, home: Path):
    leave(home, "a red circle", pixels=160)
    run("store", "repair", "--store", str(home))
    with open_store(home) as opened:
        ((sha,),) = opened.rows("SELECT min(sha) FROM images")
        with opened.transaction() as cursor:
            cursor.execute("INSERT INTO batch_scores (cell, seed_set, metric, version) VALUES ('c', 's', 'm', '1')")
    next((home / "images").rglob(f"{sha}.webp")).unlink()
    code, out, _ = run("store", "check", "--store", str(home))
    assert code == 1
    assert "There are 1 scores of no cell." in out and "1 pictures have no file any more" in out


@pytest.mark.slow
def test_what_was_set_aside_is_tried_again_and_said(run, home: Path):
    shard = leave(home, "a red circle")
    whole = shard.read_bytes()
    shard.write_bytes(whole[:100])
    said = run("store", "repair", "--store", str(home))[1]
    assert f"{shard.name} still cannot be read" in said
    (home / "inbox" / "set_aside" / shard.name).write_bytes(whole)
    assert run("store", "repair", "--store", str(home))[1].startswith("1 shards were taken in.")


@pytest.mark.slow
def test_a_backup_opens_and_an_export_comes_back(run, home: Path, tmp_path: Path):
    leave(home, "a red circle")
    run("store", "repair", "--store", str(home))
    assert run("store", "backup", str(tmp_path / "copy"), "--store", str(home))[0] == 0
    before = rows(run, home)
    assert rows(run, tmp_path / "copy") == before
    code, _, said = run("store", "backup", str(tmp_path / "copy"), "--store", str(home))
    assert code == 2 and "not empty" in said
    assert run("store", "export", str(tmp_path / "out"), "--pictures", "--store", str(home))[0] == 0
    for new in (2, 0):  # the second time everything is there
        code, out, _ = run("store", "import", str(tmp_path / "out"), "--store", str(tmp_path / "other"), "--json")
        assert code == 0 and json.loads(out)["images"] == new
    assert rows(run, tmp_path / "other") == before
    code, _, said = run("store", "import", str(tmp_path), "--store", str(home))
    assert code == 2 and "holds no exported store" in said


@pytest.mark.slow
def test_a_truncated_database_is_one_sentence_and_the_inbox_stays(run, home: Path):
    shard = leave(home, "a red circle")
    database = home / "t2ialign.duckdb"
    database.write_bytes(database.read_bytes()[: database.stat().st_size // 2])
    code, out, said = run("store", "repair", "--store", str(home))
    assert (code, out, said.count("\n")) == (2, "", 1) and "cannot be used" in said and shard.is_file()
    database.rename(home / "broken")
    assert run("store", "repair", "--store", str(home))[1].startswith("1 shards were taken in.")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX's")
def test_a_full_disk_is_one_sentence_and_the_inbox_stays(run, home: Path, tmp_path: Path, limited_files):
    """A limit on file sizes stands in for the disk."""
    shard = leave(home, "a red circle")
    with limited_files(100_000):
        code, out, said = run("store", "backup", str(tmp_path / "copy"), "--store", str(home))
    assert (code, out, said.count("\n")) == (2, "", 1) and "is full" in said and shard.is_file()
    assert str(tmp_path / "copy") in said and str(home) not in said
    assert rows(run, home)[0] == 0


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX's")
def test_a_disk_that_fills_up_loses_nothing_and_the_same_command_works_later(
    run, home: Path, tmp_path: Path, limited_files
):
    leave(home, "a red circle", pixels=160)
    run("store", "repair", "--store", str(home))
    out, other = tmp_path / "out", tmp_path / "other"
    pictures = sorted((home / "images").rglob("*.webp"))
    assert min(path.stat().st_size for path in pictures) > 60_000

    def refused(*command: str) -> None:
        with limited_files(60_000):
            code, said, problem = run("store", *command)
        assert (code, said, problem.count("\n")) == (2, "", 1) and "is full" in problem, problem

    refused("export", str(out), "--pictures", "--store", str(home))
    assert list(out.iterdir()) == []
    assert run("store", "export", str(out), "--pictures", "--store", str(home))[0] == 0
    shutil.copytree(home, other)
    lost, kept = sorted((other / "images").rglob("*.webp"))
    lost.unlink()
    whole = kept.read_bytes()
    refused("import", str(out), "--store", str(other))
    assert kept.read_bytes() == whole and not lost.exists(), "what was here is not touched"
    assert run("store", "import", str(out), "--store", str(other))[0] == 0 and lost.is_file()
    leave(home, "a star", pixels=160)
    with limited_files((home / "t2ialign.duckdb").stat().st_size):
        code, _, problem = run("store", "repair", "--store", str(home))
    assert code == 0 or "is full" in problem, "at the insert, at the checkpoint, or not at all"
    run("store", "repair", "--store", str(home))
    assert rows(run, home)[1]["rows"]["images"] == 4


@pytest.fixture
def limited_files():
    """``with limited_files(BYTES):`` no file may grow beyond that size."""
    import resource
    import signal

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)

    return limit


def test_a_store_in_use_is_one_sentence(run, home: Path, monkeypatch):
    import filelock

    shard = leave(home, "a red circle")
    with filelock.FileLock(home / "t2ialign.lock"):
        for command in ("check", "repair"):
            code, out, said = run("store", command, "--store", str(home))
            assert (code, out, said.count("\n")) == (2, "", 1) and "in use by another process" in said
    assert shard.is_file()
