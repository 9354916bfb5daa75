"""How far apart two populations of pictures are: FID, KID, FD-DINOv2 and CMMD between two sets of embeddings.

These compare a checkpoint with another, or with a folder of real pictures; they need populations, not seed batches.
The Frechet distances estimate a covariance, so below its rank they refuse; the kernel distances are U-statistics,
unbiased at any size, and come with an interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from scipy import special
from torch import Tensor

from t2ialign.types import InputError, Interval

BLOCK = 1 << 24  # entries of the kernel matrix that are held at once
Kernel = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Distribution:
    """A distance between two populations. ``feature`` names the embedding [n d] that both sides need.

    ``compute(a, b, paired)``: ``paired`` says that a_i and b_i share prompt and seed.

    ``dimension`` is d where it is known beforehand and a covariance of full rank is needed; 0 elsewhere.
    """

    name: str
    title: str
    feature: str
    compute: Callable[..., Interval]
    unit: str
    reference: str
    summary: str
    dimension: int = 0
    version: str = "1"

    def check(self, n: int, m: int) -> None:
        """Refuses populations that are too small, before anybody embeds them."""
        if self.dimension:
            check_rank(self.dimension, n, m)


def check_rank(dimension: int, n: int, m: int) -> None:
    """Refuses what has too few pictures for a covariance of full rank."""
    if min(n, m) <= dimension:
        raise InputError(
            f"A Frechet distance over {dimension} features needs more than {dimension} pictures on each side, and here "
            f"are {n} and {m}; take KID or CMMD, which are unbiased at any size."
        )


def frechet_distance(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"], paired: bool = False) -> Interval:
    """|mean_a - mean_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)) (Dowson and Landau 1982); no interval.

    The root's trace comes from the eigenvalues of S_a^(1/2) S_b S_a^(1/2), which is symmetric, so that no complex
    root has to be taken; that pictures are ``paired`` changes nothing. Raises ``InputError`` where either side has too
    few pictures for a covariance of full rank.
    """
    check_rank(a.shape[1], len(a), len(b))
    a, b = a.double(), b.double()
    values, vectors = torch.linalg.eigh(torch.cov(a.T))
    root = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    other = torch.cov(b.T)
    shared = torch.linalg.eigvalsh(root @ other @ root).clamp_min(0).sqrt().sum()
    distance = (a.mean(0) - b.mean(0)).square().sum() + values.sum() + other.trace() - 2 * shared
    return Interval(float(distance.clamp_min(0)), math.nan, math.nan)


def polynomial_kernel(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """(x . y / d + 1)^3 (Binkowski et al. 2018)."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def gaussian_kernel(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """1000 exp(-|x - y|^2 / (2 * 10^2)) of unit vectors: bandwidth and scale of Jayasumana et al. 2024."""
    squared = (x * x).sum(1)[:, None] + (y * y).sum(1)[None] - 2 * x @ y.T
    return 1000 * torch.exp(-squared / 200)


def kernel_distance(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"], kernel: Kernel) -> Interval:
    """Squared maximum mean discrepancy as a U-statistic (Gretton et al. 2012, eq. 3), with a jackknife interval.

    Leaves out one picture of either side at a time; both sides' variances add. Can be below zero, as unbiased
    estimates of zero are.
    """
    if min(len(a), len(b)) < 3:
        raise InputError(f"A kernel distance needs three pictures on each side, and here are {len(a)} and {len(b)}.")
    within = [_row_sums(x, x, kernel) - _diagonal(x, kernel) for x in (a, b)]
    across = [_row_sums(a, b, kernel), _row_sums(b, a, kernel)]
    sizes = (len(a), len(b))
    own = [float(sums.sum()) / (n * (n - 1)) for sums, n in zip(within, sizes, strict=True)]
    cross = float(across[0].sum()) / (len(a) * len(b))
    value, variance = own[0] + own[1] - 2 * cross, 0.0
    for side, n in enumerate(sizes):
        left_own = (within[side].sum() - 2 * within[side]) / ((n - 1) * (n - 2))
        left_cross = (across[side].sum() - across[side]) / ((n - 1) * sizes[1 - side])
        left = left_own - 2 * left_cross
        variance += float((left - left.mean()).square().sum()) * (n - 1) / n
    margin = float(special.stdtrit(min(sizes) - 1, 0.975)) * math.sqrt(variance)
    return Interval(value, value - margin, value + margin)


def paired_kernel_distance(a: Float[Tensor, "n d"], b: Float[Tensor, "n d"], kernel: Kernel) -> Interval:
    """``kernel_distance`` where a_i and b_i share prompt and seed (Gretton et al. 2012, eq. 4), with a jackknife over pairs.

    Pictures of one seed are alike whatever else differs: taken in, their kernel would push the distance below zero, so
    each is compared with the others' only.
    """
    n = len(a)
    if n < 3:
        raise InputError(f"A kernel distance needs three pictures on each side, and here are {n} and {n}.")
    a, b = a.double(), b.double()
    own = sum(_row_sums(x, x, kernel) - _diagonal(x, kernel) for x in (a, b))
    alike = torch.vmap(lambda x, y: kernel(x[None], y[None])[0, 0])(a, b)
    rows = own - _row_sums(a, b, kernel) - _row_sums(b, a, kernel) + 2 * alike
    left = (rows.sum() - 2 * rows) / ((n - 1) * (n - 2))
    variance = float((left - left.mean()).square().sum()) * (n - 1) / n
    value, margin = float(rows.sum()) / (n * (n - 1)), float(special.stdtrit(n - 1, 0.975)) * math.sqrt(variance)
    return Interval(value, value - margin, value + margin)


def _row_sums(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"], kernel: Kernel) -> Float[Tensor, " n"]:
    """Sums over the other side, in blocks of rows."""
    rows = max(1, BLOCK // len(b))
    return torch.cat([kernel(part.double(), b.double()).sum(1) for part in torch.split(a, rows)])


def _diagonal(a: Float[Tensor, "n d"], kernel: Kernel) -> Float[Tensor, " n"]:
    return torch.vmap(lambda row: kernel(row[None], row[None])[0, 0])(a.double())


def kid(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"], paired: bool = False) -> Interval:
    """Kernel distance with the cubic kernel, over all pictures at once instead of over random subsets."""
    return (paired_kernel_distance if paired else kernel_distance)(a, b, polynomial_kernel)


def cmmd(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"], paired: bool = False) -> Interval:
    """Kernel distance with the Gaussian kernel on unit vectors; unbiased, unlike the published V-statistic."""
    first, second = (torch.nn.functional.normalize(x.double(), dim=1) for x in (a, b))
    return (paired_kernel_distance if paired else kernel_distance)(first, second, gaussian_kernel)


DISTRIBUTIONS: dict[str, Distribution] = {
    "fid": Distribution(
        name="fid",
        title="FID",
        feature="inception",
        compute=frechet_distance,
        unit="squared distance",
        reference="Heusel et al. 2017, GANs Trained by a Two Time-Scale Update Rule, eq. 6",
        summary="Distance of two populations as Gaussians in Inception's features; wants ten thousands of pictures.",
        dimension=2048,
    ),
    "kid": Distribution(
        name="kid",
        title="KID",
        feature="inception",
        compute=kid,
        unit="squared MMD",
        reference="Binkowski et al. 2018, Demystifying MMD GANs, sec. 4",
        summary="Distance of two populations in Inception's features, unbiased at any size.",
    ),
    "fd_dinov2": Distribution(
        name="fd_dinov2",
        title="FD-DINOv2",
        feature="dinov2",
        compute=frechet_distance,
        unit="squared distance",
        reference="Stein et al. 2023, Exposing Flaws of Generative Model Evaluation Metrics",
        summary="FID in DINOv2's features, which agree better with people; wants ten thousands of pictures.",
    ),
    "cmmd": Distribution(
        name="cmmd",
        title="CMMD",
        feature="clip_image",
        compute=cmmd,
        unit="1000 squared MMD",
        reference="Jayasumana et al. 2024, Rethinking FID, eq. 4, as a U-statistic",
        summary="Distance of two populations in CLIP's features, unbiased at any size.",
    ),
}
