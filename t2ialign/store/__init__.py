"""The store: DuckDB, its only writer, and pictures as files. All reading and writing of results goes through here.

``with open_store(home) as store:`` and then, each a function of the open store:

======================  =====================================================================================
seed batches            ``missing_seeds``, ``load_batch``, ``add_batch``, ``load_picture``, ``count_pictures``
many cells at once      ``tally`` (what is there of them), ``size_of_pictures``
cells                   ``list_cells``, ``find_cell``, ``pictures`` (with thumbnails), ``covers``, ``choices``
scores                  ``add_scores``, ``scores_of``, ``cell_scores``; ``paired_scores``, ``strategy_scores`` for ``tradeoff``
the chart               ``scored_points``, ``scored_comparisons`` of ``pairs_of``: what those rows add up to, quickly
benchmark sets          ``add_benchmark``, ``list_benchmarks``, ``stray_prompts``; ``marks`` of checkpoints
runs, for permalinks    ``add_run``, ``set_status``, ``find_run``, ``list_runs``; ``keep_grid``, ``find_grid``, ``list_grids``
studies and votes       modules of their own: ``store.studies``, ``store.votes``; ``ingest_votes`` mends after a crash
jobs                    ``add_job``, ``update_job``, ``list_jobs``, ``job_of``, ``train_steps``, ``probes``
the inbox               ``post`` of ``record_batch`` and ``record_scores`` (other processes), ``ingest_inbox``
shipped results         ``ingest_reference`` or ``take_reference`` one by one, ``export_reference``; ``list_set_aside``
tables for elsewhere    ``write_table`` of ``point_rows`` or ``score_rows``; exported ones: ``store.tables.open_tables``
======================  =====================================================================================

In ``home``: ``t2ialign.duckdb``, ``images/ab/abcdef....webp``, ``inbox/*.parquet``, ``votes/<study>.jsonl``. A new
table is a function in ``migrations``, a new kind of result from other processes a line in ``inbox.KINDS``.
"""

from __future__ import annotations

from t2ialign.job_record import Job, JobProgress, JobStatus
from t2ialign.store.aggregates import ScoredPoints, cells_left_out, scored_points
from t2ialign.store.batches import (
    Cell,
    add_batch,
    count_pictures,
    covers,
    find_cell,
    list_cells,
    load_batch,
    load_map,
    load_picture,
    missing_seeds,
    pictures,
    record_batch,
)
from t2ialign.store.benchmarks import (
    BenchmarkRow,
    StrayPrompt,
    add_benchmark,
    benchmark_size,
    benchmark_table,
    list_benchmarks,
    stray_prompts,
)
from t2ialign.store.database import Store, belongs_to, open_store
from t2ialign.store.errors import StoreBusy
from t2ialign.store.export import counted_notes, point_rows, score_rows, write_table
from t2ialign.store.filters import Filters
from t2ialign.store.grids import Grid, find_grid, keep_grid, list_grids
from t2ialign.store.inbox import ingest_inbox, list_set_aside, post, post_shard
from t2ialign.store.jobs import add_job, job_of, list_jobs, probes, train_steps, update_job
from t2ialign.store.marks import Mark, RunMark, marks, rename_checkpoint, run_marks, set_mark, set_run_mark, titles
from t2ialign.store.paired_aggregates import Pair, pairs_of, scored_comparisons
from t2ialign.store.records import CellRecord, PictureRecord
from t2ialign.store.reference import export_reference, ingest_reference, take_reference, untaken_reference
from t2ialign.store.runs import Run, Status, add_run, find_run, list_runs, set_status
from t2ialign.store.scores import (
    add_scores,
    cell_scores,
    choices,
    notes_of,
    notes_on,
    paired_scores,
    record_scores,
    records_of,
    scored_metrics,
    scores_of,
    strategy_scores,
)
from t2ialign.store.tally import Tally, WantedBatch, size_of_pictures, tally
from t2ialign.store.vote_rows import ingest_votes

__all__ = [
    "BenchmarkRow",
    "Cell",
    "CellRecord",
    "Filters",
    "Grid",
    "Job",
    "JobProgress",
    "JobStatus",
    "Mark",
    "Pair",
    "PictureRecord",
    "Run",
    "RunMark",
    "ScoredPoints",
    "Status",
    "Store",
    "StoreBusy",
    "StrayPrompt",
    "Tally",
    "WantedBatch",
    "add_batch",
    "add_benchmark",
    "add_job",
    "add_run",
    "add_scores",
    "belongs_to",
    "benchmark_size",
    "benchmark_table",
    "cell_scores",
    "cells_left_out",
    "choices",
    "count_pictures",
    "counted_notes",
    "covers",
    "export_reference",
    "find_cell",
    "find_grid",
    "find_run",
    "ingest_inbox",
    "ingest_reference",
    "ingest_votes",
    "job_of",
    "keep_grid",
    "list_benchmarks",
    "list_cells",
    "list_grids",
    "list_jobs",
    "list_runs",
    "list_set_aside",
    "load_batch",
    "load_map",
    "load_picture",
    "marks",
    "missing_seeds",
    "notes_of",
    "notes_on",
    "open_store",
    "paired_scores",
    "pairs_of",
    "pictures",
    "point_rows",
    "post",
    "post_shard",
    "probes",
    "record_batch",
    "record_scores",
    "rename_checkpoint",
    "records_of",
    "run_marks",
    "score_rows",
    "scored_comparisons",
    "scored_metrics",
    "scored_points",
    "scores_of",
    "set_mark",
    "set_run_mark",
    "set_status",
    "size_of_pictures",
    "strategy_scores",
    "stray_prompts",
    "take_reference",
    "tally",
    "train_steps",
    "titles",
    "untaken_reference",
    "update_job",
    "write_table",
]
