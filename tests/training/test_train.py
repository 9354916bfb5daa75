"""The loop on tiny models of every family: it learns, resumes bit for bit, and stops with a sentence."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from t2ialign.diffusion.adapters import adapter_parameters, reference
from t2ialign.diffusion.backbone import Backbone
from t2ialign.divergences import DIVERGENCES
from t2ialign.objectives.kto import Kto
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.training.data import TrainData
from t2ialign.training.draws import draw_step
from t2ialign.training.evaluate import alpha_bars, evaluate
from t2ialign.training.losses import DenoisingLoss, LabelledLoss, Loss, PairLoss
from t2ialign.training.plan import TrainPlan
from t2ialign.training.regularisers import BatchEntropy, KlToReference, LoserSafeguard
from t2ialign.training.train import train
from t2ialign.types import InputError, TrainStep
from tests.tiny import SHAPES
from tests.training.conftest import labelled_for, latents, new_policy, pairs_for, weighted_for

LOSS = PairLoss(Sigmoid(), scale=20.0)
PLAN = TrainPlan(steps=8, batch=4, learning_rate=1e-2, save_every=3)
DOWNHILL = TrainPlan(
    steps=1, batch=12, learning_rate=1e-3
)  # one small step, and the loss of what it was taken on falls


def weights(policy: Backbone) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in adapter_parameters(policy).items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def timeless(steps: list[TrainStep]) -> list[TrainStep]:
    return [dataclasses.replace(step, seconds=0.0) for step in steps]


def run(policy: Backbone, plan: TrainPlan = PLAN, path: Path | None = None, loss=LOSS) -> list[TrainStep]:
    return timeless(list(train(policy, pairs_for(policy), loss, plan, path)))


def mean_loss(policy: Backbone, data: TrainData, loss: Loss, plan: TrainPlan) -> float:
    """The loss of the policy as it is now, over everything that the steps of the plan draw."""
    found = []
    for step in range(plan.steps):
        draw = draw_step(plan, step, len(data), data.shape, data.empty_prompts)
        batch = data.batch(draw.indices, draw.empty)
        with torch.no_grad():
            seen = evaluate(policy, batch, draw, alpha_bars(policy), plan.precision, loss.needs_reference)
            found.append(float(loss(seen).values.mean()))
    return sum(found) / len(found)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lora", "dora"])
@pytest.mark.parametrize("shape", SHAPES)
def test_goes_downhill_in_every_family(policy, shape, kind):
    """SD-1.5, SD-2.1 with velocities and SDXL; the reference stays what it was."""
    view = policy(shape, kind)
    with reference(view) as before:
        noise, embeds = latents(view, 2, 9), view.encode_prompts(["a red circle"] * 2)
        expected = before.predict_noise(noise, 500, embeds)
    assert mean_loss(view, pairs_for(view), LOSS, DOWNHILL) == pytest.approx(math.log(2), rel=1e-4)
    (step,) = run(view, DOWNHILL)
    assert step.step == 1 and step.loss == pytest.approx(math.log(2), rel=1e-4)
    assert mean_loss(view, pairs_for(view), LOSS, DOWNHILL) < step.loss
    with reference(view) as after:
        assert torch.equal(after.predict_noise(noise, 500, embeds), expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", DIVERGENCES)
def test_trains_with_every_divergence(policy, name: str):
    view, loss = policy(), dataclasses.replace(LOSS, divergence=DIVERGENCES[name]())
    (step,) = run(view, DOWNHILL, loss=loss)
    assert mean_loss(view, pairs_for(view), loss, DOWNHILL) < step.loss


@pytest.mark.slow
def test_trains_on_labels_and_on_weights(policy):
    for view, data_for, loss in (
        (policy(), labelled_for, LabelledLoss(Kto(), scale=20.0)),
        (policy("sdxl", "dora"), weighted_for, DenoisingLoss()),
    ):
        data = data_for(view)
        (step,) = train(view, data, loss, DOWNHILL)
        assert mean_loss(view, data, loss, DOWNHILL) < step.loss
    assert math.isnan(step.accuracy) and step.log_ratios == ((), ())


@pytest.mark.slow
def test_diagnostics(policy):
    step = run(policy())[-1]
    win, lose = (torch.tensor(side) for side in step.log_ratios)
    assert step.accuracy == pytest.approx(float((win > lose).float().mean()))
    assert step.error_win == pytest.approx(float(-win.mean() / 20), rel=1e-3)
    assert step.error_lose == pytest.approx(float(-lose.mean() / 20), rel=1e-3)
    assert step.log_ratio_quantiles[0][2] == pytest.approx(float(win.quantile(0.5)), rel=1e-5)
    assert step.loss == pytest.approx(float(-torch.nn.functional.logsigmoid(win - lose).mean()), rel=1e-4)
    assert step.grad_norm > 0 and step.clamp_share == 0 and step.learning_rate == 1e-2


@pytest.mark.slow
def test_same_seed_same_run_and_another_seed_another(policy):
    assert run(policy()) == run(policy())
    assert run(policy(), dataclasses.replace(PLAN, seed=1)) != run(policy())


@pytest.fixture(scope="module")
def unbroken(folders) -> Callable[[TrainPlan], tuple[list[TrainStep], dict[str, torch.Tensor]]]:
    """The steps of a run that nobody stops, and the weights at its end."""

    @cache
    def whole(plan: TrainPlan) -> tuple[list[TrainStep], dict[str, torch.Tensor]]:
        policy = new_policy(folders)
        return run(policy, plan), weights(policy)

    return whole


@pytest.mark.slow
@pytest.mark.parametrize("stop", [1, 3, 4, 7])
@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_resumes_bit_for_bit(policy, unbroken, tmp_path, stop: int, ema: float):
    """Stopped by its caller after any step, in another process's worth of fresh objects, with another initial adapter."""
    plan = dataclasses.replace(PLAN, ema=ema, warmup=5)
    expected, ended = unbroken(plan)
    first = policy()
    steps = train(first, pairs_for(first), LOSS, plan, tmp_path / "state.pt")
    begun = [next(steps) for _ in range(stop)]
    steps.close()
    second = policy()
    for parameter in adapter_parameters(second).values():
        parameter.data.normal_()
    rest = run(second, plan, tmp_path / "state.pt")
    assert timeless(begun) + rest == expected
    assert same(weights(second), ended)


@pytest.mark.slow
def test_resumes_from_the_last_save_after_a_sudden_death(policy, tmp_path):
    """Nobody closes the generator; the state file is the one of step 6."""
    path = tmp_path / "state.pt"
    view = policy()
    steps = train(view, pairs_for(view), LOSS, PLAN, path)
    for _ in range(7):
        next(steps)
    kept = path.read_bytes()
    steps.close()
    path.write_bytes(kept)
    other = policy()
    assert run(other, path=path) == run(policy())[6:]
    assert run(other, path=path) == []  # a finished run has nothing left to do
    assert sorted(file.name for file in tmp_path.iterdir()) == ["state.pt"]


@pytest.mark.slow
def test_saves_by_time_too(policy, tmp_path, monkeypatch):
    """Steps that take long are not lost for want of fifty of them."""
    path, plan = tmp_path / "state.pt", dataclasses.replace(PLAN, save_every=1000)
    for patience, changes in ((1e9, 0), (0.0, 3)):
        monkeypatch.setattr("t2ialign.training.train.SAVE_SECONDS", patience)
        path.unlink(missing_ok=True)
        view, kept = policy(), []
        steps = train(view, pairs_for(view), LOSS, plan, path)
        for _ in range(4):
            next(steps)
            kept.append(path.read_bytes())
        assert sum(one != other for one, other in zip(kept, kept[1:])) == changes
        steps.close()


@pytest.mark.slow
def test_accumulation_and_clipping_change_nothing_but_memory_and_length(policy):
    views = policy(), policy()
    whole, parts = (
        run(view, dataclasses.replace(PLAN, accumulation=count)) for view, count in zip(views, (1, 4), strict=True)
    )
    assert [step.loss for step in parts] == pytest.approx([step.loss for step in whole], rel=1e-3)
    assert [step.grad_norm for step in parts] == pytest.approx([step.grad_norm for step in whole], rel=1e-2)
    free = run(policy(), dataclasses.replace(PLAN, grad_clip=0.0))
    assert free[0].grad_norm == whole[0].grad_norm


@pytest.mark.slow
def test_average_is_what_the_caller_sees(policy):
    """The weights in the caller's hands are the running mean of those that the optimizer left."""
    plain, averaged = policy(), policy()
    mean, seen = weights(plain), []
    plan = dataclasses.replace(PLAN, ema=0.5)
    for step in train(plain, pairs_for(plain), LOSS, PLAN):
        decay = min(0.5, step.step / (step.step + 9))
        mean = {name: mean[name].lerp(value, 1 - decay) for name, value in weights(plain).items()}
        seen.append(mean)
    for expected, _ in zip(seen, train(averaged, pairs_for(averaged), LOSS, plan), strict=True):
        for name, value in weights(averaged).items():
            torch.testing.assert_close(value, expected[name])
    for name, value in weights(averaged).items():
        torch.testing.assert_close(value, seen[-1][name])


@pytest.mark.slow
def test_warmup(policy):
    rates = [step.learning_rate for step in run(policy(), dataclasses.replace(PLAN, warmup=4))]
    assert rates == pytest.approx([0.0025, 0.005, 0.0075, *[0.01] * 5])


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision(policy, precision):
    """Half-precision activations and networks; adapter, loss and optimizer in fp32."""
    plan = dataclasses.replace(PLAN, precision=precision)
    view = policy(dtype=precision)
    before = weights(view)
    assert all(math.isfinite(step.loss) for step in run(view, plan))
    assert not same(weights(view), before)
    assert {parameter.dtype for parameter in adapter_parameters(view).values()} == {torch.float32}


@pytest.mark.slow
def test_regularisers_join_in(policy):
    """A heavy KL penalty holds the policy near its reference; entropy and safeguard train along."""
    held = run(policy(), loss=dataclasses.replace(LOSS, penalties=(KlToReference(1000.0),)))
    free = run(policy())
    assert abs(held[-1].error_lose) < abs(free[-1].error_lose)
    others = dataclasses.replace(LOSS, penalties=(BatchEntropy(),), safeguard=LoserSafeguard())
    assert math.isfinite(run(policy(), loss=others)[-1].loss)


@pytest.mark.slow
def test_stops_when_the_loss_is_no_number_and_keeps_what_was_saved(policy, tmp_path):
    path = tmp_path / "state.pt"
    view = policy()
    with pytest.raises(InputError, match="no longer a number at step 1: lower beta"):
        run(view, path=path, loss=PairLoss(Sigmoid(beta=1e38), scale=1e38))
    assert torch.load(path)["step"] == 0
    assert all(parameter.isfinite().all() for parameter in adapter_parameters(view).values())
    assert run(view, path=tmp_path / "next.pt")[0].loss == pytest.approx(
        math.log(2), rel=1e-5
    )  # nothing was left behind


@pytest.mark.slow
def test_stops_in_the_middle_with_the_last_good_state(policy, tmp_path):
    """One picture is broken; the run stops where it is first met, and what was saved before is finite."""
    path = tmp_path / "state.pt"
    view = policy()
    data = pairs_for(view)
    data.latents[5, 0] = torch.nan
    done = []
    with pytest.raises(InputError, match=r"no longer a number at step \d"):
        done += train(view, data, LOSS, dataclasses.replace(PLAN, batch=1, steps=12, save_every=1), path)
    state = torch.load(path)
    assert all(tensor.isfinite().all() for tensor in state["parameters"].values())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"steps": 0}, "steps must be at least 1"),
        ({"batch": 0}, "at least 1"),
        ({"accumulation": 3}, "batch of 4 cannot be cut into 3 equal parts"),
        ({"learning_rate": math.nan}, "learning rate must be a number above 0"),
        ({"timesteps": (500, 500)}, "between 0 and 1000"),
        ({"timesteps": (0, 1001)}, "between 0 and 1000"),
        ({"ema": 1.0}, "decay"),
        ({"grad_clip": -1.0}, "clip"),
        ({"warmup": -1}, "not be negative"),
    ],
)
def test_refuses_bad_plans(policy, change, sentence):
    with pytest.raises(InputError, match=sentence):
        run(policy(), dataclasses.replace(PLAN, **change))


@pytest.mark.slow
def test_refuses_another_runs_state_and_a_damaged_one(policy, tmp_path):
    path = tmp_path / "state.pt"
    run(policy(), path=path)
    for plan, loss in ((dataclasses.replace(PLAN, seed=5), LOSS), (PLAN, PairLoss(Sigmoid(2.0), scale=20.0))):
        with pytest.raises(InputError, match="other data or settings"):
            run(policy(), plan, path, loss)
    view = policy()
    data = pairs_for(view)
    other = dataclasses.replace(data, latents=data.latents.flip(1))  # as many pairs, the other way round
    with pytest.raises(InputError, match="other data or settings"):
        list(train(view, other, LOSS, PLAN, path))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="cannot be read: discard it"):
        run(policy(), path=path)


def test_refuses_a_model_without_an_adapter(policy):
    with reference(policy()) as base, pytest.raises(InputError, match="no adapter to train"):
        run(base)


def out_of_memory_above(limit: int, monkeypatch):
    predict = Backbone.predict_noise

    def predict_noise(self, noisy, timesteps, embeds):
        if len(noisy) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return predict(self, noisy, timesteps, embeds)

    monkeypatch.setattr(Backbone, "predict_noise", predict_noise)


@pytest.mark.slow
def test_out_of_memory_names_what_fits(policy, monkeypatch):
    out_of_memory_above(4, monkeypatch)
    sentence = (
        "8 examples at once do not fit into memory, 2 do: set the batch to 2, or keep it and set accumulation to 4"
    )
    with pytest.raises(InputError, match=sentence):
        run(policy(), dataclasses.replace(PLAN, batch=8))
    run(policy(), dataclasses.replace(PLAN, batch=8, accumulation=4))
    out_of_memory_above(1, monkeypatch)
    with pytest.raises(InputError, match="Not even one example fits"):
        run(policy())
