from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import pair_effects, seed_effects
from t2ialign.store import (
    Filters,
    Store,
    add_batch,
    add_scores,
    cell_scores,
    choices,
    notes_on,
    paired_scores,
    record_batch,
    scores_of,
)
from t2ialign.store.writing import insert_records
from t2ialign.tradeoff.points import tradeoff_points
from t2ialign.types import AdapterUse, InputError, Score, SeedBatch

Build = Callable[..., SeedBatch]
Judge = Callable[..., Score]
X, Y = "clip_score", "lpips"


def test_scores_come_back_with_values_in_the_order_of_the_seeds(store: Store, batch_of: Build, score_of: Judge):
    batch = batch_of(seeds=(4, 2, 3))
    pairs = torch.tensor([[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]])
    given = [
        score_of("clip_score", torch.tensor([0.1, 0.2, 0.3])),
        score_of("factor_diversity", torch.tensor([0.7]), "batch"),
        score_of("lpips", pairs, "pair", mean=2.0),
        score_of("place", torch.tensor([0.75, 0.25, -0.5, 0.25]), "batch", mean=0.75),
    ]
    add_batch(store, batch)
    add_scores(store, batch, given)
    for found, expected in zip(scores_of(store, batch.cell, batch.seeds), given, strict=True):
        assert torch.equal(found.values.float(), expected.values)
        assert (found.metric, found.version, found.axis, found.level) == (
            expected.metric,
            expected.version,
            expected.axis,
            expected.level,
        )
        ends = (expected.lo, expected.hi) if expected.level == "image" else (math.nan, math.nan)
        assert (found.mean, found.lo, found.hi) == pytest.approx((expected.mean, *ends), abs=0, nan_ok=True)
    image, alone, pair, by_seed = scores_of(store, batch.cell, (2, 3, 4))
    assert seed_effects(by_seed, (2, 3, 4)) == {2: -0.5, 3: 0.25, 4: 0.25} and by_seed.values[0] == 0.75
    assert all(math.isnan(effect) for effect in seed_effects(alone, (2, 3, 4)).values())
    assert image.values.tolist() == pytest.approx([0.2, 0.3, 0.1])
    assert pair.values.tolist() == [[0, 3, 1], [3, 0, 2], [1, 2, 0]]
    assert scores_of(store, batch.cell, (2, 3)) == []


def test_ends_come_back_from_as_many_seeds_as_an_interval_takes(store: Store, batch_of: Build, score_of: Judge):
    """Whoever computed them: an older version, another machine."""
    for n, known in ((31, []), (32, ["pair"]), (48, ["pair", "batch"])):
        batch = batch_of(seeds=tuple(range(n)))
        add_batch(store, batch)
        levels = {"pair": torch.zeros(n, n), "batch": torch.tensor([0.5])}
        add_scores(store, batch, [score_of(level, values, level) for level, values in levels.items()])
        found = {one.metric: one for one in scores_of(store, batch.cell, batch.seeds)}
        assert [level for level in levels if not math.isnan(found[level].lo + found[level].hi)] == known


def test_nan_comes_back_as_nan(store: Store, batch_of: Build):
    batch = batch_of(seeds=(0, 1))
    add_batch(store, batch)
    unknown = torch.tensor([math.nan, 0.5])
    pairs = torch.tensor([[0.0, math.nan], [math.nan, 0.0]])
    nothing = (math.nan, math.nan, math.nan)
    add_scores(store, batch, [Score("a", "1", "alignment", "image", unknown, 0.5, math.nan, math.nan)])
    add_scores(store, batch, [Score("b", "1", "diversity", "pair", pairs, *nothing)])
    a, b = scores_of(store, batch.cell, batch.seeds)
    assert a.values.isnan().tolist() == [True, False]
    assert [math.isnan(number) for number in (a.mean, a.lo, a.hi)] == [False, True, True]
    assert b.values.isnan().tolist() == [[False, True], [True, False]]
    assert all(math.isnan(number) for number in (b.mean, b.lo, b.hi))
    assert choices(store)["metrics"] == ["a"]  # b was never scored


def test_a_score_again_replaces_and_another_version_stands_beside(store: Store, batch_of: Build, score_of: Judge):
    batch = batch_of(seeds=(0, 1))
    add_batch(store, batch)
    for version, value in (("1", 0.1), ("1", 0.2), ("2", 0.3)):
        add_scores(store, batch, [score_of(X, torch.tensor([value, value]), version=version)])
    found = {score.version: score.values.tolist() for score in scores_of(store, batch.cell, batch.seeds)}
    assert {version: pytest.approx(values) for version, values in found.items()} == {"1": [0.2, 0.2], "2": [0.3, 0.3]}


def both(score_of: Judge, n: int, x: float, y: float, version: str = "1") -> list[Score]:
    return [
        score_of(X, torch.full((n,), x), version=version, mean=x),
        score_of(Y, torch.full((n, n), y), "pair", mean=y),
    ]


@pytest.mark.slow
def test_points_rest_on_the_largest_seed_set_that_both_metrics_have_scored(
    store: Store, batch_of: Build, score_of: Judge
):
    add_batch(store, batch_of(seeds=range(6)))
    add_scores(store, batch_of(seeds=range(2)), both(score_of, 2, 0.2, 20))
    add_scores(store, batch_of(seeds=range(4)), both(score_of, 4, 0.4, 40))
    add_scores(store, batch_of(seeds=range(6)), both(score_of, 6, 0.6, 60)[:1])
    rows = {row.metric: row for row in cell_scores(store, X, Y)}
    assert {name: (row.seeds, row.value.mean) for name, row in rows.items()} == {X: (4, 0.4), Y: (4, 40)}
    assert [row.seeds for row in cell_scores(store, X, X)] == [6]
    assert (rows[X].cell, rows[X].prompt, rows[X].config) == (batch_of().cell, "a red circle", batch_of().config)


@pytest.mark.slow
def test_checkpoints_are_compared_on_the_largest_seed_set_that_both_have(
    store: Store, batch_of: Build, score_of: Judge
):
    adapters = (AdapterUse("mine"),)
    for n, value in {2: 0.2, 4: 0.4, 6: 0.6}.items():
        add_scores(store, batch_of(seeds=range(n)), both(score_of, n, value, value))
    for n, value in {2: 0.3, 4: 0.7}.items():
        add_scores(store, batch_of(seeds=range(n), adapters=adapters), both(score_of, n, value, value))
    add_scores(store, batch_of("only the base", seeds=range(4)), both(score_of, 4, 0.1, 0.1))
    (found,) = paired_scores(store, ["mine"], "base", [X])
    assert (found.policy.adapters, found.base, found.prompt) == (adapters, batch_of().config, "a red circle")
    assert (found.seeds, found.policy_value, found.base_value) == (4, 0.7, 0.4)
    assert found.policy_effects == found.base_effects == dict.fromkeys(range(4), 0.0)
    assert [row.metric for row in paired_scores(store, [], "base", [Y, X])] == [Y, X]
    assert paired_scores(store, ["other"], "base", [X]) == []


@pytest.mark.slow
def test_a_backbone_by_itself_is_found_by_its_name_too(store: Store, batch_of: Build, score_of: Judge):
    mine = (AdapterUse("mine"),)
    for backbone, value in {"shapes": 0.1, "sd-1.5": 0.2}.items():
        for adapters in ((), mine):
            batch = batch_of(backbone=backbone, adapters=adapters)
            add_scores(store, batch, both(score_of, len(batch.seeds), value + len(adapters), value))
    found = paired_scores(store, ["mine"], "sd-1.5", [X])
    assert {(row.policy.backbone, row.base.backbone) for row in found} == {("sd-1.5", "sd-1.5"), ("shapes", "sd-1.5")}
    assert [row.policy.backbone for row in paired_scores(store, [], "sd-1.5", [X])] == ["sd-1.5"]
    own = paired_scores(store, ["mine"], "base", [X])
    assert [(row.policy.backbone, row.base.backbone) for row in own] == [("sd-1.5", "sd-1.5"), ("shapes", "shapes")]
    (between,) = paired_scores(store, ["sd-1.5"], "shapes", [X])
    assert (between.policy_value, between.base_value) == (0.2, 0.1)
    assert {row.config.backbone for row in cell_scores(store, X, Y, Filters(checkpoints=("sd-1.5",)))} == {"sd-1.5"}


def test_seeds_come_with_what_each_does_to_the_value(store: Store, batch_of: Build, score_of: Judge):
    """Pictures by their deviation, the one that was not scored left out; pairs by the jackknife; batches do not tell."""
    values = torch.tensor([0.1, 0.5, math.nan, 0.3])
    pairs = torch.tensor([[0, 1, 2, 3], [1, 0, 1, 2], [2, 1, 0, 1], [3, 2, 1, 0.0]])
    batch = batch_of(seeds=(4, 2, 9, 7))
    scores = [score_of(X, values, mean=0.3), score_of(Y, pairs, "pair", mean=5 / 3)]
    add_scores(store, batch, [*scores, score_of("vendi", torch.tensor([2.0]), "batch", mean=2.0)])
    found = {row.metric: row.effects for row in cell_scores(store, X, Y)}
    assert found[X] == pytest.approx({4: -0.2, 2: 0.2, 7: 0.0}, abs=1e-6)
    assert found[Y] == pytest.approx(dict(zip((4, 2, 9, 7), pair_effects(pairs).tolist())))
    (row,) = cell_scores(store, "vendi", "vendi")
    assert set(row.effects) == {4, 2, 9, 7} and all(map(math.isnan, row.effects.values()))


def test_points_know_the_seeds_that_their_prompts_share(store: Store, batch_of: Build, score_of: Judge):
    for text, seeds in (("a red circle", (0, 1, 2)), ("a big star", (0, 1, 2)), ("a cross", (10, 11, 12))):
        x = torch.tensor([0.1, 0.2, 0.3]) + (0.05 if text == "a big star" else 0.0)
        add_scores(store, batch_of(text, seeds=seeds), [score_of(X, x, mean=float(x.mean()))])
    (point,) = tradeoff_points(cell_scores(store, X, X), METRICS[X], METRICS[X])
    own, together = np.var([0.2, 0.25, 0.2], ddof=1) / 3, 2 * 0.02 / (3 * 2) / (3 * 2)
    df = (own + together) ** 2 / (own**2 / 2 + together**2 / 2)
    assert point.x.hi - point.x.mean == pytest.approx(stats.t.ppf(0.975, df) * math.sqrt(own + together))


def test_points_leave_out_cells_where_one_metric_is_unknown(store: Store, batch_of: Build, score_of: Judge):
    batch = batch_of(seeds=(0, 1))
    add_scores(store, batch, both(score_of, 2, 0.5, math.nan))
    assert cell_scores(store, X, Y) == []


def test_versions_are_told_apart(store: Store, batch_of: Build, score_of: Judge):
    """Both versions are returned with their names, an axis refuses to mix them, and one can be asked for."""
    batch = batch_of(seeds=(0, 1))
    add_scores(store, batch, both(score_of, 2, 0.5, 5))
    add_scores(store, batch, both(score_of, 2, 0.7, 5, version="2")[:1])
    rows = cell_scores(store, X, Y)
    assert sorted((row.metric, row.version) for row in rows) == [(X, "1"), (X, "2"), (Y, "1")]
    with pytest.raises(InputError, match="different versions"):
        tradeoff_points(rows, METRICS[X], METRICS[Y])
    (point,) = tradeoff_points(cell_scores(store, X, Y, x_version="2"), METRICS[X], METRICS[Y])
    assert (point.x.mean, point.x_version, point.y.mean) == (0.7, "2", 5)


@pytest.mark.slow
def test_filters_and_choices(store: Store, batch_of: Build, score_of: Judge):
    for scale in (1.0, 4.0):
        for text, category in (("a red circle", "color"), ("a big star", "single")):
            batch = batch_of(text, seeds=(0, 1), category=category, guidance_scale=scale)
            add_batch(store, batch)
            add_scores(store, batch, both(score_of, 2, scale, scale))
    points = tradeoff_points(cell_scores(store, X, Y), METRICS[X], METRICS[Y])
    assert [(point.config.guidance_scale, point.prompts) for point in points] == [(1.0, 2), (4.0, 2)]
    assert {row.prompt for row in cell_scores(store, X, Y, Filters(categories=("single",)))} == {"a big star"}
    assert cell_scores(store, X, Y, Filters(checkpoints=("nothing",))) == []
    assert choices(store) == {
        "categories": ["color", "single"],
        "checkpoints": ["base"],
        "backbones": ["tiny"],
        "metrics": [X, Y],
    }


def test_notes_on_cells_come_with_their_prompts(store: Store, batch_of: Build):
    said = {"a red circle": ("It is long.",), "a star": ("It is long.", "It has marks."), "a ring": ()}
    batches = [batch_of(text) for text in said]
    records = [replace(record_batch(store.home, batch), notes=said[batch.prompt.text]) for batch in batches]
    with store.transaction() as cursor:
        insert_records(store.home, cursor, records)
    assert notes_on(store) == [("It is long.", ("a red circle", "a star")), ("It has marks.", ("a star",))]
    assert notes_on(store, Filters(prompts=("a ring",))) == notes_on(store, Filters(configs=("none",))) == []
    assert len(notes_on(store, Filters(configs=(batches[0].config.key,)))) == 2
