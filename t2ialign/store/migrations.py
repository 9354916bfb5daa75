"""The tables, as a list of functions: each applied once, by name, in one transaction of its own.

To add a table or a column, write the next ``mNNN_...`` function and add it to ``MIGRATIONS``; never change one that has
been released. Keys are content hashes (``types.content_key``), so that writing twice is writing once.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import torch

from t2ialign.job_record import request_in
from t2ialign.metrics.scoring import pair_effects
from t2ialign.store.connection import Cursor
from t2ialign.store.errors import newer, older
from t2ialign.store.records import square
from t2ialign.types import InputError

Migration = Callable[[Cursor], object]


def m001_cells(cursor: Cursor) -> None:
    """What was asked for and what it looks like. ``sha`` names the picture's file; the thumbnails stand apart."""
    cursor.execute("""
        CREATE TABLE prompts (prompt VARCHAR PRIMARY KEY, text VARCHAR, category VARCHAR, tags VARCHAR[]);
        CREATE TABLE configs (
            config VARCHAR PRIMARY KEY, record VARCHAR, backbone VARCHAR, checkpoint VARCHAR,
            guidance VARCHAR, guidance_scale DOUBLE
        );
        CREATE TABLE cells (cell VARCHAR PRIMARY KEY, config VARCHAR, prompt VARCHAR);
        CREATE TABLE images (
            image VARCHAR PRIMARY KEY, cell VARCHAR, seed BIGINT, sha VARCHAR,
            mutual_information DOUBLE, mutual_information_released DOUBLE, seconds DOUBLE
        );
        CREATE TABLE thumbnails (image VARCHAR PRIMARY KEY, thumbnail BLOB);
    """)


def m002_scores(cursor: Cursor) -> None:
    """Values of single pictures, and of seed sets (``pairs``: the upper triangle, row by row) with their interval."""
    cursor.execute("""
        CREATE TABLE image_scores (
            image VARCHAR, metric VARCHAR, version VARCHAR, value DOUBLE, PRIMARY KEY (image, metric, version)
        );
        CREATE TABLE seed_sets (seed_set VARCHAR PRIMARY KEY, seeds BIGINT[], n INTEGER);
        CREATE TABLE batch_scores (
            cell VARCHAR, seed_set VARCHAR, metric VARCHAR, version VARCHAR, axis VARCHAR, level VARCHAR,
            value DOUBLE, lo DOUBLE, hi DOUBLE, pairs DOUBLE[], PRIMARY KEY (cell, seed_set, metric, version)
        );
    """)


def m003_runs(cursor: Cursor) -> None:
    """Requests of people, for permalinks; ``process`` tells a run that still works from one whose process has died."""
    cursor.execute("""
        CREATE TABLE runs (
            run UUID PRIMARY KEY, created TIMESTAMP, status VARCHAR, process VARCHAR, cells VARCHAR[], seeds BIGINT[]
        );
    """)


def m004_inbox(cursor: Cursor) -> None:
    """Which files have been taken in, each once, and which were set aside and why."""
    cursor.execute("""
        CREATE TABLE ingested (path VARCHAR PRIMARY KEY, taken TIMESTAMP);
        CREATE TABLE set_aside (path VARCHAR PRIMARY KEY, reason VARCHAR, noticed TIMESTAMP);
    """)


def m005_jobs(cursor: Cursor) -> None:
    """Jobs, and what their workers measured at each step; the records are JSON, newest by ``written``."""
    cursor.execute("""
        CREATE TABLE jobs (
            job VARCHAR PRIMARY KEY, created TIMESTAMP, status VARCHAR, kind VARCHAR, parent VARCHAR, record VARCHAR
        );
        CREATE TABLE train_steps (
            job VARCHAR, step BIGINT, written DOUBLE, record VARCHAR, PRIMARY KEY (job, step)
        );
        CREATE TABLE probes (job VARCHAR, step BIGINT, written DOUBLE, record VARCHAR, PRIMARY KEY (job, step));
    """)


def m006_studies(cursor: Cursor) -> None:
    """Studies: ``design`` and ``manifest`` are JSON, the latter empty until the study opens; and what happened to them."""
    cursor.execute("""
        CREATE TABLE studies (
            study VARCHAR PRIMARY KEY, title VARCHAR, state VARCHAR, created TIMESTAMP, design VARCHAR,
            manifest VARCHAR, hash VARCHAR, blind BOOLEAN, parent VARCHAR
        );
        CREATE TABLE study_log (study VARCHAR, noticed TIMESTAMP, event VARCHAR);
        CREATE TABLE exclusions (
            study VARCHAR, rule VARCHAR, value DOUBLE, survey VARCHAR, added TIMESTAMP,
            PRIMARY KEY (study, rule, value, survey)
        );
    """)


def m007_votes(cursor: Cursor) -> None:
    """Surveys with the hash of their withdraw code, the rounds they show (``record`` is JSON), and the votes."""
    cursor.execute("""
        CREATE TABLE surveys (
            survey VARCHAR PRIMARY KEY, study VARCHAR, rater_group VARCHAR, code VARCHAR, created TIMESTAMP
        );
        CREATE TABLE trials (
            trial VARCHAR PRIMARY KEY, study VARCHAR, survey VARCHAR, place INTEGER, record VARCHAR
        );
        CREATE TABLE votes (
            vote VARCHAR PRIMARY KEY, study VARCHAR, survey VARCHAR, trial VARCHAR, revision INTEGER,
            chosen INTEGER[], verdict VARCHAR, milliseconds BIGINT, created TIMESTAMP, blind BOOLEAN
        );
    """)


def m008_information_maps(cursor: Cursor) -> None:
    """Where in a picture the prompt speaks: each latent cell's share of its mutual information, as a grey PNG."""
    cursor.execute("CREATE TABLE information_maps (image VARCHAR PRIMARY KEY, map BLOB)")


def m009_seed_effects(cursor: Cursor) -> None:
    """By how much each seed moves a batch's value, in the order of the seeds; NULL where the value does not tell.

    Prompts that share seeds are not independent, and this says by how much. What is stored already gets it too.
    """
    cursor.execute("ALTER TABLE batch_scores ADD COLUMN effects DOUBLE[]")
    cursor.execute("""
        UPDATE batch_scores SET effects = found.effects FROM (
            SELECT cell, seed_set, metric, version, list(i.value - b.value ORDER BY seed) AS effects
            FROM batch_scores b JOIN seed_sets USING (seed_set) JOIN images g USING (cell)
            JOIN image_scores i USING (image, metric, version)
            WHERE level = 'image' AND list_contains(seeds, seed) GROUP BY ALL
        ) found
        WHERE batch_scores.cell = found.cell AND batch_scores.seed_set = found.seed_set
            AND batch_scores.metric = found.metric AND batch_scores.version = found.version
    """)
    sql = "SELECT cell, seed_set, metric, version, pairs, n FROM batch_scores JOIN seed_sets USING (seed_set)"
    rows = cursor.execute(f"{sql} WHERE level = 'pair'").fetchall()
    if not rows:
        return
    names = ("cell", "seed_set", "metric", "version")
    effects = [
        pair_effects(square(torch.tensor(pairs, dtype=torch.float64), "pair", n)).tolist() for *_, pairs, n in rows
    ]
    found = dict(zip(names, zip(*rows))) | {"effects": effects}
    cursor.register("found", pa.table({name: list(column) for name, column in found.items()}))
    same = " AND ".join(f"batch_scores.{name} = found.{name}" for name in names)
    cursor.execute(f"UPDATE batch_scores SET effects = found.effects FROM found WHERE {same}")
    cursor.unregister("found")


def m010_job_requests(cursor: Cursor) -> None:
    """What a job was asked for, as JSON; until now a training job's command line was all that told it."""
    cursor.execute("ALTER TABLE jobs ADD COLUMN request VARCHAR").fetchall()
    for job, kind, record in cursor.execute("SELECT job, kind, record FROM jobs").fetchall():
        request = request_in(kind, json.loads(record)["command"])
        cursor.execute("UPDATE jobs SET request = ? WHERE job = ?", [json.dumps(request), job]).fetchall()


def m011_benchmarks(cursor: Cursor) -> None:
    """Which prompts and seeds checkpoints are compared on, and what people noted about checkpoints and runs."""
    cursor.execute("""
        CREATE TABLE benchmarks (benchmark VARCHAR PRIMARY KEY, title VARCHAR, created TIMESTAMP);
        CREATE TABLE benchmark_prompts (
            benchmark VARCHAR, prompt VARCHAR, seed_set VARCHAR, seeds BIGINT[], PRIMARY KEY (benchmark, prompt)
        );
        CREATE TABLE checkpoint_marks (
            checkpoint VARCHAR PRIMARY KEY, starred BOOLEAN, hidden BOOLEAN, note VARCHAR
        );
        CREATE TABLE run_marks (run VARCHAR PRIMARY KEY, starred BOOLEAN, forgotten BOOLEAN);
    """)


def m012_cell_notes(cursor: Cursor) -> None:
    """What people should know of a cell, a sentence a row, in their places: what of its prompt was not read, by whom."""
    cursor.execute("CREATE TABLE cell_notes (cell VARCHAR, note VARCHAR, position INTEGER, PRIMARY KEY (cell, note))")


def m013_run_notes(cursor: Cursor) -> None:
    """A line of text beside a run."""
    cursor.execute("ALTER TABLE run_marks ADD COLUMN note VARCHAR").fetchall()


def m014_grids(cursor: Cursor) -> None:
    """Grids that were asked for; ``record`` is the page's form as JSON. Their marks are those of runs."""
    cursor.execute("""
        CREATE TABLE grids (
            grid VARCHAR PRIMARY KEY, created TIMESTAMP, title VARCHAR, axes VARCHAR, words VARCHAR, record VARCHAR,
            cells VARCHAR[], seeds BIGINT[]
        )
    """).fetchall()


def m015_checkpoint_titles(cursor: Cursor) -> None:
    """What people call a checkpoint; its name stays what results are kept under."""
    cursor.execute("ALTER TABLE checkpoint_marks ADD COLUMN title VARCHAR").fetchall()


def m016_run_titles(cursor: Cursor) -> None:
    """What people call a run."""
    cursor.execute("ALTER TABLE run_marks ADD COLUMN title VARCHAR").fetchall()


def m017_ends_of_few_seeds(cursor: Cursor) -> None:
    """Intervals of fewer seeds than hold the truth lose their ends; new ones come without (``metrics.scoring.told``)."""
    cursor.execute("""
        UPDATE batch_scores SET lo = 'NaN', hi = 'NaN'
        WHERE level <> 'image'
            AND seed_set IN (SELECT seed_set FROM seed_sets WHERE n < CASE level WHEN 'pair' THEN 32 ELSE 48 END)
    """).fetchall()


def m018_counts(cursor: Cursor) -> None:
    """How many kinds of an attribute a rater counted in each set, and how sure the rater was; empty where nobody asked."""
    cursor.execute("""
        ALTER TABLE votes ADD COLUMN counts INTEGER[] DEFAULT [];
        ALTER TABLE votes ADD COLUMN confidence VARCHAR DEFAULT '';
    """)


MIGRATIONS: list[Migration] = [
    m001_cells,
    m002_scores,
    m003_runs,
    m004_inbox,
    m005_jobs,
    m006_studies,
    m007_votes,
    m008_information_maps,
    m009_seed_effects,
    m010_job_requests,
    m011_benchmarks,
    m012_cell_notes,
    m013_run_notes,
    m014_grids,
    m015_checkpoint_titles,
    m016_run_titles,
    m017_ends_of_few_seeds,
    m018_counts,
]


def migrate(connection: Cursor, home: Path, read_only: bool = False) -> None:
    """Apply what is missing. ``InputError`` for a store of a newer version, or of an older one that is read-only."""
    known = {migration.__name__: migration for migration in MIGRATIONS}
    if not read_only:
        connection.execute("CREATE TABLE IF NOT EXISTS migrations (name VARCHAR PRIMARY KEY)").fetchall()
    done = {name for (name,) in connection.execute("SELECT name FROM migrations").fetchall()}
    if done - set(known):
        raise InputError(newer(home))
    missing = [name for name in known if name not in done]
    if missing and read_only:
        raise InputError(older(home))
    for name in missing:
        connection.begin()
        known[name](connection)
        connection.execute("INSERT INTO migrations VALUES (?)", [name]).fetchall()
        connection.commit()
