"""Arrays of a benchmark set's cells beside the rows that they come from."""

from __future__ import annotations

import math
import shutil

import numpy as np
import pytest

from t2ialign import settings
from t2ialign.metrics import METRICS
from t2ialign.store import Filters, cell_scores, list_benchmarks, open_store
from t2ialign.store.cell_values import cell_values, scored_configs
from t2ialign.types import InputError

NAMES = ("oracle_alignment", "factor_diversity", "u_rke")


@pytest.fixture(scope="module")
def home(shipped_home, tmp_path_factory):
    return shutil.copytree(shipped_home, tmp_path_factory.mktemp("values") / "home")


@pytest.mark.slow
def test_they_are_the_values_of_the_rows(home) -> None:
    with open_store(home) as store:
        filters = Filters(benchmarks=(list_benchmarks(store)[0].key,))
        found = cell_values(store, [METRICS[name] for name in NAMES], filters)
        rows = [row for name in NAMES[1:] for row in cell_scores(store, NAMES[0], name, filters)]
    shipped = list((settings.DATA / "reference").glob("*.parquet"))  # a file a setting
    assert len(found.configs) == len(shipped) and len(found.prompts) == 24 and not found.share_seeds
    seen = {(row.metric, row.config, row.prompt): row.value.mean for row in rows}
    for m, name in enumerate(NAMES):
        for c, config in enumerate(found.configs):
            for p, prompt in enumerate(found.prompts):
                ours, theirs = float(found.values[m, c, p]), seen.get((name, config, prompt), math.nan)
                assert ours == theirs or math.isnan(ours) and math.isnan(theirs)
    assert len(seen) > 1000


def test_effective_numbers_are_averaged_as_their_inverses(home) -> None:
    with open_store(home) as store:
        filters = Filters(benchmarks=(list_benchmarks(store)[0].key,))
        found = cell_values(store, [METRICS["u_rke"]], filters)
    values = found.of("u_rke")[0]
    assert found.mean(METRICS["u_rke"])[0] == pytest.approx(1 / (1 / values).mean())


def test_no_set_is_a_sentence(home) -> None:
    with open_store(home) as store, pytest.raises(InputError, match="one benchmark set: choose one"):
        cell_values(store, [METRICS["u_rke"]], Filters())


def test_of_some_configs_the_same_values(home) -> None:
    metrics = [METRICS[name] for name in NAMES]
    with open_store(home) as store:
        filters = Filters(benchmarks=(list_benchmarks(store)[0].key,))
        every, base = cell_values(store, metrics, filters), scored_configs(store, metrics, filters, "base")
        one = cell_values(store, metrics, filters, configs=(base[1].key,))
    assert base == tuple(config for config in every.configs if config.checkpoint == "base") and len(base) > 2
    place = every.configs.index(base[1])
    assert one.configs == (base[1],) and sorted(one.prompts) == sorted(every.prompts)
    columns = [every.prompts.index(prompt) for prompt in one.prompts]
    assert np.array_equal(one.values[:, 0], every.values[:, place][:, columns], equal_nan=True)


def test_the_version_of_most_cells_counts(home, tmp_path) -> None:
    """A second version of a few cells is left out; of one that only other sets have nothing is seen."""
    own = shutil.copytree(home, tmp_path / "home")
    with open_store(own) as store:
        filters = Filters(benchmarks=(list_benchmarks(store)[0].key,))
        before = cell_values(store, [METRICS["lpips"]], filters)
        with store.transaction() as cursor:
            cursor.execute("""
                INSERT INTO batch_scores
                SELECT * REPLACE ('9' AS version, 99.0 AS value) FROM batch_scores WHERE metric = 'lpips' ORDER BY cell LIMIT 40
            """).fetchall()
        after = cell_values(store, [METRICS["lpips"]], filters)
    assert np.array_equal(before.values, after.values, equal_nan=True) and np.nanmax(after.values) < 99
