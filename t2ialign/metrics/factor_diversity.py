"""Factor diversity: how far apart two seeds are in what the prompt left free (the embedded world's truth)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features, Metric

ENTRIES = ("factors_background", "factors_gradient", "factors_place", "factors_size", "factors_tilt")
"""What the prompt leaves open, by group: [n u k], ``u`` things in ``k`` coordinates, NaN where a picture shows none.

Distances are in units of the world: two scenes that keep the prompt are 1 apart on average. ``u`` is 0 where the prompt
leaves nothing of the group open.
"""


def spread(units: Float[Tensor, "n u k"]) -> Float[Tensor, ""]:
    """Mean over things of the mean distance between two pictures that both show the thing; NaN where no two do.

    Means are taken by thing before they are averaged, so that a picture which does not show one shifts no weight.
    """
    shown = [unit[~unit.isnan().any(1)] for unit in units.unbind(1)]
    means = [torch.pdist(rows).mean() for rows in shown if len(rows) > 1]
    return torch.stack(means).mean() if means else units.new_tensor(torch.nan)


def factor_diversity(features: Features) -> Float[Tensor, ""]:
    """Mean over the groups that the prompt leaves open of the ``spread`` of each."""
    return torch.stack([spread(features[entry]) for entry in ENTRIES]).nanmean()


METRIC = Metric(
    name="factor_diversity",
    title="Factor diversity",
    axis="diversity",
    level="batch",
    needs=ENTRIES,
    compute=factor_diversity,
    bounds=(0.0, float("inf")),
    higher_is_better=True,
    unit="1 = as varied as the world",
    reference="This project's embedded world",
    summary="How much the seeds differ in everything that the prompt leaves open: place, size, rotation, background.",
    version="2",
    caveat="Exists only where the truth is known: in the embedded world.",
    by_seed=True,
)
