"""FSIM distance between all pairs (Zhang et al. 2011, eq. 5): phase congruency and gradients once a picture."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from t2ialign.metrics.log_gabor import SIZES, filter_bank
from t2ialign.metrics.pairwise import EachPair, Prepared
from t2ialign.types import Features, Metric

ORIENTATIONS, BANDWIDTH, NOISE = 4, 0.55, 2.0
EPSILON = torch.finfo(torch.float32).eps
T1, T2, T3, T4, CHROMA = 0.85, 160.0, 200.0, 200.0, 0.03
YIQ = ((0.299, 0.587, 0.114), (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))


def yiq(images: UInt8[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 _ _"]:
    """Luminance and chrominance in [0, 255], pictures shrunk to about 256 pixels as the authors prescribe."""
    small = avg_pool2d(images.float(), max(1, round(min(images.shape[-2:]) / 256)))
    weights = torch.tensor(YIQ, device=images.device)
    return torch.einsum("ij,njhw->nihw", weights, small)


@lru_cache(maxsize=SIZES)
def filters(height: int, width: int, device: str) -> tuple[Float[Tensor, "o s h w"], Float[Tensor, " o"]]:
    """The filter bank, and per orientation the noise power behind a finest-scale response of one.

    Rows and columns are exchanged as in piq, which shows at the Nyquist frequency of even sizes only (1e-5 of the
    value). The power that all scales let through together, over that of the finest: Zhang's sums of A_i^2 and A_i
    A_j.
    """
    bank = filter_bank(width, height, ORIENTATIONS, BANDWIDTH, "gaussian", device).transpose(-2, -1)
    passed = torch.fft.ifft2(bank.sum(1)).real.square().sum((1, 2)) * (height * width)
    return bank.float().contiguous(), (passed / bank[:, 0].square().sum((1, 2))).float()


def phase_congruency(luminance: Float[Tensor, "h w"]) -> Float[Tensor, "h w"]:
    """PC_2 of Kovesi 1999 over 4 orientations and 4 scales, with Zhang's noise threshold.

    The filters let no constant through, so it is taken out first: of a picture of one level nothing is left then, where
    it would be the transform's rounding, and its congruency is 1 as in exact arithmetic.
    """
    bank, noise = filters(*luminance.shape, str(luminance.device))
    responses = torch.fft.ifft2(torch.fft.fft2(luminance - (luminance.min() + luminance.max()) / 2) * bank)
    total = responses.sum(1)
    length = total.abs() + EPSILON
    even, odd = total.real / length, total.imag / length
    # With the mean response as unit vector (even, odd): how far scales go along it, less how far they stray from it.
    stray = (responses.real * odd[:, None] - responses.imag * even[:, None]).abs().sum(1)
    energy = total.real * even + total.imag * odd - stray
    amplitudes = responses.abs()
    excess = (energy - noise_threshold(amplitudes[:, 0], noise)[:, None, None]).clamp_min(0)
    congruency: Tensor = (excess.sum(0) + EPSILON) / (amplitudes.sum((0, 1)) + EPSILON)
    return congruency


def noise_threshold(finest: Float[Tensor, "o h w"], noise: Float[Tensor, " o"]) -> Float[Tensor, " o"]:
    """What noise alone would add up to in each orientation: a Rayleigh law, scaled by a median.

    The median is the finest scale's, where most is noise. Mean plus two deviations, over the 1.7 that the authors
    found to suit PC_2.
    """
    rayleigh = (finest.flatten(1).median(1).values.square() / math.log(2) * noise).sqrt()
    return rayleigh * (math.sqrt(math.pi / 2) + NOISE * math.sqrt(2 - math.pi / 2)) / 1.7


def gradient(luminance: Float[Tensor, "n h w"]) -> Float[Tensor, "n h w"]:
    """Length of the Scharr gradient, zeros outside the picture."""
    scharr = torch.tensor([[-3.0, 0, 3], [-10, 0, 10], [-3, 0, 3]], device=luminance.device) / 16
    kernels = torch.stack([scharr, scharr.T])[:, None]
    return conv2d(luminance[:, None], kernels, padding=1).square().sum(1).sqrt()


def feature_maps(features: Features) -> Prepared:
    """Per picture, once: each map a and a^2 + T / 2, for phase congruency, gradient, I and Q."""
    channels = yiq(features["images"])
    congruency = torch.stack([phase_congruency(luminance) for luminance in channels[:, 0]])
    maps = {"congruency": (congruency, T1), "gradient": (gradient(channels[:, 0]), T2)}
    chroma = {"i": (channels[:, 1], T3), "q": (channels[:, 2], T4)}
    prepared = {}
    for name, (values, constant) in {**maps, **chroma}.items():
        prepared[name] = values.contiguous()
        prepared[f"{name}_square"] = values.square() + constant / 2
    return prepared


def similarity(one: Prepared, others: Prepared, first: str, second: str, constants: tuple[float, float]) -> Tensor:
    """Product of two similarity maps (2 a b + T) / (a^2 + b^2 + T), with one division."""
    above = (one[first] * others[first]).mul_(2).add_(constants[0])
    above.mul_((one[second] * others[second]).mul_(2).add_(constants[1]))
    below = one[f"{first}_square"] + others[f"{first}_square"]
    return above.div_(below.mul_(one[f"{second}_square"] + others[f"{second}_square"]))


def one_minus_fsim(one: Prepared, others: Prepared) -> Float[Tensor, " m"]:
    """1 - sum S_PC S_G max(PC) / sum max(PC)."""
    weight = torch.maximum(one["congruency"], others["congruency"])
    score = similarity(one, others, "congruency", "gradient", (T1, T2)).mul_(weight)
    return 1 - score.sum((1, 2)) / weight.sum((1, 2))


METRIC = Metric(
    name="fsim",
    title="1 - FSIM",
    axis="diversity",
    level="pair",
    needs=("images",),
    compute=EachPair(feature_maps, one_minus_fsim),
    bounds=(0.0, 1.0),
    higher_is_better=True,
    unit="1 - FSIM",
    reference="Zhang et al. 2011, FSIM: A Feature Similarity Index for Image Quality Assessment, eq. 5",
    summary="How little the edges and structures of two seeds coincide.",
    version="2",
    caveat="Measures registration: the same picture shifted by 8 pixels is nearly as far away as a different seed.",
)
