"""A model larger than its device is drawn with all the same: its networks take turns there, and that is said."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline
from torch import nn

from t2ialign.diffusion import micro_batches
from t2ialign.diffusion.backbone import Backbone, load_backbone
from t2ialign.diffusion.generate import SMALLER, SamplingProgress, generate
from t2ialign.diffusion.offload import OFFLOADED, parts_of, size_of, take_turns, takes_turns
from t2ialign.diffusion.text import TextEncoder
from t2ialign.registry import resolve
from t2ialign.types import GenerationConfig, InputError, Prompt, SeedBatch
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import score_batch
from t2ialign.use_cases.results import InboxResults
from t2ialign.use_cases.workbench import Workbench
from tests.tiny import SIDE, tiny_entry

DEVICE = "cpu:0"  # main memory under another name: the device of these tests
CONFIG = GenerationConfig("tiny", num_inference_steps=2, height=SIDE, width=SIDE)
FULL = "CUDA out of memory. Tried to allocate 2.00 GiB"


class Device:
    """A device of so many bytes, on which networks lie."""

    def __init__(self, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room, self.held = room, {}
        move = nn.Module.to

        def to(module: nn.Module, *where, **how) -> nn.Module:
            target = where[0] if where else None
            if target == DEVICE:
                others = sum(size for one, size in self.held.items() if one is not module)
                if others + size_of(module) > self.room:
                    raise torch.OutOfMemoryError(FULL)
                self.held[module] = size_of(module)
            elif target == "cpu":
                self.held.pop(module, None)
            return move(module, *where, **how)

        monkeypatch.setattr(nn.Module, "to", to)


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro_batches, "_fitted", {})


def loaded(folders, shape="sd-1.5") -> Backbone:
    return load_backbone(tiny_entry(folders[shape], shape), DEVICE, "float32")


def drawn(backbone: Backbone, *seeds: int) -> tuple[torch.Tensor, list[SamplingProgress]]:
    events = list(generate(backbone, Prompt("a red star"), CONFIG, seeds or (3, 5)))
    pictures = torch.cat([one.images for one in events if isinstance(one, SeedBatch)])
    return pictures, [one for one in events if isinstance(one, SamplingProgress)]


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["sd-1.5", "sdxl"])
def test_a_model_larger_than_the_device_takes_turns_and_draws_the_same(shape, folders, backbones, monkeypatch) -> None:
    sizes = [size_of(part) for part in parts_of(backbones[shape]).values()]
    device = Device(max(sizes), monkeypatch)
    backbone = loaded(folders, shape)
    assert takes_turns(backbone) and device.held == {}
    for _ in range(2):  # the second time begins with the VAE on the device
        pictures, steps = drawn(backbone)
        assert torch.equal(pictures, drawn(backbones[shape])[0])
        assert all(one.memory == (OFFLOADED,) for one in steps) and list(device.held) == [backbone.vae]


def test_a_device_with_room_for_all_holds_all(folders, backbones, monkeypatch) -> None:
    parts = parts_of(backbones["sd-1.5"])
    device = Device(sum(map(size_of, parts.values())), monkeypatch)
    assert not takes_turns(loaded(folders)) and len(device.held) == len(parts)


def test_where_one_part_is_too_large_it_is_said(folders, backbones, monkeypatch) -> None:
    device = Device(max(map(size_of, parts_of(backbones["sd-1.5"]).values())) - 1, monkeypatch)
    with pytest.raises(
        InputError, match=r"no room for tiny: its UNet alone takes \d+ [kM]B, and the device cpu:0 has less"
    ):
        loaded(folders)
    assert device.held == {}


def test_main_memory_that_is_full_is_no_damaged_folder(folders, monkeypatch) -> None:
    def full(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")

    monkeypatch.setattr(StableDiffusionPipeline, "from_pretrained", full)
    with pytest.raises(InputError, match="no room in main memory for tiny"):
        loaded(folders)


@pytest.mark.slow
def test_where_the_prompt_cannot_be_read_beside_the_rest_networks_take_turns(folders, backbones, monkeypatch) -> None:
    backbone, encode = loaded(folders), TextEncoder.encode

    def limited(self, *args):
        if not takes_turns(backbone):
            raise torch.OutOfMemoryError(FULL)
        return encode(self, *args)

    monkeypatch.setattr(TextEncoder, "encode", limited)
    pictures, steps = drawn(backbone)
    assert all(one.memory == (OFFLOADED,) for one in steps)
    monkeypatch.setattr(TextEncoder, "encode", encode)
    assert torch.equal(pictures, drawn(backbones["sd-1.5"])[0])


@pytest.mark.parametrize("device", [DEVICE, "cpu"])
def test_a_prompt_that_cannot_be_read_at_all_is_an_error_with_a_sentence(device, folders, monkeypatch) -> None:
    backbone = load_backbone(tiny_entry(folders["sd-1.5"]), device, "float32")

    def full(*_):
        raise torch.OutOfMemoryError(FULL)

    monkeypatch.setattr(TextEncoder, "encode", full)
    with pytest.raises(InputError, match=f"no room on the device {device} for reading the prompt with tiny"):
        drawn(backbone)


@pytest.mark.slow
def test_in_the_loop_turns_are_the_last_resort(folders, monkeypatch) -> None:
    backbone = loaded(folders)
    forward = backbone.unet.forward

    def limited(latents, *args, **kwargs):
        if not takes_turns(backbone):
            raise torch.OutOfMemoryError(FULL)
        return forward(latents, *args, **kwargs)

    monkeypatch.setattr(backbone.unet, "forward", limited)
    pictures, steps = drawn(backbone)
    assert len(pictures) == 2 and steps[-1].memory == (OFFLOADED, SMALLER.format(1))


def test_a_turn_that_fails_leaves_nothing_behind(folders, backbones, monkeypatch) -> None:
    backbone = loaded(folders)
    device = Device(0, monkeypatch)
    take_turns(backbone)
    with pytest.raises(torch.OutOfMemoryError):
        backbone.unet(torch.zeros(1, 4, 4, 4), 1, torch.zeros(1, 2, 32))
    device.room = 10**9
    assert len(drawn(backbone)[0]) == 2


@pytest.mark.slow
def test_the_use_case_says_it_and_keeps_no_such_note(tmp_path: Path, monkeypatch) -> None:
    base = load_backbone(resolve("base")[0], "cpu", "float32")
    Device(max(map(size_of, parts_of(base).values())), monkeypatch)
    bench = Workbench(InboxResults(tmp_path), DEVICE, "float32")
    request = BatchRequest(Prompt("a red circle"), "base", (1,), 4.0, 2, metrics=("mutual_information",))
    *_, last = score_batch(bench, request)
    assert OFFLOADED in last.notes and last.phase == "done"
    assert OFFLOADED not in bench.results.notes(last.whole)
