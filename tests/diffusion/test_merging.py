"""LoRAs merged by rank: one adapter that predicts what the blend predicts."""

from __future__ import annotations

import pytest
import torch

from t2ialign.adapter_places import ADAPTER_FILE
from t2ialign.diffusion.adapters import add_adapter, blend, drop_adapter
from t2ialign.diffusion.merging import merged_lora
from t2ialign.registry import CheckpointEntry
from t2ialign.types import AdapterUse, InputError
from tests.tiny import load_tiny, save_tiny_adapter


@pytest.mark.slow
def test_a_merged_lora_predicts_what_the_live_blend_predicts(tmp_path) -> None:
    from safetensors.torch import save_file

    backbone = load_tiny(tmp_path / "sd")
    entries = {
        "a": save_tiny_adapter(tmp_path / "a", seed=1, rank=4),
        "b": save_tiny_adapter(tmp_path / "b", seed=2, rank=2),
    }
    uses = [AdapterUse("a", 0.5), AdapterUse("b", -0.25)]
    latents = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    embeds = backbone.encode_prompts(["a red circle", "a ring"])
    with torch.no_grad():
        live = blend(backbone, uses, entries).predict_noise(latents, 500, embeds)
        tensors = merged_lora(backbone, uses, entries)
        (tmp_path / "m").mkdir()
        save_file({f"unet.{name}": tensor for name, tensor in tensors.items()}, tmp_path / "m" / ADAPTER_FILE)
        one = add_adapter(backbone, "m", start=CheckpointEntry("m", "tiny", tmp_path / "m" / ADAPTER_FILE, "lora"))
        merged = one.predict_noise(latents, 500, embeds)
        base = blend(backbone, ()).predict_noise(latents, 500, embeds)
    drop_adapter(backbone, "m")
    assert (live - base).abs().max() > 0.01
    torch.testing.assert_close(merged, live, atol=1e-5, rtol=1e-5)
    assert {tensor.shape[0] for name, tensor in tensors.items() if "lora_A" in name} == {6}


@pytest.mark.slow
def test_doras_do_not_add_up(tmp_path) -> None:
    backbone = load_tiny(tmp_path / "sd")
    entries = {"a": save_tiny_adapter(tmp_path / "a"), "d": save_tiny_adapter(tmp_path / "d", kind="dora")}
    with pytest.raises(InputError, match="d is a DoRA.*a@0.5\\+d@0.5"):
        merged_lora(backbone, [AdapterUse("a", 0.5), AdapterUse("d", 0.5)], entries)
