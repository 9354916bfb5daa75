from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from t2ialign.job_record import Job, JobProgress
from t2ialign.jobs import folder as files
from t2ialign.jobs.folder import JobFolder, WorkerState, find_folder, folder_of
from t2ialign.types import InputError


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    return folder_of(tmp_path, "align-3f9a1c")


def job(name: str) -> Job:
    return Job(name, "A title", "align", "cpu", ("count", "5", "1"), datetime(2026, 1, 2, tzinfo=UTC))


def test_a_file_is_replaced_whole(folder: JobFolder):
    assert (folder.told(), folder.state(), folder.asked(), folder.asked_ago()) == (None, WorkerState(), "", 0.0)
    folder.write_spec(job("align-3f9a1c"))
    folder.write_state(WorkerState(step=1))
    folder.write_state(WorkerState(step=2, pictures=(3, 4)))
    assert (folder.spec(), folder.state()) == (job("align-3f9a1c"), WorkerState(step=2, pictures=(3, 4)))
    assert folder.state().progress() == JobProgress(step=2, pictures=(3, 4))
    assert sorted(path.name for path in folder.path.iterdir()) == ["progress.json", "spec.json"]


@pytest.mark.parametrize("damage", [b"", b'{"step": ', b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"step": "two"}'])
def test_a_damaged_file_counts_as_none(folder: JobFolder, damage: bytes):
    for file in ("progress.json", "spec.json"):
        (folder.path / file).write_bytes(damage)
    assert (folder.state(), folder.told()) == (WorkerState(), None)
    with pytest.raises(InputError, match="written down about job align-3f9a1c cannot be read. This is no job's record"):
        folder.spec()


def test_wishes(folder: JobFolder):
    folder.ask("pause")
    written = (folder.path / "control").stat().st_mtime_ns
    folder.ask("pause")
    assert (folder.asked(), (folder.path / "control").stat().st_mtime_ns) == ("pause", written)
    folder.ask("cancel")
    assert folder.asked() == "cancel" and folder.asked_ago() >= 0
    (folder.path / "control").write_text("nonsense")
    assert folder.asked() == ""
    folder.forget_wish()
    folder.forget_wish()


def test_the_tail_shows_what_one_saw(folder: JobFolder):
    assert folder.tail() == []
    folder.log.write_bytes(b"one\r\n\rtraining: 1%  \rtraining: 2%  \n\nlast \xff\rtraining: 3%\r")
    assert folder.tail() == ["one", "training: 2%", "training: 3%"]
    assert folder.tail(1) == ["training: 3%"]
    folder.log.write_text("\n".join(f"line {number}" for number in range(100_000)))
    assert folder.tail(2) == ["line 99998", "line 99999"]


def test_a_log_is_capped_while_it_is_written(folder: JobFolder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "LOG_BYTES", 5000)
    monkeypatch.setattr(files, "KEPT_BYTES", 1000)
    folder.cap_log()
    with folder.log.open("ab", buffering=0) as log:
        for number in range(1000):
            log.write(f"line {number}\n".encode())
        folder.cap_log()
        assert 900 < folder.log.stat().st_size < 1100
        log.write(b"line 1000\n")
    lines = folder.log.read_text().splitlines()
    assert lines[0] == "(the beginning of this log was cut)"
    assert lines[1:] == [f"line {number}" for number in range(1001 - len(lines) + 1, 1001)]


def test_jobs_are_found_by_what_they_begin_with(tmp_path: Path):
    with pytest.raises(InputError, match="this store has had no jobs yet"):
        find_folder(tmp_path, "align-1")
    for name in ("align-aa11", "align-aa1", "align-bb22", "audit-cc33"):
        folder_of(tmp_path, name).write_spec(job(name))
    assert find_folder(tmp_path, "align-aa1").id == "align-aa1"
    assert find_folder(tmp_path, "au").id == "audit-cc33"
    with pytest.raises(InputError, match="Several jobs begin with 'align-a': say which of align-aa1, align-aa11"):
        find_folder(tmp_path, "align-a")
    with pytest.raises(InputError, match="no job 'algin-bb22': did you mean 'align-bb22'"):
        find_folder(tmp_path, "algin-bb22")
    with pytest.raises(InputError, match="`t2ialign jobs list` names those there are"):
        find_folder(tmp_path, "")


@pytest.mark.parametrize("name", ["", "..", "a/b", "-x", "a b", "a" * 65])
def test_an_id_is_a_folders_name(tmp_path: Path, name: str):
    with pytest.raises(InputError, match="is no job's id"):
        folder_of(tmp_path, name)
