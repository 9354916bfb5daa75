"""The f-divergences that may hold a policy to its reference (Sun et al. 2025, table 1), and what training reads of them.

With x = p_policy / p_reference and the log-ratio u = log x, theorem 1 makes the reward beta f'(x) + const. A constant
cancels in every margin, so ``score(u)`` is f'(e^u) - f'(1): zero at u = 0, never through e^u where that would overflow.
Its slope e^u f''(e^u) is 1 (reverse KL), sigmoid(-u) (Jensen-Shannon), exp(-alpha u) or exp(-u) (forward KL).

f''(1) is 1 for all of them but Jensen-Shannon, where it is 1/2: at one and the same beta "Jensen-Shannon" starts as
reverse KL at half strength. ``matched_beta`` gives the beta at which a divergence starts as strong as reverse KL.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from t2ialign.names import unknown
from t2ialign.types import InputError

EXPONENT = 20.0  # beyond e^20 a score goes on as a straight line: fp32 ends at e^88, and beta and the batch come on top


@runtime_checkable
class Divergence(Protocol):
    """``floor`` is the log-ratio below which ``score`` is continued as a straight line (-inf = nowhere)."""

    @property
    def floor(self) -> float: ...

    def f(self, x: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]: ...

    def f_prime(self, x: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]: ...

    def f_second(self, x: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]: ...

    def score(self, log_ratio: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]: ...


@dataclass(frozen=True)
class ReverseKl:
    """x log x: what DPO and RLHF use; it seeks modes."""

    @property
    def floor(self) -> float:
        return -math.inf

    def f(self, x: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        return x * x.log()

    def f_prime(self, x: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        return x.log() + 1

    def f_second(self, x: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        return 1 / x

    def score(self, log_ratio: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        return _at_least_fp32(log_ratio)


@dataclass(frozen=True)
class ForwardKl:
    """-log x: it covers modes, and pushes losers down hardest."""

    @property
    def floor(self) -> float:
        return -EXPONENT

    def f(self, x: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        return -x.log()

    def f_prime(self, x: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        return -1 / x

    def f_second(self, x: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        return 1 / x.square()

    def score(self, log_ratio: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        return _power_score(log_ratio, 1.0)


@dataclass(frozen=True)
class Alpha:
    """(x^(1-alpha) - (1-alpha) x - alpha) / (alpha (alpha-1)): from reverse KL (alpha to 0) to forward KL (alpha to 1).

    This is the alpha of Sun et al.; TRL's coefficient of the same name is 1 - alpha.
    """

    alpha: float = 0.4

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise InputError(
                f"The alpha of the alpha-divergence must lie between 0 and 1, not {self.alpha:g}: "
                "at 0 it is reverse_kl, at 1 forward_kl."
            )

    @property
    def floor(self) -> float:
        return -EXPONENT / self.alpha

    def f(self, x: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        a = self.alpha
        return (x ** (1 - a) - (1 - a) * x - a) / (a * (a - 1))

    def f_prime(self, x: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        return (1 - x**-self.alpha) / self.alpha

    def f_second(self, x: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        return x ** -(self.alpha + 1)

    def score(self, log_ratio: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        return _power_score(log_ratio, self.alpha)


@dataclass(frozen=True)
class JensenShannon:
    """x log(2x/(x+1)) + log(2/(x+1)): symmetric, and its score is bounded above by log 2."""

    @property
    def floor(self) -> float:
        return -math.inf

    def f(self, x: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        return x * (2 * x / (x + 1)).log() + (2 / (x + 1)).log()

    def f_prime(self, x: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        return (2 * x / (1 + x)).log()

    def f_second(self, x: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        return 1 / (x * (1 + x))

    def score(self, log_ratio: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
        return math.log(2) + logsigmoid(_at_least_fp32(log_ratio))


DIVERGENCES: dict[str, type[Divergence]] = {
    "reverse_kl": ReverseKl,
    "forward_kl": ForwardKl,
    "alpha": Alpha,
    "jensen_shannon": JensenShannon,
}
SHORT = {"rkl": "reverse_kl", "fkl": "forward_kl", "js": "jensen_shannon"}


def parse_divergence(spelling: str) -> Divergence:
    """``reverse_kl``, ``forward_kl``, ``jensen_shannon``, ``alpha``, ``alpha=0.6``, or short: ``rkl``, ``fkl``, ``js``."""
    name, equals, value = spelling.strip().lower().replace("-", "_").partition("=")
    name = SHORT.get(name, name)
    if name not in DIVERGENCES:
        raise unknown("divergence", name, [*DIVERGENCES, *SHORT])
    if not equals:
        return DIVERGENCES[name]()
    if name != "alpha":
        raise InputError(f"The divergence {name} takes no number: leave out {equals + value!r}.")
    try:
        alpha = float(value)
    except ValueError as error:
        raise InputError(f"In {spelling!r}, {value!r} is no number: write, say, alpha=0.6.") from error
    return Alpha(alpha)


def curvature(divergence: Divergence) -> float:
    """f''(1), the strength of a divergence near the reference."""
    return float(divergence.f_second(torch.ones((), dtype=torch.float64)))


def matched_beta(divergence: Divergence, beta: float) -> float:
    """The beta at which ``divergence`` starts as strong as reverse KL does at ``beta``: beta / f''(1)."""
    return beta / curvature(divergence)


def _at_least_fp32(log_ratio: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
    return log_ratio if log_ratio.dtype == torch.float64 else log_ratio.float()


def _power_score(log_ratio: Float[Tensor, "*b"], alpha: float) -> Float[Tensor, "*b"]:
    """(1 - exp(-alpha u)) / alpha, from exp's argument of 20 on its tangent: finite, and still monotone in u."""
    u, floor = _at_least_fp32(log_ratio), -EXPONENT / alpha
    return -torch.expm1(-alpha * u.clamp(min=floor)) / alpha + math.exp(EXPONENT) * (u - floor).clamp(max=0)
