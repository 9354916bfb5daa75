"""The pure maths of one denoising step. ``alpha_bar`` is the share of signal in x_t = sqrt(a) x_0 + sqrt(1 - a) noise.

``prediction`` says what a model's output is: ``epsilon`` (the noise), ``v_prediction`` (the velocity of Salimans & Ho
2022, v = sqrt(a) noise - sqrt(1 - a) x_0), or ``flow``, the velocity noise - x_0 of a rectified flow (Liu et al. 2023,
arXiv:2209.03003). A flow mixes without roots, x_s = a x_0 + (1 - a) noise with a = 1 - s: ``mixture`` has both. Scalars
may be floats or tensors that broadcast over the latents.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Prediction = Literal["epsilon", "v_prediction", "flow"]
Scalar = float | Tensor
NO_SIGNAL = 1e-4  # a flow's level this near to 1 is 1, whatever its schedule's rounding made of it


def root(value: Scalar) -> Scalar:
    return value.sqrt() if isinstance(value, Tensor) else math.sqrt(value)


def mixture(alpha_bar: Scalar, prediction: Prediction) -> tuple[Scalar, Scalar]:
    """What signal and noise are multiplied by in a model's input."""
    if prediction == "flow":
        return alpha_bar, 1 - alpha_bar
    return root(alpha_bar), root(1 - alpha_bar)


def predicted_x0(
    model_output: Float[Tensor, "n c h w"], latents: Float[Tensor, "n c h w"], alpha_bar: Scalar, prediction: Prediction
) -> Float[Tensor, "n c h w"]:
    """The picture that the model sees in x_t: (x_t - sqrt(1 - a) noise) / sqrt(a), or sqrt(a) x_t - sqrt(1 - a) v.

    Of a flow x_s - (1 - a) v.
    """
    if prediction == "flow":
        return latents - (1 - alpha_bar) * model_output
    if prediction == "epsilon":
        return (latents - root(1 - alpha_bar) * model_output) / root(alpha_bar)
    return root(alpha_bar) * latents - root(1 - alpha_bar) * model_output


def output_of(
    x0: Float[Tensor, "n c h w"], latents: Float[Tensor, "n c h w"], alpha_bar: Scalar, prediction: Prediction
) -> Float[Tensor, "n c h w"]:
    """The model output that sees ``x0`` in x_t: the inverse of ``predicted_x0`` (needs noise: alpha_bar below 1)."""
    if prediction == "flow":
        return (latents - x0) / (1 - alpha_bar)
    if prediction == "epsilon":
        return (latents - root(alpha_bar) * x0) / root(1 - alpha_bar)
    return (root(alpha_bar) * latents - x0) / root(1 - alpha_bar)


def add_noise(
    x0: Float[Tensor, "n c h w"],
    noise: Float[Tensor, "n c h w"],
    alpha_bar: Scalar,
    prediction: Prediction = "epsilon",
) -> Float[Tensor, "n c h w"]:
    """x_t of the forward process (Ho et al. 2020, eq. 4), or x_s of a flow."""
    signal, spread = mixture(alpha_bar, prediction)
    return signal * x0 + spread * noise


def kappa(beta: Scalar, alpha_bar: Scalar, train_timesteps: int = 1000) -> Scalar:
    """Weight of |e(z_t, prompt) - e(z_t, empty)|^2 in the mutual information, in nats (MI-TUNE, eq. 2).

    beta_t T / (2 alpha_t (1 - alpha_bar_t)) with alpha_t = 1 - beta_t.
    """
    return kappa_released(beta, alpha_bar, train_timesteps) / (1 - beta)


def kappa_released(beta: Scalar, alpha_bar: Scalar, train_timesteps: int = 1000) -> Scalar:
    """The weight in MI-TUNE's published code, which leaves alpha_t out (and looks at timesteps above 50 only)."""
    return beta * train_timesteps / (2 * (1 - alpha_bar))


def epsilon_gap(
    output_cond: Float[Tensor, "n c h w"],
    output_uncond: Float[Tensor, "n c h w"],
    alpha_bar: Scalar,
    prediction: Prediction,
) -> Float[Tensor, "n h w"]:
    """|e(z_t, prompt) - e(z_t, empty)|^2 summed over channels, from a model's outputs at one and the same z_t."""
    gap = (output_cond.float() - output_uncond.float()).square().sum(1)
    if prediction == "flow":  # noise = x_s + a v
        return alpha_bar * alpha_bar * gap
    return gap if prediction == "epsilon" else alpha_bar * gap


def ddim_step(
    epsilon: Float[Tensor, "n c h w"],
    latents: Float[Tensor, "n c h w"],
    alpha_bar: Scalar,
    alpha_bar_previous: Scalar,
    eta: float = 1.0,
) -> tuple[Float[Tensor, "n c h w"], Scalar]:
    """Mean and standard deviation of p(x_(t-1) | x_t) (Song et al. 2021, eq. 12 and 16); ``eta`` 1 is DDPM's noise."""
    variance = (1 - alpha_bar_previous) / (1 - alpha_bar) * (1 - alpha_bar / alpha_bar_previous)
    std = eta * root(variance)
    x0 = predicted_x0(epsilon, latents, alpha_bar, "epsilon")
    mean = root(alpha_bar_previous) * x0 + root(1 - alpha_bar_previous - std * std) * epsilon
    return mean, std


def flow_spread(level: Float[Tensor, " t"], noise_level: float) -> Float[Tensor, " t"]:
    """How fast a flow's steps add noise, a sqrt(s / (1 - s)) (Flow-GRPO, arXiv:2505.05470), for levels of a run in its order.

    At s = 1 that has no bound: the second level takes the place of s below the line, as in the released code.
    """
    below = torch.where(level > 1 - NO_SIGNAL, level[1:2] if len(level) > 1 else 0 * level, level)
    return noise_level * (level / (1 - below)).sqrt()


def flow_step(
    velocity: Float[Tensor, "n c h w"],
    latents: Float[Tensor, "n c h w"],
    level: Scalar,
    level_after: Scalar,
    spread: Scalar,
) -> tuple[Float[Tensor, "n c h w"], Scalar]:
    """Mean and standard deviation of a step of the SDE that has the marginals of a flow's ODE.

    dx = (v + g^2 / (2 s) (x + (1 - s) v)) ds + g dw, from noise level s down to the next, by Euler and Maruyama: x + (1 - s) v
    is the noise that the velocity sees, minus that over s the score. ``spread`` is g; with 0 the step is Euler's along v.
    """
    length = level_after - level
    drift = velocity + spread * spread / (2 * level) * (latents + (1 - level) * velocity)
    return latents + length * drift, spread * root(-length)


def gaussian_log_prob(
    sample: Float[Tensor, "n c h w"], mean: Float[Tensor, "n c h w"], std: Scalar
) -> Float[Tensor, " n"]:
    """Log density of a step under N(mean, std^2), averaged over the latents' elements (as DDPO and SPO do), in fp32."""
    std = torch.as_tensor(std, dtype=torch.float32, device=sample.device)
    gap = (sample.float() - mean.float()) / std
    return (-0.5 * gap.square() - std.log() - 0.5 * math.log(2 * math.pi)).mean((1, 2, 3))


def gaussian_kl(
    mean: Float[Tensor, "n c h w"], other_mean: Float[Tensor, "n c h w"], std: Scalar
) -> Float[Tensor, " n"]:
    """KL of two steps of one std, |mean - other|^2 / (2 std^2), averaged over the latents' elements."""
    std = torch.as_tensor(std, dtype=torch.float32, device=mean.device)
    return (((mean.float() - other_mean.float()) / std).square() / 2).mean((1, 2, 3))
