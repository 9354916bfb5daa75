"""Data: encoded once, served by index, refused with one sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from t2ialign.training.data import paired_data, prompt_table, single_data
from t2ialign.types import InputError, PreferencePair, Prompt
from tests.tiny import load_tiny
from tests.training.conftest import labelled_for, pairs_for, weighted_for

IMAGES = torch.randint(0, 256, (4, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
NONE = torch.zeros(2, dtype=torch.bool)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return load_tiny(tmp_path_factory.mktemp("sd") / "tiny")


def pair(win: int, lose: int, prompt: str = "a red circle", weight: float = 1.0) -> PreferencePair:
    return PreferencePair(Prompt(prompt), IMAGES[win], IMAGES[lose], "annotator", weight)


def test_pairs_are_encoded_as_the_backbone_does_and_shared_pictures_once(backbone, monkeypatch):
    encoded = []
    encode = type(backbone).encode
    monkeypatch.setattr(
        type(backbone), "encode", lambda self, images: encoded.append(len(images)) or encode(self, images)
    )
    data = paired_data(backbone, [pair(0, 1), pair(0, 2, "a blue square", 0.5), pair(2, 1)])
    assert sum(encoded) == 3
    latents = encode(backbone, IMAGES[:3])
    torch.testing.assert_close(data.latents, torch.stack([latents[[0, 0, 2]], latents[[1, 2, 1]]], 1))
    assert data.weights.tolist() == [1.0, 0.5, 1.0] and data.shape == (4, 4, 4) and len(data) == 3


def test_batch_is_winners_then_losers_with_their_prompts(backbone):
    data = paired_data(backbone, [pair(0, 1), pair(2, 3, "a blue square")])
    batch = data.batch(torch.tensor([1, 0]), NONE)
    torch.testing.assert_close(batch.latents, torch.cat([data.latents[[1, 0], 0], data.latents[[1, 0], 1]]))
    expected = backbone.encode_prompts(["a blue square", "a red circle"] * 2)
    torch.testing.assert_close(batch.embeds.prompt_embeds, expected.prompt_embeds)
    assert batch.pictures == 2


def test_a_forgotten_prompt_is_the_empty_one(backbone):
    batch = pairs_for(backbone).batch(torch.tensor([0, 1]), torch.tensor([True, False]))
    expected = backbone.encode_prompts(["", "a blue square"] * 2)
    torch.testing.assert_close(batch.embeds.prompt_embeds, expected.prompt_embeds)


def test_prompts_are_encoded_once(backbone):
    table = prompt_table(backbone, ["a", "b", "a", ""])
    assert table.rows.tolist() == [1, 2, 1, 0] and len(table.embeds.prompt_embeds) == 3


def test_single_pictures(backbone):
    labelled = single_data(backbone, ["a", "b"], list(IMAGES[:2]), [1, 1], [True, False])
    batch = labelled.batch(torch.tensor([1, 0]), NONE)
    assert batch.desirable.tolist() == [False, True] and batch.weights.tolist() == [1, 1] and batch.pictures == 1
    weighted = single_data(backbone, ["a", "b"], list(IMAGES[:2]), [0.25, 0.75])
    assert weighted.batch(torch.tensor([1, 0]), NONE).weights.tolist() == [0.75, 0.25]
    assert {kind(backbone).shape for kind in (labelled_for, weighted_for)} == {(4, 4, 4)}


def test_bad_data(backbone):
    small = replace(pair(0, 1), lose=IMAGES[0, :, :16, :16])
    odd = replace(pair(0, 1), win=IMAGES[0, :, :30, :30], lose=IMAGES[1, :, :30, :30])
    cases = {
        "no pairs to train on": [],
        "one size, but these have 16 x 16 and 32 x 32": [small],
        "multiples of 8": [odd],
    }
    for sentence, pairs in cases.items():
        with pytest.raises(InputError, match=sentence):
            paired_data(backbone, pairs)
    with pytest.raises(InputError, match="no pictures to train on"):
        single_data(backbone, [], [], [])
