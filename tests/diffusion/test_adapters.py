"""Adapters: loaded as stock diffusers loads them, blended by weight, switched without a trace, trained and saved."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from t2ialign.content import sha_of
from t2ialign.diffusion.adapters import (
    adapter_parameters,
    add_adapter,
    blend,
    drop_adapter,
    load_adapter,
    reference,
    save_adapter,
    weakened,
)
from t2ialign.diffusion.backbone import Backbone
from t2ialign.registry import CheckpointEntry, load_registry
from t2ialign.types import AdapterUse, InputError
from tests.tiny import save_tiny_adapter, stock_pipeline

KINDS = pytest.mark.parametrize("kind", ["lora", "dora"])
Checkpoints = dict[str, CheckpointEntry]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Checkpoints:
    """Two LoRAs (of different rank), two DoRAs and one for SDXL."""
    root = tmp_path_factory.mktemp("adapters")
    entries = [
        save_tiny_adapter(root / "lora", "lora", seed=1),
        save_tiny_adapter(root / "lora.2", "lora", seed=2, rank=2),
        save_tiny_adapter(root / "dora", "dora", seed=3),
        save_tiny_adapter(root / "dora.2", "dora", seed=4),
        save_tiny_adapter(root / "xl", "dora", "sdxl", seed=5, backbone="xl"),
    ]
    return {entry.name: entry for entry in entries}


def predict(backbone: Backbone) -> torch.Tensor:
    latents = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    return backbone.predict_noise(latents, 300, backbone.encode_prompts(["a red star", ""]))


def uses(**weights: float) -> list[AdapterUse]:
    return [AdapterUse(name.replace("_2", ".2"), weight) for name, weight in weights.items()]


def stock(folder: Path, shape: str, *blends: tuple[CheckpointEntry, float]) -> torch.Tensor:
    """The prediction of stock diffusers with these adapters loaded, weighted by its own ``set_adapters``."""
    pipeline = stock_pipeline(folder, shape)
    for index, (entry, _) in enumerate(blends):
        pipeline.load_lora_weights(entry.adapter.parent, adapter_name=f"a{index}")
    pipeline.set_adapters([f"a{index}" for index in range(len(blends))], [weight for _, weight in blends])
    latents = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    embeds = torch.cat([pipeline.encode_prompt(prompt, "cpu", 1, False)[0] for prompt in ("a red star", "")])
    with torch.no_grad():
        return pipeline.unet(latents, 300, embeds).sample


@pytest.mark.slow
@pytest.mark.parametrize(
    "weights", [{"lora": 1.0}, {"lora": 0.7}, {"lora": -0.5}, {"lora": 0.5, "lora.2": 2.0}, {"dora": 1.0}]
)
def test_bit_identical_to_stock_diffusers(weights, checkpoints, folders, fresh):
    asked = [AdapterUse(name, weight) for name, weight in weights.items()]
    expected = stock(folders["sd-1.5"], "sd-1.5", *((checkpoints[name], weight) for name, weight in weights.items()))
    assert torch.equal(predict(blend(fresh(), asked, checkpoints)), expected)


@pytest.mark.slow
@KINDS
def test_weight_zero_is_exactly_the_base(kind, checkpoints, fresh, backbones):
    """Also after the adapter has been on, and where peft alone would not give the base back (DoRA)."""
    backbone, base = fresh(), predict(backbones["sd-1.5"])
    assert torch.equal(predict(blend(backbone, uses(**{kind: 0.0}), checkpoints)), base)
    assert not torch.allclose(predict(blend(backbone, uses(**{kind: 1.0}), checkpoints)), base)
    assert torch.equal(predict(blend(backbone, uses(**{kind: 0.0}), checkpoints)), base)
    assert torch.equal(predict(backbone), base)
    assert torch.equal(predict(blend(backbone, [], checkpoints)), base)
    assert torch.equal(predict(blend(backbone, uses(lora=0.0, dora=0.0), checkpoints)), base)


@pytest.mark.slow
def test_a_dora_at_weight_zero_is_not_the_base_for_peft(checkpoints, folders, backbones):
    """The fact behind the special case; should peft mend it, the special case may go."""
    at_zero = stock(folders["sd-1.5"], "sd-1.5", (checkpoints["dora"], 0.0))
    assert not torch.allclose(at_zero, predict(backbones["sd-1.5"]), atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_a_view_weakened_is_a_blend_of_smaller_weights(share, checkpoints, fresh):
    """Also for blends of both kinds, which scale in weights and in predictions."""
    backbone = fresh()
    for weights in ({"lora": 0.8}, {"dora": 0.6}, {"lora": 0.6, "lora_2": 0.3, "dora": 0.4}):
        view = weakened(blend(backbone, uses(**weights), checkpoints), share)
        smaller = uses(**{name: share * weight for name, weight in weights.items()})
        torch.testing.assert_close(predict(view), predict(blend(backbone, smaller, checkpoints)))


@pytest.mark.slow
@pytest.mark.parametrize("weight", [0.25, 0.5, 1.5, -0.5])
def test_a_dora_in_between_mixes_predictions(weight, checkpoints, fresh):
    backbone = fresh()
    base, full = predict(backbone), predict(blend(backbone, uses(dora=1.0), checkpoints))
    torch.testing.assert_close(
        predict(blend(backbone, uses(dora=weight), checkpoints)), (1 - weight) * base + weight * full
    )


@pytest.mark.slow
def test_blends_of_both_kinds(checkpoints, fresh):
    """e_L + sum_d w_d (e_d - e_base), as the module's docstring defines it."""
    backbone = fresh()
    base = predict(backbone)
    dora, dora_2 = (predict(blend(backbone, uses(**{name: 1.0}), checkpoints)) for name in ("dora", "dora_2"))
    loras = predict(blend(backbone, uses(lora=0.6, lora_2=0.3), checkpoints))
    cases = [
        ({"dora": 0.3, "dora_2": 0.4}, base + 0.3 * (dora - base) + 0.4 * (dora_2 - base), 3),
        ({"dora": 0.3, "dora_2": 0.7}, 0.3 * dora + 0.7 * dora_2, 2),
        ({"lora": 0.6, "lora_2": 0.3, "dora": 0.5}, loras + 0.5 * (dora - base), 3),
        ({"lora": 0.6, "lora_2": 0.3, "dora": 1.0, "dora_2": -1.0}, loras + dora - dora_2, 3),
        ({"lora": 0.6, "lora_2": 0.3, "dora": 0.0}, loras, 1),
    ]
    for weights, expected, evaluations in cases:
        view = blend(backbone, uses(**weights), checkpoints)
        torch.testing.assert_close(predict(view), expected, rtol=1e-4, atol=1e-5)
        assert len(view.passes) == evaluations


@pytest.mark.slow
def test_views_do_not_meet(checkpoints, fresh):
    """Views of one backbone, used in turns, predict what each predicts alone."""
    backbone = fresh()
    views = [
        blend(backbone, uses(**weights), checkpoints) for weights in ({"lora": 1.0}, {"lora": 0.5}, {"dora": 0.5}, {})
    ]
    alone = [predict(view) for view in views]
    for _ in range(2):
        for view, expected in zip(views, alone, strict=True):
            assert torch.equal(predict(view), expected)


@pytest.mark.slow
def test_threads_do_not_meet(checkpoints, fresh):
    backbone = fresh()
    views = [blend(backbone, uses(**weights), checkpoints) for weights in ({"lora": 1.0}, {"dora": 0.5}, {})]
    expected = [predict(view).detach() for view in views]
    wrong: list[int] = []

    def work(index: int) -> None:
        for _ in range(5):
            with reference(views[index]) as base:
                wrong.extend([index] * (not torch.equal(predict(base), expected[2])))
            wrong.extend([index] * (not torch.equal(predict(views[index]), expected[index])))

    threads = [threading.Thread(target=work, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_error_in_the_network_leaves_no_lock(checkpoints, fresh):
    backbone = blend(fresh(), uses(lora=1.0), checkpoints)
    with pytest.raises(RuntimeError) as kept:
        backbone.predict_noise(torch.zeros(1, 4, 4, 4), 1, backbone.encode_prompts(["a", "b"]))
    done = threading.Thread(target=lambda: predict(backbone))
    done.start()
    done.join(timeout=30)
    assert not done.is_alive()
    del kept


@pytest.mark.slow
@KINDS
def test_reference_is_exactly_the_base(kind, checkpoints, fresh, backbones):
    base = predict(backbones["sd-1.5"])
    policy = blend(fresh(), uses(**{kind: 1.0}), checkpoints)
    tuned = predict(policy)
    with reference(policy) as ref:
        assert torch.equal(predict(ref), base)
        assert torch.equal(predict(policy), base)
        with reference(policy):
            pass
        assert torch.equal(predict(policy), base)
    assert torch.equal(predict(policy), tuned)
    with pytest.raises(KeyError), reference(policy):
        raise KeyError
    assert torch.equal(predict(policy), tuned)


@KINDS
def test_a_new_adapter_changes_nothing_until_trained(kind, fresh):
    backbone = fresh()
    base = predict(backbone)
    policy = add_adapter(backbone, "new one", kind, rank=2)
    torch.testing.assert_close(predict(policy), base, atol=1e-5, rtol=1e-5)
    parameters = adapter_parameters(policy)
    assert parameters
    assert all(parameter.requires_grad and parameter.dtype == torch.float32 for parameter in parameters.values())
    trainable = {name for name, parameter in policy.unet.named_parameters() if parameter.requires_grad}
    assert trainable == set(parameters)


@KINDS
@pytest.mark.parametrize("order", ["reference first", "reference last"])
def test_the_reference_does_not_silence_the_policys_gradients(kind, order, fresh):
    """peft's own switch turns gradients off with the adapter, and what it had learnt in this step would be lost."""
    policy = add_adapter(fresh(), "new", kind, rank=2)
    parameters = adapter_parameters(policy)
    if order == "reference last":
        loss = predict(policy).square().sum()
    with reference(policy) as base, torch.no_grad():
        predict(base)
    if order == "reference first":
        loss = predict(policy).square().sum()
    loss.backward()
    gradients = [parameter.grad for name, parameter in parameters.items() if "lora_B" in name]
    assert gradients
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients)


@pytest.mark.slow
def test_only_the_new_adapter_trains(checkpoints, fresh):
    """Others that are loaded stay frozen, also after views of them were used in between."""
    backbone = fresh()
    other = blend(backbone, uses(lora=1.0), checkpoints)
    policy = add_adapter(backbone, "new", rank=2)
    predict(other)
    predict(policy).sum().backward()
    trained = {name for name, parameter in backbone.unet.named_parameters() if parameter.grad is not None}
    assert trained == set(adapter_parameters(policy))
    assert not any(parameter.requires_grad for parameter in adapter_parameters(other).values())


def train(policy: Backbone) -> None:
    """A few steps of anything, so that the adapter has an effect."""
    optimizer = torch.optim.AdamW(adapter_parameters(policy).values(), lr=0.05)
    for _ in range(3):
        optimizer.zero_grad()
        (predict(policy) - 1).square().mean().backward()
        optimizer.step()


@pytest.mark.slow
@KINDS
def test_saved_is_loaded_bit_for_bit_here_and_by_stock_diffusers(kind, tmp_path, fresh, folders):
    policy = add_adapter(fresh(), "mine", kind, rank=2, alpha=3)
    train(policy)
    sha = save_adapter(policy, "mine", tmp_path / "checkpoints" / "mine", {"title": "Mine", "method": "dpo", "seed": 3})
    (tmp_path / "checkpoints" / "registry.toml").write_text('[backbones.tiny]\nfamily = "sd"\npath = "tiny"\n')
    entry = load_registry(tmp_path / "checkpoints", tmp_path / "nowhere").checkpoints["mine"]
    assert (entry.kind, entry.backbone, entry.title, entry.method) == (kind, "tiny", "Mine", "dpo")
    assert entry.sha256[:16] == sha == sha_of(entry.adapter)
    manifest = json.loads((entry.adapter.parent / "manifest.json").read_text())
    assert (manifest["seed"], manifest["backbone_revision"]) == (3, policy.revision)
    again = blend(fresh(), [AdapterUse("mine", 1.0, sha)], {"mine": entry})
    assert torch.equal(predict(again), predict(policy).detach())
    assert torch.equal(predict(again), stock(folders["sd-1.5"], "sd-1.5", (entry, 1.0)))


@pytest.mark.slow
@KINDS
def test_training_can_go_on_from_a_saved_adapter(kind, checkpoints, fresh):
    backbone = fresh()
    policy = add_adapter(backbone, "round two", start=checkpoints[kind])
    expected = predict(blend(backbone, uses(**{kind: 1.0}), checkpoints))
    assert torch.equal(predict(policy).detach(), expected)
    train(policy)
    assert not torch.allclose(predict(policy), expected)
    assert torch.equal(predict(blend(backbone, uses(**{kind: 1.0}), checkpoints)), expected)


@pytest.mark.slow
def test_saving_replaces_as_a_whole(tmp_path, fresh, monkeypatch):
    """A save that fails half way leaves the former adapter as it was, and no litter."""
    policy = add_adapter(fresh(), "mine", rank=2)
    folder = tmp_path / "mine"
    first = save_adapter(policy, "mine", folder, {})
    train(policy)
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(InputError, match=r"cannot be written to .* \(No space left on device\)"):
        save_adapter(policy, "mine", folder, {})
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert sha_of(folder / "pytorch_lora_weights.safetensors") == first
    monkeypatch.undo()
    assert save_adapter(policy, "mine", folder, {}) != first
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "pytorch_lora_weights.safetensors"]
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_who_may_read_the_manifest_may_read_the_adapter(tmp_path, fresh):
    """A store that several people share is of no use if one of them can load its adapters."""
    save_adapter(add_adapter(fresh(), "mine", rank=2), "mine", tmp_path / "mine", {})
    assert len({path.stat().st_mode for path in (tmp_path / "mine").iterdir()}) == 1


def test_equal_adapters_are_equal_files_whichever_process_writes_them(tmp_path, fresh):
    """peft keeps layers' names as a set, and safetensors what is said as a map: every process draws their orders anew."""
    policy = add_adapter(fresh(), "mine", rank=2)
    (config,) = policy.unet.peft_config.values()
    config.target_modules |= {f"layer_{number}" for number in range(20)}
    save_adapter(policy, "mine", tmp_path / "mine", {})
    with safe_open(tmp_path / "mine" / "pytorch_lora_weights.safetensors", "pt") as file:
        said = json.loads(file.metadata()["lora_adapter_metadata"])["unet.target_modules"]
    assert said == sorted(said) and "layer_19" in said and len(said) > 20
    header = (tmp_path / "mine" / "pytorch_lora_weights.safetensors").read_bytes()[8:80]
    assert header.startswith(b'{"__metadata__":{"format":"pt","lora_adapter_metadata":')


@pytest.mark.slow
def test_adding_again_starts_over(fresh):
    backbone = fresh()
    base = predict(backbone)
    train(add_adapter(backbone, "mine", rank=2))
    torch.testing.assert_close(predict(add_adapter(backbone, "mine", "dora", rank=4)), base, atol=1e-5, rtol=1e-5)
    drop_adapter(backbone, "mine")
    drop_adapter(backbone, "mine")
    assert torch.equal(predict(backbone), base)
    with pytest.raises(InputError, match="no adapter 'mine' in training"):
        save_adapter(backbone, "mine", Path("/nonexistent"), {})


@pytest.mark.slow
def test_dropping_one_adapter_trains_no_other(tmp_path, fresh):
    backbone = fresh()
    blend(backbone, uses(a=1.0), {"a": save_tiny_adapter(tmp_path / "a", seed=1)})
    policy = add_adapter(backbone, "mine", rank=2)
    predict(policy)
    drop_adapter(backbone, "mine")
    assert not any(parameter.requires_grad for parameter in backbone.unet.parameters())


@pytest.mark.slow
def test_a_changed_file_is_another_adapter(tmp_path, fresh):
    """The same name with other weights is loaded anew, and a config that names the old ones is refused."""
    backbone = fresh()
    old = save_tiny_adapter(tmp_path / "a", seed=1)
    before, sha = predict(blend(backbone, uses(a=1.0), {"a": old})), sha_of(old.adapter)
    new = save_tiny_adapter(tmp_path / "a", seed=2)
    assert not torch.allclose(predict(blend(backbone, uses(a=1.0), {"a": new})), before)
    with pytest.raises(InputError, match="The adapter a has changed since"):
        blend(backbone, [AdapterUse("a", 1.0, sha)], {"a": new})


def test_loading_twice_loads_once(checkpoints, fresh):
    backbone = fresh()
    keys = {load_adapter(backbone, checkpoints["lora"]) for _ in range(2)}
    assert len(keys) == len(backbone.switch.loaded) == 1


@pytest.mark.slow
@KINDS
def test_sdxl_adapters(kind, tmp_path, fresh):
    backbone = fresh("sdxl")
    entry = save_tiny_adapter(tmp_path / "a", kind, "sdxl")
    base, full = predict(backbone), predict(blend(backbone, uses(a=1.0), {"a": entry}))
    assert not torch.allclose(base, full)
    assert torch.equal(predict(blend(backbone, uses(a=0.0), {"a": entry})), base)


@pytest.mark.slow
@KINDS
def test_adapters_in_half_precision(kind, checkpoints, fresh):
    backbone = fresh(dtype="bfloat16")
    base = predict(backbone)
    full = predict(blend(backbone, uses(**{kind: 1.0}), checkpoints))
    assert not torch.equal(full, base)
    exact = fresh()
    torch.testing.assert_close(full, predict(blend(exact, uses(**{kind: 1.0}), checkpoints)), atol=0.1, rtol=0.1)
    policy = add_adapter(backbone, "new", kind, rank=2)
    predict(policy).sum().backward()
    assert all(parameter.dtype == torch.float32 for parameter in adapter_parameters(policy).values())


def test_unknown_and_unloadable(checkpoints, fresh, tmp_path, monkeypatch):
    backbone = fresh()
    with pytest.raises(InputError, match="did you mean 'dora'"):
        blend(backbone, uses(dorra=1.0), checkpoints)
    with pytest.raises(InputError, match="tiny has no adapter"):
        blend(backbone, uses(tiny=1.0), {"tiny": CheckpointEntry("tiny", "tiny")})
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        InputError, match=r"cannot reach the Hub \(HF_HUB_OFFLINE is set\): connect once to fetch org/far"
    ):
        blend(backbone, uses(far=1.0), {"far": CheckpointEntry("far", "tiny", "org/far@v1", "lora")})
