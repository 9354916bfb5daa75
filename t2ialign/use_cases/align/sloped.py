"""Rewards with a slope: what a judge's marks are made of, as functions of pixels, and D2-Align's correction of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import torch
from jaxtyping import Float
from safetensors.torch import load_file, save
from torch import Tensor

from t2ialign.diffusion.backbone import Backbone
from t2ialign.files import write_whole
from t2ialign.metrics import METRICS
from t2ialign.registry import BackboneEntry
from t2ialign.source import Source
from t2ialign.training.correction import STEPS, corrected_encoder, learn_vector
from t2ialign.types import Differentiable, Embeds, Encoder, InputError, Prompt, SeedBatch
from t2ialign.use_cases.align.drawing import TASTE, raters_of
from t2ialign.use_cases.align.pictures import sample_policy
from t2ialign.use_cases.align.request import Plan, is_small
from t2ialign.use_cases.align.sources import Judge
from t2ialign.use_cases.batches.requests import check_each
from t2ialign.use_cases.batches.scoring import features_of
from t2ialign.use_cases.workbench import Workbench

SMALL_STEPS = 50  # of a correction's vector, for models of small pictures: with more the reward forgets the prompt
MOST_PROMPTS, PICTURES = 64, 2  # that the vector is learned from, and of each
WITHOUT = frozenset({"clip_text_depicts"})  # what encoders with a slope leave out of their ``features``
FIRST_SEED = 2**40  # theirs: no run draws these


@dataclass(frozen=True)
class Yardstick:
    """A reward as its parts: ``value`` reads the features that the ``encoders`` give; higher is better."""

    name: str
    value: Callable[[Mapping[str, Tensor]], Tensor]
    encoders: tuple[Encoder, ...]

    def judge(self) -> Judge:
        """Marks of finished pictures, without gradients."""

        def marks(batch: SeedBatch) -> Float[Tensor, "n g"]:
            return self.value(features_of(batch.images, batch.prompt, self.encoders))[:, None]

        return Judge(self.name, marks, noisy=False)


@dataclass(frozen=True)
class SlopedReward:
    """The reward of latents, with gradients through the VAE and every encoder."""

    view: Backbone
    prompts: tuple[Prompt, ...]
    yardstick: Yardstick

    def __call__(self, latents: Float[Tensor, "n c h w"], row: int) -> Float[Tensor, " n"]:
        pixels, prompt = self.view.pixels(latents), self.prompts[row]
        features: dict[str, Tensor] = {}
        for encoder in self.yardstick.encoders:
            assert isinstance(encoder, Differentiable), "yardstick_of has looked"
            features |= encoder.features(pixels, prompt)
        return self.yardstick.value(features)


def yardstick_of(bench: Workbench, entry: BackboneEntry, source: Source, who: str) -> Yardstick:
    """The differentiable reward that a source names, for one backbone. ``who`` (the method) is named in a refusal.

    Raises:
        InputError: the source marks by counting, or by an encoder through which no gradient flows.
    """
    if source.kind == "style":
        raters = raters_of(bench, entry.scorers)
        if raters is None or f"style_{source.group}" not in raters.provides:
            raise InputError(f"Nobody here knows the style {source.group!r} of {entry.name}: use metric:clip_score.")
        return Yardstick(str(source), _known(f"style_{source.group}"), (raters,))
    if source.kind != "metric":
        raise InputError(
            f"{source} counts what holds and what does not, which has no slope: {who} learns from metric:clip_score or, in "
            "the embedded world, from style:GROUP."
        )
    check_each((source.argument,))
    metric = METRICS[source.argument]
    if metric.level != "image":
        raise InputError(
            f"{metric.name} measures a whole set, not single pictures: choose a metric such as clip_score."
        )
    _, encoders = bench.scorers_for(entry.scorers, (metric.name,), entry.on_request)
    if not all(isinstance(encoder, Differentiable) for encoder in encoders) or not encoders:
        raise InputError(
            f"{metric.title} has no slope: {who} learns from metric:clip_score, aesthetic, pick_score, image_reward or "
            "hps_v21 or, in the embedded world, from style:GROUP."
        )
    sign = 1.0 if metric.higher_is_better else -1.0
    return Yardstick(str(source), lambda features: sign * metric.compute(features).float(), tuple(encoders))


def has_slope(bench: Workbench, entry: BackboneEntry, source: Source) -> bool:
    """Whether a source's reward is differentiable, as its encoders declare it; nothing is computed."""
    if source.kind != "metric":
        return source.kind == "style"
    needs = METRICS[source.argument].needs
    if any(need.partition("_")[0] == TASTE or need in WITHOUT for need in needs):  # a taste counts claims
        return False
    encoders = bench.scorers_for(entry.scorers, (source.argument,), entry.on_request)[1]
    return bool(encoders) and all(isinstance(encoder, Differentiable) for encoder in encoders)


def _known(name: str) -> Callable[[Mapping[str, Tensor]], Tensor]:
    """That feature, where the raters could read the prompt at all."""

    def value(features: Mapping[str, Tensor]) -> Tensor:
        if name not in features:
            raise InputError("The raters cannot judge this prompt: use prompts of their own world.")
        return features[name]

    return value


def check_slope(view: Backbone, prompts: tuple[Prompt, ...], yardstick: Yardstick) -> SlopedReward:
    """The reward of latents; refused where its value does not depend on them smoothly."""
    reward = SlopedReward(view, prompts, yardstick)
    size = view.entry.size
    latents = torch.zeros((1, *view.latent_shape(size, size)), device=view.device, requires_grad=True)
    try:
        with torch.enable_grad():
            found = reward(latents, 0)
    except KeyError as error:
        raise InputError(f"{yardstick.name} reads {error}, which has no slope: choose metric:clip_score.") from error
    if not found.requires_grad:
        raise InputError(f"{yardstick.name} has no slope: choose metric:clip_score.")
    return reward


def corrected(plan: Plan, yardstick: Yardstick, policy: Backbone, path: Path) -> Yardstick:
    """The yardstick with D2-Align's correction, learned from pictures of the policy as it is; kept in ``path``.

    Raises:
        InputError: the reward compares no embeddings.
    """
    omega = plan.settings.rollouts.correction
    if len(yardstick.encoders) != 1 or not isinstance(yardstick.encoders[0], Embeds):
        raise InputError(
            f"{yardstick.name} compares no embeddings, and only such a reward has a direction to correct: learn from "
            "metric:clip_score, pick_score or hps_v21, or set correction to 0."
        )
    encoder = yardstick.encoders[0]
    if not path.is_file():
        vector = learn_vector(*_embedded(plan, encoder, policy), omega, SMALL_STEPS if is_small(plan.entry) else STEPS)
        write_whole(path, save({"vector": vector.cpu().contiguous()}), sync=True)
    found = corrected_encoder(encoder, load_file(path)["vector"], omega)
    return replace(yardstick, encoders=(cast(Encoder, found),))  # frozen, which the protocol does not ask for


@torch.no_grad()
def _embedded(plan: Plan, encoder: Embeds, policy: Backbone) -> tuple[Tensor, Tensor]:
    """Embeddings of the generator's own pictures, and of the prompt of each."""
    pictures, images, texts = plan.settings.pictures, [], []
    seeds = tuple(FIRST_SEED + plan.request.seed * PICTURES + number for number in range(PICTURES))
    for prompt in _spread(plan.prompts):
        drawn = sample_policy(policy, prompt, seeds, pictures.guidance_scale, pictures.sampling_steps)
        image, text = encoder.embeddings(drawn.images.to(policy.device).float() / 255, prompt)
        images.append(image)
        texts.append(text.expand(len(image), -1))
    return torch.cat(images).float(), torch.cat(texts).float()


def _spread(prompts: Sequence[Prompt]) -> list[Prompt]:
    count = min(MOST_PROMPTS, len(prompts))
    return [prompts[number * len(prompts) // count] for number in range(count)]
