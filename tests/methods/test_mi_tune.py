"""MI-TUNE keeps the pictures of highest mutual information and learns from them with the plain denoising loss."""

from __future__ import annotations

import torch

from t2ialign.methods import METHODS
from tests.methods.evaluations import labelled_evaluation
from tests.training.batches import seed_batch

METHOD = METHODS["mi_tune"]


def test_it_keeps_the_best_of_each_prompt() -> None:
    rule = METHOD.selection(METHOD.settings({"top_k": 2}))
    batch = seed_batch(4)
    chosen = rule.choose(batch, torch.tensor([0.1, 5.0, float("nan"), 3.0]))
    assert rule.measure == "mutual_information" and rule.given_share == 0
    assert [torch.equal(one.picture, batch.images[index]) for one, index in zip(chosen, (1, 3))] == [True, True]
    assert [one.weight for one in chosen] == [1.0, 1.0]


def test_its_loss_is_the_denoising_error_and_needs_no_reference() -> None:
    loss = METHOD.loss(METHOD.settings({}))
    seen = labelled_evaluation(seed=7, spread=0.1, desirable=[True, True])
    torch.testing.assert_close(loss(seen).values, (seen.policy - seen.target).square().mean((1, 2, 3)))
    assert not loss.needs_reference
    assert METHOD.loss(METHOD.settings({"kl_weight": 1.0})).needs_reference


def test_published_numbers_are_those_of_its_table_8() -> None:
    controls = {control.name: control.published for control in METHOD.controls()}
    assert controls["timestep_lo"] == 500 and controls["rank"] == 32 and controls["adapter"] == "dora"
    assert controls["learning_rate"] == 1e-4 and controls["batch_size"] == 400 and controls["candidates"] == 50
    assert controls["guidance_scale"] == 7.5 and controls["sampling_steps"] == 50 and METHOD.published_steps == 300
