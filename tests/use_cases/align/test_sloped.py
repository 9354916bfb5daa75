"""Rewards with a slope on the embedded world: through its VAE and encoders, corrected or not, trained and resumed."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import torch
from torch import Tensor

from t2ialign.diffusion.adapters import add_adapter
from t2ialign.diffusion.backbone import Backbone
from t2ialign.registry import BackboneEntry
from t2ialign.source import Source, parse_source
from t2ialign.training.correction import corrected
from t2ialign.types import InputError
from t2ialign.use_cases.align import optimise
from t2ialign.use_cases.align.request import Plan, plan
from t2ialign.use_cases.align.rewards import reward_of
from t2ialign.use_cases.align.sloped import Yardstick, check_slope, has_slope, yardstick_of
from t2ialign.use_cases.align.sloped import corrected as corrected_yardstick
from t2ialign.use_cases.align.sources import sources
from t2ialign.use_cases.align.train import align
from t2ialign.use_cases.workbench import Workbench
from tests.use_cases.align.test_train import same, weights
from tests.use_cases.aligning import opened, run, short

CLIP, STYLE = parse_source("metric:clip_score"), parse_source("style:minimal")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with opened(tmp_path_factory.mktemp("home")) as bench:
        yield bench


@pytest.fixture(scope="module")
def policy(bench: Workbench) -> Backbone:
    return add_adapter(bench.backbone(plan(bench, short("draft")).entry), "new", rank=2)


@pytest.fixture(scope="module")
def latents(policy: Backbone) -> Tensor:
    size = policy.entry.size
    return 0.5 * torch.randn(2, *policy.latent_shape(size, size), generator=torch.Generator().manual_seed(0))


def yardstick(bench: Workbench, made: Plan) -> Yardstick:
    return yardstick_of(bench, made.entry, made.source, made.method.title)


@pytest.mark.slow
@pytest.mark.parametrize("source", [CLIP, STYLE], ids=str)
def test_the_reward_of_latents_is_the_judges_and_its_gradient_that_of_small_changes(
    bench: Workbench, policy: Backbone, latents: Tensor, source
) -> None:
    made = plan(bench, short("draft", pairs=source))
    reward = check_slope(policy, made.prompts, yardstick(bench, made))
    start = latents.clone().requires_grad_()
    found = reward(start, 0)
    marks = reward_of(bench, made, policy)(latents, 0, (1, 2))
    assert torch.allclose(found.detach(), marks.plain, atol=0.02), "but for the rounding to 8 bits"
    (grad,) = torch.autograd.grad(found.double().sum(), start)
    along, eps = grad / grad.abs().max(), 5e-3
    with torch.no_grad():
        ends = [float(reward(latents + sign * eps * along, 0).double().sum()) for sign in (1, -1)]
    assert (ends[0] - ends[1]) / (2 * eps) == pytest.approx(float((grad * along).sum()), rel=0.1)


def test_what_is_offered_has_a_slope(bench: Workbench) -> None:
    """Of the sources that any method is offered, just those that a gradient method takes."""
    entry = plan(bench, short("draft")).entry
    for source, _ in sources(bench, entry.name):
        try:
            found = check_slope_of(bench, entry, source)
        except InputError:
            found = False
        assert has_slope(bench, entry, source) == found, str(source)


def check_slope_of(bench: Workbench, entry: BackboneEntry, source: Source) -> bool:
    made = plan(bench, short("draft"))
    return bool(check_slope(bench.backbone(entry), made.prompts, yardstick_of(bench, entry, source, "It")))


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("annotator", "counts what holds"),
        ("metric:oracle_alignment", "has no slope: DRaFT-K learns from metric:clip_score"),
        ("metric:factor_diversity", "measures a whole set"),
        ("style:nobody", "Nobody here knows the style 'nobody'"),
    ],
)
def test_what_has_no_slope_is_refused_with_a_sentence(bench: Workbench, source: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        yardstick(bench, plan(bench, short("draft", pairs=parse_source(source))))


@pytest.mark.slow
def test_a_correction_changes_the_prompt_that_is_compared_with(
    bench: Workbench, policy: Backbone, latents: Tensor, tmp_path: Path
) -> None:
    made = plan(bench, short("draft", pairs=CLIP, correction=1.5))
    plain = yardstick(bench, made)
    found = corrected_yardstick(made, plain, policy, tmp_path / "vector.safetensors")
    again = corrected_yardstick(made, plain, policy, tmp_path / "vector.safetensors")
    (encoder,), (second,) = found.encoders, again.encoders
    assert torch.equal(encoder.vector, second.vector) and float(encoder.vector.norm()) > 0
    reward = check_slope(policy, made.prompts, found)(latents, 0)
    image, text = encoder.inner.embeddings(policy.pixels(latents), made.prompts[0])
    assert torch.allclose(reward, image @ corrected(text, encoder.vector, 1.5), atol=1e-5)
    with pytest.raises(InputError, match="compares no embeddings"):
        plan(bench, short("draft", pairs=STYLE, correction=1.5))
    tasted = plan(bench, short("draft", pairs=parse_source("metric:style_sunny"), correction=1.5))
    with pytest.raises(InputError, match="compares no embeddings"):
        corrected_yardstick(tasted, yardstick(bench, tasted), policy, tmp_path / "none.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["draft", "refl", "ddpo"])
def test_a_corrected_reward_trains(bench: Workbench, method: str) -> None:
    states = run(bench, short(method, f"corrected_{method}", pairs=CLIP, correction=1.5))
    assert all(math.isfinite(state.step.loss) and math.isfinite(state.step.reward) for state in states if state.step)


@pytest.mark.slow
def test_a_killed_run_goes_on_bit_for_bit(bench: Workbench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(optimise, "SAVE_DRAWING_EVERY", 1)
    more = {"pairs": CLIP, "correction": 1.5}
    run(bench, short("refl", "sloped_whole", steps=3, **more))
    broken = short("refl", "sloped_broken", steps=3, **more)
    folder = bench.home / "training" / "sloped_broken"
    with closing(align(bench, broken, folder)) as states:
        next(state for state in states if state.step and state.step.step == 2)
        shutil.copytree(folder, tmp_path / "left")  # what kill -9 leaves: the state after step 1
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "left", folder)
    assert [state.step.step for state in run(bench, broken) if state.step] == [2, 3]
    assert same(weights(bench, "sloped_whole"), weights(bench, "sloped_broken"))
