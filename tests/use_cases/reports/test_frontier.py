"""Doses from stored runs: which rows make a path, and what is said where none can be made."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from t2ialign import store
from t2ialign.metrics import METRICS
from t2ialign.types import AdapterUse, GenerationConfig, InputError, Prompt, Score, SeedBatch
from t2ialign.use_cases.reports.frontier import FrontierReport, lines, report, with_optimum

JUDGE, SPREAD = "style_minimal", "factor_diversity"
SEEDS = (3, 5)


def add(opened: store.Store, checkpoint: str, styles: tuple[float, float], spread: float, **settings: float) -> None:
    """The same two pictures' styles, and their diversity, on each of three prompts."""
    adapters = () if checkpoint == "base" else (AdapterUse(checkpoint),)
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


def test_a_path_has_the_doses_of_its_name_and_no_other(opened: store.Store) -> None:
    (path,) = found(opened, "mine").paths
    assert [(dose.checkpoint, dose.win_rate.mean) for dose in path.doses] == [("mine-step50", 0.75), ("mine", 1.0)]
    assert [dose.change.mean for dose in path.doses] == pytest.approx([-0.1, -0.5])
    assert path.cost.mean == pytest.approx(-0.3) and path.prompts == 3
    text = "\n".join(lines(found(opened, "mine", "mine2")))
    assert "| `mine` | -30.0% |  |" in text and "| `mine2` | not reached | |" in text and "nan" not in text


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


def test_the_optimum_stands_beside_the_paths(opened: store.Store, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("a red circle")
    whole = with_optimum(found(opened, "mine"), str(tmp_path / "one.txt"))
    rates = [tilt.win_rate.mean for tilt in whole.optimum]
    assert rates == sorted(rates) and rates[0] > 0.5 and whole.optimum[-1].change.mean < -0.05
    assert math.isnan(whole.least), "the win rate asked for is beyond what the tilts reach"
    near = FrontierReport(JUDGE, SPREAD, "base", 4.0, rates[2], whole.paths, whole.optimum)
    assert near.least == pytest.approx(whole.optimum[2].change.mean)
    assert any(line.startswith("| optimum |") for line in lines(near))
    with pytest.raises(InputError, match="known of a style and of the free factors only"):
        with_optimum(FrontierReport("taste", SPREAD, "base", 4.0, 0.6, ()), "shapes-test")
