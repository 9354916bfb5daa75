"""points, compare and report over exported tables: what they say of the store itself, wherever the tables lie."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import fsspec
import pytest

from t2ialign.store import open_store
from t2ialign.store.upkeep import write_tables

pytestmark = pytest.mark.timeout(600)  # the shipped runs are read in, and written out three times
POINTS = ("points", "--benchmark", "73e34e8f347bbb5a")
COMPARE = (
    "compare",
    "minimal_dpo",
    "minimal_js",
    "--guidance-scale",
    "4",
    "--metrics",
    "oracle_alignment,factor_diversity",
)


@pytest.fixture(scope="module")
def places(shipped_home, tmp_path_factory) -> dict[str, str]:
    """The shipped runs as a store, as a folder, in a file system that is none of this machine's, and as two parts."""
    root = tmp_path_factory.mktemp("far")
    home, tables = shutil.copytree(shipped_home, root / "home"), root / "tables"
    with open_store(home) as store:
        write_tables(store, tables)
    for part in ("out-0", "out-1"):
        shutil.copytree(tables, root / "parts" / part)
    fsspec.filesystem("memory").put(str(tables), "/far", recursive=True)
    return {"store": str(home), "folder": str(tables), "far": "memory://far", "parts": str(root / "parts")}


@pytest.mark.slow
@pytest.mark.parametrize("asked", [POINTS, COMPARE], ids=["points", "compare"])
def test_exported_tables_say_what_their_store_says(run, places, asked) -> None:
    answers = {name: run(*asked, "--store", place) for name, place in places.items()}
    assert answers["store"][0] == 0 and answers["store"][1].count("\n") > 1
    for name, answer in answers.items():
        assert answer[:2] == answers["store"][:2], name


@pytest.mark.slow
def test_a_report_over_tables_is_the_report(run, places) -> None:
    reports = [json.loads(run("report", "--json", "--store", places[name])[1]) for name in ("store", "folder")]
    shown = [
        [(one["title"], one["sentence"]) for section in report["sections"] for one in section["exhibits"]]
        for report in reports
    ]
    assert shown[0] == shown[1] and len(shown[0]) > 5


@pytest.mark.slow
def test_names_and_places_that_are_not_there_are_sentences(run, places, tmp_path: Path) -> None:
    code, _, said = run("compare", "minimal_dop", "--store", places["folder"])
    assert code == 2 and "'minimal_dop'" in said and "minimal_dpo" in said and "Traceback" not in said
    code, _, said = run("points", "--store", "memory://nowhere")
    assert code == 2 and "t2ialign store export" in said and "Traceback" not in said
    code, _, said = run("points", "--store", "s4://bucket/tables")
    assert code == 2 and "cannot be read" in said and "Traceback" not in said
    broken = shutil.copytree(places["parts"], tmp_path / "parts")
    (broken / "out-1" / "seed_sets.parquet").unlink()
    code, _, said = run("points", "--store", str(broken))
    assert code == 2 and "seed_sets" in said and "export it again" in said
