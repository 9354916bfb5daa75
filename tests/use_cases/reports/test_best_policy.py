"""The best policy from a checkpoint's own pictures: a law with a known answer, and stored pictures of any kind."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from t2ialign import store
from t2ialign.types import GenerationConfig, InputError, Prompt, SeedBatch
from t2ialign.use_cases.reports import best_policy
from t2ialign.use_cases.reports.best_policy import Sample, tilts
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.workbench import Workbench


@pytest.mark.slow
def test_a_normal_law_under_a_quadratic_taste_narrows_as_it_must() -> None:
    """N(0, 1) tilted by exp(-s x^2 / 2) is N(0, 1 / (1 + s)): distances shrink by 1 / sqrt(1 + s), KL is known."""
    draw, samples = torch.Generator().manual_seed(0), []
    for _ in range(300):
        x = torch.randn(64, 1, generator=draw, dtype=torch.float64)
        shown = torch.ones(64, dtype=torch.bool)
        samples.append(Sample(-0.5 * x[:, 0].square(), [[(torch.cdist(x, x), shown)]]))
    for strength in (0.2, 0.5, 1.0):
        found = best_policy._tilt(samples, strength, strength)
        assert found.change.mean == pytest.approx((1 + strength) ** -0.5 - 1, abs=0.012)
        kl = 0.5 * (1 / (1 + strength) - 1 + torch.tensor(1 + strength).log().item())
        assert found.kl == pytest.approx(kl, abs=0.01)
        assert found.win_rate.mean > 0.5


def test_a_picture_that_does_not_show_a_thing_has_no_say_about_it() -> None:
    distances = torch.tensor([[0.0, 1, 9], [1, 0, 9], [9, 9, 0]], dtype=torch.float64)
    shown = torch.tensor([True, True, False])
    weights = torch.tensor([0.25, 0.25, 0.5], dtype=torch.float64)
    assert best_policy._spread([[(distances, shown)], []], weights) == pytest.approx(1.0)


@pytest.mark.slow
def test_stored_pictures_of_any_kind_with_any_judge(tmp_path: Path) -> None:
    """Noise of many contrasts, judged by its entropy: the tilt prefers contrast, and distances grow with it."""
    with store.open_store(tmp_path / "home") as opened:
        bench = Workbench(StoreResults(opened), "cpu", "float32")
        with pytest.raises(InputError, match="at least 32 pictures a prompt of base at CFG 4"):
            tilts(bench, "base", "entropy_1d", "rmse", 4.0)
        for number, text in enumerate(("a red circle", "a blue ring")):
            draw = torch.Generator().manual_seed(number)
            contrast = torch.linspace(0.1, 1, 40)[:, None, None, None]
            pictures = (128 + 127 * contrast * (2 * torch.rand(40, 3, 16, 16, generator=draw) - 1)).byte()
            config = GenerationConfig("shapes", height=16, width=16)
            batch = SeedBatch(Prompt(text), config, tuple(range(40)), pictures, torch.zeros(40), torch.zeros(40))
            store.add_batch(opened, batch)
        found = tilts(bench, "base", "entropy_1d", "rmse", 4.0)
        rates, changes = [one.win_rate.mean for one in found], [one.change.mean for one in found]
        assert rates == sorted(rates) and changes == sorted(changes) and changes[0] > 0 and found[0].prompts == 2
        assert all(one.effective >= best_policy.FEWEST_EFFECTIVE for one in found)
        with pytest.raises(InputError, match="vendi is no mean of distances"):
            tilts(bench, "base", "entropy_1d", "vendi", 4.0)
