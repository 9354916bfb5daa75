"""Structured guidance: what is passed on, beside the authors' attention written out, and on a whole model."""

from __future__ import annotations

import pytest
import torch

from t2ialign.diffusion.attention import passing_on
from t2ialign.diffusion.denoise import denoise
from t2ialign.diffusion.reading import read_prompt
from t2ialign.diffusion.text import stack
from t2ialign.guidance.cfg import Cfg
from t2ialign.guidance.needs import Phrase, PromptReading
from t2ialign.guidance.structured import Structured
from tests.tiny import SIDE, load_tiny

PROMPT = "a red circle above a blue star"


@pytest.fixture(scope="module", params=["sd-1.5", "sdxl"])
def backbone(request, tmp_path_factory):
    return load_tiny(tmp_path_factory.mktemp("tiny") / request.param, request.param)


@pytest.mark.slow
def test_phrases_stand_where_they_are_in_the_prompt(backbone):
    reading = read_prompt(backbone, PROMPT)
    assert [(one.words, one.start, len(one.tokens)) for one in reading.phrases] == [
        ("a red circle", 1, 3),
        ("a blue star", 5, 3),
    ]
    alone = backbone.encode_prompts(["a blue star"]).prompt_embeds
    assert torch.equal(reading.phrases[1].tokens, alone[0, 1:4])


def test_the_mean_by_hand():
    """Three versions: whole, the first phrase replaced, the second; a phrase of one token is not read by itself."""
    embeds = torch.zeros(1, 6, 1)
    reading = PromptReading(
        (
            Phrase("a b", 1, torch.full((2, 1), 3.0)),
            Phrase("c", 3, torch.ones(1, 1)),
            Phrase("d e", 4, torch.full((2, 1), 6.0)),
        )
    )
    found = Structured().passes_on(embeds, reading)
    assert found.flatten().tolist() == [0, 1, 1, 0, 2, 2]
    assert torch.equal(Structured().passes_on(embeds, PromptReading()), embeds)


def test_as_the_authors_attention(backbone):
    """Their formula on the same tensors: one key, several values, the mean of the attentions' outputs; the empty half plain."""
    torch.manual_seed(0)
    layer = next(module for name, module in backbone.unet.named_modules() if name.endswith("attn2"))
    reading, prompt = read_prompt(backbone, PROMPT), backbone.encode_prompts([PROMPT]).prompt_embeds
    empty = backbone.encode_prompts([""]).prompt_embeds
    hidden, heads = torch.randn(2, 9, layer.to_q.in_features), layer.heads
    versions = [prompt]
    for phrase in reading.phrases:
        whole = prompt.clone()
        whole[0, phrase.start : phrase.start + 3] = phrase.tokens
        versions.append(whole)

    def split(rows):
        return rows.view(rows.shape[0], rows.shape[1], heads, -1).transpose(1, 2)

    with torch.no_grad():
        query, key = split(layer.to_q(hidden)), split(layer.to_k(torch.cat([empty, prompt])))
        weights = (query @ key.transpose(-1, -2) * layer.scale).softmax(-1)
        outputs = [weights[1:] @ split(layer.to_v(one)) for one in versions]
        both = torch.cat([weights[:1] @ split(layer.to_v(empty)), sum(outputs) / len(outputs)])
        expected = layer.to_out[0](both.transpose(1, 2).flatten(2))
        values = torch.cat([empty, Structured().passes_on(prompt, reading)])
        with passing_on(backbone.unet, values):
            found = layer(hidden, torch.cat([empty, prompt]))
        plain = layer(hidden, torch.cat([empty, prompt]))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[0], plain[0])
    assert not torch.allclose(found[1], plain[1], atol=1e-4)


def test_only_what_has_phrases_changes(backbone):
    embeds = [backbone.encode_prompts([text]) for text in (PROMPT, "")]

    def drawn(strategy, reading):
        return list(denoise(backbone, *embeds, (1, 2), strategy, "ddim", 2, SIDE, SIDE, reading))[-1].latents

    plain = drawn(Cfg(5.0), PromptReading())
    assert torch.equal(drawn(Structured(5.0), PromptReading()), plain)
    assert not torch.allclose(drawn(Structured(5.0), read_prompt(backbone, PROMPT)), plain, atol=1e-3)
    assert torch.equal(drawn(Cfg(5.0), PromptReading()), plain)  # whatever was changed is back


@pytest.mark.slow
def test_a_compiled_network_passes_on_the_same(tmp_path_factory):
    from t2ialign.diffusion.compiling import compile_network

    backbone = load_tiny(tmp_path_factory.mktemp("tiny") / "sd-1.5")
    embeds = stack([backbone.encode_prompts([text]) for text in ("", PROMPT)])
    latents = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    other = embeds.prompt_embeds.flip(1)
    with torch.no_grad(), passing_on(backbone.unet, other):
        expected = backbone.predict_noise(latents, 500, embeds)
    compile_network(backbone.unet, "default", "eager")
    with torch.no_grad():
        plain = backbone.predict_noise(latents, 500, embeds)
        with passing_on(backbone.unet, other):
            found = backbone.predict_noise(latents, 500, embeds)
        assert torch.equal(backbone.predict_noise(latents, 500, embeds), plain)
    assert torch.equal(found, expected) and not torch.allclose(found, plain, atol=1e-3)
