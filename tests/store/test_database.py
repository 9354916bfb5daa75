from __future__ import annotations

import math
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Collection
from pathlib import Path

import duckdb
import pytest
import torch

from t2ialign.store import (
    Store,
    StoreBusy,
    add_batch,
    list_cells,
    load_batch,
    missing_seeds,
    open_store,
    scores_of,
)
from t2ialign.store.database import FILE, WRITES_TOLD_APART, insert
from t2ialign.types import GenerationConfig, InputError, Prompt, SeedBatch, image_key

Build = Callable[..., SeedBatch]
Worker = Callable[..., subprocess.Popen]
FREE = "free some space and try again; what was stored before is still there."


def in_threads(number: int, work: Callable[[int], None]) -> list[BaseException]:
    """Run ``work(0..number-1)`` at once; returns what was raised."""
    failures = []

    def guarded(index: int) -> None:
        try:
            work(index)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


@pytest.mark.slow
@pytest.mark.timeout(600)  # a starved machine may take minutes
def test_eight_threads_a_hundred_writes_each(store: Store):
    """Each writes rows of its own, counts up one row that all share, and reads meanwhile."""
    shared = {"image": "shared", "metric": "m", "version": "1", "value": 1.0}

    def work(thread: int) -> None:
        for turn in range(100):
            own = shared | {"image": f"{thread}-{turn}"}
            with store.transaction() as cursor:
                insert(cursor, "image_scores", [own, shared], "DO UPDATE SET value = image_scores.value + 1")
            assert store.rows("SELECT value FROM image_scores WHERE image = ?", [own["image"]]) == [(1.0,)]

    assert in_threads(8, work) == []
    assert store.rows("SELECT count(*) FROM image_scores") == [(801,)]
    assert store.rows("SELECT value FROM image_scores WHERE image = 'shared'") == [(800.0,)]


@pytest.mark.slow
def test_readers_never_see_half_a_transaction(store: Store):
    """Two tables grow together; whoever looks finds them equally long."""
    done = threading.Event()

    def work(thread: int) -> None:
        while thread and not done.is_set():
            ((images, thumbnails),) = store.rows(
                "SELECT (SELECT count(*) FROM images), (SELECT count(*) FROM thumbnails)"
            )
            assert images == thumbnails
        for turn in range(0 if thread else 40):
            with store.transaction() as cursor:
                insert(cursor, "images", [{"image": f"{turn}", "cell": "c", "seed": turn}])
                insert(cursor, "thumbnails", [{"image": f"{turn}", "thumbnail": b""}])
        done.set()

    assert in_threads(4, work) == []
    assert store.rows("SELECT count(*) FROM images") == [(40,)]


def test_a_failed_transaction_leaves_nothing_and_lets_go(store: Store):
    with pytest.raises(RuntimeError, match="midway"), store.transaction() as cursor:
        insert(cursor, "image_scores", [{"image": "i", "metric": "m", "version": "1", "value": 1.0}])
        raise RuntimeError("midway")
    assert store.rows("SELECT count(*) FROM image_scores") == [(0,)]
    with store.transaction() as cursor:
        insert(cursor, "image_scores", [{"image": "i", "metric": "m", "version": "1", "value": math.nan}])
    assert math.isnan(store.rows("SELECT value FROM image_scores")[0][0])


@pytest.mark.slow
def test_one_process_may_open_a_folder_twice(home: Path, batch_of: Build):
    with open_store(home) as one, open_store(home) as two:

        def work(thread: int) -> None:
            for turn in range(5):
                add_batch(one if thread else two, batch_of("shared", seeds=(turn, 5 * thread)))

        assert in_threads(2, work) == []
        assert list_cells(one)[0].seeds == list_cells(two)[0].seeds == (0, 1, 2, 3, 4, 5)


def test_a_closed_store_says_so(home: Path):
    store = open_store(home)
    store.close()
    with pytest.raises(InputError, match="has been closed"):
        store.rows("SELECT 1")
    with pytest.raises(InputError, match="has been closed"), store.transaction():
        pass


@pytest.mark.slow
def test_a_store_in_use_names_the_folder_and_the_process(home: Path, worker: Worker):
    process = worker("store = api.open_store(home); say('open'); sys.stdin.read()", home)
    assert process.stdout.readline() == "open\n"
    for read_only_ok in (False, True):
        with pytest.raises(StoreBusy, match=rf"{home} is in use by another process \(PID {process.pid}\): close that"):
            open_store(home, read_only_ok)
    process.kill()
    process.wait()
    open_store(home).close()


READ_ITS_OWN_FILE = """
store = api.open_store(home)
(home / "t2ialign.duckdb").read_bytes()  # whoever closes a descriptor of a file drops the process's POSIX locks on it
say('read')
sys.stdin.readline()
api.add_batch(store, batch_of("kept"))
store.close()
say('closed')
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_second_process_is_refused_even_after_someone_has_read_the_database_file(home: Path, worker: Worker):
    process = worker(READ_ITS_OWN_FILE, home)
    assert process.stdout.readline() == "read\n"
    with pytest.raises(StoreBusy, match=rf"in use by another process \(PID {process.pid}\)"):
        open_store(home)
    print("", file=process.stdin, flush=True)
    assert process.stdout.readline() == "closed\n"
    with open_store(home) as store:
        assert [cell.prompt.text for cell in list_cells(store)] == ["kept"]


@pytest.mark.slow
def test_a_folder_that_one_process_opened_twice_is_let_go_with_the_last(home: Path, worker: Worker):
    one, two = open_store(home), open_store(home)
    one.close()
    one.close()
    busy = "\ntry:\n    api.open_store(home).close(); say('opened')\nexcept api.StoreBusy: say('busy')"
    assert worker(busy, home).communicate()[0] == "busy\n"
    two.close()
    assert worker(busy, home).communicate()[0] == "opened\n"


KILLED = """
import json, signal

def own(folder, pipe):
    store = api.open_store(folder)
    for number in range(10_000):
        batch = batch_of(f"prompt {number}", seeds=(number, number + 1))
        api.add_batch(store, batch, 1.0)
        api.add_scores(store, batch, [Score("m", "1", "alignment", "image", batch.mutual_information, 0.5, 0.0, 1.0)])
        os.write(pipe, b"%d\\n" % number)

for count in json.loads(sys.argv[2]):
    reading, writing = os.pipe()
    owner = os.fork()
    if owner == 0:
        own(home / str(count), writing)
    os.close(writing)
    with open(reading) as lines:
        acknowledged = [next(lines) for _ in range(count)]
        os.kill(owner, signal.SIGKILL)
        acknowledged += lines
    os.waitpid(owner, 0)
    say(count, len(acknowledged))
"""


@pytest.mark.slow
@pytest.mark.timeout(600)  # a starved machine may take minutes
@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")
def test_kill_nine_loses_nothing_that_was_acknowledged(tmp_path: Path, worker: Worker, batch_of: Build):
    """Owners are killed in the middle of their writing; the files are opened again and compared pixel by pixel."""
    out, errors = worker(KILLED, tmp_path, [1, 2, 5, 11]).communicate()
    kept = {count: int(acknowledged) for count, acknowledged in map(str.split, out.splitlines())}
    assert list(kept) == ["1", "2", "5", "11"], errors
    for folder, acknowledged in kept.items():
        assert acknowledged >= int(folder)
        with open_store(tmp_path / folder) as store:
            for number in range(acknowledged):
                batch = batch_of(f"prompt {number}", seeds=(number, number + 1))
                assert torch.equal(load_batch(store, batch.config, batch.prompt, batch.seeds).images, batch.images)
                (score,) = scores_of(store, batch.cell, batch.seeds)
                assert score.values.tolist() == [number, number + 1]
            assert all(len(cell.seeds) == 2 for cell in list_cells(store))


@pytest.mark.slow
def test_kill_nine_while_the_file_is_being_made(home: Path):
    home.mkdir()
    for size in (0, 4096, 8192):
        (home / FILE).write_bytes(b"\0" * size)
        with open_store(home) as store:
            assert list_cells(store) == []
        (home / FILE).unlink()


FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

def fill(moment):
    store = api.open_store(home / moment)
    if moment == "checkpoint":  # the write-ahead log still fits then, the database file does not
        store.rows("SET wal_autocheckpoint = '300KB'")
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    for number in range(16):
        try:
            api.add_batch(store, batch_of("full", seeds=range(8 * number, 8 * number + 8), pixels=64))
            say(moment, number)
        except InputError as error:
            say(moment, type(error.__cause__).__name__, error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    api.add_batch(store, batch_of("after", seeds=range(4), pixels=64))

fill("commit")
fill("checkpoint")
os._exit(9)
"""


@pytest.mark.slow
@pytest.mark.timeout(600)  # a starved machine may take minutes
@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX's")
def test_a_full_disk_is_a_sentence_and_loses_nothing(tmp_path: Path, worker: Worker, batch_of: Build):
    """A limit on file sizes stands in for the disk: what was stored before it was full, and after, is there."""
    process = worker(FULL, tmp_path)
    out, errors = process.communicate()
    assert process.returncode == 9, errors
    lines = [line.split(" ", 2) for line in out.splitlines()]
    for moment, cause in {"commit": "TransactionException", "checkpoint": "FatalException"}.items():
        stored = [int(line[1]) for line in lines if line[0] == moment and line[1].isdigit()]
        told = [line[1:] for line in lines if line[0] == moment and not line[1].isdigit()]
        assert 1 <= len(stored) < 16
        assert told[0] == [cause, f"The disk of the store {tmp_path / moment} is full: {FREE}"]
        with open_store(tmp_path / moment) as store:
            for number in stored:
                batch = batch_of("full", seeds=range(8 * number, 8 * number + 8), pixels=64)
                assert missing_seeds(store, batch.config, batch.prompt, batch.seeds) == ()
            after = batch_of("after", seeds=range(4), pixels=64)
            assert torch.equal(load_batch(store, after.config, after.prompt, after.seeds).images, after.images)


READ_ONLY = """
batch = batch_of("kept", seeds=(0, 1), pixels=64)
with api.open_store(home) as store:
    api.add_batch(store, batch)
    api.load_batch(store, batch.config, batch.prompt, batch.seeds)
os.chmod(home, 0o555)
os.chmod(home / "t2ialign.duckdb", 0o444)
if os.geteuid() == 0:  # root may write anywhere
    os.chmod(home.parent, 0o755)
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)

def tell(action):
    try:
        action()
    except InputError as error:
        say(error)

tell(lambda: api.open_store(home))
tell(lambda: api.open_store(home / "new"))
store = api.open_store(home, read_only_ok=True)
say("read", api.load_batch(store, batch.config, batch.prompt, batch.seeds).seeds, api.ingest_inbox(store))
tell(lambda: api.add_batch(store, batch_of("another")))
tell(lambda: api.add_run(store, batch.prompt, [batch.config], (0,)))
"""


@pytest.mark.slow
@pytest.mark.timeout(600)  # a starved machine may take minutes
@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_read_only_folder_is_a_sentence_and_can_still_be_read(worker: Worker):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:  # pytest's own folder may be closed to other users
        home = Path(folder) / "home"
        out, errors = worker(READ_ONLY, home).communicate()
        os.chmod(home, 0o755)
    said = out.splitlines()
    assert said[0].startswith(
        f"The store {home} cannot be written: give yourself permission to, or choose another folder"
    ), errors
    assert said[1].startswith(f"The store {home / 'new'} cannot be written")
    assert said[2] == "read (0, 1) 0"
    assert [line.startswith(f"The store {home} cannot be written") for line in said[3:]] == [True, True], errors


def test_a_store_is_a_folder(tmp_path: Path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "home"):
        with pytest.raises(InputError, match=f"{path} is not a folder, and a store is one"):
            open_store(path)


def test_a_file_that_is_no_database_is_a_sentence_and_kept(home: Path):
    home.mkdir()
    (home / FILE).write_bytes(b"my own notes" * 2000)
    with pytest.raises(InputError, match=f"The store {home} cannot be used .*: move its t2ialign.duckdb away"):
        open_store(home)
    assert (home / FILE).read_bytes() == b"my own notes" * 2000


@pytest.mark.slow
def test_a_damaged_log_is_a_sentence_that_says_which_file(store: Store, tmp_path: Path, batch_of: Build):
    for number in range(5):
        add_batch(store, batch_of(f"prompt {number}"))
    crashed = tmp_path / "crashed"
    shutil.copytree(store.home, crashed)  # as a dead process leaves it: the log is not yet part of the file
    log = crashed / f"{FILE}.wal"
    data = bytearray(log.read_bytes())
    data[len(data) // 2] ^= 255
    log.write_bytes(data)
    with pytest.raises(
        InputError, match=r"cannot be used \(.*\): move its t2ialign.duckdb.wal \(what came last\) away"
    ):
        open_store(crashed)
    log.unlink()
    open_store(crashed).close()


def test_a_mistake_in_sql_is_not_dressed_up(store: Store):
    with pytest.raises(duckdb.CatalogException):
        store.rows("SELECT * FROM nothing")


def test_a_disk_that_cannot_be_read_is_a_sentence(store: Store):
    with pytest.raises(InputError, match="cannot be used"):
        store.rows("SELECT * FROM read_csv('/nowhere/at/all.csv')")


def test_keys_tell_pictures_apart():
    """What the tables are keyed by: other seeds, prompts and configs have other keys, equal ones the same."""
    config, prompt = GenerationConfig("tiny"), Prompt("x")
    keys = {image_key(config, prompt, 0), image_key(config, prompt, 1), image_key(config, Prompt("y"), 0)}
    assert len(keys) == 3
    assert image_key(config, Prompt("x", "category"), 0) in keys


def test_a_question_mark_is_refused_before_anything_is_made(tmp_path: Path):
    with pytest.raises(InputError, match="has a question mark in its path"):
        open_store(tmp_path / "what?")
    assert not list(tmp_path.iterdir())


def test_an_answer_is_remembered_until_something_is_written(store: Store, home: Path):
    """Also where another opening of the same store in this process writes it."""
    asked = []

    def answer() -> int:
        asked.append(1)
        return len(asked)

    with open_store(home) as beside:
        assert [store.remembered("a", answer), store.remembered("a", answer), store.remembered("b", answer)] == [
            1,
            1,
            2,
        ]
        with beside.transaction() as cursor:
            cursor.execute("INSERT INTO ingested VALUES ('x', now())").fetchall()
        assert store.remembered("a", answer) == 3


def test_what_is_written_about_other_prompts_leaves_an_answer_as_it_is(store: Store):
    """Unless it depends on any, or so much was written since that nobody knows about what."""
    asked: list[str] = []

    def answers() -> list[int]:
        questions = {"a": frozenset({"a"}), "any": None, "none": frozenset()}
        return [
            store.remembered(name, lambda: asked.append("") or len(asked), about) for name, about in questions.items()
        ]

    def write(prompts: Collection[str] | None) -> None:
        with store.transaction(prompts):
            pass

    assert answers() == answers() == [1, 2, 3]
    write(())
    assert answers() == [1, 2, 3]
    write(["b"])
    assert answers() == [1, 4, 3]
    write(["b", "a"])
    assert answers() == [5, 6, 3]
    write(None)
    assert answers() == [7, 8, 9]
    for _ in range(WRITES_TOLD_APART + 1):
        store._writes.add(frozenset())
    assert answers() == [10, 11, 12]


@pytest.mark.parametrize(("value", "sentence"), [("\ud800", "half a letter"), (10**40, "larger than any")])
def test_a_value_that_no_table_can_hold_is_refused_with_a_sentence(tmp_path: Path, value, sentence: str):
    with open_store(tmp_path / "home") as store, pytest.raises(InputError, match=sentence):
        store.rows("SELECT ?", [value])
