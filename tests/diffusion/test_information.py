"""Mutual information from re-noised latents, and the map of the loop's own estimate."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from t2ialign import settings
from t2ialign.diffusion.generate import generate
from t2ialign.diffusion.information import grid, load, renoised_information
from t2ialign.diffusion.noise import kappa
from t2ialign.diffusion.schedulers import begin_run
from t2ialign.types import GenerationConfig, InputError, Prompt, SeedBatch
from tests.tiny import SHAPES, SIDE

PROMPT = "a red circle above a blue star"
every = pytest.mark.parametrize("shape", SHAPES)


def embeds(backbone, text: str = PROMPT):
    return [backbone.encode_prompts([part]) for part in (text, "")]


def latents(backbone, n: int = 3) -> torch.Tensor:
    return torch.randn(n, *backbone.latent_shape(SIDE, SIDE), generator=torch.Generator().manual_seed(1))


def test_the_grid_is_even_and_above_its_floor() -> None:
    assert grid(4, 1000) == [125, 375, 625, 875]
    assert grid(2, 1000, t_min=50) == [287, 762]


@every
def test_equals_the_equation_at_one_timestep(shape, backbones) -> None:
    """kappa_t |e(z_t, prompt) - e(z_t, empty)|^2 by hand, of each picture alone."""
    backbone, z, t = backbones[shape], latents(backbones[shape]), 400
    found = renoised_information(backbone, z, *embeds(backbone), [t], seed=7)
    scheduler = begin_run(backbone.scheduler_config, "ddpm", 1, "cpu").scheduler
    bar, beta = float(scheduler.alphas_cumprod[t]), float(scheduler.betas[t])
    noise = torch.randn(z.shape[1:], generator=torch.Generator().manual_seed(7))
    prompt, empty = embeds(backbone)
    for index, one in enumerate(z):
        noisy = (math.sqrt(bar) * one + math.sqrt(1 - bar) * noise)[None]
        gap = (backbone.predict_noise(noisy, t, prompt) - backbone.predict_noise(noisy, t, empty)).square().sum()
        gap = gap * bar if backbone.prediction == "v_prediction" else gap
        assert found.paper[index].item() == pytest.approx(kappa(beta, bar) * gap.item(), rel=1e-4)
        assert found.released[index].item() == pytest.approx(found.paper[index].item() * (1 - beta), rel=1e-5)


@every
def test_the_map_adds_up_to_the_information(shape, backbones) -> None:
    backbone = backbones[shape]
    found = renoised_information(backbone, latents(backbone), *embeds(backbone), [100, 500, 900])
    torch.testing.assert_close(found.share.sum((1, 2)), found.paper)
    assert (found.share >= 0).all() and found.share.shape[1:] == latents(backbone).shape[2:]


def test_no_prompt_tells_nothing(backbones) -> None:
    backbone = backbones["sd-1.5"]
    empty = backbone.encode_prompts([""])
    assert renoised_information(backbone, latents(backbone), empty, empty, [100, 500]).paper.abs().max() < 1e-8


def test_small_timesteps_do_not_count_in_the_released_weights(backbones) -> None:
    backbone = backbones["sd-1.5"]
    both = renoised_information(backbone, latents(backbone), *embeds(backbone), [500])
    low = renoised_information(backbone, latents(backbone), *embeds(backbone), [10])
    assert low.released.isnan().all() and torch.isfinite(both.released).all()


@every
def test_the_loop_keeps_its_map_with_the_batch(shape, backbones) -> None:
    backbone = backbones[shape]
    config = GenerationConfig(backbone.entry.name, backbone.revision, num_inference_steps=3, height=SIDE, width=SIDE)
    config = replace(config, dtype=backbone.dtype)
    (batch,) = [event for event in generate(backbone, Prompt(PROMPT), config, (1, 2)) if isinstance(event, SeedBatch)]
    torch.testing.assert_close(batch.mutual_information_map.sum((1, 2)), batch.mutual_information)
    negative = replace(config, negative_prompt="a ring")
    (batch,) = [event for event in generate(backbone, Prompt(PROMPT), negative, (1,)) if isinstance(event, SeedBatch)]
    assert batch.mutual_information_map is None


@pytest.fixture(scope="module")
def embedded():
    return load("shapes", "cpu", timesteps=4)


@pytest.mark.slow
def test_the_embedded_base_tells_its_prompt_from_another(embedded) -> None:
    """Pictures of a prompt carry more information with it than noise does, and the place of the object carries most."""
    from t2ialign.shapes.grammar import parse
    from t2ialign.shapes.oracle import scenes_of
    from t2ialign.shapes.render import render

    prompt = Prompt("a small red circle")
    images = render(scenes_of(parse(prompt.text), 8, torch.Generator().manual_seed(0)))
    found = embedded.encode(images, prompt)
    assert set(found) == set(embedded.provides)
    assert all(values.shape == (8,) and (values > 0).all() for values in found.values())
    alone = embedded.encode(images[3:4], prompt)
    torch.testing.assert_close(
        alone["mutual_information_renoise"][0], found["mutual_information_renoise"][3], rtol=1e-3, atol=1e-4
    )


@pytest.mark.slow
def test_other_sizes_are_brought_to_the_backbones(embedded) -> None:
    images = torch.randint(0, 256, (2, 3, 40, 50), dtype=torch.uint8)
    assert embedded.encode(images, Prompt("a ring"))["mutual_information_renoise"].shape == (2,)


def test_its_settings_are_part_of_its_identity() -> None:
    plain, finer = load("shapes", "cpu"), load("shapes", "cpu", timesteps=20)
    assert plain.sha != finer.sha and len(plain.sha) == 12
    with pytest.raises(InputError, match="no backbone called"):
        load("nowhere", "cpu")
    assert settings.CHECKPOINTS.is_dir()
