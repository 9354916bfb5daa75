"""Strategies against their papers' equations, worked out again number by number in float64 on the same tensors.

Nothing here is shared with the strategies: loops over pictures, channels and cells, and Python's own arithmetic.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from t2ialign.guidance.aig import Aig
from t2ialign.guidance.autoguidance import Autoguidance
from t2ialign.guidance.cads import Cads
from t2ialign.guidance.cfg_zero import CfgZero
from t2ialign.guidance.latent_particle import LatentParticle
from t2ialign.guidance.needs import AttentionMap
from t2ialign.guidance.s_cfg import SCfg, regions
from tests.guidance.predictions import predictions
from tests.guidance.steps import step_of

CLOSE = {"rtol": 2e-4, "atol": 2e-5}


def plain(values: torch.Tensor) -> np.ndarray:
    """The same numbers in float64."""
    return values.double().numpy()


@pytest.mark.parametrize("power", [0.5, 2.0])
@pytest.mark.parametrize("progress", [0.0, 0.3, 1.0])
def test_aig_mixes_what_each_model_predicts(progress: float, power: float):
    """Jena et al.: eps = w eps_tuned + (1 - w) eps_base, w = (i / N)^p, both for the prompt and for none; then guidance."""
    (cond, uncond), (base, base_uncond) = predictions(0), predictions(1)
    ours = plain(Aig(6.0, power).guide(step_of(cond, uncond, progress, (base, base_uncond))))
    share = math.pow(progress, power)
    for place in np.ndindex(ours.shape):
        tuned, other, none, other_none = (float(one[place]) for one in (cond, base, uncond, base_uncond))
        with_prompt = share * tuned + (1 - share) * other
        without = share * none + (1 - share) * other_none
        assert ours[place] == pytest.approx(without + 6.0 * (with_prompt - without), rel=2e-4, abs=2e-5)


def test_autoguidance_extrapolates_from_the_weak_model():
    """Karras et al.: D_w = w D_1 + (1 - w) D_0."""
    (cond, uncond), (weak, _) = predictions(0), predictions(1)
    ours = plain(Autoguidance(2.5).guide(step_of(cond, uncond, 0.5, (weak, uncond))))
    np.testing.assert_allclose(ours, 2.5 * plain(cond) - 1.5 * plain(weak), **CLOSE)


@pytest.mark.parametrize("zero_steps", [0, 1, 2])
def test_cfg_zero_star_is_a_projection_and_a_rest(zero_steps: int):
    """Fan et al.: v = (1 - w) s v_none + w v_prompt, s = v_prompt . v_none / |v_none|^2; at first v = 0."""
    run = CfgZero(5.0, zero_steps).begin()
    for step in range(4):
        cond, uncond = predictions(step)
        ours = plain(run(cond, uncond, step / 4))
        for number, (with_prompt, without) in enumerate(zip(plain(cond), plain(uncond), strict=True)):
            dot = sum(a * b for a, b in zip(with_prompt.ravel(), without.ravel(), strict=True))
            length = sum(b * b for b in without.ravel())
            expected = -4.0 * dot / length * without + 5.0 * with_prompt
            np.testing.assert_allclose(ours[number], 0 * expected if step < zero_steps else expected, **CLOSE)


@pytest.mark.parametrize("progress", [0.05, 0.2, 0.31, 0.8])
def test_cads_noises_the_prompt_and_brings_it_back(progress: float):
    """Sadat et al.: y' = sqrt(g) y + s sqrt(1 - g) n, then psi (y' - mean) / std std_y + mean_y + (1 - psi) y'.

    The standard deviation is that of a sample (n - 1), as torch's.
    """
    draw = torch.Generator().manual_seed(4)
    embeds, noise = 1 + 3 * torch.randn(2, 3, 4, generator=draw), torch.randn(2, 3, 4, generator=draw)
    ours = plain(Cads(4.0, 0.3, 0.55, 0.85, 0.7).condition(embeds, noise, progress))
    time = 1 - progress
    gamma = 1.0 if time <= 0.55 else 0.0 if time >= 0.85 else (0.85 - time) / (0.85 - 0.55)

    def spread(values: list[float]) -> tuple[float, float]:
        mean = sum(values) / len(values)
        return mean, math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))

    for row, clean, drawn in zip(ours, plain(embeds), plain(noise), strict=True):
        noised = [
            math.sqrt(gamma) * y + 0.3 * math.sqrt(1 - gamma) * n
            for y, n in zip(clean.ravel(), drawn.ravel(), strict=True)
        ]
        (mean, std), (mean_y, std_y) = spread(noised), spread(clean.ravel().tolist())
        expected = [0.7 * ((one - mean) / std * std_y + mean_y) + 0.3 * one for one in noised]
        np.testing.assert_allclose(row.ravel(), expected, **CLOSE)


@pytest.mark.parametrize("alpha_bar", [0.2, 0.45, 0.7])
def test_particles_repel_each_other(alpha_bar: float):
    """Corso et al., as their code has it with an RBF kernel in the latents' space.

    eps_i -= c sigma sum_j 2 (x_i - x_j) / h_i exp(-|x_i - x_j|^2 / h_i) with h_i the lower median of the squared distances to
    the others by log(n - 1), while sigma >= 1. Their guidance weight is ours less 1.
    """
    cond, uncond = predictions(n=5)
    ours = plain(LatentParticle(4.0, 2.5).guide(step_of(cond, uncond, alpha_bar=alpha_bar)))
    sigma = math.sqrt((1 - alpha_bar) / alpha_bar)
    x, eps, none = plain(cond), plain(cond), plain(uncond)
    for i in range(5):
        others = [j for j in range(5) if j != i]
        squares = {j: float(((x[i] - x[j]) ** 2).sum()) for j in others}
        bandwidth = sorted(squares.values())[(len(others) - 1) // 2] / math.log(len(others))
        push = np.zeros_like(x[i])
        for j in others:
            push += 2 * (x[i] - x[j]) / bandwidth * math.exp(-squares[j] / bandwidth)
        guided = eps[i] + (4.0 - 1) * (eps[i] - none[i])
        np.testing.assert_allclose(ours[i], guided - (2.5 * sigma * push if sigma >= 1 else 0), **CLOSE)


def attention(side: int, tokens: int, seed: int) -> tuple[AttentionMap, AttentionMap]:
    """A layer's maps of two rows, no prompt's and the prompt's, each row of them adding up to 1."""
    draw = torch.Generator().manual_seed(seed)
    own = torch.randn(2, side * side, side * side, generator=draw).mul(2).softmax(-1)
    said = torch.randn(2, side * side, tokens, generator=draw).mul(3).softmax(-1)
    return AttentionMap(False, own), AttentionMap(True, said)


def blurred(values: np.ndarray) -> np.ndarray:
    """3 by 3 Gaussian of sigma 1/2 with mirrored edges (the edge itself is not doubled), cell by cell."""
    side = values.shape[0]

    def mirrored(at: int) -> int:
        return -at if at < 0 else 2 * (side - 1) - at if at >= side else at

    weights = {(a, b): math.exp(-(a * a + b * b) / (2 * 0.5**2)) for a in (-1, 0, 1) for b in (-1, 0, 1)}
    whole = sum(weights.values())
    found = np.zeros_like(values)
    for y, x in np.ndindex(values.shape):
        found[y, x] = sum(w / whole * values[mirrored(y + a), mirrored(x + b)] for (a, b), w in weights.items())
    return found


def token_maps(layer: tuple[AttentionMap, AttentionMap], row: int) -> np.ndarray:
    """Each token's map of a layer: handed on along self-attention, as mean of S, S S, S S and S S, and blurred."""
    own, said = (plain(one.probs[row]) for one in layer)
    cells, tokens = said.shape
    once = np.array([[sum(own[q, k] * said[k, t] for k in range(cells)) for t in range(tokens)] for q in range(cells)])
    twice = np.array([[sum(own[q, k] * once[k, t] for k in range(cells)) for t in range(tokens)] for q in range(cells)])
    side = math.isqrt(cells)
    return np.stack([blurred(((once + 3 * twice) / 4)[:, t].reshape(side, side)) for t in range(tokens)])


def s_cfg_rates(layers: list[tuple[AttentionMap, AttentionMap]], difference: np.ndarray, scale: float) -> np.ndarray:
    """Shen et al.: which token each cell belongs to, and how much each region is guided, of one picture."""
    by_token, by_ground = 0.0, 0.0
    for layer in layers:
        prompt, empty = token_maps(layer, 1), token_maps(layer, 0)
        by_token = by_token + prompt / prompt.mean((1, 2), keepdims=True)
        ground = np.stack([empty[0], empty[1:].sum(0)])
        by_ground = by_ground + ground / ground.mean((1, 2), keepdims=True)
    of, fore = by_token.argmax(0), by_ground.argmax(0) == 1
    side = difference.shape[-1]
    strength = np.sqrt((difference**2).sum(0))
    cell = [[(y * len(of) // side, x * len(of) // side) for x in range(side)] for y in range(side)]
    mean_fore = np.mean([strength[y, x] for y in range(side) for x in range(side) if fore[cell[y][x]]])
    rates = np.zeros((side, side))
    for y, x in np.ndindex(rates.shape):
        mine = of[cell[y][x]]
        region = [strength[v, u] for v in range(side) for u in range(side) if of[cell[v][u]] == mine]
        rates[y, x] = min(max(mean_fore / np.mean(region), 0.8), 3.0, 15.0 / scale) if region else 0.0
    return blurred(rates)


@pytest.mark.parametrize("scale", [3.0, 9.0])
def test_s_cfg_rates_region_by_region(scale: float):
    """Two layers at a quarter of the latents' side, of which one attends elsewhere: as the authors' code adds them up."""
    side, draw = 16, torch.Generator().manual_seed(3)
    cond, uncond = (torch.randn(1, 4, side, side, generator=draw) for _ in range(2))
    cond[..., : side // 2] *= 3  # so that rates differ by more than chance
    layers = [attention(side // 4, 5, seed) for seed in (1, 2)]
    step = replace(step_of(cond, uncond), attention=tuple(one for layer in layers for one in layer))
    difference = plain(cond - uncond)[0]
    expected = plain(uncond)[0] + scale * s_cfg_rates(layers, difference, scale) * difference
    tokens, fore = regions(step.attention, (side, side))
    assert 1 < int(tokens.sum((2, 3)).gt(0).sum()) and 0 < float(fore.mean()) < 1, "several regions, and a background"
    np.testing.assert_allclose(plain(SCfg(scale).guide(step))[0], expected, rtol=1e-3, atol=1e-4)
