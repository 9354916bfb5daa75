"""Points that belong together: one checkpoint along its guidance scales, under a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from t2ialign.names import BATCH, NO_TITLES, PLAIN, as_said
from t2ialign.types import GenerationConfig, TradeoffPoint

MADE_BEFORE = "made before"  # by a version that did not write down which weights it used


def sweeps(points: Sequence[TradeoffPoint], titles: Mapping[str, str] = NO_TITLES) -> dict[str, list[TradeoffPoint]]:
    """Points whose configs differ in ``guidance_scale`` only, in its order, under a name for the legend.

    A name is the checkpoint's, or its title; where two sweeps share it, what tells them apart is added: ``base, 50 steps``.
    Plain guidance goes without saying.
    """
    groups: dict[GenerationConfig, list[TradeoffPoint]] = {}
    for point in points:
        groups.setdefault(replace(point.config, guidance_scale=0.0), []).append(point)
    shared = Counter(config.checkpoint for config in groups)
    names = {
        config: titles.get(config.checkpoint, config.checkpoint)
        if shared[config.checkpoint] == 1
        else _told_apart(config, groups, titles.get(config.checkpoint, config.checkpoint))
        for config in groups
    }
    ordered = sorted(groups, key=lambda config: (config.checkpoint != "base", names[config]))
    return {names[config]: sorted(groups[config], key=lambda point: point.config.guidance_scale) for config in ordered}


def _told_apart(config: GenerationConfig, others: Collection[GenerationConfig], name: str) -> str:
    rivals = [other for other in others if other.checkpoint == config.checkpoint]
    facets = {
        "backbone": config.backbone,
        "num_inference_steps": f"{config.num_inference_steps} steps",
        "scheduler": config.scheduler,
        "guidance": "" if config.guidance == PLAIN else config.guidance,
        "guidance_params": ", ".join(
            f"{name} {as_said(value)}" for name, value in config.guidance_params if name != BATCH
        ),
        "height": f"{config.height} px high",
        "width": f"{config.width} px wide",
        "dtype": config.dtype,
        "negative_prompt": f"without “{config.negative_prompt}”" if config.negative_prompt else "",
        "revision": config.revision[:6] or MADE_BEFORE,
        "adapters": "+".join(use.sha[:6] or MADE_BEFORE for use in config.adapters),
    }
    differing = {field: facets[field] for field in facets if len({vars(rival)[field] for rival in rivals}) > 1}
    if not any(differing.values()) and not (config.guidance == PLAIN and "guidance" in differing):
        return f"{name}, {config.key[:6]}"
    return ", ".join(filter(None, [name, *differing.values()]))
