"""What may not be loaded as an adapter: one sentence each, and nothing left half loaded."""

from __future__ import annotations

import dataclasses
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from t2ialign.content import file_sha256
from t2ialign.diffusion.adapters import blend
from t2ialign.registry import CheckpointEntry
from t2ialign.types import AdapterUse, InputError
from tests.diffusion.test_adapters import predict
from tests.tiny import save_tiny_adapter


@pytest.fixture
def entry(tmp_path: Path) -> CheckpointEntry:
    return save_tiny_adapter(tmp_path / "a", "dora")


def rewrite(entry: CheckpointEntry, change: Callable[[dict], object]) -> CheckpointEntry:
    """The same file with its tensors changed."""
    with safe_open(entry.adapter, framework="pt") as file:
        tensors, metadata = {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118
    change(tensors)
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, entry.adapter, metadata=metadata)
    return entry


def rename(tensors: dict, old: str, new: str) -> None:
    for key in [key for key in tensors if old in key]:
        tensors[key.replace(old, new)] = tensors.pop(key)


def first(tensors: dict, part: str) -> str:
    return next(key for key in tensors if part in key)


def missing(entry: CheckpointEntry) -> CheckpointEntry:
    entry.adapter.unlink()
    return entry


def truncated(entry: CheckpointEntry) -> CheckpointEntry:
    entry.adapter.write_bytes(entry.adapter.read_bytes()[:-1000])
    return entry


def emptied(entry: CheckpointEntry) -> CheckpointEntry:
    entry.adapter.write_bytes(b"")
    return entry


def html(entry: CheckpointEntry) -> CheckpointEntry:
    entry.adapter.write_text("<html>404</html>" * 100)
    return entry


def torch_pickle(entry: CheckpointEntry) -> CheckpointEntry:
    torch.save({"w": torch.zeros(3)}, entry.adapter)
    return entry


def plain_pickle(entry: CheckpointEntry) -> CheckpointEntry:
    entry.adapter.write_bytes(pickle.dumps({"w": 1}))
    return entry


def zipped(entry: CheckpointEntry) -> CheckpointEntry:
    with zipfile.ZipFile(entry.adapter, "w") as archive:
        archive.writestr("data.pkl", "x")
    return entry


def named_as_pickle(entry: CheckpointEntry) -> CheckpointEntry:
    return dataclasses.replace(entry, adapter=entry.adapter.rename(entry.adapter.with_suffix(".bin")))


def other_manifest(entry: CheckpointEntry) -> CheckpointEntry:
    return dataclasses.replace(entry, sha256="0" * 64)


def other_architecture(entry: CheckpointEntry) -> CheckpointEntry:
    return save_tiny_adapter(entry.adapter.parent, "dora", "sdxl")


def other_width(entry: CheckpointEntry) -> CheckpointEntry:
    return rewrite(entry, lambda t: t.update({(k := first(t, "lora_A")): torch.zeros(4, t[k].shape[1] + 1)}))


def other_height(entry: CheckpointEntry) -> CheckpointEntry:
    return rewrite(entry, lambda t: t.update({(k := first(t, "magnitude")): torch.ones(t[k].numel() + 1)}))


def unknown_layer(entry: CheckpointEntry) -> CheckpointEntry:
    return rewrite(entry, lambda t: rename(t, "down_blocks.1", "down_blocks.7"))


def layer_without_weights(entry: CheckpointEntry) -> CheckpointEntry:
    return rewrite(entry, lambda t: rename(t, "attn1.to_q", "attn1"))


def norm_layer(entry: CheckpointEntry) -> CheckpointEntry:
    return rewrite(entry, lambda t: rename(t, "attn1.to_q", "norm1"))


def unknown_part(entry: CheckpointEntry) -> CheckpointEntry:
    return rewrite(entry, lambda t: rename(t, "lora_A", "hada_w1"))


def half_a_layer(entry: CheckpointEntry) -> CheckpointEntry:
    return rewrite(entry, lambda t: t.pop(first(t, "lora_B")))


def one_magnitude_short(entry: CheckpointEntry) -> CheckpointEntry:
    return rewrite(entry, lambda t: t.pop(first(t, "magnitude")))


def without_magnitudes(entry: CheckpointEntry) -> CheckpointEntry:
    """A DoRA whose magnitudes all went, and whose metadata knows it as one."""
    return rewrite(entry, lambda t: [t.pop(key) for key in list(t) if "magnitude" in key])


def not_finite(entry: CheckpointEntry) -> CheckpointEntry:
    return rewrite(entry, lambda t: t[first(t, "lora_B")].fill_(float("nan")))


def text_encoder_alone(entry: CheckpointEntry) -> CheckpointEntry:
    return rewrite(entry, lambda t: rename(t, "unet.", "text_encoder."))


def second_text_encoder(entry: CheckpointEntry) -> CheckpointEntry:
    """SD has one."""
    return rewrite(entry, lambda t: rename(t, "unet.", "text_encoder_2."))


def loha(entry: CheckpointEntry) -> CheckpointEntry:
    return rewrite(entry, lambda t: t.update({"lora_unet_mid_block_attentions_0_proj_in.hada_w1_a": torch.ones(2, 2)}))


def lokr(entry: CheckpointEntry) -> CheckpointEntry:
    return rewrite(entry, lambda t: t.update({"lora_unet_mid_block_attentions_0_proj_in.lokr_w1": torch.ones(2, 2)}))


def twice(entry: CheckpointEntry) -> CheckpointEntry:
    """One matrix in two layouts."""
    return rewrite(entry, lambda t: t.update({(k := first(t, "lora_A")).replace("lora_A", "lora.down"): t[k] + 1}))


def ranks_that_differ(entry: CheckpointEntry) -> CheckpointEntry:
    return rewrite(entry, lambda t: t.update({(k := first(t, "lora_A")): t[k][:2]}))


def whole_numbers(entry: CheckpointEntry) -> CheckpointEntry:
    return rewrite(entry, lambda t: t.update({(k := first(t, "lora_A")): t[k].to(torch.int8)}))


def magnitudes_of_inputs(entry: CheckpointEntry) -> CheckpointEntry:
    """As LyCORIS writes them without ``wd_on_out``: peft's DoRA knows those of outputs only."""
    return rewrite(entry, lambda t: t.update({(k := first(t, "magnitude")): t[k].reshape(1, -1)}))


def said(text: str) -> Callable[[CheckpointEntry], CheckpointEntry]:
    """With other metadata."""

    def change(entry: CheckpointEntry) -> CheckpointEntry:
        with safe_open(entry.adapter, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        save_file(tensors, entry.adapter, metadata={"lora_adapter_metadata": text})
        return entry

    change.__name__ = text
    return change


def no_tensors(entry: CheckpointEntry) -> CheckpointEntry:
    return rewrite(entry, lambda t: t.clear())


REFUSALS = {
    missing: "which is missing: restore it",
    truncated: "truncated or damaged",
    emptied: "truncated or damaged",
    html: "truncated or damaged",
    torch_pickle: "is a pickle, which can run code",
    plain_pickle: "is a pickle, which can run code",
    zipped: "is a pickle, which can run code",
    named_as_pickle: "is a pickle, which can run code",
    other_manifest: "SHA-256 differs",
    other_architecture: "made for another architecture than tiny",
    other_width: "made for another architecture",
    other_height: "made for another architecture",
    unknown_layer: "made for another architecture",
    layer_without_weights: "made for another architecture",
    norm_layer: "made for another architecture",
    unknown_part: "is a LoHa of LyCORIS .32 tensors, as unet.*hada_w1",
    half_a_layer: "is incomplete",
    one_magnitude_short: "is incomplete",
    not_finite: "not finite: its training diverged",
    text_encoder_alone: "made for another architecture .*96 tensors have no place",
    second_text_encoder: "made for another architecture .*96 tensors have no place",
    loha: "is a LoHa of LyCORIS \\(1 tensors",
    lokr: "is a LoKr of LyCORIS \\(1 tensors",
    twice: "holds 1 tensors that are no part",
    ranks_that_differ: "is incomplete",
    whole_numbers: "numbers of the kind torch.int8",
    magnitudes_of_inputs: "made for another architecture .*1 tensors have no place",
    said("{not json"): "The metadata of .* cannot be read",
    said("[1]"): "The metadata of .* cannot be read",
    said('{"unet.lora_alpha": null}'): "an alpha is None and not a number",
    said('{"unet.alpha_pattern": {"to_q": "x"}}'): "an alpha is no number",
    said('{"unet.use_rslora": "yes"}'): "use_rslora is neither",
    said('{"unet.alpha_pattern": {"(": 4}}'): "The metadata of .* cannot be read",
    said('{"unet.init_lora_weights": "pissa_niter_4"}'): "begun from parts of the base's weights .*pissa_niter_4",
    said('{"unet.peft_type": "LOHA"}'): "is a LOHA of peft",
    said('{"unet.layer_replication": [[0, 1]]}'): "computes otherwise than a LoRA does .layer_replication",
    without_magnitudes: "says that it is a DoRA and holds no magnitudes",
    no_tensors: "is empty",
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", REFUSALS, ids=lambda damage: damage.__name__)
def test_refusals_leave_nothing_behind(damage, entry, fresh, tmp_path):
    """Beside an adapter that is on, which must not notice."""
    good = save_tiny_adapter(tmp_path / "good", seed=7)
    backbone = fresh()
    view = blend(backbone, [AdapterUse("good")], {"good": good})
    before, state = predict(view), set(backbone.unet.state_dict())
    with pytest.raises(InputError, match=REFUSALS[damage]) as refusal:
        blend(backbone, [AdapterUse("a", 0.5)], {"a": damage(entry)})
    assert "\n" not in str(refusal.value)
    assert set(backbone.unet.state_dict()) == state
    assert list(backbone.unet.peft_config) == list(backbone.switch.loaded)
    assert torch.equal(predict(view), before)


@pytest.mark.slow
def test_the_right_sha_is_accepted(entry, fresh):
    entry = dataclasses.replace(entry, sha256=file_sha256(entry.adapter))
    assert blend(fresh(), [AdapterUse("a")], {"a": entry}).passes[0].adapters


@pytest.mark.slow
def test_without_metadata_alpha_is_the_rank(entry, fresh):
    """As diffusers takes it: the file was trained with alpha = 2 rank, so its effect halves (LoRA part)."""
    lora = save_tiny_adapter(entry.adapter.parent, "lora")
    with_metadata = blend(fresh(), [AdapterUse("a", 0.5)], {"a": lora})
    expected = predict(with_metadata)
    with safe_open(lora.adapter, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    save_file(tensors, lora.adapter)
    torch.testing.assert_close(predict(blend(fresh(), [AdapterUse("a", 1.0)], {"a": lora})), expected)


@pytest.mark.slow
def test_metadata_cannot_reach_further_than_scale(entry, fresh):
    """Of a file's metadata only the scale counts: no other targets, and no initialisation that left the base alone."""
    lora = save_tiny_adapter(entry.adapter.parent, "lora")
    expected = predict(blend(fresh(), [AdapterUse("a")], {"a": lora}))
    with safe_open(lora.adapter, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        said = json.loads(file.metadata()["lora_adapter_metadata"])
    said |= {"unet.init_lora_weights": "eva", "unet.target_modules": ["conv1"], "unet.bias": "all", "unet.odd": 1}
    save_file(tensors, lora.adapter, metadata={"lora_adapter_metadata": json.dumps(said)})
    backbone = fresh()
    assert torch.equal(predict(blend(backbone, [AdapterUse("a")], {"a": lora})), expected)
    assert torch.equal(predict(backbone), predict(fresh()))


@pytest.mark.slow
def test_ranks_may_differ_by_layer(entry, fresh):
    lora = save_tiny_adapter(entry.adapter.parent, "lora", rank=4)
    expected = predict(blend(fresh(), [AdapterUse("a", 0.5)], {"a": lora}))

    def pad(tensors: dict) -> None:
        """Two more rows and columns of zeros: another rank, the same product."""
        a, b = first(tensors, "to_k.lora_A"), first(tensors, "to_k.lora_B")
        tensors[a] = torch.cat([tensors[a], torch.zeros(2, tensors[a].shape[1])])
        tensors[b] = torch.cat([tensors[b], torch.zeros(tensors[b].shape[0], 2)], 1)

    with safe_open(lora.adapter, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    pad(tensors)
    save_file(tensors, lora.adapter)  # without metadata: alpha is each layer's rank
    torch.testing.assert_close(predict(blend(fresh(), [AdapterUse("a", 1.0)], {"a": lora})), expected)
