"""Two estimates of log p_policy - log p_reference, and what Diffusion-DPO's published betas mean.

The surrogate (Wallace et al. 2024, eq. 13 and 14) needs no trajectory: noise a finished picture at one random timestep
and compare the two models' denoising errors, u = -scale (m_policy - m_reference), where m is the error's mean over
channels and pixels. Pairs share timestep and noise; no timestep is weighted more than another (the paper's T omega is
constant). On a rectified flow the errors are of velocities, (v - (noise - x_0))^2 at x_s = (1 - s) x_0 + s noise, as others
train SD-3.5 and FLUX.1 (Flow-Factory); all noise levels weigh the same in these, which are errors of the
noise by 1 / (1 - s)^2 and of the picture by 1 / s^2. The other estimate reads a step that a model really took
(``transition_log_ratio``).
"""

from __future__ import annotations

from typing import Literal

from jaxtyping import Float
from torch import Tensor

from t2ialign.diffusion.noise import Prediction, Scalar, gaussian_log_prob, root

BetaMeaning = Literal["diffusion_dpo", "diffusers"]
PUBLISHED_SCALE = 2500.0  # Diffusion-DPO's beta of 5000, diffusers' of 2500: one and the same loss


def scale_of(beta: float, meaning: BetaMeaning) -> float:
    """The surrogate's scale, beside an objective with beta 1, for a published beta.

    ``diffusion_dpo``: the paper's code (and diffusers' SDXL script) computes -log sigmoid(-(beta / 2) difference);
    ``diffusers``: its script for SD-1.5 leaves the 1/2 out, -log sigmoid(-beta difference).
    """
    return beta / 2 if meaning == "diffusion_dpo" else beta


def denoising_target(
    latents: Float[Tensor, "n c h w"], noise: Float[Tensor, "n c h w"], alpha_bar: Scalar, prediction: Prediction
) -> Float[Tensor, "n c h w"]:
    """What a model's output should have been: the noise, the velocity sqrt(a) noise - sqrt(1 - a) x_0, or noise - x_0."""
    if prediction == "epsilon":
        return noise
    if prediction == "flow":
        return noise - latents
    return root(alpha_bar) * noise - root(1 - alpha_bar) * latents


def denoising_error(output: Float[Tensor, "n c h w"], target: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
    """Mean squared error of each picture's prediction, in fp32."""
    return (output.float() - target.float()).square().mean((1, 2, 3))


def surrogate_log_ratio(
    policy_error: Float[Tensor, " n"], reference_error: Float[Tensor, " n"], scale: float = PUBLISHED_SCALE
) -> Float[Tensor, " n"]:
    """The log-ratio -scale (m_policy - m_reference): above 0 where the policy denoises the picture better."""
    return -scale * (policy_error - reference_error)


def transition_log_ratio(
    sample: Float[Tensor, "n c h w"],
    policy_mean: Float[Tensor, "n c h w"],
    reference_mean: Float[Tensor, "n c h w"],
    std: Scalar,
) -> Float[Tensor, " n"]:
    """The exact log-ratio of one sampled step x_(t-1) (D3PO, SPO), averaged over the latents' elements as they do.

    The means come from ``diffusion.noise.ddim_step`` on the two models' (guided) noise at the same x_t.
    """
    return gaussian_log_prob(sample, policy_mean, std) - gaussian_log_prob(sample, reference_mean, std)
