"""FSIM distance in the convention of the f-divergence paper's table 3, as ``image-similarity-measures`` computes it.

It differs from FSIM in three ways: phase congruency is the sum over six orientations of Kovesi's later, weighted
measure and is taken of R, G and B apart; the gradient is kept in unsigned 16 bits, where negative slopes become zero
and squares wrap around; and pictures are not shrunk. The first two lower the similarity by about half.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d, pad

from t2ialign.metrics.fsim import NOISE, T1, T2, similarity
from t2ialign.metrics.log_gabor import FACTOR, SCALES, SIZES, filter_bank
from t2ialign.metrics.pairwise import EachPair, Prepared
from t2ialign.types import Features, Metric

ORIENTATIONS, BANDWIDTH, EPSILON = 6, 0.5978, 1e-4
NOWHERE = 1e-12  # weight of a pixel without phase congruency: counts only where there is none at all, as in noise
SIGMOID_CENTRE, SIGMOID_GAIN = 0.5, 10.0


@lru_cache(maxsize=SIZES)
def filters(height: int, width: int, device: str) -> Float[Tensor, "o s h w"]:
    return filter_bank(height, width, ORIENTATIONS, BANDWIDTH, "cosine", device).float()


def weighted_congruency(band: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """Sum over orientations of Kovesi's phase congruency, weighted by how many scales take part."""
    responses = torch.fft.ifft2(torch.fft.fft2(band) * filters(*band.shape, str(band.device)))
    amplitudes, total = responses.abs(), responses.sum(1)
    length = total.abs() + EPSILON
    even, odd = total.real / length, total.imag / length
    stray = (responses.real * odd[:, None] - responses.imag * even[:, None]).abs().sum(1)
    energy = total.real * even + total.imag * odd - stray
    excess = (energy - _threshold(amplitudes[:, 0])[:, None, None]).clamp_min(0)
    sums = amplitudes.sum(1)
    width = (sums / (amplitudes.amax(1) + EPSILON) - 1) / (SCALES - 1)
    weight = torch.sigmoid(SIGMOID_GAIN * (width - SIGMOID_CENTRE))
    congruency: Tensor = (weight * excess / sums).nan_to_num().sum(0)
    return congruency


def _threshold(finest: Float[Tensor, "o h w"]) -> Float[Tensor, " o"]:
    """Rayleigh noise of the finest scale's median, summed over scales as a geometric series."""
    values = finest.flatten(1)
    middle = (values.median(1).values - (-values).median(1).values) / 2  # torch's median is the lower of the two
    tau = middle / math.sqrt(math.log(4)) * (1 - FACTOR**-SCALES) / (1 - 1 / FACTOR)
    return (tau * (math.sqrt(math.pi / 2) + NOISE * math.sqrt((4 - math.pi) / 2))).clamp_min(EPSILON)


def wrapped_gradient(bands: Float[Tensor, "m h w"]) -> Float[Tensor, "m h w"]:
    """Scharr gradient in unsigned 16 bits: slopes below zero are lost, squares and their sum wrap at 65536."""
    scharr = torch.tensor([[-3.0, 0, 3], [-10, 0, 10], [-3, 0, 3]], device=bands.device)
    kernels = torch.stack([scharr, scharr.T])[:, None]
    slopes = conv2d(pad(bands[:, None], (1, 1, 1, 1), mode="reflect"), kernels).clamp_min(0).int()
    return (slopes.square() % 65536).sum(1).remainder(65536).float().sqrt()


def band_maps(features: Features) -> Prepared:
    """Per picture, once, with R, G and B side by side: congruency and gradient, and their squares with T / 2."""
    images = features["images"].float()
    congruency = torch.stack([torch.stack([weighted_congruency(band) for band in image]) for image in images])
    slope = wrapped_gradient(images.flatten(0, 1)).view_as(images)
    maps = {"congruency": congruency, "gradient": slope}
    return {**maps, "congruency_square": congruency.square() + T1 / 2, "gradient_square": slope.square() + T2 / 2}


def one_minus_fsim_paper(one: Prepared, others: Prepared) -> Float[Tensor, " m"]:
    """1 - mean over bands of sum S_PC S_G max(PC) / sum max(PC)."""
    weight = torch.maximum(one["congruency"], others["congruency"]) + NOWHERE
    score = similarity(one, others, "congruency", "gradient", (T1, T2)).mul_(weight)
    return 1 - (score.sum((2, 3)) / weight.sum((2, 3))).mean(1)


METRIC = Metric(
    name="fsim_paper",
    title="1 - FSIM (paper's convention)",
    axis="diversity",
    level="pair",
    needs=("images",),
    compute=EachPair(band_maps, one_minus_fsim_paper),
    bounds=(0.0, 1.0),
    higher_is_better=True,
    unit="1 - FSIM, paper",
    reference="The f-divergence paper, table 3, through image-similarity-measures",
    summary="1 - FSIM as that paper reports it, to be compared with its table and with nothing else.",
    caveat="Its gradients overflow by design of the package; the standard FSIM is about twice as large.",
)
