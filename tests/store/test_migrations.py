from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import torch

from t2ialign.store import add_batch, add_scores, migrations, open_store
from t2ialign.store.database import FILE
from t2ialign.types import InputError, Score, SeedBatch

Build = Callable[..., SeedBatch]
Judge = Callable[..., Score]


def applied(home: Path) -> list[str]:
    with open_store(home) as store:
        return [name for (name,) in store.rows("SELECT name FROM migrations ORDER BY name")]


def m900_more(cursor: duckdb.DuckDBPyConnection) -> None:
    cursor.execute("CREATE TABLE more (number INTEGER)")


def m901_breaks(cursor: duckdb.DuckDBPyConnection) -> None:
    cursor.execute("CREATE TABLE half (number INTEGER)")
    raise RuntimeError("killed here")


def test_names_are_numbered_in_order():
    names = [migration.__name__ for migration in migrations.MIGRATIONS]
    assert [int(name[1:4]) for name in names] == list(range(1, len(names) + 1))


def test_each_migration_is_applied_once_and_recorded(home: Path):
    names = [migration.__name__ for migration in migrations.MIGRATIONS]
    assert applied(home) == names
    assert applied(home) == names


def test_an_older_store_is_brought_up_to_date_and_keeps_its_rows(home: Path, monkeypatch: pytest.MonkeyPatch):
    with open_store(home) as store, store.transaction() as cursor:
        cursor.execute("INSERT INTO prompts VALUES ('k', 'text', '', [])").fetchall()
    monkeypatch.setattr(migrations, "MIGRATIONS", [*migrations.MIGRATIONS, m900_more])
    with open_store(home) as store:
        assert store.rows("SELECT count(*) FROM more") == [(0,)]
        assert store.rows("SELECT text FROM prompts") == [("text",)]


def test_a_store_of_a_newer_version_is_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", [*migrations.MIGRATIONS, m900_more])
        open_store(home).close()
    before = (home / FILE).read_bytes()
    with pytest.raises(InputError, match="newer version of t2ialign: update this one"):
        open_store(home)
    assert (home / FILE).read_bytes() == before


def test_a_migration_that_breaks_leaves_nothing_and_can_be_repeated(home: Path, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", [*migrations.MIGRATIONS, m900_more, m901_breaks])
        with pytest.raises(RuntimeError, match="killed here"):
            open_store(home)
    monkeypatch.setattr(migrations, "MIGRATIONS", [*migrations.MIGRATIONS, m900_more])
    with open_store(home) as store:
        tables = {name for (name,) in store.rows("SELECT table_name FROM duckdb_tables()")}
    assert "more" in tables
    assert "half" not in tables


def test_an_older_store_that_cannot_be_written_says_so(home: Path, monkeypatch: pytest.MonkeyPatch):
    open_store(home).close()
    monkeypatch.setattr(migrations, "MIGRATIONS", [*migrations.MIGRATIONS, m900_more])
    older = pytest.raises(InputError, match="older version and cannot be written")
    with duckdb.connect(home / FILE, read_only=True) as connection, older:
        migrations.migrate(connection, home, read_only=True)


@pytest.mark.slow
def test_scores_stored_before_seeds_had_effects_get_them(home: Path, batch_of: Build, score_of: Judge):
    """The column dropped and made again holds what writing had put there."""
    pairs = torch.rand(4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    read = "SELECT metric, effects FROM batch_scores ORDER BY metric"
    with open_store(home) as store:
        batch = batch_of(seeds=(3, 1, 2, 0))
        add_batch(store, batch)
        image = score_of("clip_score", torch.tensor([0.1, 0.2, 0.3, 0.6]), mean=0.3)
        add_scores(store, batch, [image, score_of("lpips", pairs + pairs.T, "pair")])
        written = store.rows(read)
        with store.transaction() as cursor:
            cursor.execute("ALTER TABLE batch_scores DROP COLUMN effects").fetchall()
            cursor.execute("DELETE FROM migrations WHERE name = 'm009_seed_effects'").fetchall()
    with open_store(home) as store:
        for (name, found), (same, expected) in zip(store.rows(read), written, strict=True):
            assert name == same and found == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
def test_ends_stored_from_too_few_seeds_are_taken_away(home: Path, batch_of: Build, score_of: Judge):
    """Those of single pictures stay, and those of as many pairs as an interval takes."""
    with open_store(home) as store:
        for n in (31, 32):
            batch = batch_of(seeds=tuple(range(n)))
            add_batch(store, batch)
            levels = {"image": torch.rand(n), "pair": torch.zeros(n, n), "batch": torch.tensor([0.5])}
            add_scores(store, batch, [score_of(level, values, level) for level, values in levels.items()])
        with store.transaction() as cursor:
            cursor.execute("UPDATE batch_scores SET lo = 0.25, hi = 0.75").fetchall()
            cursor.execute("DELETE FROM migrations WHERE name = 'm017_ends_of_few_seeds'").fetchall()
    with open_store(home) as store:
        kept = store.rows(
            "SELECT n, level FROM batch_scores JOIN seed_sets USING (seed_set) WHERE lo = 0.25 AND hi = 0.75 ORDER BY ALL"
        )
    assert kept == [(31, "image"), (32, "image"), (32, "pair")]
