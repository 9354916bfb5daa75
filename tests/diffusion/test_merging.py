"""Adapters merged into one LoRA: LoRAs by rank, DoRAs by what they do to the weights."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from t2ialign.diffusion.adapters import blend, load_adapter
from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.merging import MergedLora, merged_lora
from t2ialign.diffusion.whole_unets import places_of
from t2ialign.registry import CheckpointEntry
from t2ialign.types import AdapterUse, InputError
from tests.tiny import Shape, load_tiny, save_tiny_adapter, tiny_unet
from tests.tiny_flow import FlowShape, load_tiny_flow, save_flow_adapter, save_tiny_flow

Entries = Mapping[str, CheckpointEntry]
CONVOLUTIONS = ("conv1", "conv2", "conv_shortcut", "conv", "proj_in", "conv_out", "to_q", "to_v")


def noise_pred(view: Backbone) -> Tensor:
    channels = view.unet.config.in_channels // (4 if view.entry.family == "flux" else 1)
    latents = torch.randn(2, channels, 4, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return view.predict_noise(latents, 500, view.encode_prompts(["a red circle", "a ring"]))


def as_lora(backbone: Backbone, merged: MergedLora, file: Path) -> Backbone:
    """A view with the merged tensors on, read back from a file as any LoRA is."""
    save_file(
        {f"{backbone.entry.family_traits.network}.{name}": tensor for name, tensor in merged.tensors.items()}, file
    )
    entry = CheckpointEntry(file.stem, "tiny", file, "lora")
    return blend(backbone, [AdapterUse(entry.name)], {entry.name: entry})


def effects(backbone: Backbone, entry: CheckpointEntry) -> dict[str, Tensor]:
    """What peft's own merging of a lone adapter at full strength adds to each layer's weights."""
    from peft.tuners.lora import LoraLayer

    key = load_adapter(backbone, entry)
    unet = copy.deepcopy(backbone.unet)
    before = {name: place.detach().clone() for name, place in places_of(unet).items()}
    for layer in unet.modules():
        if isinstance(layer, LoraLayer) and key in layer.lora_A:
            layer.set_scale(key, 1.0)
            layer.merge(adapter_names=[key])
    after = places_of(unet)
    return {name: after[name].detach() - place for name, place in before.items() if not torch.equal(after[name], place)}


@contextmanager
def added(backbone: Backbone, deltas: Sequence[tuple[float, Mapping[str, Tensor]]]) -> Iterator[Backbone]:
    """Within it the base's own weights are others: each plus the deltas by their weights."""
    places = places_of(backbone.unet)
    before = {name: place.detach().clone() for name, place in places.items()}
    with torch.no_grad():
        for weight, each in deltas:
            for name, delta in each.items():
                places[name] += weight * delta
        yield blend(backbone, ())
        for name, place in before.items():
            places[name].copy_(place)


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=2e-5)


@pytest.mark.slow
def test_a_merged_lora_predicts_what_the_live_blend_predicts(tmp_path) -> None:
    backbone = load_tiny(tmp_path / "sd")
    entries = {
        "a": save_tiny_adapter(tmp_path / "a", seed=1, rank=4),
        "b": save_tiny_adapter(tmp_path / "b", seed=2, rank=2),
    }
    uses = [AdapterUse("a", 0.5), AdapterUse("b", -0.25)]
    live = noise_pred(blend(backbone, uses, entries))
    merged = merged_lora(backbone, uses, entries)
    assert (live - noise_pred(blend(backbone, ()))).abs().max() > 0.01
    close(noise_pred(as_lora(backbone, merged, tmp_path / "m.safetensors")), live)
    assert {tensor.shape[0] for name, tensor in merged.tensors.items() if "lora_A" in name} == {6}
    assert merged.error is None
    assert merged_lora(backbone, uses, entries, rank=6).error is None  # a limit that is met


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["sd-1.5", "sd-2.1-v", "sdxl"])
def test_a_merged_dora_predicts_what_the_dora_predicts(shape: Shape, tmp_path) -> None:
    backbone = load_tiny(tmp_path / "sd", shape)
    entries = {"d": save_tiny_adapter(tmp_path / "d", "dora", shape)}
    live = noise_pred(blend(backbone, [AdapterUse("d")], entries))
    merged = merged_lora(backbone, [AdapterUse("d")], entries)
    assert (live - noise_pred(blend(backbone, ()))).abs().max() > 0.01
    close(noise_pred(as_lora(backbone, merged, tmp_path / "m.safetensors")), live)
    assert merged.error.total < merged.error.worst < 1e-7 and merged.error.words.startswith("exact, at rank ")
    assert merged.error.rank == max(len(t) for name, t in merged.tensors.items() if "lora_A" in name) == 32


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["sd-3.5", "flux-dev"])
def test_a_flow_models_dora_too(shape: FlowShape, tmp_path) -> None:
    save_tiny_flow(tmp_path / "flow", shape)
    backbone = load_tiny_flow(tmp_path / "flow", shape)
    entries = {"d": save_flow_adapter(tmp_path / "d", shape, "dora")}
    live = noise_pred(blend(backbone, [AdapterUse("d")], entries))
    merged = merged_lora(backbone, [AdapterUse("d")], entries)
    assert (live - noise_pred(blend(backbone, ()))).abs().max() > 0.01
    torch.testing.assert_close(
        noise_pred(as_lora(backbone, merged, tmp_path / "m.safetensors")), live, atol=2e-5, rtol=1e-4
    )


@pytest.mark.slow
def test_convolutions_are_merged_as_peft_merges_them(tmp_path) -> None:
    backbone = load_tiny(tmp_path / "sd")
    entry = save_tiny_adapter(tmp_path / "d", "dora", targets=CONVOLUTIONS)
    live = noise_pred(blend(backbone, [AdapterUse("d")], {"d": entry}))
    merged = merged_lora(backbone, [AdapterUse("d")], {"d": entry})
    expected = effects(backbone, entry)
    assert {expected[name].ndim for name in expected} == {2, 4} and len(expected) > 12
    for name, delta in expected.items():
        layer = name.removesuffix(".weight")
        down, up = (merged.tensors[f"{layer}.lora_{part}.weight"] for part in "AB")
        assert down.shape[1:] == delta.shape[1:] and up.ndim == delta.ndim
        torch.testing.assert_close((up.flatten(1) @ down.flatten(1)).view_as(delta), delta, atol=2e-6, rtol=1e-4)
    close(noise_pred(as_lora(backbone, merged, tmp_path / "m.safetensors")), live)


@pytest.mark.slow
def test_weights_multiply_what_a_dora_adds_to_the_weights(tmp_path) -> None:
    """A LoRA and two DoRAs: the sum of their effects. A live blend mixes predictions, which is another thing."""
    backbone = load_tiny(tmp_path / "sd")
    entries = {
        "a": save_tiny_adapter(tmp_path / "a", rank=3),
        "d": save_tiny_adapter(tmp_path / "d", "dora", seed=2),
        "c": save_tiny_adapter(tmp_path / "c", "dora", seed=3, targets=("conv1", "to_q")),
    }
    uses = [AdapterUse("a", 0.5), AdapterUse("d", 0.7), AdapterUse("c", -0.4)]
    live = noise_pred(blend(backbone, uses, entries))
    merged = merged_lora(backbone, uses, entries)
    with added(backbone, [(use.weight, effects(backbone, entries[use.name])) for use in uses]) as other:
        expected = noise_pred(other)
    close(noise_pred(as_lora(backbone, merged, tmp_path / "m.safetensors")), expected)
    assert (live - expected).abs().max() > 0.01
    ranks = {name: len(tensor) for name, tensor in merged.tensors.items() if "lora_A" in name}
    assert {rank for name, rank in ranks.items() if "conv1" in name} == {16, 32}
    assert merged.error.worst < 1e-7


def fainter(entry: CheckpointEntry, backbone: Backbone, share: float, file: Path) -> CheckpointEntry:
    """The DoRA with a share of its product and with the base's own magnitudes: what it adds shrinks as the share does."""
    places = places_of(backbone.unet)
    tensors = load_file(entry.adapter)
    for name, tensor in tensors.items():
        if "lora_magnitude_vector" in name:
            row = places[f"{name.removeprefix('unet.').partition('.lora_magnitude')[0]}.weight"]
            tensors[name] = row.detach().flatten(1).norm(dim=1).view_as(tensor)
        elif "lora_B" in name:
            tensors[name] = share * tensor
    with safe_open(entry.adapter, "pt") as content:
        save_file(tensors, file, content.metadata())
    return CheckpointEntry(file.stem, "tiny", file, "dora")


@pytest.mark.slow
def test_to_first_order_in_what_a_dora_adds_the_merged_weight_is_the_live_one(tmp_path) -> None:
    """At weight 0.5 live and merged differ, and a DoRA of half the effect halves their gap, measured in its effect."""
    backbone = load_tiny(tmp_path / "sd")
    whole = save_tiny_adapter(tmp_path / "d", "dora")
    base = noise_pred(blend(backbone, ()))
    gaps = []
    for share in (0.02, 0.01):
        entries = {"d": fainter(whole, backbone, share, tmp_path / f"d{share}.safetensors")}
        uses = [AdapterUse("d", 0.5)]
        live = noise_pred(blend(backbone, uses, entries))
        merged = merged_lora(backbone, uses, entries)
        found = noise_pred(as_lora(backbone, merged, tmp_path / f"m{share}.safetensors"))
        gaps.append(float((found - live).norm() / (live - base).norm()))
    assert gaps[1] / gaps[0] == pytest.approx(0.5, abs=0.1) and gaps[0] > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("rank", [1, 5, 20, 32])
def test_a_limited_rank_misses_the_tail_of_the_singular_values(rank: int, tmp_path) -> None:
    """Eckart and Young: the error is the root of the squares left out, over all of them, by layer and of all layers."""
    backbone = load_tiny(tmp_path / "sd")
    entries = {
        "a": save_tiny_adapter(tmp_path / "a", rank=3),
        "d": save_tiny_adapter(tmp_path / "d", "dora", targets=("to_q", "conv1", "to_v")),
    }
    uses = [AdapterUse("a", 0.5), AdapterUse("d")]
    merged = merged_lora(backbone, uses, entries, rank)
    assert merged.error.rank <= rank
    total: dict[str, Tensor] = {}
    for use in uses:
        for name, delta in effects(backbone, entries[use.name]).items():
            total[name] = total.get(name, 0) + use.weight * delta.flatten(1).double()
    values = {name: torch.linalg.svdvals(delta).square() for name, delta in total.items()}
    tails = {name: float(one[rank:].sum() / one.sum()) ** 0.5 for name, one in values.items()}
    whole = sum(float(one.sum()) for one in values.values())
    expected = (sum(float(one[rank:].sum()) for one in values.values()) / whole) ** 0.5
    assert merged.error.total == pytest.approx(expected, rel=1e-3, abs=1e-6)
    assert merged.error.worst == pytest.approx(max(tails.values()), rel=1e-3, abs=1e-6)
    if rank < 32:
        assert merged.error.layer == max(tails, key=tails.__getitem__).removesuffix(".weight")
        assert merged.error.layer in merged.error.words and f"at rank {rank} it misses" in merged.error.words
    as_lora(backbone, merged, tmp_path / "m.safetensors")  # other ranks in one file


@pytest.mark.slow
def test_loras_are_limited_too(tmp_path) -> None:
    backbone = load_tiny(tmp_path / "sd")
    entries = {"a": save_tiny_adapter(tmp_path / "a", rank=4)}
    merged = merged_lora(backbone, [AdapterUse("a")], entries, rank=3)
    assert 0 < merged.error.total < merged.error.worst < 1 and merged.error.rank == 3
    with pytest.raises(InputError, match="1 or more, not -1"):
        merged_lora(backbone, [AdapterUse("a")], entries, rank=-1)


@pytest.mark.slow
def test_a_dora_is_merged_against_the_bases_weights_whatever_is_on(tmp_path) -> None:
    """A whole UNet that a view has put in the base's place is not what the DoRA changes."""
    backbone = load_tiny(tmp_path / "sd")
    torch.manual_seed(9)
    tiny_unet("sd-1.5").save_pretrained(tmp_path / "whole")
    entries = {
        "d": save_tiny_adapter(tmp_path / "d", "dora"),
        "whole": CheckpointEntry("whole", "tiny", tmp_path / "whole", "unet"),
    }
    alone = merged_lora(backbone, [AdapterUse("d")], entries)
    noise_pred(blend(backbone, [AdapterUse("whole"), AdapterUse("d", 0.5)], entries))
    again = merged_lora(backbone, [AdapterUse("d")], entries)
    assert dataclasses.asdict(again.error) == dataclasses.asdict(alone.error)
    assert all(torch.equal(again.tensors[name], tensor) for name, tensor in alone.tensors.items())
