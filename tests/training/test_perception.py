"""A UNet's encoder as an eye: its states against diffusers' own blocks, one step on, and the loss's gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from t2ialign.diffusion.adapters import adapter_parameters
from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.schedulers import begin_run
from t2ialign.diffusion.unet_encoder import encoder_states
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training.draws import draw_step
from t2ialign.training.evaluate import alpha_bars, evaluate
from t2ialign.training.losses import PairLoss, PerceivedPairLoss
from t2ialign.training.plan import TrainPlan
from t2ialign.training.regularisers import Evaluation
from tests.methods.gradients import slope
from tests.training.conftest import latents, pairs_for

PLAN = TrainPlan(steps=1, batch=2, learning_rate=1e-2)
LOSS = PerceivedPairLoss(PairLoss(Sigmoid(), scale=50.0))


def seen_by(view: Backbone) -> Evaluation:
    data = pairs_for(view)
    draw = draw_step(PLAN, 0, len(data), data.shape, 0.0)
    for parameter in adapter_parameters(view).values():
        parameter.data += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    return evaluate(view, data.batch(draw.indices, draw.empty), draw, alpha_bars(view), "float32", True)


def test_states_are_those_of_the_networks_own_blocks(policy: Callable[..., Backbone]) -> None:
    """The way down, walked by hand with diffusers' blocks; each state weighs by the middle's share of channels."""
    view = policy("sd-1.5")
    noisy, embeds = latents(view, 2, 3), view.encode_prompts(["a red circle", "two stars"])
    timesteps = torch.tensor([10, 700])
    found = encoder_states(view, noisy, timesteps, embeds)
    unet = view.unet
    unet.disable_adapters()
    with torch.no_grad():
        emb = unet.time_embedding(unet.time_proj(timesteps))
        state = unet.conv_in(noisy)
        states = [state]
        for block in unet.down_blocks:
            more = {"encoder_hidden_states": embeds.prompt_embeds} if hasattr(block, "attentions") else {}
            state, _ = block(hidden_states=state, temb=emb, **more)
            states.append(state)
        state = unet.mid_block(state, emb, encoder_hidden_states=embeds.prompt_embeds)
        states.append(state)
    height, width = state.shape[-2:]
    folded = [one.reshape(2, -1, height, width) for one in states]
    expected = torch.cat([state.shape[1] / one.shape[1] * one for one in folded], 1)
    torch.testing.assert_close(found.detach(), expected, rtol=1e-4, atol=1e-5)


def test_it_looks_one_step_on_where_diffusers_ddpm_goes(policy: Callable[..., Backbone], monkeypatch) -> None:
    """Without the step's noise: diffusers' DDPM scheduler of 1000 steps gives the same mean."""
    view = policy("sd-1.5")
    seen = seen_by(view)
    places: list[Tensor] = []
    monkeypatch.setattr("t2ialign.training.perception.encoder_states", lambda view, x, t, e: places.append(x) or x)
    perceive = seen.perceive
    assert perceive is not None
    silent = replace(perceive, noise=torch.zeros_like(perceive.noise))
    silent(seen.policy.detach())
    scheduler = begin_run(view.scheduler_config, "ddpm", 1000, "cpu").scheduler
    for row, timestep in enumerate(perceive.timesteps.tolist()):
        torch.manual_seed(0)
        step = scheduler.step(seen.policy.detach()[row][None], timestep, seen.noisy[row][None])
        std = scheduler._get_variance(timestep) ** 0.5 if timestep else 0.0
        torch.manual_seed(0)
        mean = step.prev_sample[0] - std * torch.randn(seen.policy[row][None].shape)[0]
        torch.testing.assert_close(places[0][row], mean, rtol=1e-3, atol=1e-4)


def test_the_gradient_is_that_of_small_changes(policy: Callable[..., Backbone]) -> None:
    seen = seen_by(policy("sd-1.5"))
    seen = replace(seen, policy=seen.policy.detach().requires_grad_())
    exact, numerical = slope(LOSS, seen, eps=3e-2)
    assert exact == pytest.approx(numerical, rel=5e-2) and abs(exact) > 1e-6


def test_an_adapter_that_says_nothing_has_no_margin(policy: Callable[..., Backbone]) -> None:
    view = policy("sd-1.5")
    data = pairs_for(view)
    draw = draw_step(PLAN, 0, len(data), data.shape, 0.0)
    seen = evaluate(view, data.batch(draw.indices, draw.empty), draw, alpha_bars(view), "float32", True)
    found = LOSS(seen)
    assert found.values.tolist() == pytest.approx([0.6931472] * 2) and not bool(found.log_ratio.any())
