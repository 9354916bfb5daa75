"""What a job's files say about it, for processes that cannot open the store because another one holds it. Imports little."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from t2ialign.jobs import process, transitions
from t2ialign.jobs.folder import JobFolder, find_folders


def summary_of(folder: JobFolder) -> dict[str, Any]:
    """The record of a job (``store.jobs.Job`` as JSON) with what its worker said last and how it really stands now."""
    record, progress = folder.spec(), folder.progress()
    if record.get("status") == "running":
        alive = process.is_alive(record["pid"], record["born"], folder.id) or process.beats_elsewhere(progress)
        asked = folder.asked()
        if not alive:
            record["status"] = transitions.outcome(progress.get("ended", ""), None, asked)
            record["message"] = transitions.last_words(record["status"], progress.get("message", ""), folder.tail(5))
        record["asked"] = asked if asked in ("pause", "cancel") and alive else ""
        record["progress"] = {name: progress.get(name, value) for name, value in record["progress"].items()}
    return record


def summaries_of(home: Path) -> list[dict[str, Any]]:
    """All jobs, oldest first."""
    known = (summary_of(folder) for folder in find_folders(home))
    return sorted((record for record in known if record.get("created")), key=lambda record: record["created"])


def in_words(record: dict[str, Any]) -> str:
    """One line about a job: ``align-3f9a1c  running   training 42%, about 60 s to go   cpu  A title``."""
    status, progress = record["status"], record["progress"]
    state = f"{status} ({record['asked']} asked)" if record.get("asked") else status
    far = f"{progress['phase']} {progress['fraction']:.0%}" if progress["phase"] and status != "queued" else ""
    if status == "running" and progress["remaining"]:
        since = max(0.0, time.time() - progress["heartbeat"])
        far += f", about {max(0.0, progress['remaining'] - since):.0f} s to go"
    return f"{record['id']:<16} {state:<24} {far:<36} {record['device']:<8} {record['title']}"
