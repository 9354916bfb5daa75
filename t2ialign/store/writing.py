"""Cell records into tables: the one way in, for the owner's own results, the inbox and the shipped reference.

Keys are content hashes, so writing the same twice changes nothing. A picture that is stored and intact stays, and
scores that speak of another one in its place are not taken, which its cell's notes say; a picture that was lost makes
room for the new one, and where the two differ, the lost one's scores go with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from pathlib import Path

from t2ialign.metrics.scoring import told
from t2ialign.store import images
from t2ialign.store.connection import Cursor
from t2ialign.store.database import insert, insert_columns
from t2ialign.store.records import CellRecord, PictureRecord, ScoreRecord, config_json, effects_of
from t2ialign.types import GenerationConfig, image_key

CATEGORISED = (
    "DO UPDATE SET category = excluded.category, tags = excluded.tags WHERE excluded.category NOT IN ('', category)"
)
RESCORED = "DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in ("value", "lo", "hi", "pairs", "effects")
)
SEEN = "DO UPDATE SET thumbnail = excluded.thumbnail WHERE octet_length(thumbnail) = 0"  # one that came without its picture
OTHERS = (
    "Scores of other pictures of these seeds were left out, since the stored pictures stay: ask for the batch again to "
    "have those measured."
)
OF_PICTURES = ("seed", "sha", "mutual_information", "mutual_information_released", "seconds")

Keys = dict[str, tuple[CellRecord, PictureRecord]]


def insert_records(home: Path, cursor: Cursor, records: Sequence[CellRecord]) -> None:
    """Store cells with their pictures' rows and their scores; the picture files have been written before."""
    prompts = {record.prompt.key: record.prompt for record in records}
    rows = [{"prompt": k, "text": p.text, "category": p.category, "tags": list(p.tags)} for k, p in prompts.items()]
    insert(cursor, "prompts", rows, CATEGORISED)
    insert(cursor, "configs", [_config_row(config) for config in {record.config: None for record in records}])
    cells = {r.cell: {"cell": r.cell, "config": r.config.key, "prompt": r.prompt.key} for r in records}
    insert(cursor, "cells", list(cells.values()))
    named = [_names_of(record) for record in records]
    keys = {names[p.seed]: (r, p) for r, names in zip(records, named) for p in r.pictures}
    refused = _make_room(home, cursor, keys)
    said = [(*r.notes, *[OTHERS] * _lost(r, names, refused)) for r, names in zip(records, named)]
    noted = {(r.cell, note): at for r, notes in reversed([*zip(records, said)]) for at, note in enumerate(notes)}
    sentences = [{"cell": cell, "note": note, "position": position} for (cell, note), position in noted.items()]
    insert(cursor, "cell_notes", sentences)
    _insert_pictures(cursor, {key: found for key, found in keys.items() if key not in refused})
    _insert_scores(cursor, records, named, refused)


def _lost(record: CellRecord, names: Mapping[int, str], refused: set[str]) -> bool:
    """Whether a record scores pictures that are not written."""
    return any(not refused.isdisjoint(names[seed] for seed in score.seeds) for score in record.scores)


def _names_of(record: CellRecord) -> dict[int, str]:
    """The key of every picture that a record has or scores, by seed."""
    seeds = {seed for score in record.scores for seed in score.seeds} | {picture.seed for picture in record.pictures}
    return {seed: image_key(record.config, record.prompt, seed) for seed in seeds}


def _config_row(config: GenerationConfig) -> dict[str, object]:
    return {
        "config": config.key,
        "record": config_json(config),
        "backbone": config.backbone,
        "checkpoint": config.checkpoint,
        "guidance": config.guidance,
        "guidance_scale": float(config.guidance_scale),
    }


def _make_room(home: Path, cursor: Cursor, keys: Keys) -> set[str]:
    """Delete stored pictures that are lost and arrive anew with other pixels; returns the keys not to be written."""
    if not keys:
        return set()
    sql = """
        SELECT image, sha, thumbnail FROM images JOIN thumbnails USING (image)
        JOIN (SELECT unnest(?::VARCHAR[]) AS image, unnest(?::VARCHAR[]) AS arriving) USING (image)
        WHERE sha <> arriving
    """
    refused = set()
    for key, sha, thumbnail in cursor.execute(sql, [list(keys), [new.sha for _, new in keys.values()]]).fetchall():
        record, new = keys[key]
        if intact(home, sha, thumbnail) or not intact(home, new.sha, new.thumbnail):
            refused.add(key)
        else:
            _forget(cursor, key, record.cell, new.seed)
    return refused


def intact(home: Path, sha: str, thumbnail: bytes) -> bool:
    """Whether the full picture can be had, from its file or because it is as small as its thumbnail."""
    return images.read(home, sha) is not None or images.digest(thumbnail) == sha


def _forget(cursor: Cursor, key: str, cell: str, seed: int) -> None:
    """Delete a picture's row and every score that it had a part in."""
    for table in ("images", "thumbnails", "information_maps", "image_scores"):
        cursor.execute(f"DELETE FROM {table} WHERE image = ?", [key]).fetchall()
    with_it = "seed_set IN (SELECT seed_set FROM seed_sets WHERE list_contains(seeds, ?))"
    cursor.execute(f"DELETE FROM batch_scores WHERE cell = ? AND {with_it}", [cell, seed]).fetchall()


def _insert_pictures(cursor: Cursor, keys: Keys) -> None:
    names, found = list(keys), list(keys.values())
    pictures = [picture for _, picture in found]
    rows: dict[str, list[object]] = {"image": [*names], "cell": [record.cell for record, _ in found]}
    rows |= {name: [getattr(one, name) for one in pictures] for name in OF_PICTURES}
    insert_columns(cursor, "images", rows)
    small: dict[str, list[object]] = {"image": [*names], "thumbnail": [one.thumbnail for one in pictures]}
    insert_columns(cursor, "thumbnails", small, SEEN)
    maps = {key: picture.information_map for key, (_, picture) in keys.items() if picture.information_map}
    insert_columns(cursor, "information_maps", {"image": list(maps), "map": list(maps.values())})


def _insert_scores(
    cursor: Cursor, records: Sequence[CellRecord], named: Sequence[dict[int, str]], refused: set[str]
) -> None:
    image_rows: dict[tuple[str, str, str], float] = {}
    batch_rows: dict[tuple[str, str, str, str], ScoreRecord] = {}
    for record, images_of in zip(records, named, strict=True):
        for score in record.scores:
            pictures = [images_of[seed] for seed in score.seeds]
            if refused and not refused.isdisjoint(pictures):
                continue
            batch_rows[record.cell, score.seed_set, score.metric, score.version] = score
            if score.level == "image":
                metric, version = repeat(score.metric), repeat(score.version)
                image_rows |= zip(zip(pictures, metric, version), score.values)
    rows: dict[str, Sequence[object]] = dict(zip(("image", "metric", "version"), zip(*image_rows)))
    rows["value"] = list(image_rows.values())
    insert_columns(cursor, "image_scores", rows, "DO UPDATE SET value = excluded.value")
    seed_sets = {score.seed_set: list(score.seeds) for score in batch_rows.values()}
    found: dict[str, Sequence[object]] = {"seed_set": list(seed_sets), "seeds": list(seed_sets.values())}
    insert_columns(cursor, "seed_sets", found | {"n": [len(seeds) for seeds in seed_sets.values()]})
    _insert_batches(cursor, batch_rows)


def _insert_batches(cursor: Cursor, rows: Mapping[tuple[str, str, str, str], ScoreRecord]) -> None:
    """Scores of cells, each under its cell, seed set, metric and version."""
    scores = list(rows.values())
    found: dict[str, Sequence[object]] = dict(zip(("cell", "seed_set", "metric", "version"), zip(*rows)))
    found |= {"value": [score.mean for score in scores]}
    found |= {name: [getattr(score, name) for score in scores] for name in ("axis", "level")}
    ends = [told(score.level, len(score.seeds), score.lo, score.hi) for score in scores]
    found |= dict(zip(("lo", "hi"), zip(*ends)))
    found |= {"pairs": [score.values if score.level == "pair" else None for score in scores]}
    insert_columns(cursor, "batch_scores", found | {"effects": effects_of(scores)}, RESCORED)
