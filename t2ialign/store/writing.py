"""Cell records into tables: the one way in, for the owner's own results, the inbox and the shipped reference.

Keys are content hashes, so writing the same twice changes nothing. A picture that is stored and intact stays, and
scores that speak of another one in its place are not taken; a picture that was lost makes room for the new one, and
where the two differ, the lost one's scores go with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from t2ialign.store import images
from t2ialign.store.connection import Cursor
from t2ialign.store.database import insert
from t2ialign.store.records import CellRecord, PictureRecord, config_json
from t2ialign.types import image_key

CATEGORISED = (
    "DO UPDATE SET category = excluded.category, tags = excluded.tags WHERE excluded.category NOT IN ('', category)"
)
RESCORED = "DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in ("value", "lo", "hi", "pairs", "effects")
)

Keys = dict[str, tuple[CellRecord, PictureRecord]]


def insert_records(home: Path, cursor: Cursor, records: Sequence[CellRecord]) -> None:
    """Store cells with their pictures' rows and their scores; the picture files have been written before."""
    prompts = {record.prompt.key: record.prompt for record in records}
    rows = [{"prompt": k, "text": p.text, "category": p.category, "tags": list(p.tags)} for k, p in prompts.items()]
    insert(cursor, "prompts", rows, CATEGORISED)
    insert(cursor, "configs", list({record.config: _config_row(record) for record in records}.values()))
    cells = {r.cell: {"cell": r.cell, "config": r.config.key, "prompt": r.prompt.key} for r in records}
    insert(cursor, "cells", list(cells.values()))
    noted = {(r.cell, note): position for r in reversed(records) for position, note in enumerate(r.notes)}
    sentences = [{"cell": cell, "note": note, "position": position} for (cell, note), position in noted.items()]
    insert(cursor, "cell_notes", sentences)
    named = [_names_of(record) for record in records]
    keys = {names[p.seed]: (r, p) for r, names in zip(records, named) for p in r.pictures}
    refused = _make_room(home, cursor, keys)
    _insert_pictures(cursor, {key: found for key, found in keys.items() if key not in refused})
    _insert_scores(cursor, records, named, refused)


def _names_of(record: CellRecord) -> dict[int, str]:
    """The key of every picture that a record has or scores, by seed."""
    seeds = {seed for score in record.scores for seed in score.seeds} | {picture.seed for picture in record.pictures}
    return {seed: image_key(record.config, record.prompt, seed) for seed in seeds}


def _config_row(record: CellRecord) -> dict[str, object]:
    config = record.config
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
    rows = [
        {
            "image": key,
            "cell": record.cell,
            "seed": picture.seed,
            "sha": picture.sha,
            "mutual_information": picture.mutual_information,
            "mutual_information_released": picture.mutual_information_released,
            "seconds": picture.seconds,
        }
        for key, (record, picture) in keys.items()
    ]
    insert(cursor, "images", rows)
    insert(cursor, "thumbnails", [{"image": key, "thumbnail": picture.thumbnail} for key, (_, picture) in keys.items()])
    maps = {key: picture.information_map for key, (_, picture) in keys.items() if picture.information_map}
    insert(cursor, "information_maps", [{"image": key, "map": data} for key, data in maps.items()])


def _insert_scores(
    cursor: Cursor, records: Sequence[CellRecord], named: Sequence[dict[int, str]], refused: set[str]
) -> None:
    image_rows, seed_sets, batch_rows = {}, {}, {}
    for record, images_of in zip(records, named, strict=True):
        for score in record.scores:
            if refused and any(images_of[seed] in refused for seed in score.seeds):
                continue
            seed_sets[score.seed_set] = {"seed_set": score.seed_set, "seeds": list(score.seeds), "n": len(score.seeds)}
            batch_rows[record.cell, score.seed_set, score.metric, score.version] = {
                "cell": record.cell,
                "seed_set": score.seed_set,
                "metric": score.metric,
                "version": score.version,
                "axis": score.axis,
                "level": score.level,
                "value": score.mean,
                "lo": score.lo,
                "hi": score.hi,
                "pairs": list(score.values) if score.level == "pair" else None,
                "effects": score.effects if score.level != "batch" or len(score.values) > 1 else None,
            }
            for seed, value in zip(score.seeds, score.values) if score.level == "image" else ():
                image = images_of[seed]
                image_rows[image, score.metric, score.version] = {
                    "image": image,
                    "metric": score.metric,
                    "version": score.version,
                    "value": value,
                }
    insert(cursor, "image_scores", list(image_rows.values()), "DO UPDATE SET value = excluded.value")
    insert(cursor, "seed_sets", list(seed_sets.values()))
    insert(cursor, "batch_scores", list(batch_rows.values()), RESCORED)
