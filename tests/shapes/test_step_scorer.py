"""The step-aware preference model: what it reads, a few steps of its training, and SPO's use of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from t2ialign import settings
from t2ialign.shapes import pretrain
from t2ialign.shapes.fit import FitPlan, fit
from t2ialign.shapes.step_scorer import FOLDER, StepScorer, load
from t2ialign.types import InputError

train_step_scorer = pretrain.part_module("step_scorer")


@pytest.fixture(scope="module", autouse=True)
def small(module_mocker=None):
    patch = pytest.MonkeyPatch()
    patch.setattr(train_step_scorer, "PER_CATEGORY", 2)
    patch.setattr(train_step_scorer, "SCENES", 3)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    """Where it would lie beside the base that ships."""
    folder = tmp_path_factory.mktemp("checkpoints")
    (folder / "shapes").symlink_to(settings.CHECKPOINTS / "shapes")
    return folder / FOLDER


@pytest.fixture(scope="module")
def loss(out):
    return train_step_scorer.loss_function(StepScorer(), out, 4, torch.Generator().manual_seed(1))


@pytest.mark.slow
def test_the_pool_rates_a_prompts_own_scenes_higher(out):
    base = train_step_scorer.train_base.load(out.with_name("shapes"))
    vae = train_step_scorer.AutoencoderKL.from_pretrained(out.with_name("shapes") / "vae").float()
    pool = train_step_scorer.draw_pool(base, vae, out.with_name("shapes"), torch.Generator().manual_seed(0))
    own, others = pool.utilities.chunk(2, 1)
    assert own.mean() > others.mean() + 1
    assert pool.latents.shape[:2] == pool.utilities.shape == (len(pool.tokens), 6)


@pytest.mark.slow
def test_a_few_steps_lower_the_loss(loss):
    """On one and the same batch, which a network of this size learns by heart."""
    torch.manual_seed(0)
    scorer = StepScorer()
    same = lambda model, draw: loss(model, torch.Generator().manual_seed(5))  # noqa: E731
    before = float(same(scorer, torch.Generator()))
    *_, last = fit(scorer, same, FitPlan(steps=30, rate=3e-3))
    assert last.loss < before - 0.1


def test_it_knows_prompt_and_step():
    torch.manual_seed(0)
    scorer, picture = StepScorer().eval(), torch.rand(1, 3, 64, 64)
    tokens, others = torch.randn(2, 1, 8, 128)
    with torch.no_grad():
        found = [float(scorer(picture, said, torch.tensor([at]))) for said in (tokens, others) for at in (0, 900)]
        assert len(set(found)) == 4
        assert scorer(torch.rand(2, 3, 32, 32), torch.randn(2, 8, 128), torch.tensor([1, 2])).shape == (2,)


def test_it_is_saved_and_found_or_says_how_to_train_it(out):
    with pytest.raises(InputError, match="python -m t2ialign.shapes.pretrain step_scorer"):
        load(out, "cpu")
    torch.manual_seed(0)
    scorer = StepScorer().half().float()
    train_step_scorer.save(scorer, out)
    again = load(out, "cpu")
    asked = torch.rand(1, 3, 64, 64), torch.randn(1, 8, 128), torch.tensor([500])
    with torch.no_grad():
        torch.testing.assert_close(again(*asked), scorer.eval()(*asked))
    assert not any(parameter.requires_grad for parameter in again.parameters())


@pytest.mark.slow
def test_the_command_trains_it(out, tmp_path):
    (tmp_path / "shapes").symlink_to(settings.CHECKPOINTS / "shapes")
    pretrain.pretrain("step_scorer", tmp_path / FOLDER, steps=1, batch=2, rate=1e-3)
    assert isinstance(load(tmp_path / FOLDER, "cpu"), StepScorer)
