"""Rewards of drawn pictures: a judge's marks, and a share of what each adds to diversity, by any metric of sets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from t2ialign.diffusion.adapters import add_adapter
from t2ialign.diffusion.backbone import Backbone
from t2ialign.metrics.marginal import marginals
from t2ialign.shapes.step_scorer import StepScorer
from t2ialign.source import parse_source
from t2ialign.types import InputError
from t2ialign.use_cases.align import rewards
from t2ialign.use_cases.align.ingredients import ingredients_of
from t2ialign.use_cases.align.request import plan
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
    asked = plan(bench, short("spo", step_aware=True))
    with pytest.raises(InputError, match=r"train it with `python -m t2ialign\.shapes\.pretrain step_scorer`"):
        reward_of(bench, asked, policy)
    torch.manual_seed(0)
    scorer = StepScorer().eval()
    monkeypatch.setattr(rewards, "load_scorer", lambda folder, device: scorer)
    reward = reward_of(bench, asked, policy)
    assert isinstance(reward, StepAwareReward)
    early, late = (reward.at(latents, 0, SEEDS, timestep).reward for timestep in (900, 100))
    assert early.shape == (4,) and not torch.equal(early, late)
    plain = reward_of(bench, plan(bench, short("spo")), policy)
    assert isinstance(plain, PictureReward)
    assert torch.equal(reward(latents, 0, SEEDS).reward, plain(latents, 0, SEEDS).reward)
