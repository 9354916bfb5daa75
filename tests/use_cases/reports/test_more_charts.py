"""Charts beside the trade-off chart, from the shipped runs: each has a sentence, and rows that say the same."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from t2ialign.metrics import METRICS
from t2ialign.store import Filters, list_benchmarks
from t2ialign.types import InputError
from t2ialign.use_cases.reports import choosing
from t2ialign.use_cases.reports.more_charts import TITLES, ChartQuery, more_chart
from t2ialign.use_cases.workbench import open_workbench


@pytest.fixture(scope="module")
def asked(shipped_home):
    with open_workbench(shipped_home) as bench:
        filters = Filters(benchmarks=(list_benchmarks(bench.store)[0].key,))
        yield ChartQuery(
            bench.store, METRICS["oracle_alignment"], METRICS["factor_diversity"], filters, lambda metric: ""
        )


@pytest.mark.parametrize("kind", TITLES)
def test_every_chart_is_drawn_or_says_what_it_needs(asked, kind: str) -> None:
    found = more_chart(asked, kind)
    assert found.title == TITLES[kind] and found.sentence.endswith(".") and "nan" not in found.sentence
    if found.drawn is None:
        assert "need" in found.sentence and found.rows == () and kind in ("strength", "weight", "steps")
    else:
        assert found.rows and all(math.isfinite(row.mean) or kind in ("checkpoints", "prompts") for row in found.rows)


def test_the_end_of_a_run_is_one_of_its_steps(asked) -> None:
    found = more_chart(replace(asked, ends={"minimal_dpo": 400}), "steps")
    doses = {row.at for row in found.rows if row.of == "minimal_dpo"}
    assert {"training steps 50", "training steps 150", "training steps 400"} <= doses


@pytest.mark.slow
def test_taus_within_prompts_are_those_of_the_command(asked) -> None:
    """`choosing` asks the same of mutual information, by another way."""
    report = choosing.report(asked.opened, "base", "mutual_information", "oracle_alignment")
    theirs = next(one.every for one in report.scales if one.guidance_scale == 4)
    ours = next(
        row
        for row in more_chart(asked, "pictures").rows
        if {row.what, row.of} == {"mutual_information", "oracle_alignment"}
    )
    assert -1 < ours.mean < 1 and abs(ours.mean - theirs.mean.mean) < 0.2  # 8 of its 16 seeds


def test_no_set_and_no_such_chart_are_sentences(asked) -> None:
    with pytest.raises(InputError, match="There is no chart 'pie'"):
        more_chart(asked, "pie")
    everything = ChartQuery(asked.opened, asked.x, asked.y, Filters(), asked.today)
    with pytest.raises(InputError, match="one benchmark set"):
        more_chart(everything, "edge")
