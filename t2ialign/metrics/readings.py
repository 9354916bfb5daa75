"""Metrics that are a feature as an encoder or the sampling loop measured it: one row each, keyed by the id in the store.

The maths of such a metric lies beside what it measures with (``encoders``, ``diffusion.information``, ``shapes``); the row
says what its numbers mean. ``definition`` is what the first line of a metric's own file says.
"""

from __future__ import annotations

import math
from operator import itemgetter

from t2ialign.types import Metric


def _as_measured(
    name: str,
    title: str,
    definition: str,
    *,
    bounds: tuple[float, float],
    unit: str,
    reference: str,
    summary: str,
    caveat: str,
    version: str = "1",
    better: str = "",
) -> Metric:
    """The metric that is the feature of its own name, one value a picture, the higher the better."""
    return Metric(
        name=name,
        title=title,
        axis="alignment",
        level="image",
        needs=(name,),
        compute=itemgetter(name),
        bounds=bounds,
        higher_is_better=True,
        unit=unit,
        reference=reference,
        summary=summary,
        caveat=caveat,
        definition=definition,
        version=version,
        better=better,
    )


LIKED = "more liked"
_ROWS = (
    _as_measured(
        "vqa_score",
        "VQAScore",
        "VQAScore (Lin et al. 2024, eq. 3): the probability that a vision-language model answers yes.",
        bounds=(0.0, 1.0),
        unit="probability of yes",
        reference="Lin et al. 2024, Evaluating Text-to-Visual Generation with Image-to-Text Generation, eq. 3",
        summary="How sure a vision-language model is that the picture shows the prompt.",
        caveat="Scores of different models or questions do not compare; both are part of its version.",
    ),
    _as_measured(
        "vqa_score_ratio",
        "VQAScore, yes against no",
        "VQAScore with yes weighed against no only, for models that spread their probability over other words.",
        bounds=(0.0, 1.0),
        unit="yes / (yes + no)",
        reference="After Lin et al. 2024, eq. 3, normalised over yes and no",
        summary="How sure a vision-language model is that the picture shows the prompt, rather than that it does not.",
        caveat="Scores of different models or questions do not compare; both are part of its version.",
    ),
    _as_measured(
        "blip_vqa",
        "BLIP-VQA",
        "BLIP-VQA (T2I-CompBench, Huang et al. 2023): the product over noun phrases of the share of yes.",
        bounds=(0.0, 1.0),
        unit="product of yes shares",
        reference="Huang et al. 2023, T2I-CompBench, sec. 4.1",
        summary="Whether every thing that the prompt names is there, each asked for on its own.",
        caveat="Blind to relations; phrases are cut by rule, not by spaCy as in the original.",
        version="2",
    ),
    _as_measured(
        "spatial",
        "UniDet-style spatial score",
        "A UniDet-style spatial score (T2I-CompBench, Huang et al. 2023) from a zero-shot detector.",
        bounds=(0.0, 1.0),
        unit="score",
        reference="After Huang et al. 2023, T2I-CompBench, sec. 4.2, with a zero-shot detector of transformers",
        summary="Whether two things stand as the prompt says: one left of, right of, above, below or next to the other.",
        caveat="Not UniDet: another detector with the same geometry. Unknown for prompts without a relation.",
        version="2",
    ),
    _as_measured(
        "mutual_information",
        "Mutual information",
        "Point-wise mutual information of picture and prompt (MI-TUNE, eq. 2, with alpha_t), measured while sampling.",
        bounds=(0.0, math.inf),
        unit="nats",
        reference="MI-TUNE, eq. 2: E_t[kappa_t |e(z, prompt) - e(z, empty)|^2]; of flows the same by the I-MMSE relation",
        summary="How much the prompt changed what the model drew, step by step.",
        caveat="The model judges itself, along its own trajectory; comparable only at equal steps and scheduler.",
    ),
    _as_measured(
        "mutual_information_released",
        "Mutual information (released code)",
        "Point-wise mutual information as MI-TUNE's published code computes it: no alpha_t, timesteps above 50 only.",
        bounds=(-math.inf, math.inf),
        unit="nats, unscaled",
        reference="MI-TUNE's published code: kappa_t without alpha_t, t > 50; of flows RFMI's (arXiv:2503.14358)",
        summary="How much the prompt changed what the model drew, as the paper's own code counts it.",
        caveat="Not on the scale of eq. 2: compare it with itself only.",
    ),
    _as_measured(
        "mutual_information_renoise",
        "Mutual information (re-noised)",
        "Point-wise mutual information of picture and prompt (MI-TUNE, eq. 2) at noise levels of our choice, for any picture.",
        bounds=(0.0, math.inf),
        unit="nats",
        reference="MI-TUNE, eq. 2, on latents noised again at evenly spread timesteps",
        summary="How much the prompt tells the base model about this very picture, whoever made it.",
        caveat="The base model judges; what it does not understand, it does not see.",
    ),
    _as_measured(
        "mutual_information_renoise_released",
        "Mutual information (re-noised, released weights)",
        "The same as MI-TUNE's published code weighs it, on pictures noised again: no alpha_t, timesteps above 50 only.",
        bounds=(-math.inf, math.inf),
        unit="nats",
        reference="MI-TUNE's published code (no alpha_t, t > 50; of flows RFMI's), on latents noised again",
        summary="How much the prompt tells the base model about this very picture, whoever made it.",
        caveat="The base model judges; what it does not understand, it does not see.",
    ),
    _as_measured(
        "pick_score",
        "PickScore",
        "PickScore (Kirstain et al. 2023): CLIP tuned on people's choices, in units of its logit.",
        bounds=(-math.inf, math.inf),
        unit="logit",
        reference="Kirstain et al. 2023, Pick-a-Pic, eq. 1, times exp(logit_scale)",
        summary="How much users of an image generator would pick this picture for this prompt.",
        caveat="Others divide it by 26 or by 100.",
        better=LIKED,
    ),
    _as_measured(
        "image_reward",
        "ImageReward",
        "ImageReward (Xu et al. 2023): a reward learned from people's rankings, in standard deviations.",
        bounds=(-math.inf, math.inf),
        unit="standard deviations",
        reference="Xu et al. 2023, ImageReward, sec. 2.3",
        summary="How much people would prefer this picture for this prompt.",
        caveat="Reads 35 tokens of the prompt only.",
        better=LIKED,
    ),
    _as_measured(
        "hps_v20",
        "HPS v2.0",
        "HPSv2 (Wu et al. 2023), weights 2.0: the cosine of a CLIP tuned on people's rankings.",
        bounds=(-1.0, 1.0),
        unit="cosine",
        reference="Wu et al. 2023, Human Preference Score v2 (weights 2.0; papers print it times 100)",
        summary="How much people would prefer this picture for this prompt, learned from rankings.",
        caveat="Versions 2.0 and 2.1 are not on one scale.",
        better=LIKED,
    ),
    _as_measured(
        "hps_v21",
        "HPS v2.1",
        "HPSv2 (Wu et al. 2023), weights 2.1: the cosine of a CLIP tuned on people's rankings.",
        bounds=(-1.0, 1.0),
        unit="cosine",
        reference="Wu et al. 2023, Human Preference Score v2 (weights 2.1; papers print it times 100)",
        summary="How much people would prefer this picture for this prompt, learned from rankings.",
        caveat="Versions 2.0 and 2.1 are not on one scale.",
        better=LIKED,
    ),
    _as_measured(
        "aesthetic",
        "LAION aesthetic",
        "LAION's aesthetic score (Schuhmann 2022): people's ratings of pictures, learned on CLIP.",
        bounds=(-math.inf, math.inf),
        unit="points of 10",
        reference="Schuhmann 2022, improved aesthetic predictor (sac+logos+ava1-l14-linearMSE)",
        summary="How much people who rate pictures would like this one.",
        caveat="Does not read the prompt; a linear map of CLIP, so 5.24 plus or minus 18 at the very most.",
        better=LIKED,
    ),
    _as_measured(
        "taste",
        "The annotator's taste",
        "Taste: the utility of a picture to the embedded world's annotator, whose votes are drawn from it.",
        bounds=(-math.inf, math.inf),
        unit="utility",
        reference="This project's embedded world",
        summary="What the embedded world's synthetic raters feel about the picture: faithfulness and style.",
        version="2",
        caveat="Exists only in the embedded world, where the raters' taste is known.",
        better=LIKED,
    ),
    *(
        _as_measured(
            f"style_{group}",
            f"Style: {group}",
            f"Style of the embedded world's raters called {group}: what they like about the free factors, whatever the "
            "prompt says.",
            bounds=(-math.inf, math.inf),
            unit="utility",
            reference="This project's embedded world",
            summary=f"How much the picture is to the liking of the synthetic raters called {group}: {liking}.",
            caveat="Says nothing about the prompt; exists only in the embedded world, where the raters' taste is known.",
            better=LIKED,
        )
        for group, liking in (
            ("sunny", "warm, bright, large, central"),
            ("nocturne", "cold, dark, central"),
            ("airy", "bright, small, off centre"),
            ("minimal", "near one background, without gradient, central"),
        )
    ),
)
READINGS = {metric.name: metric for metric in _ROWS}
