"""Prompt embeddings against stock pipelines' own, and what is said about prompts that are too long."""

from __future__ import annotations

import pytest
import torch

from t2ialign.diffusion.text import stack, truncation_note
from tests.tiny import SHAPES, stock_pipeline

PROMPTS = ["a red circle", "", "a big striped blue square to the left of a small yellow star"]


@pytest.mark.parametrize("shape", ["sd-1.5", "sd-2.1-v"])
def test_equals_stock_diffusers(shape, folders, backbones):
    pipeline, backbone = stock_pipeline(folders[shape], shape), backbones[shape]
    for prompt in PROMPTS:
        expected, empty = pipeline.encode_prompt(prompt, "cpu", 1, True)
        assert torch.equal(backbone.encode_prompts([prompt]).prompt_embeds, expected)
        assert torch.equal(backbone.encode_prompts([""]).prompt_embeds, empty)


def test_equals_stock_diffusers_with_two_encoders(folders, backbones):
    pipeline, backbone = stock_pipeline(folders["sdxl"], "sdxl"), backbones["sdxl"]
    for prompt, negative in ((PROMPTS[0], None), (PROMPTS[2], "a blue star")):
        expected = pipeline.encode_prompt(prompt, negative_prompt=negative)
        ours = [backbone.encode_prompts([text]) for text in (prompt, negative or "")]
        assert torch.equal(ours[0].prompt_embeds, expected[0])
        assert torch.equal(ours[1].prompt_embeds, expected[1])
        assert torch.equal(ours[0].pooled_prompt_embeds, expected[2])
        assert torch.equal(ours[1].pooled_prompt_embeds, expected[3])
    assert not backbone.encode_prompts([""]).prompt_embeds.any()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_prompt_does_not_depend_on_its_company(shape, backbones):
    together = backbones[shape].encode_prompts(PROMPTS)
    for row, prompt in enumerate(PROMPTS):
        alone = backbones[shape].encode_prompts([prompt])
        assert torch.equal(alone.prompt_embeds[0], together.prompt_embeds[row])
        assert alone.truncated[0] == together.truncated[row] == ""


def test_repeat_and_stack(backbones):
    embeds = backbones["sdxl"].encode_prompts(PROMPTS[:2])
    twice = embeds.repeat(2)
    assert torch.equal(twice.prompt_embeds, embeds.prompt_embeds[[0, 0, 1, 1]])
    assert torch.equal(twice.pooled_prompt_embeds, embeds.pooled_prompt_embeds[[0, 0, 1, 1]])
    assert len(twice.truncated) == 4
    both = stack([embeds, twice])
    assert torch.equal(both.prompt_embeds, embeds.prompt_embeds[[0, 1, 0, 0, 1, 1]])


def test_what_is_cut_is_named(backbones):
    """32 tokens are start, 30 words of this grammar, and end."""
    words = ["a", "red", "circle"] * 10
    assert backbones["sd-1.5"].encode_prompts([" ".join(words)]).truncated == ("",)
    longer = backbones["sd-1.5"].encode_prompts([" ".join([*words, "and", "a", "blue", "star"])])
    assert longer.truncated == ("and a blue star",)
    assert torch.equal(longer.prompt_embeds, backbones["sd-1.5"].encode_prompts([" ".join(words)]).prompt_embeds)


def test_ten_thousand_characters(backbones):
    embeds = backbones["sdxl"].encode_prompts(["a red circle and <b>a blue star</b> " * 300])
    assert torch.isfinite(embeds.prompt_embeds).all()
    note = truncation_note(embeds.truncated[0])
    assert len(note) < 200
    assert note.endswith("characters).")


def test_notes():
    assert truncation_note("") == ""
    assert truncation_note("and a star") == (
        "The prompt is longer than the model can read: everything from 'and a star' on was left out (10 characters)."
    )
    assert "'one two ...'" in truncation_note("one two three", limit=10)
