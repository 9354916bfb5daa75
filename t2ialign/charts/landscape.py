"""What the Theory page draws, as numbers: the loss of one pair over its two ratios, and where its gradient pushes.

Sun et al., "Generalizing Alignment Paradigm of Text-to-Image Generation with Preferences through f-divergence
Minimization", equation 6 and theorem 3. ``X = p_policy / p_reference`` of the winner (X1) and of the loser (X2);
``u = log X``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from t2ialign.divergences import Divergence


@dataclass(frozen=True)
class Member:
    """A divergence on show: its id and name on screen, and the ``beta`` it is used with."""

    name: str
    title: str
    divergence: Divergence
    beta: float


@dataclass(frozen=True)
class View:
    """The part of the plane on show: both ratios from ``low`` to ``high``, on axes of logarithms or plain ones.

    ``top`` is the loss at which surfaces are cut, the same for all divergences.
    """

    low: float
    high: float
    logarithmic: bool
    top: float

    def axis(self, count: int) -> Float[Tensor, " g"]:
        """``count`` places along an axis in its own coordinates: log X or X."""
        ends = torch.tensor([self.low, self.high], dtype=torch.float64)
        ends = ends.log() if self.logarithmic else ends
        return torch.linspace(float(ends[0]), float(ends[1]), count, dtype=torch.float64)

    def log_ratio(self, places: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Coordinates of this view as log X."""
        return places if self.logarithmic else places.log()

    def place(self, log_ratio: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """The coordinates of log X in this view, kept inside it."""
        low, high = torch.tensor([self.low, self.high]).log()
        kept = log_ratio.double().clamp(float(low), float(high))
        return kept if self.logarithmic else kept.exp()


def loss(
    member: Member, log_win: Float[Tensor, "*shape"], log_lose: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """-log sigma(beta f'(X1) - beta f'(X2)), equation 6."""
    score = member.divergence.score
    return softplus(-member.beta * (score(log_win) - score(log_lose))).double()


def push(
    member: Member, log_win: Float[Tensor, "*shape"], log_lose: Float[Tensor, "*shape"], logarithmic: bool
) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
    """Where one small step of training moves (X1, X2), or (log X1, log X2): minus the gradient of theorem 3."""
    score, second = member.divergence.score, member.divergence.f_second
    weight = member.beta * torch.sigmoid(-member.beta * (score(log_win) - score(log_lose))).double()
    win, lose = log_win.double().exp(), log_lose.double().exp()
    up, down = weight * second(win), -weight * second(lose)
    return (up * win, down * lose) if logarithmic else (up, down)


def gradient_ratio(divergence: Divergence, win: Float[Tensor, " g"], lose: Float[Tensor, " g"]) -> Float[Tensor, " g"]:
    """|dL/dX1 / dL/dX2| = f''(X1) / f''(X2), equation 7."""
    return divergence.f_second(win) / divergence.f_second(lose)
