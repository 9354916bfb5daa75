"""How many pictures are drawn at a time: what the device has free, and what did not fit before."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from t2ialign import settings
from t2ialign.diffusion import micro_batches, offload
from t2ialign.diffusion.generate import generate
from t2ialign.diffusion.micro_batches import PIXEL, SPARED, free_memory, micro_batch, remember
from t2ialign.diffusion.offload import size_of
from t2ialign.types import GenerationConfig, Prompt
from tests.tiny import SIDE

CONFIG = GenerationConfig("tiny", num_inference_steps=1, height=SIDE, width=SIDE)
PICTURE = PIXEL * SIDE * SIDE * 4  # bytes, in float32


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro_batches, "_fitted", {})


def device(monkeypatch: pytest.MonkeyPatch, pictures: float, kept: int = 0) -> None:
    """A CUDA device with room for so many pictures, of which torch keeps some bytes for later."""
    free = int(pictures * PICTURE / (1 - SPARED)) + 1
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free - kept, 10 * free))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: kept + 70)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 70)


def on(fresh, name: str = "cuda"):
    return dataclasses.replace(fresh(), device=name)


def test_free_memory_says_how_many_to_begin_with(fresh, monkeypatch) -> None:
    view = on(fresh, "cuda:1")
    for room, wanted in ((100, 16), (5.5, 5), (1, 1), (0.1, 1)):
        device(monkeypatch, room)
        assert micro_batch(view, CONFIG) == wanted
    device(monkeypatch, 6, kept=PICTURE)  # what torch keeps is free
    assert micro_batch(view, CONFIG) == 6
    assert micro_batch(view, dataclasses.replace(CONFIG, height=2 * SIDE)) == 3
    assert micro_batch(dataclasses.replace(view, dtype="float16"), CONFIG) == 12


def test_where_networks_take_turns_the_one_at_work_needs_room_too(fresh, monkeypatch) -> None:
    view = on(fresh)
    device(monkeypatch, 8)
    assert micro_batch(view, CONFIG) == 8
    offload._away.add(view.unet)
    assert micro_batch(view, CONFIG) == int(8 - size_of(view.unet) * (1 - SPARED) / PICTURE)


def test_where_nothing_tells_there_are_usual_numbers(fresh, monkeypatch) -> None:
    assert [micro_batch(on(fresh, name), CONFIG) for name in ("cpu", "mps")] == [8, 4]
    monkeypatch.setattr(settings, "LENT_GPU", True)
    assert free_memory("cuda") is None and micro_batch(on(fresh), CONFIG) == 16


def test_what_did_not_fit_is_remembered_for_its_kind(fresh, monkeypatch) -> None:
    view = on(fresh)
    device(monkeypatch, 16)
    remember(view, CONFIG, 4)
    assert micro_batch(view, CONFIG) == 4
    assert micro_batch(view, dataclasses.replace(CONFIG, width=SIDE // 2)) == 16
    assert micro_batch(view, dataclasses.replace(CONFIG, guidance="apg")) == 16
    assert micro_batch(dataclasses.replace(view, device="cuda:1"), CONFIG) == 16
    device(monkeypatch, 25)  # somebody else left: it is tried again
    assert micro_batch(view, CONFIG) == 16


@pytest.mark.slow
def test_the_loop_says_what_did_not_fit(fresh, monkeypatch) -> None:
    backbone = fresh()
    forward = backbone.unet.forward

    def limited(latents, *args, **kwargs):
        if len(latents) > 2 * 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(latents, *args, **kwargs)

    monkeypatch.setattr(backbone.unet, "forward", limited)
    assert micro_batch(backbone, CONFIG) == 8
    list(generate(backbone, Prompt("a red star"), CONFIG, range(8), batch_size=8))
    assert micro_batch(backbone, CONFIG) == 2
