"""A plan's border: what training may read from the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from t2ialign import settings
from t2ialign.source import parse_source
from t2ialign.store import open_store
from t2ialign.types import InputError
from t2ialign.use_cases.align.request import AlignRequest, plan
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.workbench import Workbench
from tests.dashboard.fakes import write_registry


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    monkeypatch.setattr(settings, "CHECKPOINTS", write_registry(tmp_path / "registry"))
    with open_store(tmp_path / "home") as store:
        yield Workbench(StoreResults(store), "cpu", "float32")


def test_what_lies_in_the_stores_folder_is_not_learned_from(bench: Workbench, tmp_path: Path, monkeypatch):
    database = bench.home / "t2ialign.duckdb"
    os.link(database, tmp_path / "hard.parquet")
    (tmp_path / "soft.parquet").symlink_to(database)
    (tmp_path / "around").symlink_to(bench.home)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.png").symlink_to(database)
    (tmp_path / "prompts.txt").symlink_to(database)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    refused = [
        *("home/t2ialign.duckdb", f"{database}", "home/votes/x.parquet", "around/new.parquet", "./registry/../home"),
        *("~/home/t2ialign.duckdb", "hard.parquet", "soft.parquet"),
    ]
    for path in refused:
        with pytest.raises(InputError, match="lies in the store's own folder"):
            plan(bench, AlignRequest("ipo", "new", pairs=parse_source(f"parquet:{path}")))
    for path in ("home/images", "around", "photos"):
        with pytest.raises(InputError, match="lies in the store's own folder"):
            plan(bench, AlignRequest("mi_tune", "new", pairs=parse_source(f"pictures:{path}")))
    with pytest.raises(InputError, match="lies in the store's own folder"):
        plan(bench, AlignRequest("ipo", "new", options=(("prompts", "prompts.txt"),)))


def test_what_lies_elsewhere_is(bench: Workbench, tmp_path: Path):
    (tmp_path / "homely").mkdir()
    (tmp_path / "homely" / "one.png").touch()
    for source, method in ((f"parquet:{tmp_path}/homely.parquet", "ipo"), (f"pictures:{tmp_path}/homely", "mi_tune")):
        assert plan(bench, AlignRequest(method, "new", pairs=parse_source(source))).source == parse_source(source)


@pytest.mark.parametrize("path", ["a\0b", "loop/x", "x" * 5000])
def test_what_is_no_path_is_a_sentence(bench: Workbench, tmp_path: Path, monkeypatch, path: str):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match="cannot be read"):
        plan(bench, AlignRequest("ipo", "new", pairs=parse_source(f"parquet:{path}")))
