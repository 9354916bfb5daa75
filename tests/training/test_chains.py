"""The steps of a flow's SDE: the papers' equations, the ODE's marginals, and stock diffusers' steps without noise."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from t2ialign.diffusion.denoise import denoise
from t2ialign.diffusion.noise import gaussian_kl
from t2ialign.guidance import begin_guidance
from t2ialign.training.chains import FlowChain, Sde, chain_of, ddim_chain, noise_share
from t2ialign.training.data import prompt_data
from t2ialign.training.guided import guided_policy
from t2ialign.training.reward_gradient import LastSteps, OneStep, Reach, Walk
from t2ialign.training.rollouts import walk
from t2ialign.types import InputError
from tests.tiny_flow import FLOW_SHAPES, FlowShape, load_tiny_flow, save_tiny_flow
from tests.tiny_language import load_tiny_speaker, save_tiny_speaker
from tests.training.conftest import PROMPTS
from tests.training.toy import FLOW, STEPS, TASTE, FlowToy, gaussian_velocity

LEVELS = torch.tensor([1.0, 0.8, 0.5, 0.0])
FEW = FlowChain(1000 * LEVELS[:-1], LEVELS[:-1], LEVELS[1:])
SDES: dict[Sde, FlowChain] = {"flow_grpo": FEW, "dance_grpo": replace(FEW, sde="dance_grpo", noise_level=0.3)}
MEAN, SPREAD = 0.8, 0.5


def at(value: float) -> Tensor:
    return torch.full((3, 1, 1, 1), value)


@pytest.mark.parametrize(
    ("sde", "of_x", "of_v", "stds"),
    [
        # sigma^2 = 0.49 / (1 - 0.8) at s = 1, whose own 1 - s is 0; then 0.49 * 0.8 / 0.2
        ("flow_grpo", [1 - 0.245, 1 - 0.3675], [-0.2, -0.3 * 1.245], [0.7, (1.96 * 0.3) ** 0.5]),
        ("dance_grpo", [1 - 0.009, 1 - 0.016875], [-0.2, -0.3 * 1.01125], [0.3 * 0.2**0.5, 0.3 * 0.3**0.5]),
    ],
)
def test_a_step_is_the_papers(sde: Sde, of_x: list[float], of_v: list[float], stds: list[float]) -> None:
    chain, index = SDES[sde], torch.arange(3)
    mean, std = chain.step(at(0.0), at(1.0), index)
    assert mean.flatten().tolist() == pytest.approx([*of_x, 1.0]) and std.flatten().tolist() == pytest.approx(
        [*stds, 0]
    )
    assert chain.step(at(1.0), at(0.0), index)[0].flatten().tolist() == pytest.approx([*of_v, -0.5])
    assert chain.noisy == 2 and noise_share(chain).mean() == pytest.approx(1.0)


def test_the_constant_one_moves_along_the_score_of_its_code() -> None:
    """DanceGRPO: minus half eta^2 times the score, -(x - (1 - s) x_0) / s^2, beside Euler's step."""
    draw = torch.Generator().manual_seed(0)
    velocity, latents = torch.randn(2, 3, 4, 2, 2, generator=draw)
    level, length = LEVELS[:3, None, None, None], LEVELS.diff()[:, None, None, None]
    score = -(latents - (1 - level) * (latents - level * velocity)) / level**2
    expected = latents + length * (velocity - 0.5 * 0.3**2 * score)
    torch.testing.assert_close(SDES["dance_grpo"].step(velocity, latents, torch.arange(3))[0][:2], expected[:2])


def test_a_level_that_rounding_left_below_one_is_one() -> None:
    almost = replace(FEW, levels=LEVELS[:-1] - torch.tensor([6e-8, 0, 0]))
    torch.testing.assert_close(almost.spreads, FEW.spreads)


@pytest.mark.parametrize("sde", SDES)
def test_a_steps_likelihood_is_that_of_torch(sde: Sde) -> None:
    policy = FlowToy(chain=replace(FLOW, sde=sde))
    policy.shift.data.normal_(generator=torch.Generator().manual_seed(0))
    paths = walk(policy, policy.chain, 0, (3, 5, 8))
    rows = torch.zeros(3, dtype=torch.long)
    with torch.no_grad():
        for index in range(policy.chain.noisy):
            output = policy.predict(paths.latents[index], FLOW.timesteps[index].expand(3), rows)
            mean, std = policy.chain.step(output, paths.latents[index], rows + index)
            theirs = Normal(mean, std.expand_as(mean)).log_prob(paths.latents[index + 1])
            torch.testing.assert_close(paths.log_probs[index], theirs.mean((1, 2, 3)))
    assert policy.chain.noisy == STEPS - 1 and bool(paths.latents.isfinite().all())


def test_the_kl_of_two_steps_is_flow_grpos_and_that_of_a_numerical_integral() -> None:
    """In the paper |ds| / 2 (sigma (1 - s) / (2 s) + 1 / sigma)^2 |v - v_ref|^2."""
    s, length, sigma = 0.8, 0.3, 1.96**0.5
    index = torch.tensor([1])
    (mean, std), (other, _) = (FEW.step(at(v)[:1], at(0.4)[:1], index) for v in (0.9, 0.2))
    found = float(gaussian_kl(mean, other, std))
    assert found == pytest.approx(length / 2 * (sigma * (1 - s) / (2 * s) + 1 / sigma) ** 2 * 0.7**2)
    places = torch.linspace(-8, 8, 20_001, dtype=torch.float64)
    one, two = (Normal(float(where), float(std)).log_prob(places) for where in (mean, other))
    assert float(torch.trapezoid(one.exp() * (one - two), places)) == pytest.approx(found, rel=1e-5)


class Exact:
    """Many numbers side by side, each with the velocity of N(MEAN, SPREAD^2)."""

    shape, device = (1, 100, 200), "cpu"

    def predict(self, latents: Tensor, timesteps: Tensor, rows: Tensor) -> Tensor:
        return gaussian_velocity(latents, timesteps / 1000, MEAN, SPREAD)

    predict_reference = predict


def even(steps: int, sde: Sde) -> FlowChain:
    levels = torch.linspace(1, 0, steps + 1)
    return FlowChain(1000 * levels[:-1], levels[:-1], levels[1:], SDES[sde].noise_level, sde)


def ends(chain: FlowChain) -> tuple[float, float]:
    """Mean and variance of the last latents, exactly: every step is a line of x, and some noise."""
    index, nothing = torch.arange(len(chain.timesteps)), torch.zeros(len(chain.timesteps), 1, 1, 1)
    low, high = (chain.step(gaussian_velocity(x, chain.levels, MEAN, SPREAD), x, index) for x in (nothing, nothing + 1))
    mean, variance = 0.0, 1.0
    for start, end, std in zip(*(one.flatten().tolist() for one in (low[0], high[0], low[1])), strict=True):
        mean, variance = start + (end - start) * mean, (end - start) ** 2 * variance + std**2
    return mean, variance


@pytest.mark.parametrize("sde", SDES)
def test_the_sde_has_the_marginals_of_the_ode(sde: Sde) -> None:
    """Of Gaussian data, whose velocity is known: final means are equal, and variances the nearer the finer the steps."""
    gaps = []
    for steps in (50, 200, 800):
        (mean, variance), (its_mean, its_variance) = ends(even(steps, sde)), ends(replace(even(steps, sde), eta=0.0))
        assert mean == pytest.approx(MEAN, abs=1e-4) and its_mean == pytest.approx(MEAN, abs=1e-4)
        gaps.append(abs(variance - its_variance))
        assert variance == pytest.approx(SPREAD**2, abs=1 / steps)
    assert gaps[2] < gaps[1] < gaps[0] < 0.015 and gaps[2] < 0.002


@pytest.mark.slow
@pytest.mark.parametrize("sde", SDES)
def test_drawn_samples_have_the_mean_and_variance_of_the_odes(sde: Sde) -> None:
    chain = even(400, sde)
    noisy, still = (
        walk(Exact(), one, 0, (seed,)).latents[-1].double() for seed, one in ((0, chain), (1, replace(chain, eta=0.0)))
    )
    count = noisy.numel()
    error = 4 * (2 * SPREAD**2 / count) ** 0.5  # four standard errors of a difference
    assert float(noisy.mean()) == pytest.approx(float(still.mean()), abs=error)
    spread_error = 4 * (2 * 2 * SPREAD**4 / count) ** 0.5
    assert float(noisy.var()) == pytest.approx(float(still.var()), abs=spread_error + 0.003)  # and what steps leave
    assert ends(chain) == pytest.approx((float(noisy.mean()), float(noisy.var())), abs=error)
    assert not torch.equal(noisy, still)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[FlowShape, object]:
    root = tmp_path_factory.mktemp("flows")
    return {shape: save_tiny_flow(root / shape, shape) for shape in FLOW_SHAPES}


@pytest.mark.parametrize("shape", FLOW_SHAPES)
def test_without_noise_the_steps_are_the_stock_schedulers(shape: FlowShape, folders) -> None:
    backbone = load_tiny_flow(folders[shape], shape)
    chain, size = chain_of(backbone, 5, eta=0.0), backbone.entry.size
    run = backbone.begin("ddim", 5, size, size)
    assert chain.noisy == 0 and torch.equal(chain.timesteps, run.timesteps)
    latents = torch.randn(2, *backbone.latent_shape(size, size), generator=torch.Generator().manual_seed(0))
    for index, timestep in enumerate(run.timesteps):
        velocity = torch.randn(latents.shape, generator=torch.Generator().manual_seed(index))
        mean, std = chain.step(velocity, latents, torch.full((2,), index))
        latents = run.scheduler.step(velocity, timestep, latents, return_dict=False)[0]
        assert torch.equal(mean + std * velocity, latents)
    with pytest.raises(InputError, match="tiny is a flow model"):
        ddim_chain(backbone, 5)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1.0, 4.0])
@pytest.mark.parametrize("shape", [*FLOW_SHAPES, "sana"])
def test_without_noise_a_policy_draws_what_the_ordinary_loop_draws(shape, scale, folders, tmp_path) -> None:
    """Bit for bit: CFG where the model has it, the scale that the network is told where not. The loop is stock's own."""
    if shape == "sana":
        backbone = load_tiny_speaker(save_tiny_speaker(tmp_path, shape), shape)
    else:
        backbone = load_tiny_flow(folders[shape], shape)
    size, table = backbone.entry.size, prompt_data(backbone, PROMPTS).prompts
    policy = guided_policy(backbone, table, scale, "float32")
    found = walk(policy, chain_of(backbone, 3, eta=0.0), 1, (4, 9))
    embeds = backbone.encode_prompts([PROMPTS[1]]), backbone.encode_prompts([""], negative=True)
    *_, last = denoise(backbone.told(scale), *embeds, (4, 9), begin_guidance("cfg", scale), "ddim", 3, size, size)
    if scale == 1 and shape != "flux-dev":  # the loop evaluates no prompt too, and mixes both
        torch.testing.assert_close(found.latents[-1], last.latents, rtol=1e-4, atol=1e-4)
    else:
        assert torch.equal(found.latents[-1], last.latents)
    noisy = walk(policy, chain_of(backbone, 3), 1, (4, 9))
    assert bool(noisy.latents.isfinite().all()) and not torch.equal(noisy.latents[-1], found.latents[-1])
    assert bool(noisy.log_probs[:2].isfinite().all())


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("reach", [LastSteps(STEPS), LastSteps(1, again=2), OneStep(1)])
def test_a_rewards_slope_flows_through_a_flows_steps(reach: Reach, eta: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against small changes of the last step's weights."""
    chain, policy = replace(FLOW, eta=eta), FlowToy()
    down = Walk.down  # what is drawn without gradients is drawn by the policy as it was
    monkeypatch.setattr(Walk, "down", lambda walk, *more: down(replace(walk, policy=FlowToy()), *more))

    def value() -> Tensor:
        generators = tuple(torch.Generator().manual_seed(seed) for seed in range(4))
        reached = reach(Walk(policy, chain, 0, generators), torch.Generator().manual_seed(1))
        assert bool(reached.kl.isfinite().all())
        return (reached.latents.flatten(1) @ TASTE).tanh().double().mean()

    (gradient,) = torch.autograd.grad(value(), policy.shift)
    ends = []
    for by in (1e-3, -1e-3):
        policy.shift.data[-1] = by
        ends.append(float(value().detach()))
    assert float(gradient[-1].sum()) == pytest.approx((ends[0] - ends[1]) / 2e-3, rel=1e-2) and bool(gradient[-1].all())
