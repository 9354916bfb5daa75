"""Charts beside the trade-off chart, from the shipped runs: each has a sentence, and rows that say the same."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from t2ialign.metrics import METRICS
from t2ialign.store import Filters, cell_scores, list_benchmarks
from t2ialign.tradeoff.correlation import coefficient
from t2ialign.types import InputError
from t2ialign.use_cases.reports import choosing
from t2ialign.use_cases.reports.chart_query import ChartQuery
from t2ialign.use_cases.reports.metric_pairs import metric_scatter
from t2ialign.use_cases.reports.more_charts import TITLES, more_chart
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


def test_the_scores_of_a_rank_are_those_of_its_pictures(asked) -> None:
    """By hand from the stored rows: each prompt's pictures ordered by mutual information."""
    found = more_chart(asked, "ranks").drawn
    filters = replace(asked.filters, configs=(found.config.key,))
    rows = [row for name in (found.judge, found.metric) for row in cell_scores(asked.opened, name, name, filters)]
    by_prompt: dict[str, dict[str, dict[int, float]]] = {}
    for row in rows:
        values = {seed: round(row.value.mean + effect, 9) for seed, effect in row.effects.items()}
        by_prompt.setdefault(row.prompt, {})[row.metric] = values
    ranked = []
    for values in by_prompt.values():
        seeds = sorted(sorted(values[found.judge]), key=lambda seed: -values[found.judge][seed])
        ranked.append([values[found.metric][seed] for seed in seeds])
    columns = list(zip(*ranked))
    assert found.pictures == len(columns) == 8 and found.prompts == len(ranked) == 24
    assert [mean.mean for mean in found.means] == pytest.approx([sum(column) / 24 for column in columns])
    assert [list(curve) for curve in found.curves] == [sorted(column) for column in columns], "24 steps, each a prompt"
    assert found.gap.mean == pytest.approx(sum(row[0] - row[-1] for row in ranked) / 24)


@pytest.mark.parametrize("level", ["checkpoints", "prompts", "pictures"])
def test_a_scatter_has_the_tau_of_its_field(asked, level: str) -> None:
    """The very things that the matrix ranks: of pictures each prompt's own tau, averaged."""
    drawn = more_chart(asked, level).drawn
    singles = [name for name in drawn.metrics if METRICS[name].level == "image"]
    one, other = singles[:2] if level == "pictures" else (asked.x.name, asked.y.name)
    found = metric_scatter(asked, level, one, other)
    groups: dict[str, list] = {}
    for dot in found.drawn.dots:
        groups.setdefault(dot.name if level == "pictures" else "", []).append((dot.x, dot.y))
    taus = [coefficient(*map(np.array, zip(*pairs)), "kendall") for pairs in groups.values()]
    sign = 1 if METRICS[one].higher_is_better == METRICS[other].higher_is_better else -1
    tau, things = drawn.between(one, other)
    assert sign * float(np.nanmean(taus)) == pytest.approx(tau.mean, abs=1e-9) and things == found.drawn.things
    assert all(dot.cell for dot in found.drawn.dots) == (level != "checkpoints")


def test_no_such_pair_is_a_sentence(asked) -> None:
    for one, other in (("lpips", "lpips"), ("lpips", "nothing")):
        with pytest.raises(InputError, match="no longer in the matrix"):
            metric_scatter(asked, "prompts", one, other)
