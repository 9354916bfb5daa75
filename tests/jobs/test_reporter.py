"""The worker's side, within this process."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest

from t2ialign.jobs import reporter as reporting
from t2ialign.jobs.folder import folder_of
from t2ialign.jobs.measurement_log import MeasurementLog
from t2ialign.jobs.reporter import Reporter
from t2ialign.store import Store, inbox, ingest_inbox, probes, train_steps
from t2ialign.types import InputError


def test_what_a_worker_says(store: Store):
    folder = folder_of(store.home, "align-1")
    with Reporter(store.home, "align-1") as reporter:
        assert reporter.folder == folder.path
        assert folder.state().phase == "starting"
        reporter.report("training", 0.25, 30.0)
        said = folder.state()
        assert (said.phase, said.fraction, said.remaining, said.ended) == ("training", 0.25, 30.0, "")
        assert abs(said.heartbeat - time.time()) < 5 and said.pid > 0
        reporter.step({"step": 1, "loss": math.nan, "quantiles": (0.1, 0.2), "where": Path("x")})
        reporter.step({"step": 1, "loss": 0.5})
        reporter.probe({"step": 0, "alignment": 0.7})
    assert folder.state().ended == "done" and folder.state().step == 1
    ingest_inbox(store)
    assert train_steps(store, "align-1") == [{"step": 1, "loss": 0.5}]
    assert probes(store, "align-1") == [{"step": 0, "alignment": 0.7}]


def test_the_heart_beats_and_steps_travel_while_the_worker_is_busy(store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reporting, "BEAT", 0.01)
    folder = folder_of(store.home, "align-1")
    with Reporter(store.home, "align-1") as reporter:
        first = folder.state().heartbeat
        reporter.step({"step": 1})
        deadline = time.monotonic() + 30
        while not (ingest_inbox(store) and folder.state().heartbeat > first):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert train_steps(store, "align-1") == [{"step": 1}]


def test_a_worker_that_cannot_report_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch, caplog):
    monkeypatch.setattr(reporting, "BEAT", 0.01)
    with Reporter(store.home, "align-1") as reporter:
        with monkeypatch.context() as patch:
            patch.setattr(inbox, "write_whole", refuse)
            reporter.step({"step": 1})
            time.sleep(0.1)
            assert "Job align-1 cannot report: The disk of the store" in caplog.text
        reporter.step({"step": 2})
    ingest_inbox(store)
    assert [record["step"] for record in train_steps(store, "align-1")] == [1, 2]


def refuse(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_what_could_not_be_sent_is_sent_by_the_next_start(store: Store, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(inbox, "write_whole", refuse)
        with pytest.raises(InputError, match="is full"), Reporter(store.home, "align-1") as reporter:
            reporter.step({"step": 1})
    assert folder_of(store.home, "align-1").state().ended == "failed"
    with Reporter(store.home, "align-1") as reporter:
        reporter.step({"step": 2})
    ingest_inbox(store)
    assert [record["step"] for record in train_steps(store, "align-1")] == [1, 2]


def test_time_to_go_is_estimated_within_a_phase(home: Path, monkeypatch: pytest.MonkeyPatch):
    clock = [100.0]
    monkeypatch.setattr(reporting.time, "monotonic", lambda: clock[0])
    with Reporter(home, "align-1") as reporter:
        folder = folder_of(home, "align-1")
        reporter.report("training", 0.2)
        assert folder.state().remaining is None
        clock[0] += 10
        reporter.report("training", 0.4)
        assert folder.state().remaining == pytest.approx(30)
        clock[0] += 100
        reporter.report("scoring", 0.9)
        assert folder.state().remaining is None


def test_two_workers_do_not_share_a_job(home: Path):
    with Reporter(home, "align-1"), pytest.raises(InputError, match="is being worked on by another process"):
        Reporter(home, "align-1")
    with Reporter(home, "align-1"):
        pass


@pytest.mark.parametrize(("wish", "code", "ended"), [("pause", 75, "paused"), ("cancel", 76, "cancelled")])
def test_leaving_as_asked(home: Path, wish: str, code: int, ended: str):
    folder = folder_of(home, "align-1")
    with pytest.raises(SystemExit) as stopped, Reporter(home, "align-1") as reporter:
        assert reporter.asked() == ""
        folder.ask(wish)
        assert reporter.asked() == wish
        reporter.leave()
    assert (stopped.value.code, folder.state().ended, folder.asked()) == (code, ended, "")


def test_a_wish_that_was_heard_stands(home: Path):
    folder = folder_of(home, "align-1")
    with pytest.raises(SystemExit) as stopped, Reporter(home, "align-1") as reporter:
        folder.ask("pause")
        folder.ask("resume")
        assert (reporter.asked(), folder.asked()) == ("", "")
        folder.ask("pause")
        assert reporter.asked() == "pause"
        folder.ask("resume")
        assert reporter.asked() == "pause"
        reporter.leave()
    assert (stopped.value.code, folder.state().ended, folder.asked()) == (75, "paused", "resume")


@pytest.mark.parametrize(
    ("error", "ended", "message"),
    [
        (InputError("Too large a beta: choose less than 100."), "failed", "Too large a beta: choose less than 100."),
        (ValueError("one\ntwo"), "failed", "ValueError: one"),
        (SystemExit(0), "done", ""),
        (SystemExit(2), "failed", ""),
        (KeyboardInterrupt(), "interrupted", "It was stopped from the keyboard."),
    ],
)
def test_how_it_ended(home: Path, error: BaseException, ended: str, message: str):
    with pytest.raises(type(error)), Reporter(home, "align-1"):
        raise error
    said = folder_of(home, "align-1").state()
    assert (said.ended, said.message) == (ended, message)


@pytest.mark.parametrize("torn", [b'{"written": 3, "rec', b"\x00" * 40])
def test_a_line_that_was_cut_short_is_dropped(store: Store, torn: bytes):
    folder = folder_of(store.home, "align-1")
    measured = MeasurementLog(store.home, folder, "train_steps", "steps.jsonl")
    measured.append({"step": 1})
    measured.close()
    path = folder.path / "steps.jsonl"
    path.write_bytes(path.read_bytes() + torn)
    again = MeasurementLog(store.home, folder, "train_steps", "steps.jsonl")
    again.append({"step": 2})
    again.send_all()
    assert [json.loads(line)["record"] for line in path.read_bytes().splitlines()] == [{"step": 1}, {"step": 2}]
    ingest_inbox(store)
    assert [record["step"] for record in train_steps(store, "align-1")] == [1, 2]


def test_a_damaged_line_in_the_middle_costs_only_itself(store: Store):
    folder = folder_of(store.home, "align-1")
    lines = [json.dumps({"written": number, "record": {"step": number}}) for number in (1, 2)]
    (folder.path / "steps.jsonl").write_text("\n".join([lines[0], "\x00\x00", lines[1], ""]))
    MeasurementLog(store.home, folder, "train_steps", "steps.jsonl").send_all()
    ingest_inbox(store)
    assert [record["step"] for record in train_steps(store, "align-1")] == [1, 2]
