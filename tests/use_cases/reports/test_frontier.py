"""Doses from stored runs: which rows make a path, and what is said where none can be made."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from t2ialign import store
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.frontier import DosePoint, Ideal
from t2ialign.types import AdapterUse, GenerationConfig, InputError, Interval, Prompt, Score, SeedBatch
from t2ialign.use_cases.reports.frontier import FrontierReport, lines, report
from t2ialign.use_cases.reports.optimum import renderer_line

JUDGE, SPREAD = "style_minimal", "factor_diversity"
SEEDS = (3, 5)


def add(
    opened: store.Store, checkpoint: str, styles: tuple[float, float], spread: float, **settings: float | str
) -> None:
    """The same two pictures' styles, and their diversity, on each of three prompts."""
    name, _, weight = checkpoint.partition("@")
    adapters = () if name == "base" else (AdapterUse(name, weight=float(weight or 1)),)
    for text in ("a red circle", "a blue ring", "a star"):
        config = GenerationConfig("shapes", adapters=adapters, height=8, width=8, **settings)
        pictures = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
        batch = SeedBatch(Prompt(text), config, SEEDS, pictures, torch.zeros(2), torch.zeros(2))
        values = torch.tensor(styles, dtype=torch.float64)
        store.add_batch(opened, batch)
        style = Score(JUDGE, METRICS[JUDGE].version, "alignment", "image", values, float(values.mean()), 0.0, 1.0)
        both = torch.tensor([spread, math.nan, math.nan])
        far = Score(SPREAD, METRICS[SPREAD].version, "diversity", "batch", both, spread, math.nan, math.nan)
        store.add_scores(opened, batch, [style, far])


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[store.Store]:
    with store.open_store(tmp_path / "home") as opened:
        add(opened, "base", (0.0, 0.0), 2.0, guidance_scale=4.0)
        add(opened, "mine-step50", (1.0, 0.0), 1.8, guidance_scale=4.0)  # one win, one tie
        add(opened, "mine", (1.0, 2.0), 1.0, guidance_scale=4.0)
        add(opened, "mine", (9.0, 9.0), 0.1, guidance_scale=8.0)
        add(opened, "mine2", (1.0, -1.0), 2.0, guidance_scale=4.0)
        yield opened


def found(
    opened: store.Store, *names: str, judge: str = JUDGE, spread: str = SPREAD, scale: float = 4.0
) -> FrontierReport:
    return report(opened, names, "base", judge, spread, scale, 0.875)


@pytest.mark.slow
def test_a_path_has_the_doses_of_its_name_and_no_other(opened: store.Store) -> None:
    (path,) = found(opened, "mine").paths
    assert [(dose.checkpoint, dose.win_rate.mean) for dose in path.doses] == [("mine-step50", 0.75), ("mine", 1.0)]
    assert [dose.change.mean for dose in path.doses] == pytest.approx([-0.1, -0.5])
    assert path.cost.mean == pytest.approx(-0.3) and path.prompts == 3
    text = "\n".join(lines(found(opened, "mine", "mine2")))
    assert "| `mine` | 1 | -30.0% | |" in text and "| `mine2` | 1 | not reached | |" in text and "nan" not in text


@pytest.mark.slow
def test_training_seeds_of_a_dose_are_one_point_and_strategies_are_none(opened: store.Store) -> None:
    """Doses by name and seed; the means by hand. A strategy's runs at the same CFG belong to no path."""
    add(opened, "mine-seed2-step50", (1.0, 1.0), 1.4, guidance_scale=4.0)  # wins both
    add(opened, "mine-seed1x", (1.0, 1.0), 1.0, guidance_scale=4.0)
    add(opened, "mine-step50", (5.0, 5.0), 0.3, guidance_scale=4.0, guidance="apg")
    (path,) = found(opened, "mine").paths
    weak, end = path.doses
    assert (weak.checkpoint, weak.training_seeds, end.checkpoint, end.training_seeds) == ("mine-step50", 2, "mine", 1)
    assert weak.win_rate.mean == pytest.approx((0.75 + 1) / 2) and weak.change.mean == pytest.approx(
        (1.8 + 1.4) / 4 - 1
    )
    assert path.cost.mean == pytest.approx(-0.2) and path.training_seeds == 2, "0.875, where both runs have a dose"
    text = "\n".join(lines(found(opened, "mine", "mine2")))
    assert "| `mine-step50` | 2 | 0.875 | -20.0% |\n| its training seed 0 | | 0.750 | -10.0% |" in text
    assert "| its training seed 2 | | 1.000 | -30.0% |" in text and "| `mine2` | 1 | not reached | |" in text
    assert "count prompts and training seeds" in text and "Those of one training seed" in text
    add(opened, "other", (1.0, 1.0), 1.8, guidance_scale=4.0)
    beside = "\n".join(lines(found(opened, "mine", "other")))
    assert "| `other` | 1 | -7.5% | +22.5% (of 1) |" in beside, "less what training seed 0 alone pays"
    (own,) = found(opened, "mine-seed2").paths
    assert [dose.checkpoint for dose in own.doses] == ["mine-seed2-step50"], "named itself, it is a path"
    two = found(opened, "mine", "mine-seed2").paths
    assert [[dose.training_seeds for dose in path.doses] for path in two] == [[1, 1], [1]]


@pytest.mark.slow
def test_weights_and_strategies_are_paths_of_their_own_where_they_are_asked_for(opened: store.Store) -> None:
    """Means by hand; a strategy's runs at another CFG, or with other steps, belong to no path."""
    add(opened, "mine@0.5", (1.0, 1.0), 1.6, guidance_scale=4.0)
    add(opened, "mine@0.25", (1.0, 0.0), 1.9, guidance_scale=4.0)
    add(opened, "mine2@0.5", (1.0, 1.0), 1.9, guidance_scale=4.0)
    add(opened, "base", (1.0, -1.0), 2.2, guidance_scale=4.0, guidance="apg")
    add(opened, "mine", (2.0, 2.0), 1.5, guidance_scale=4.0, guidance="interval")
    add(opened, "mine", (9.0, 9.0), 0.1, guidance_scale=8.0, guidance="apg")
    add(opened, "mine", (9.0, 9.0), 0.1, guidance_scale=4.0, guidance="apg", num_inference_steps=7)
    assert [path.name for path in found(opened, "mine").paths] == ["mine"]
    paths = report(opened, ["mine"], "base", JUDGE, SPREAD, 4.0, 0.875, dials=True).paths
    assert [path.name for path in paths] == ["mine", "base, apg", "mine, weight", "mine, interval"]
    _, apg, weight, interval = paths
    assert [(dose.checkpoint, dose.win_rate.mean) for dose in apg.doses] == [("base, apg", 0.5)]
    assert apg.doses[0].change.mean == pytest.approx(0.1) and interval.doses[0].change.mean == pytest.approx(-0.25)
    assert [dose.checkpoint for dose in weight.doses] == ["mine@0.25", "mine@0.5", "mine"]
    assert weight.cost.mean == pytest.approx(-0.05 - 0.15 / 2) and weight.beyond is not None
    assert weight.beyond.mean == pytest.approx(-0.125 + 0.3)


@pytest.mark.slow
def test_what_cannot_be_compared_is_said(opened: store.Store) -> None:
    with pytest.raises(InputError, match="no stored run of yours: `sweep --checkpoint yours`"):
        found(opened, "mine", "yours")
    with pytest.raises(InputError, match="mine and base share no stored run at CFG 8"):
        found(opened, "mine", scale=8.0)
    with pytest.raises(InputError, match="lpips measures a whole set"):
        found(opened, "mine", judge="lpips")
    with pytest.raises(InputError, match="u_rke has no change"):
        found(opened, "mine", spread="u_rke")
    add(opened, "base", (0.0, 0.0), 2.0, guidance_scale=4.0, num_inference_steps=7)
    add(opened, "mine", (0.0, 1.0), 2.0, guidance_scale=4.0, num_inference_steps=7)
    with pytest.raises(InputError, match="mine has stored runs of several settings"):
        found(opened, "mine")


@pytest.mark.slow
def test_the_renderers_optimum_stands_beside_the_paths_where_the_judge_is_a_style(opened: store.Store) -> None:
    """On the very prompts of the paths, at the same win rate, with a sentence that says whose it is."""
    whole = found(opened, "mine")
    (ideal,) = whole.ideals
    assert ideal.points == renderer_line(JUDGE, SPREAD, ["a red circle", "a blue ring", "a star"])
    text = "\n".join(lines(replace(whole, win_rate=0.65)))
    assert f"| renderer's optimum | | {ideal.change_at(0.65):+.1%} | |" in text and ideal.change_at(0.65) < -0.03
    assert "A base is not the renderer" in text and "| renderer's optimum, 1/beta = 0.5, KL 0." in text


@pytest.mark.slow
def test_the_best_policy_at_the_win_rate_is_read_between_its_tilts(opened: store.Store) -> None:
    whole = found(opened, "mine")
    tilts = tuple(
        DosePoint(f"{rate}", Interval(rate, rate, rate), Interval(change, change, change))
        for rate, change in ((0.7, -0.02), (0.9, -0.06))
    )
    ideal = Ideal("best policy", "Whose it is.", tilts)
    assert ideal.change_at(0.875) == pytest.approx(-0.02 - 0.04 * 0.875)
    assert ideal.change_at(0.6) == pytest.approx(-0.01), "from the parent itself"
    assert math.isnan(ideal.change_at(0.95)) and math.isnan(Ideal("", "", ()).change_at(0.6))
    said = list(lines(replace(whole, ideals=(ideal,))))
    assert "| best policy | | -5.5% | |" in said and "Whose it is." in said
