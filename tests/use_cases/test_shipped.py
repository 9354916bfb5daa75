"""The shipped results, read in while something else goes on."""

import threading
from pathlib import Path

import pytest

from t2ialign import settings, store
from t2ialign.store import list_benchmarks, list_cells, open_store, records_of
from t2ialign.types import InputError
from t2ialign.use_cases import shipped
from t2ialign.use_cases.shipped import read_later, take_shipped

FILES = ["base-cfg-4.parquet", "minimal_dpo-cfg-4.parquet"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two of the shipped files."""
    folder = tmp_path / "data" / "reference"
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).symlink_to(settings.DATA / "reference" / name)
    for other in settings.DATA.iterdir():
        if other.name != "reference":
            (tmp_path / "data" / other.name).symlink_to(other)
    monkeypatch.setattr(settings, "DATA", tmp_path / "data")
    return folder


@pytest.mark.slow
def test_what_is_read_later_is_what_is_read_at_once(data: Path, tmp_path: Path) -> None:
    said, after = [], threading.Event()
    with open_store(tmp_path / "once") as once, open_store(tmp_path / "later") as later:
        take_shipped(once)
        with read_later(later, after.set) as (reading, begin):
            assert list_cells(later) == [] and list_benchmarks(later), "sets are there before anything is read"
            assert f"0 of {len(FILES)} files" in reading.sentence
            begin()
            reading.wait()
            assert after.wait(10)
            said.append(reading.sentence)
        assert said == [""]
        assert seen(later) == seen(once) and len(seen(once)) > 40
        with read_later(later, after.set) as (reading, _):
            assert reading.sentence == "" and reading.files == 0
            reading.wait()  # nobody waits for nothing


def seen(opened: store.Store) -> list[tuple[str, str]]:
    """Every cell with its scores, those that are unknown too."""
    return [(cell.key, repr(records_of(opened, cell.key))) for cell in list_cells(opened)]


@pytest.mark.slow
def test_it_stops_between_files_and_the_others_come_next_time(data: Path, tmp_path: Path, monkeypatch) -> None:
    at, on, take = threading.Event(), threading.Event(), store.take_reference

    def slow(opened: store.Store, file: Path) -> bool:
        at.set()
        on.wait(10)
        return take(opened, file)

    monkeypatch.setattr(shipped.store, "take_reference", slow)
    with open_store(tmp_path / "home") as opened:
        with read_later(opened, lambda: None) as (reading, begin):
            begin()
            assert at.wait(10)
            reading.stop()
            on.set()
        assert reading.taken == 1
        assert [file.name for file in store.untaken_reference(opened, data)] == FILES[1:]


def test_trouble_is_one_sentence_and_keeps_nobody_waiting(data: Path, tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> bool:
        raise InputError("The disk is full.")

    monkeypatch.setattr(shipped.store, "take_reference", full)
    with open_store(tmp_path / "home") as opened, read_later(opened, lambda: None) as (reading, begin):
        begin()
        reading.wait()
        assert reading.sentence == "The shipped results could not be read in: The disk is full."
