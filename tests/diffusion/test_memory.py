"""A device without room makes pictures more slowly, and the same pictures; only where not one fits it is an error."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from t2ialign.diffusion import micro_batches
from t2ialign.diffusion.generate import SMALLER, TILED, SamplingProgress, generate
from t2ialign.diffusion.memory import in_pieces, out_of_memory
from t2ialign.types import GenerationConfig, InputError, Prompt, SeedBatch
from tests.tiny import SIDE

CONFIG = GenerationConfig("tiny", num_inference_steps=3, height=SIDE, width=SIDE)


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro_batches, "_fitted", {})


def with_room_for(backbone, pictures: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The UNet as on a device whose memory ends; returns how many pictures each evaluation had."""
    forward, seen = backbone.unet.forward, []

    def limited(latents, *args, **kwargs):
        if len(latents) > 2 * pictures:  # with and without the prompt
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        seen.append(len(latents) // 2)
        return forward(latents, *args, **kwargs)

    monkeypatch.setattr(backbone.unet, "forward", limited)
    return seen


@pytest.mark.slow
def test_micro_batches_are_halved_and_it_is_said(fresh, monkeypatch) -> None:
    backbone, seeds, prompt = fresh(), (4, 1, 7, 2, 9, 3, 8), Prompt("a red star")
    (whole,) = (one for one in generate(backbone, prompt, CONFIG, seeds) if isinstance(one, SeedBatch))
    seen = with_room_for(backbone, 2, monkeypatch)
    events = list(generate(backbone, prompt, CONFIG, seeds))
    batches = [one for one in events if isinstance(one, SeedBatch)]
    assert [batch.seeds for batch in batches] == [(4, 1), (7, 2), (9, 3), (8,)] and set(seen) == {1, 2}
    assert (torch.cat([batch.images for batch in batches]).int() - whole.images.int()).abs().max() <= 1
    steps = [one for one in events if isinstance(one, SamplingProgress)]
    assert all(one.memory == (SMALLER.format(2),) for one in steps) and steps[-1].done == steps[-1].total == 12
    assert [one.done for one in steps] == sorted(one.done for one in steps)


@pytest.mark.slow
def test_where_not_one_picture_fits_it_is_said(fresh, monkeypatch) -> None:
    backbone = fresh()
    with_room_for(backbone, 0, monkeypatch)
    with pytest.raises(InputError, match=f"no room for one picture of {SIDE} x {SIDE} pixels: ask for smaller"):
        list(generate(backbone, Prompt("a red star"), CONFIG, (1, 2)))


def test_other_errors_stay_what_they_are(fresh, monkeypatch) -> None:
    backbone = fresh()

    def broken(*_, **__):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(backbone.unet, "forward", broken)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        list(generate(backbone, Prompt("a red star"), CONFIG, (1, 2)))


@pytest.mark.slow
def test_decoding_goes_in_pieces_and_at_last_in_tiles_and_whole_again_after(fresh, monkeypatch) -> None:
    backbone, seeds, prompt = fresh(), (1, 2), Prompt("a red star")
    config = dataclasses.replace(CONFIG, height=3 * SIDE, width=3 * SIDE)
    backbone.vae.tile_sample_min_size, backbone.vae.tile_latent_min_size = 2 * SIDE, 2 * SIDE // 8

    def drawn() -> tuple[torch.Tensor, set[str]]:
        events = list(generate(backbone, prompt, config, seeds))
        said = {note for one in events if isinstance(one, SamplingProgress) for note in one.memory}
        return torch.cat([one.images for one in events if isinstance(one, SeedBatch)]), said

    whole, said = drawn()
    assert said == set()
    forward, room, sizes = backbone.vae.decoder.forward, [(2 * SIDE // 8) ** 2], []

    def limited(latents, *args, **kwargs):
        if len(latents) * latents.shape[-1] * latents.shape[-2] > room[0]:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        sizes.append(tuple(latents.shape))
        return forward(latents, *args, **kwargs)

    monkeypatch.setattr(backbone.vae.decoder, "forward", limited)
    tiled, said = drawn()
    assert said == {TILED} and (tiled.int() - whole.int()).abs().max() > 1
    assert {size[0] for size in sizes} == {1} and not backbone.vae.use_tiling
    room[0] = (3 * SIDE // 8) ** 2  # room for one picture: pieces are enough
    again, said = drawn()
    assert said == set() and (again.int() - whole.int()).abs().max() <= 1


@pytest.mark.slow
def test_pieces_are_a_batch_again() -> None:
    sizes = []

    def work(batch: torch.Tensor) -> torch.Tensor:
        if len(batch) > 3:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")
        sizes.append(len(batch))
        return 2 * batch

    assert torch.equal(in_pieces(work, torch.arange(11)), 2 * torch.arange(11)) and sizes == [2, 3, 3, 3]
    assert not out_of_memory(RuntimeError("shapes")) and out_of_memory(torch.OutOfMemoryError("x"))


def test_pictures_of_another_size(fresh) -> None:
    config = dataclasses.replace(CONFIG, height=SIDE, width=2 * SIDE)
    *_, batch = generate(fresh(), Prompt("a red star"), config, (1,))
    assert batch.images.shape == (1, 3, SIDE, 2 * SIDE)
