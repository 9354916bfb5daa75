"""Runs: what a person asked for on the page, one prompt on one to four checkpoints, under an id that fits in a link."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from t2ialign.store.database import Store
from t2ialign.store.filters import ALL, CELLS, Filters
from t2ialign.store.records import CellRecord, config_of
from t2ialign.store.writing import insert_records
from t2ialign.types import GenerationConfig, InputError, Prompt, cell_key

Status = Literal["running", "done", "cancelled", "failed", "interrupted"]
PROCESS = uuid.uuid4().hex  # a run that another process left running has been interrupted


@dataclass(frozen=True)
class Run:
    """A request: the same seeds of one prompt under each config. ``id`` is a UUID (version 7), ``created`` is UTC."""

    id: str
    created: datetime
    status: Status
    prompt: Prompt
    configs: tuple[GenerationConfig, ...]
    seeds: tuple[int, ...]

    @property
    def cells(self) -> tuple[str, ...]:
        return tuple(cell_key(config, self.prompt) for config in self.configs)


def add_run(store: Store, prompt: Prompt, configs: Sequence[GenerationConfig], seeds: Sequence[int]) -> Run:
    """Write down a request before its work begins, status ``running``."""
    records = [CellRecord(prompt, config) for config in configs]
    created = datetime.now(UTC)
    row = [created.replace(tzinfo=None), PROCESS, [record.cell for record in records], list(seeds)]
    with store.transaction([prompt.key]) as cursor:
        insert_records(store.home, cursor, records)
        sql = "INSERT INTO runs VALUES (uuidv7(), ?, 'running', ?, ?, ?) RETURNING run"
        ((run,),) = cursor.execute(sql, row).fetchall()
    return Run(str(run), created, "running", prompt, tuple(configs), tuple(seeds))


def set_status(store: Store, run: str, status: Status) -> None:
    """Say how a run stands."""
    if status not in get_args(Status):
        raise ValueError(f"{status!r} is none of {get_args(Status)}")
    with store.transaction(()) as cursor:
        cursor.execute("UPDATE runs SET status = ?, process = ? WHERE run = ?", [status, PROCESS, run]).fetchall()


def find_run(store: Store, run: str) -> Run:
    """The run of a permalink; ``InputError`` if there is none."""
    found = _runs(store, "run = TRY_CAST($run AS UUID)", "", {"run": run})
    if not found:
        raise InputError(f"There is no run {run[:40]!r} in this store: check the link, or generate the pictures anew.")
    return found[0]


def list_runs(
    store: Store,
    filters: Filters = ALL,
    limit: int = 50,
    offset: int = 0,
    search: str = "",
    starred: bool = False,
    since: datetime | None = None,
) -> list[Run]:
    """Runs that have a cell which passes the filters, newest first, without those that were forgotten.

    ``search`` are words of the prompt, of a checkpoint's name or of the run's note or title; ``starred`` leaves the starred
    ones only, ``since`` those that were asked for then or later.
    """
    matching = f"""
        EXISTS (
            SELECT 1 FROM {CELLS} WHERE list_contains(runs.cells, cells.cell) AND {filters.where}
                AND contains(lower(concat(prompts.text, ' ', configs.checkpoint, ' ', (
                    SELECT any_value(concat(note, ' ', title)) FROM run_marks
                    WHERE run_marks.run = runs.run::VARCHAR))), lower($search))
        )
        AND ($since IS NULL OR created >= $since::TIMESTAMP)
        AND NOT EXISTS (SELECT 1 FROM run_marks WHERE run_marks.run = runs.run::VARCHAR AND forgotten)
        AND (NOT $starred OR EXISTS (SELECT 1 FROM run_marks WHERE run_marks.run = runs.run::VARCHAR AND starred))
    """
    more: dict[str, Any] = {"limit": limit, "offset": offset, "search": search, "starred": starred}
    more["since"] = since.astimezone(UTC).replace(tzinfo=None) if since else None
    return _runs(store, matching, "LIMIT $limit OFFSET $offset", filters.params() | more)


def _runs(store: Store, condition: str, page: str, params: dict[str, Any]) -> list[Run]:
    sql = f"""
        WITH wanted AS (SELECT * FROM runs WHERE {condition} ORDER BY created DESC, run DESC {page}),
        parts AS (SELECT run, unnest(cells) AS cell, generate_subscripts(cells, 1) AS place FROM wanted)
        SELECT run::VARCHAR, any_value(created), any_value(CASE WHEN status = 'running' AND process <> $process
            THEN 'interrupted' ELSE status END), any_value(text), any_value(category), any_value(tags),
            list(record ORDER BY place), any_value(seeds)
        FROM wanted JOIN parts USING (run) JOIN {CELLS} ON parts.cell = cells.cell
        GROUP BY run ORDER BY any_value(created) DESC, run DESC
    """
    return [
        Run(
            run,
            created.replace(tzinfo=UTC),
            status,
            Prompt(text, category, tuple(tags)),
            tuple(config_of(record) for record in records),
            tuple(seeds),
        )
        for run, created, status, text, category, tags, records, seeds in store.rows(sql, params | {"process": PROCESS})
    ]
