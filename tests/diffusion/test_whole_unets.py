"""Full fine-tuned UNets take the base's place exactly, blend with it, and are refused where they do not fit."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from t2ialign.adapter_places import adapter_sha
from t2ialign.diffusion import whole_unets
from t2ialign.diffusion.adapters import add_adapter, blend, reference, weakened
from t2ialign.diffusion.merging import merged_lora
from t2ialign.diffusion.prompt_memory import PromptMemory
from t2ialign.registry import CheckpointEntry
from t2ialign.types import AdapterUse, InputError
from tests.diffusion.test_adapters import predict
from tests.diffusion.test_text_adapters import with_text
from tests.tiny import load_tiny, save_tiny, save_tiny_adapter, tiny_unet

WEIGHTS = "diffusion_pytorch_model.safetensors"


def save_unet(folder: Path, shape: str = "sd-1.5", seed: int = 5, **options) -> CheckpointEntry:
    """Another random UNet of the shape, as stock diffusers saves it, and its entry."""
    torch.manual_seed(seed)
    tiny_unet(shape).save_pretrained(folder, **options)
    return CheckpointEntry(folder.name, "tiny", folder, "unet")


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["sd-1.5", "sdxl"])
def test_weight_one_is_exactly_that_unet_and_zero_exactly_the_base(shape: str, tmp_path, fresh) -> None:
    entry = save_unet(tmp_path / "u", shape)
    other = load_tiny(save_tiny(tmp_path / "p", shape, seed=0), shape)
    other.unet.load_state_dict(load_file(entry.adapter / WEIGHTS))
    backbone = fresh(shape)
    base, theirs = predict(backbone), predict(other)
    known = {"u": entry}
    view = blend(backbone, [AdapterUse("u")], known)
    assert torch.equal(predict(view), theirs) and not torch.allclose(base, theirs, atol=1e-2)
    assert torch.equal(predict(blend(backbone, [AdapterUse("u", 0.0)], known)), base)
    assert torch.equal(predict(view), theirs), "views go on side by side"
    with reference(view):
        assert torch.equal(predict(view), base)
    assert view.vae is backbone.vae and view.text is backbone.text and view.unet is backbone.unet


@pytest.mark.slow
def test_a_weaker_share_of_a_unet_is_a_smaller_weight_of_it(tmp_path, fresh) -> None:
    """What guidance strategies that set a checkpoint against its base ask for: a share of the whole way."""
    backbone, known = fresh(), {"u": save_unet(tmp_path / "u")}
    view, half = (blend(backbone, [AdapterUse("u", weight)], known) for weight in (1.0, 0.5))
    assert torch.equal(predict(weakened(view, 0.5)), predict(half))
    assert weakened(view, 1.0) is view and torch.equal(predict(weakened(view, 0.0)), predict(backbone))


@pytest.mark.slow
def test_between_them_weights_are_blended(tmp_path, fresh) -> None:
    one, two = save_unet(tmp_path / "u"), save_unet(tmp_path / "v", seed=6)
    backbone = fresh()
    base = {name: tensor.clone() for name, tensor in backbone.unet.state_dict().items()}
    view = blend(backbone, [AdapterUse("u", 0.25), AdapterUse("v", 0.5)], {"u": one, "v": two})
    predict(view)
    first, second = (load_file(entry.adapter / WEIGHTS) for entry in (one, two))
    for name, tensor in backbone.unet.state_dict().items():
        torch.testing.assert_close(tensor, 0.25 * base[name] + 0.25 * first[name] + 0.5 * second[name])


@pytest.mark.slow
def test_adapters_stand_on_the_unet_that_is_there(tmp_path, fresh) -> None:
    """LoRAs and DoRAs are added to the other UNet's weights as stock peft adds them."""
    unet = save_unet(tmp_path / "u")
    lora, dora = save_tiny_adapter(tmp_path / "a"), save_tiny_adapter(tmp_path / "d", "dora", seed=2)
    known = {"u": unet, "a": lora, "d": dora}
    over = fresh()
    over.unet.load_state_dict(load_file(unet.adapter / WEIGHTS))
    for uses in ([AdapterUse("a", 0.7)], [AdapterUse("d")], [AdapterUse("a"), AdapterUse("d", 0.5)]):
        ours = predict(blend(fresh(), [AdapterUse("u"), *uses], known))
        assert torch.equal(ours, predict(blend(over, uses, known)))


@pytest.mark.slow
def test_prompts_ask_for_no_turn_of_a_unet(tmp_path, fresh, monkeypatch) -> None:
    """Not even where some adapter, which is off here, has a part in the text encoder."""
    unet, text = save_unet(tmp_path / "u"), with_text(save_tiny_adapter(tmp_path / "t"), "sd-1.5", "peft")
    backbone = fresh()
    view = blend(backbone, [AdapterUse("u")], {"u": unet})
    blend(backbone, [AdapterUse("t")], {"t": text})
    before = predict(view)
    opened = []
    monkeypatch.setattr(whole_unets, "_mixed", lambda *_: opened.append(1))
    forgetful = dataclasses.replace(view, prompts=PromptMemory())  # so that its prompts are encoded again
    assert torch.equal(predict(forgetful), before) and not opened


@pytest.mark.slow
def test_a_unet_in_pieces_or_in_half_precision_is_one(tmp_path, fresh) -> None:
    whole, pieces = save_unet(tmp_path / "u"), save_unet(tmp_path / "w", max_shard_size="50KB")
    assert len(list((tmp_path / "w").glob("*.safetensors"))) > 1
    results = [predict(blend(fresh(), [AdapterUse("u")], {"u": entry})) for entry in (whole, pieces)]
    assert torch.equal(*results)
    half = save_unet(tmp_path / "h", variant="fp16")
    save_file(
        {key: tensor.half() for key, tensor in load_file(whole.adapter / WEIGHTS).items()}, half.adapter / WEIGHTS
    )
    (half.adapter / WEIGHTS).rename(half.adapter / "diffusion_pytorch_model.fp16.safetensors")
    torch.testing.assert_close(
        predict(blend(fresh(), [AdapterUse("u")], {"u": half})), results[0], atol=0.02, rtol=0.02
    )


def test_its_identity_is_its_content(tmp_path) -> None:
    first, same, other = save_unet(tmp_path / "u"), save_unet(tmp_path / "v"), save_unet(tmp_path / "w", seed=6)
    assert adapter_sha(first.adapter) == adapter_sha(same.adapter) != adapter_sha(other.adapter)
    config = same.adapter / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"norm_eps": 1e-4}))
    assert adapter_sha(first.adapter) != adapter_sha(same.adapter)


def without_weights(entry: CheckpointEntry) -> None:
    (entry.adapter / WEIGHTS).unlink()


def truncated(entry: CheckpointEntry) -> None:
    file = entry.adapter / WEIGHTS
    file.write_bytes(file.read_bytes()[:5000])


def one_weight_short(entry: CheckpointEntry) -> None:
    tensors = load_file(entry.adapter / WEIGHTS)
    del tensors["conv_in.bias"]
    save_file(tensors, entry.adapter / WEIGHTS)


def said(name: str, value: object):
    def change(entry: CheckpointEntry) -> None:
        config = entry.adapter / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {name: value}))

    return change


REFUSALS = {
    "no-weights": (without_weights, "which holds no whole one"),
    "truncated": (truncated, "truncated or damaged"),
    "short": (
        one_weight_short,
        r"another architecture than tiny \(1 tensors differ; conv_in.bias is absent there and 16",
    ),
    "heads": (said("attention_head_dim", 2), r"another architecture than tiny \(attention_head_dim is \[2, 2\] there"),
    "broken-config": (lambda entry: (entry.adapter / "config.json").write_text("{"), "configuration .* cannot be read"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_does_not_fit_is_refused_with_a_sentence(case: str, tmp_path, fresh) -> None:
    damage, sentence = REFUSALS[case]
    entry = save_unet(tmp_path / "u")
    damage(entry)
    backbone = fresh()
    before = predict(backbone)
    with pytest.raises(InputError, match=sentence):
        blend(backbone, [AdapterUse("u", 0.5)], {"u": entry})
    assert torch.equal(predict(backbone), before)


def test_another_family_s_unet_is_refused(tmp_path, fresh) -> None:
    entry = save_unet(tmp_path / "u", "sdxl")
    with pytest.raises(InputError, match="can neither take its place nor be blended with it"):
        blend(fresh(), [AdapterUse("u")], {"u": entry})


@pytest.mark.slow
def test_another_unet_than_the_one_that_was_named_is_refused(tmp_path, fresh) -> None:
    entry = save_unet(tmp_path / "u")
    with pytest.raises(InputError, match="The adapter u has changed since: it was 0123"):
        blend(fresh(), [AdapterUse("u", 1.0, "0123")], {"u": entry})
    wrong = dataclasses.replace(entry, sha256="f" * 16)
    with pytest.raises(InputError, match="is not the UNet that the manifest of u names"):
        blend(fresh(), [AdapterUse("u")], {"u": wrong})


@pytest.mark.slow
def test_a_unet_is_no_adapter_to_train_from_or_to_merge(tmp_path, fresh) -> None:
    entry = save_unet(tmp_path / "u")
    with pytest.raises(InputError, match="u is a whole UNet, which is no part of an adapter: blend it live"):
        merged_lora(fresh(), [AdapterUse("u")], {"u": entry})
    with pytest.raises(InputError, match="u is a whole UNet"):
        add_adapter(fresh(), "new", start=entry)
