"""A bound on what pictures take: the files that were longest not looked at go first, and what somebody needs stays.

Only lossless files go. Rows, scores and thumbnails stay, so no number of a chart changes; a picture that is asked for again
is drawn again, and is the same.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from t2ialign.store.database import Store

SLACK = 0.9  # how far below the bound is gone, so that not every picture costs another one
PINNED = """
    SELECT sha FROM images JOIN (SELECT DISTINCT unnest(cells) AS cell FROM runs JOIN run_marks
        ON run_marks.run = runs.run::VARCHAR WHERE starred) USING (cell)
    UNION SELECT sha FROM images JOIN cells USING (cell) JOIN benchmark_prompts USING (prompt)
        WHERE list_contains(seeds, seed)
    UNION SELECT unnest(regexp_extract_all(manifest, '[0-9a-f]{64}')) FROM studies
    UNION SELECT unnest(regexp_extract_all(record, '[0-9a-f]{64}')) FROM trials
    UNION SELECT unnest(regexp_extract_all(record, '[0-9a-f]{64}')) FROM probes
"""
"""Pictures of starred runs, of benchmark sets, of studies, of votes, and of training runs."""


@dataclass(frozen=True)
class Evicted:
    """What went, and what pictures take now, in bytes."""

    files: int
    freed: int
    left: int


def evict(store: Store, most: int) -> Evicted:
    """Deletes the least recently used pictures that nothing pins, where all together take more than ``most`` bytes."""
    found = sorted(_files(store.home / "images"))
    total = sum(size for _, size, _ in found)
    if total <= most:
        return Evicted(0, 0, total)
    pinned = {sha for (sha,) in store.rows(PINNED)}
    gone = freed = 0
    for _, size, path in found:
        if total - freed <= most * SLACK:
            break
        if path.stem not in pinned:
            with suppress(OSError):
                path.unlink()
                gone, freed = gone + 1, freed + size
    return Evicted(gone, freed, total - freed)


def _files(folder: Path) -> list[tuple[float, int, Path]]:
    """Every picture's time of last use, size and path."""
    found = []
    for path in folder.glob("??/*.webp"):
        with suppress(OSError):
            said = path.stat()
            found.append((said.st_mtime, said.st_size, path))
    return found
