"""Rewards of drawn pictures: a judge's marks, and a share of what each adds to diversity, by any metric of sets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from t2ialign.diffusion.adapters import add_adapter
from t2ialign.diffusion.backbone import Backbone
from t2ialign.methods import METHODS
from t2ialign.metrics.marginal import marginals
from t2ialign.shapes import step_scorer
from t2ialign.shapes.step_scorer import StepScorer
from t2ialign.source import parse_source
from t2ialign.types import InputError
from t2ialign.use_cases.align import drawing, rewards
from t2ialign.use_cases.align.ingredients import ingredients_of
from t2ialign.use_cases.align.request import AlignRequest, plan
from t2ialign.use_cases.align.rewards import PictureReward, StepAwareReward, diversity_metric, reward_of
from t2ialign.use_cases.workbench import Workbench
from tests.use_cases.aligning import opened, short

SEEDS = (1, 2, 3, 4)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with opened(tmp_path_factory.mktemp("home")) as bench:
        yield bench


@pytest.fixture(scope="module")
def policy(bench: Workbench) -> Backbone:
    made = plan(bench, short("ddpo"))
    return add_adapter(bench.backbone(made.entry), "new", rank=2)


@pytest.fixture(scope="module")
def latents(policy: Backbone) -> Tensor:
    size = policy.entry.size
    found = torch.randn(4, *policy.latent_shape(size, size), generator=torch.Generator().manual_seed(0))
    found[1:3] = found[0] + 0.01 * found[1:3]  # three alike, and a stranger
    return found


def made(bench: Workbench, policy: Backbone, **more: object) -> PictureReward:
    return reward_of(bench, plan(bench, short("ddpo", **more)), policy)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["", "lpips", "u_rke", "mmd", "latent_entropy"])
def test_the_reward_is_alignment_plus_lambda_times_marginal_diversity(
    bench: Workbench, policy: Backbone, latents: Tensor, name: str
) -> None:
    plain = made(bench, policy, diversity_metric=name)(latents, 0, SEEDS)
    varied = made(bench, policy, diversity_metric=name, diversity_weight=2.0)
    found = varied(latents, 0, SEEDS)
    assert torch.equal(plain.reward, plain.plain) and torch.equal(found.plain, plain.plain)
    bonus = (found.reward - found.plain) / 2
    assert bool(bonus.any()) and found.diversity == pytest.approx(plain.diversity)
    if name in ("lpips", "latent_entropy"):
        assert int(bonus.argmax()) == 3, "the stranger adds most"
    if name == "latent_entropy":
        value = varied.diversity(varied_batch(varied, latents), latents)
        assert torch.allclose(bonus, marginals(value, 4), atol=1e-5)


def varied_batch(reward: PictureReward, latents: Tensor):
    """Entropy reads no pictures, so any batch will do."""
    from t2ialign.types import SeedBatch

    none = torch.zeros(4)
    return SeedBatch(reward.prompts[0], reward.config, SEEDS, reward.view.decode(latents), none, none)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"diversity_metric": "lpipps"}, "did you mean 'lpips'"),
        ({"diversity_metric": "clip_score"}, "measures single pictures"),
        ({"pairs": parse_source("votes:some")}, "needs somebody to mark them"),
        ({"narrowest": 10}, "set the steps between probes"),
        ({"batch_size": 4}, "no option called 'batch_size'"),
        ({"noise_level": 0.5}, "is no flow model, and draws by DDIM's steps"),
    ],
)
def test_bad_requests_are_answered_with_a_sentence(bench: Workbench, options: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        diversity_metric(bench, plan(bench, short("ddpo", **options)))


def asked_for(method: str, pictures: int, metric: str) -> AlignRequest:
    own = {} if method == "d3po" else {"candidates": pictures}
    return short(method, diversity_weight=1.0, diversity_metric=metric, **own)


@pytest.mark.parametrize("method", ["d3po", "ddpo", "dpok", "grpo"])
def test_lambda_is_refused_where_it_cannot_count(bench: Workbench, method: str) -> None:
    for metric in ("", "lpips", "u_rke", "latent_entropy"):
        with pytest.raises(InputError, match="Of two pictures neither adds more to diversity") as caught:
            plan(bench, asked_for(method, 2, metric))
        assert ("--candidates 3" in str(caught.value)) == (method != "d3po") and "mmd" in str(caught.value)
    plan(bench, asked_for(method, 2, "mmd"))
    if method != "d3po":
        plan(bench, asked_for(method, 3, ""))
        with pytest.raises(InputError, match="One picture has no diversity"):
            plan(bench, asked_for(method, 1, "mmd"))


def test_a_method_that_can_never_count_lambda_does_not_offer_it() -> None:
    for method in METHODS.values():
        offers = any(control.name == "diversity_weight" for control in method.controls())
        assert offers == (method.recipe is not None and not method.follows_slope)


@pytest.mark.slow
def test_of_two_pictures_the_one_nearer_to_the_base_adds_more(
    bench: Workbench, policy: Backbone, latents: Tensor
) -> None:
    pair = latents[[0, 3]]
    found = made(bench, policy, candidates=2, diversity_metric="mmd", diversity_weight=2.0)(pair, 0, SEEDS[:2])
    bonus = found.reward - found.plain
    assert bool(bonus.isfinite().all()) and float(bonus[0]) != float(bonus[1])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, r"train it with `python -m t2ialign\.shapes\.pretrain step_scorer`"),
        ({"diversity_weight": 1.0, "abreast": 4}, "marks single pictures and knows no lambda"),
    ],
)
def test_a_step_aware_judge_that_cannot_be_is_refused_before_a_worker_starts(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict, sentence: str
) -> None:
    monkeypatch.setattr(drawing, "STEP_SCORER", str(tmp_path))  # as in a fresh clone, whatever lies here
    with pytest.raises(InputError, match=sentence):
        plan(bench, short("spo", step_aware=True, **options))


def test_what_a_run_is_made_of_names_judge_and_diversity(bench: Workbench) -> None:
    found = [
        ingredients_of(bench, plan(bench, short("ddpo", **more)))
        for more in (
            {},
            {"diversity_metric": "lpips"},
            {"diversity_metric": "mmd"},
            {"pairs": parse_source("metric:clip_score")},
        )
    ]
    assert len({one.judge for one in found}) == 4 and all(one.prompts for one in found)


@pytest.mark.slow
def test_a_step_aware_judge_knows_the_step_and_the_finished_picture_has_the_reward(
    bench: Workbench, policy: Backbone, latents: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    scorer = StepScorer().eval()
    monkeypatch.setattr(step_scorer, "weights_in", lambda folder: folder)
    monkeypatch.setattr(rewards, "load_scorer", lambda folder, device: scorer)
    asked = plan(bench, short("spo", step_aware=True))
    reward = reward_of(bench, asked, policy)
    assert isinstance(reward, StepAwareReward)
    early, late = (reward.at(latents, 0, SEEDS, timestep).reward for timestep in (900, 100))
    assert early.shape == (4,) and not torch.equal(early, late)
    plain = reward_of(bench, plan(bench, short("spo")), policy)
    assert isinstance(plain, PictureReward)
    assert torch.equal(reward(latents, 0, SEEDS).reward, plain(latents, 0, SEEDS).reward)
