"""Several training seeds of one method: means over seeds and prompts, with intervals that count both.

A checkpoint of one training seed says how that run ended, not how another one of the same method would. Where several seeds
are trained and tested on the same prompts, the cells (training seed by prompt) form a crossed design: prompts differ, runs
differ, and a run's luck moves all of its prompts. The error is ``tradeoff.interval``'s of that design: here prompts are its
prompts and training seeds the seeds that they share. The degrees of freedom are one less than there are training seeds. That
is cautious where runs hardly differ, and Satterthwaite's are not cautious enough where they do: of two to five runs their
intervals held the truth in 83 to 94 % of simulations, these in 94 to 100 % (``benchmarks/coverage.py``).

Ratios and costs at a win rate are no means of cells. They are smooth functions of such means, so each cell is given its
first-order share in them (the delta method): the mean of the shares is the value, and their spread its error.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from t2ialign.tradeoff.interval import Estimate, estimate

Cells = Float[np.ndarray, "s p"]
"""A value of each training seed (rows) on each prompt (columns)."""


def crossed(cells: Cells) -> Estimate:
    """The mean over training seeds and prompts, with both as clusters; of one seed, over prompts alone."""
    means = cells.mean(0)
    if len(cells) < 2:
        return estimate(means.tolist())
    effects = [dict(enumerate(column)) for column in (cells - means).T.tolist()]
    return replace(estimate(means.tolist(), effects), df=len(cells) - 1.0)


def change_cells(diversity: Cells, parent: Cells) -> Cells:
    """Each cell's share in mean diversity / mean of the parent's - 1."""
    ratio = diversity.mean() / parent.mean()
    cells: Cells = ratio - 1 + (diversity - ratio * parent) / parent.mean()
    return cells


def cost_cells(wins: Float[np.ndarray, "d s p"], change: Float[np.ndarray, "d s p"], win_rate: float) -> Cells | None:
    """Each cell's share in the change of diversity where the mean path first wins that often; None where it never does.

    ``wins`` and ``change`` (``change_cells``) have the doses first, weakest first; the path starts at (1/2, 0).
    """
    start = np.zeros_like(wins[:1])
    wins, change = np.concatenate([start + 0.5, wins]), np.concatenate([start, change])
    rates, changes = wins.mean((1, 2)), change.mean((1, 2))
    for at in range(1, len(rates)):
        (w0, w1), (c0, c1) = rates[at - 1 : at + 1], changes[at - 1 : at + 1]
        if w0 < win_rate <= w1:
            on = (win_rate - w0) / (w1 - w0)
            moved = (1 - on) * (wins[at - 1] - w0) + on * (wins[at] - w1)
            level = (1 - on) * change[at - 1] + on * change[at]
            cells: Cells = level - (c1 - c0) / (w1 - w0) * moved
            return cells
    return None
