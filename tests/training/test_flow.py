"""Training on flow models: the log-ratio's derivation, gradients by finite differences, and what a step does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
import torch
from torch.distributions import Normal
from torch.nn.functional import logsigmoid

from t2ialign.diffusion.adapters import ATTENTION, JOINT_ATTENTION, adapter_parameters, add_adapter
from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.flow import training_levels
from t2ialign.diffusion.noise import add_noise
from t2ialign.divergences import JensenShannon
from t2ialign.methods import METHODS
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training.draws import Draw, draw_step
from t2ialign.training.evaluate import alpha_bars, evaluate
from t2ialign.training.log_ratio import denoising_error, denoising_target, surrogate_log_ratio
from t2ialign.training.losses import DenoisingLoss, Loss, PairLoss
from t2ialign.training.plan import TrainPlan
from t2ialign.training.regularisers import Evaluation, KlToReference
from t2ialign.training.train import train
from tests.tiny_flow import FLOW_SHAPES, load_tiny_flow, save_tiny_flow
from tests.tiny_language import SPEAKER_SHAPES, load_tiny_speaker, save_tiny_speaker
from tests.training.conftest import pairs_for, weighted_for

PLAN = TrainPlan(steps=3, batch=4, learning_rate=1e-2)


@pytest.fixture(scope="session")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Backbone]:
    """A view of a tiny flow model with a new adapter on, which is anew on every call."""
    root = tmp_path_factory.mktemp("flows")

    @cache
    def loaded(shape: str) -> Backbone:
        if shape in SPEAKER_SHAPES:
            return load_tiny_speaker(save_tiny_speaker(root / shape, shape), shape)
        return load_tiny_flow(save_tiny_flow(root / shape, shape), shape)

    def fresh(shape: str) -> Backbone:
        torch.manual_seed(7)
        return add_adapter(loaded(shape), "new", "lora", rank=2)

    return fresh


def moved(policy: Backbone, by: float = 0.2) -> Backbone:
    """The policy away from its reference, where gradients are no special case."""
    torch.manual_seed(3)
    for parameter in adapter_parameters(policy).values():
        parameter.data += by * torch.randn_like(parameter)
    return policy


def seen_by(policy: Backbone, data, draw: Draw) -> Evaluation:
    return evaluate(policy, data.batch(draw.indices, draw.empty), draw, alpha_bars(policy), "float32", True)


def test_the_log_ratio_of_a_sampled_step_is_the_velocities_errors():
    """Derived by another way: Gaussian transitions of the flow, whose densities torch.distributions knows.

    With x_s = (1 - s) x_0 + s e a posterior step to s' < s, x_s' | x_s, x_0 ~ N((1 - s') x_0 + r e, std^2) with r^2 = s'^2 -
    std^2 (DDIM's family, on a flow's mixture). A model puts what it sees for x_0 and e. Averaged over steps that the posterior
    takes, log p_policy - log p_reference is exactly -k (m_policy - m_reference) of velocities' errors, for k of s, s' and std
    alone: the surrogate, whatever its scale.
    """
    draw = torch.Generator().manual_seed(0)
    shape, level, following, std = (2, 3, 2, 2), 0.7, 0.6, 0.2
    rest = (following**2 - std**2) ** 0.5
    x0, noise, policy, other = (torch.randn(shape, generator=draw, dtype=torch.float64) for _ in range(4))
    noisy = (1 - level) * x0 + level * noise
    velocities = [noise - x0 + 0.1 * model for model in (policy, other)]

    def mean(velocity):
        return (1 - following) * (noisy - level * velocity) + rest * (noisy + (1 - level) * velocity)

    truth = mean(noise - x0)
    steps = truth + std * torch.randn((50_000, *shape), generator=draw, dtype=torch.float64)
    logs = [Normal(mean(velocity), std).log_prob(steps).mean(0).sum((1, 2, 3)) for velocity in velocities]
    moves = (-(1 - following) * level + rest * (1 - level)) ** 2 / (2 * std**2)
    target = denoising_target(x0, noise, 1 - level, "flow")
    errors = [denoising_error(velocity, target) for velocity in velocities]
    expected = surrogate_log_ratio(*errors, scale=moves * 12)  # m is a mean over 12 elements
    torch.testing.assert_close((logs[0] - logs[1]).float(), expected, rtol=0.05, atol=0.01)
    exact = [-((mean(velocity) - truth) ** 2).sum((1, 2, 3)) / (2 * std**2) for velocity in velocities]
    torch.testing.assert_close((exact[0] - exact[1]).float(), expected, rtol=1e-4, atol=1e-6)


def test_the_velocitys_error_is_the_noises_and_the_pictures():
    draw = torch.Generator().manual_seed(0)
    x0, noise, velocity = (torch.randn(2, 4, 3, 3, generator=draw) for _ in range(3))
    for level in (0.2, 0.9):
        noisy = add_noise(x0, noise, 1 - level, "flow")
        error = denoising_error(velocity, denoising_target(x0, noise, 1 - level, "flow"))
        torch.testing.assert_close(denoising_error(noisy + (1 - level) * velocity, noise), (1 - level) ** 2 * error)
        torch.testing.assert_close(denoising_error(noisy - level * velocity, x0), level**2 * error)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [*FLOW_SHAPES, "flux2-klein", "qwen-image", "sana"])
def test_a_batch_is_noised_as_diffusers_schedule_has_it(shape, policies):
    """Noise levels of the saved schedule at the drawn timesteps; scheduler.scale_noise is the authority."""
    policy = policies(shape)
    data, draw = pairs_for(policy), draw_step(PLAN, 0, 12, policy.latent_shape(32, 32), 0.0)
    seen = seen_by(policy, data, draw)
    scheduler = policy.begin("ddim", 4, 32, 32).scheduler.from_config(dict(policy.scheduler_config))
    times = scheduler.timesteps.flip(0)[draw.timesteps]
    batch = data.batch(draw.indices, draw.empty)
    expected = scheduler.scale_noise(batch.latents, times.repeat(2), draw.noise.repeat(2, 1, 1, 1))
    torch.testing.assert_close(seen.noisy, expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(seen.target, draw.noise.repeat(2, 1, 1, 1) - batch.latents)
    torch.testing.assert_close(seen.policy.detach(), seen.reference)  # a new adapter has no effect
    again = policy.predict_noise(seen.noisy, times.repeat(2), batch.embeds)
    torch.testing.assert_close(again.detach(), seen.policy.detach(), atol=1e-3, rtol=1e-3)


def test_the_loss_is_flow_factorys(policies):
    """-log sigmoid(-beta / 2 ((e_win - e_win,ref) - (e_lose - e_lose,ref))) of errors of velocities, written out."""
    policy = moved(policies("sd-3.5"))
    seen = seen_by(policy, pairs_for(policy), draw_step(PLAN, 0, 12, policy.latent_shape(32, 32), 0.0))
    target = seen.target
    errors = [((side - target) ** 2).mean((1, 2, 3)).chunk(2) for side in (seen.policy, seen.reference)]
    beta = 200.0
    expected = -logsigmoid(-0.5 * beta * ((errors[0][0] - errors[1][0]) - (errors[0][1] - errors[1][1])))
    torch.testing.assert_close(
        METHODS["diffusion_dpo"].loss(METHODS["diffusion_dpo"].settings({"beta": beta}))(seen).values, expected
    )


LOSSES: dict[str, tuple[Loss, Callable]] = {
    "pairs": (PairLoss(Sigmoid(), scale=3.0, penalties=(KlToReference(0.5),)), pairs_for),
    "f-divergence": (PairLoss(Sigmoid(), JensenShannon(), scale=3.0), pairs_for),
    "supervised": (DenoisingLoss(), weighted_for),
}


def test_sana_learns_at_the_levels_of_either_of_its_schedulers(policies):
    levels = [training_levels(policies(shape).scheduler_config) for shape in ("sana", "sana-dpm")]
    torch.testing.assert_close(*levels)


@pytest.mark.slow
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", ["sd-3.5", "flux-dev", "flux2-dev", "qwen-image", "sana"])
def test_gradients_are_those_of_finite_differences(shape, name, policies):
    """Along the gradient and along a random direction of the adapter's parameters."""
    policy = moved(policies(shape))
    loss, data_for = LOSSES[name]
    data, draw = data_for(policy), draw_step(PLAN, 1, 12, policy.latent_shape(32, 32), 0.0)
    parameters = list(adapter_parameters(policy).values())

    def value() -> torch.Tensor:
        return loss(seen_by(policy, data, draw)).values.double().mean()

    gradients = torch.autograd.grad(value(), parameters, allow_unused=True, materialize_grads=True)
    size = torch.stack([gradient.norm() for gradient in gradients]).norm()
    torch.manual_seed(0)
    for direction in ([gradient / size for gradient in gradients], [torch.randn_like(p) / 20 for p in parameters]):
        slope = sum((g * d).double().sum() for g, d in zip(gradients, direction, strict=True))
        ends = []
        for step in (1e-2, -1e-2):
            for parameter, along in zip(parameters, direction, strict=True):
                parameter.data += step * along
            with torch.no_grad():
                ends.append(value())
            for parameter, along in zip(parameters, direction, strict=True):
                parameter.data -= step * along
        assert ((ends[0] - ends[1]) / 2e-2).item() == pytest.approx(slope.item(), rel=2e-2, abs=2e-3 * size.item())


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["sd-3.5", "flux-dev", "flux2-klein", "qwen-image", "sana"])
def test_a_few_steps_make_winners_likelier(shape, policies):
    policy = policies(shape)
    plan = replace(PLAN, steps=12, batch=8, learning_rate=2e-2)
    steps = list(train(policy, pairs_for(policy), PairLoss(Sigmoid(), scale=20.0), plan))
    assert steps[0].accuracy == 0.5 and steps[-1].accuracy > 0.8 and steps[-1].loss < steps[0].loss


@pytest.mark.parametrize(("shape", "targets"), [("sd-3", JOINT_ATTENTION), ("flux-dev", JOINT_ATTENTION)])
def test_both_sides_of_the_attention_are_trained(shape, targets, policies):
    names = adapter_parameters(policies(shape))
    assert all(any(f".{target}." in name for name in names) for target in targets)
    assert set(targets) > set(ATTENTION)
