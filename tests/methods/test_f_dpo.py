"""f-DPO: reverse KL is Diffusion-DPO, and strength is matched by beta f''(1) unless one asks otherwise."""

from __future__ import annotations

import pytest
import torch

from t2ialign.methods import METHODS
from t2ialign.types import InputError
from tests.methods.evaluations import pair_evaluation

METHOD = METHODS["f_dpo"]


def slope(values: dict[str, object]) -> torch.Tensor:
    """The gradient of the mean loss at the reference itself, where every margin is 0."""
    seen = pair_evaluation(seed=1, spread=0.0)
    METHOD.loss(METHOD.settings({"scale": 2500.0, "beta": 1.0, **values}))(seen).values.mean().backward()
    return seen.policy.grad


def test_reverse_kl_is_diffusion_dpo() -> None:
    seen = pair_evaluation(seed=2, spread=0.01)
    ours = METHOD.loss(METHOD.settings({"divergence": "rkl", "scale": 2500.0, "beta": 1.0}))(seen).values
    dpo = METHODS["diffusion_dpo"]
    torch.testing.assert_close(ours, dpo.loss(dpo.settings({"beta": 5000.0}))(seen).values)


@pytest.mark.parametrize("divergence", ["js", "fkl", "alpha=0.6"])
def test_matched_divergences_start_equally_strong(divergence: str) -> None:
    torch.testing.assert_close(slope({"divergence": divergence}), slope({"divergence": "rkl"}))


def test_unmatched_jensen_shannon_starts_at_half_strength() -> None:
    plain = slope({"divergence": "js", "match_strength": False})
    torch.testing.assert_close(plain, 0.5 * slope({"divergence": "rkl"}))


def test_a_misspelt_divergence_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="jensen_shannon"):
        METHOD.loss(METHOD.settings({"divergence": "jensen_shanon"}))
