"""An audit as text: lines for a terminal, JSON, and tables inside a document that are brought up to date in place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from t2ialign.metrics import METRICS
from t2ialign.tradeoff.audit import Audit, to_record, verdict
from t2ialign.tradeoff.audit_table import table
from t2ialign.types import Axis, InputError

TRUTH = "factor_diversity"
BEGIN, END = "<!-- audit:{axis} -->", "<!-- /audit:{axis} -->"
AXES: tuple[Axis, ...] = ("diversity", "alignment")


def json_text(audit: Audit) -> str:
    """The record, a line a metric, so that a change of one metric is a change of one line."""
    record = to_record(audit)
    rows = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in record["metrics"])
    head = json.dumps({"subject": record["subject"], "scope": record["scope"]}, ensure_ascii=False)
    return f'{head[:-1]}, "metrics": [\n{rows}\n]}}\n'


def write_text(path: Path, text: str) -> None:
    """Writes a file; a sentence where that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"'{path}' cannot be written ({error.strerror}); choose another file.") from error


def lines(audit: Audit) -> Iterator[str]:
    """A verdict a metric, the best first."""
    scope = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in audit.scope.items())
    yield f"Audit of {audit.subject}: {scope}"
    for axis in AXES:
        if audit.on(axis):
            order = "the closest to the truth first" if any(found.truth for found in audit.on(axis)) else "best first"
            yield f"{axis} metrics, {order}"
            for row in table(audit, axis).rows:
                yield f"  {row.metric:<28} {_said(audit, row.metric)}"


def markdown(audit: Audit, axis: Axis) -> str:
    """The axis' table with the numbers, then a verdict a metric."""
    found = table(audit, axis)
    head = [f"| metric | {' | '.join(found.columns)} |", "|---" * (len(found.columns) + 1) + "|"]
    rows = [f"| `{row.metric}` | {' | '.join(cell.text or '-' for cell in row.cells)} |" for row in found.rows]
    said = [f"- **{_title(row.metric)}** (`{row.metric}`): {_said(audit, row.metric)}" for row in found.rows]
    return "\n".join([*head, *rows, "", *said])


def _said(audit: Audit, metric: str) -> str:
    found = audit.of(metric)
    return verdict(found, audit.of(TRUTH)) if found else ""


def _title(metric: str) -> str:
    return METRICS[metric].title if metric in METRICS else metric


def update_tables(path: Path, audit: Audit) -> None:
    """Replaces what stands between the audit's marks in a document; all else stays as people wrote it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"'{path}' cannot be read ({error.strerror}); name a document with the audit's marks."
        ) from error
    for axis in AXES:
        begin, end = BEGIN.format(axis=axis), END.format(axis=axis)
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise InputError(f"'{path}' has no place for the audit's table: it needs the lines {begin} and {end}.")
        text = f"{before}{begin}\n{markdown(audit, axis)}\n{end}{after}"
    write_text(path, text)
