"""A prompt is encoded once for a whole sweep, and never under adapters that it was not encoded with."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from t2ialign.diffusion import prompt_memory
from t2ialign.diffusion.adapters import add_adapter, blend, drop_adapter
from t2ialign.diffusion.generate import generate
from t2ialign.diffusion.prompt_memory import PromptMemory, bytes_of
from t2ialign.diffusion.text import PromptEmbeds, TextEncoder
from t2ialign.types import AdapterUse, GenerationConfig, Prompt
from tests.diffusion.test_text_adapters import with_text
from tests.tiny import SIDE, save_tiny_adapter

CONFIG = GenerationConfig("tiny", num_inference_steps=1, height=SIDE, width=SIDE)


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """What is really encoded, and in which role."""
    calls: list[tuple[str, bool]] = []
    encode = TextEncoder.encode

    def counted(self, prompts, negative=False):
        calls.extend((prompt, negative) for prompt in prompts)
        return encode(self, prompts, negative)

    monkeypatch.setattr(TextEncoder, "encode", counted)
    return calls


@pytest.mark.slow
def test_a_sweep_of_cfg_encodes_its_prompt_once(fresh, encoded) -> None:
    backbone = fresh()
    for scale in (2.0, 4.0, 7.5):
        for seed in (1, 2):
            config = dataclasses.replace(CONFIG, guidance_scale=scale)
            assert list(generate(backbone, Prompt("a red star"), config, (seed,)))
    assert encoded == [("a red star", False), ("", True)]
    list(generate(backbone, Prompt("a ring"), dataclasses.replace(CONFIG, negative_prompt="a red star"), (1,)))
    assert encoded[2:] == [("a ring", False), ("a red star", True)]


def test_what_is_remembered_is_what_is_encoded_and_nobody_writes_into_it(fresh, encoded) -> None:
    backbone = fresh("sdxl")
    first = backbone.encode_prompts(["a red star", ""])
    kept = first.prompt_embeds.clone()
    first.prompt_embeds.zero_()
    again = backbone.encode_prompts(["", "a red star"])
    assert torch.equal(again.prompt_embeds, kept.flip(0)) and len(encoded) == 2


def test_adapters_of_an_encoder_have_embeddings_of_their_own(fresh, tmp_path, encoded) -> None:
    backbone = fresh()
    entry = with_text(save_tiny_adapter(tmp_path / "a"), "sd-1.5", "peft")
    plain = backbone.encode_prompts(["a red star"]).prompt_embeds
    views = [blend(backbone, [AdapterUse("a", weight)], {"a": entry}) for weight in (1.0, 0.5)]
    found = [view.encode_prompts(["a red star"]).prompt_embeds for view in views]
    assert not torch.equal(found[0], plain) and not torch.equal(found[0], found[1])
    for view, expected in ((backbone, plain), *zip(views, found)):
        before = len(encoded)
        view.encode_prompts(["a red star"])  # from here they are remembered
        assert torch.equal(view.encode_prompts(["a red star"]).prompt_embeds, expected)
        assert len(encoded) - before <= 1


def test_an_adapter_that_comes_or_goes_is_asked_anew(fresh, encoded) -> None:
    backbone = fresh()
    backbone.encode_prompts(["a ring"])
    add_adapter(backbone, "mine")
    backbone.encode_prompts(["a ring"])
    drop_adapter(backbone, "mine")
    backbone.encode_prompts(["a ring"])
    assert len(encoded) == 3


def test_it_is_bounded_in_prompts_and_bytes(monkeypatch) -> None:
    def embeds(number: int) -> PromptEmbeds:
        return PromptEmbeds(torch.full((1, 2, 3), float(number)), None, ("",))

    memory, made = PromptMemory(), []

    def ask(key: int) -> None:
        memory.recall(key, lambda: made.append(key) or embeds(key))

    monkeypatch.setattr(prompt_memory, "MOST", 2)
    for key in (1, 2, 1, 3, 1, 2):  # 2 was asked for longest ago when 3 came
        ask(key)
    assert made == [1, 2, 3, 2]
    monkeypatch.setattr(prompt_memory, "MOST_BYTES", bytes_of(embeds(0)))
    for key in (5, 5, 6, 5):
        ask(key)
    assert made[4:] == [5, 6, 5]
