"""Data on its way to a file and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from t2ialign.diffusion.text import PromptEmbeds
from t2ialign.training.data import PromptTable, TrainData
from t2ialign.use_cases.align.data import load_data, save_data

ANY, NONE = torch.tensor([3, 1]), torch.tensor([True, False])


def data(pictures: int, labels: bool, pooled: bool) -> TrainData:
    draw = torch.Generator().manual_seed(0)
    embeds = PromptEmbeds(
        torch.randn(3, 5, 8, generator=draw),
        torch.randn(3, 6, generator=draw) if pooled else None,
        ("", "", "too long"),
    )
    table = PromptTable(embeds, torch.tensor([1, 2, 1, 2]))
    latents = torch.randn(4, pictures, 4, 2, 2, generator=draw)
    desirable = torch.tensor([True, False, True, False]) if labels else None
    return TrainData(latents, table, torch.rand(4, generator=draw), desirable, 0.2)


@pytest.mark.parametrize(("pictures", "labels", "pooled"), [(2, False, False), (1, True, True), (1, False, True)])
def test_the_same_data_make_the_same_file_and_come_back(tmp_path: Path, pictures: int, labels: bool, pooled: bool):
    written = data(pictures, labels, pooled)
    files = [tmp_path / name for name in "abcdef"]
    for file in files:
        save_data(written, file)
    assert len({file.read_bytes() for file in files}) == 1
    read = load_data(files[0])
    assert read.notes == ()
    assert (len(read), read.shape, read.empty_prompts) == (4, (4, 2, 2), 0.2)
    one, other = written.batch(ANY, NONE), read.batch(ANY, NONE)
    assert torch.equal(one.latents, other.latents) and torch.equal(one.weights, other.weights)
    assert torch.equal(one.embeds.prompt_embeds, other.embeds.prompt_embeds)
    assert one.embeds.truncated == other.embeds.truncated
    assert (other.desirable is None) is (not labels) and (other.embeds.pooled_prompt_embeds is None) is (not pooled)


def test_notes_lie_beside_data_and_do_not_change_it(tmp_path: Path):
    written = data(2, False, False)
    save_data(written, tmp_path / "a.safetensors")
    save_data(replace(written, notes=("Two rows were left out.",)), tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert load_data(tmp_path / "b.safetensors").notes == ("Two rows were left out.",)


def test_prompts_that_are_read_in_part_are_counted_by_example():
    assert data(2, False, False).unread() == (
        "2 of 4 examples have prompts that are longer than the model can read; their ends were left out, of the first "
        "'too long'."
    )
