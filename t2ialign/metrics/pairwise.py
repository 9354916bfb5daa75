"""All pair distances of a seed batch from per-image work done once, chunked by memory, on CPU or CUDA, in fp32.

Peers score a set of n pictures by calling a two-picture function n(n-1)/2 times, each call encoding both pictures
again. Here a ``PairRule`` first *prepares* every picture (features, moments, phase congruency) and then only combines
prepared pictures, which also makes a set grow cheaply: one more seed costs one ``prepare`` and n combinations
(``extend``).

Two rules cover the field: ``Gram`` for whatever is a squared Euclidean distance of vectors (LPIPS, embeddings, RMSE),
and ``EachPair`` for the rest (SSIM, FSIM, factor distances).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.types import Features

Prepared = dict[str, Tensor]
"""What a rule keeps of each picture: named tensors whose leading axis runs over the pictures."""

GRAM_BYTES = 1 << 20  # one column block of both operands; about a core's second-level cache
GRAM_COLUMNS = 1 << 13  # what fp32 may sum up before float64 takes over
TILE_BYTES = 8 << 20  # prepared pictures that every other one is compared with in turn; a share of the last cache
PAIR_BYTES = {"cpu": 4 << 20, "cuda": 256 << 20}  # prepared pictures combined with one picture at a time
CANCELLATION = 1e-2  # below this share of the norms a Gram distance has lost too many digits


@runtime_checkable
class PairRule(Protocol):
    """Pair values from prepared pictures; calling the rule on features gives the whole symmetric matrix."""

    def prepare(self, features: Features) -> Prepared: ...

    def within(self, prepared: Prepared) -> Float[Tensor, "n n"]: ...

    def cross(self, old: Prepared, new: Prepared) -> Float[Tensor, "n m"]: ...

    def __call__(self, features: Features) -> Float[Tensor, "n n"]: ...


def squared_distances(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """|a_i - b_j|^2 by products of centred column blocks, summed in float64; near-duplicates are computed directly.

    Distances do not change when both sides move together, so the mean of ``a`` is taken out first: the products then
    are about as large as the distances, and little cancels. What still cancels (d < 1 % of the norms) is recomputed.
    """
    columns = min(GRAM_COLUMNS, max(1, GRAM_BYTES // (4 * (len(a) + len(b)))))
    products = torch.zeros(len(a), len(b), dtype=torch.float64, device=a.device)
    norms_a, norms_b = products.new_zeros(len(a)), products.new_zeros(len(b))
    for start in range(0, a.shape[1], columns):
        x = a[:, start : start + columns].float()
        centre = x.mean(0)
        x = x - centre
        y = x if b is a else b[:, start : start + columns].float() - centre
        products += (x @ y.T).double()
        norms_a += (x * x).sum(1).double()
        norms_b += 0 if b is a else (y * y).sum(1).double()
    norms = norms_a[:, None] + (norms_a if b is a else norms_b)[None]
    distances = (norms - 2 * products).clamp_min(0)
    for i, j in (distances < CANCELLATION * norms).nonzero().tolist():
        if b is not a or i < j:
            distances[i, j] = _direct(a[i], b[j])
    if b is a:
        upper = distances.triu(1)
        distances = upper + upper.T
    return distances.float()


def _direct(x: Float[Tensor, " d"], y: Float[Tensor, " d"]) -> Float[Tensor, ""]:
    difference = x.float() - y.float()
    return (difference * difference).sum(dtype=torch.float64)


@dataclass(frozen=True)
class Gram:
    """Pairs as ``value`` of |a_i - a_j|^2, where ``rows`` turns features into vectors."""

    rows: Callable[[Features], Float[Tensor, "n d"]]
    value: Callable[[Float[Tensor, "n m"]], Float[Tensor, "n m"]]

    def prepare(self, features: Features) -> Prepared:
        return {"rows": self.rows(features)}

    def within(self, prepared: Prepared) -> Float[Tensor, "n n"]:
        return self.value(squared_distances(prepared["rows"], prepared["rows"]))

    def cross(self, old: Prepared, new: Prepared) -> Float[Tensor, "n m"]:
        return self.value(squared_distances(old["rows"], new["rows"]))

    def __call__(self, features: Features) -> Float[Tensor, "n n"]:
        return self.within(self.prepare(features))


@dataclass(frozen=True)
class EachPair:
    """Pairs that must be looked at one by one: ``combine`` compares one prepared picture with a block of others.

    The block is as many pictures as fit the cache (CPU) or a slice of memory (CUDA). ``combine`` must be symmetric.
    """

    start: Callable[[Features], Prepared]
    combine: Callable[[Prepared, Prepared], Float[Tensor, " m"]]

    def prepare(self, features: Features) -> Prepared:
        return self.start(features)

    def within(self, prepared: Prepared) -> Float[Tensor, "n n"]:
        upper = self._table(prepared, prepared, max)
        return upper + upper.triu(1).T

    def cross(self, old: Prepared, new: Prepared) -> Float[Tensor, "n m"]:
        return self._table(old, new, lambda _, start: start)

    def _table(self, left: Prepared, right: Prepared, first: Callable[[int, int], int]) -> Float[Tensor, "n m"]:
        """All i against tiles of j from ``first(i, start of the tile)`` on; a tile stays in the last cache for every i."""
        n, m = _count(left), _count(right)
        tile = max(1, TILE_BYTES // _bytes(right))
        pieces = []
        for start in range(0, m, tile):
            for i in range(n):
                begin, end = first(i, start), min(m, start + tile)
                if begin < end:
                    pieces.append((i, begin, end, self._row(left, i, right, begin, end)))
        table = pieces[0][3].new_zeros(n, m)
        for i, begin, end, values in pieces:
            table[i, begin:end] = values
        return table

    def _row(self, left: Prepared, i: int, right: Prepared, begin: int, end: int) -> Float[Tensor, " m"]:
        one = _slice(left, i, i + 1)
        step = _block(one)
        return torch.cat([self.combine(one, _slice(right, j, min(j + step, end))) for j in range(begin, end, step)])

    def __call__(self, features: Features) -> Float[Tensor, "n n"]:
        return self.within(self.prepare(features))


def _count(prepared: Prepared) -> int:
    return len(next(iter(prepared.values())))


def _slice(prepared: Prepared, start: int, stop: int) -> Prepared:
    return {name: tensor[start:stop] for name, tensor in prepared.items()}


def _block(one: Prepared) -> int:
    """How many pictures to compare at once, from the bytes that one prepared picture takes."""
    device = next(iter(one.values())).device.type
    return max(1, PAIR_BYTES.get(device, PAIR_BYTES["cpu"]) // _bytes(one))


def _bytes(prepared: Prepared) -> int:
    """What one prepared picture takes."""
    return max(1, sum(tensor[0].numel() * tensor.element_size() for tensor in prepared.values()))


@dataclass(frozen=True)
class PairState:
    """A set that can still grow: the prepared pictures and the pair matrix over them."""

    prepared: Prepared
    matrix: Float[Tensor, "n n"]


def begin(rule: PairRule, features: Features) -> PairState:
    """The state of a first set of pictures."""
    prepared = rule.prepare(features)
    return PairState(prepared, rule.within(prepared))


def extend(rule: PairRule, state: PairState, features: Features) -> PairState:
    """The state after more pictures joined: m new ones next to n cost m preparations and n m + m^2 / 2 pairs."""
    new = rule.prepare(features)
    across, among = rule.cross(state.prepared, new), rule.within(new)
    matrix = torch.cat([torch.cat([state.matrix, across], 1), torch.cat([across.T, among], 1)])
    return PairState({name: torch.cat([old, new[name]]) for name, old in state.prepared.items()}, matrix)
