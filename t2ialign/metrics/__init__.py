"""The measuring bench: one metric a file, pure maths on features or pixels; metrics of one kind are rows of a table.

``METRICS`` holds the records of the menu ``NAMES``: a name is the id in the store, and the name of the metric's file and
test file or of its row in ``readings`` (features as they are) or ``factor_groups``. To add a metric, write
``metrics/<name>.py`` with its ``METRIC`` record (or, if an encoder provides its value as it is, a row in ``readings``) and add
its line to ``NAMES``.

Features that metrics read:

=======================================  ==================  ==============================================
entry                                    shape               made by
=======================================  ==================  ==============================================
``images``                               uint8 [n 3 h w]     the seed batch
``mutual_information``, ``.._released``  [n]                 the sampling loop
``clip_image``                           [n d]               ``encoders.clip``, L2-normalised
``clip_text``                            [d]                 the same, of the prompt
``clip_text_depicts``                    [n d]               the same, after "A photo depicts ", once a picture
``lpips``                                [n d]               ``encoders.lpips``: |a - b|^2 is LPIPS
``dinov2``, ``dreamsim``, ``embedding``  [n d]               any encoder that provides them
``claims``                               [n c] of 0 and 1    the embedded world's oracle
``faithful``                             [n] of 0 and 1      the oracle: 1 where every claim holds
``factors_background``, ``.._tilt``...   [n u k], NaN        the oracle: a group's free factors, in units of the world
                                         where unread
``mutual_information_renoise``, ...      [n]                 ``diffusion.information``, of any picture
``vqa_score``, ``pick_score``, ...       [n]                 the encoder of that name
=======================================  ==================  ==============================================
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from t2ialign.types import Metric

METRICS: dict[str, Metric]
NAMES = (
    # alignment with the prompt
    "clip_score",
    "clip_score_hessel",
    "clip_score_100",
    "vqa_score",
    "vqa_score_ratio",
    "blip_vqa",
    "spatial",
    "oracle_alignment",
    "oracle_exact",
    "mutual_information",
    "mutual_information_released",
    "mutual_information_renoise",
    "mutual_information_renoise_released",
    # alignment with people
    "pick_score",
    "image_reward",
    "hps_v20",
    "hps_v21",
    "aesthetic",
    "taste",
    "style_sunny",
    "style_nocturne",
    "style_airy",
    "style_minimal",
    # diversity of a set
    "u_rke",
    "factor_diversity",
    "factor_diversity_faithful",
    "factor_background",
    "factor_gradient",
    "factor_place",
    "factor_size",
    "factor_tilt",
    "lpips",
    "clip_diversity",
    "vendi",
    "vendi_inf",
    "rke",
    "dinov2_diversity",
    "u_rke_dinov2",
    "vendi_dinov2",
    "dreamsim_diversity",
    "u_rke_dreamsim",
    "vendi_dreamsim",
    "embedding_diversity",
    # difference of pixels
    "ssim",
    "fsim",
    "fsimc",
    "rmse",
    "psnr",
    "ssim_paper",
    "fsim_paper",
    "rmse_paper",
    "psnr_paper",
    # richness of single pictures
    "entropy_1d",
    "entropy_2d",
    "entropy_2d_paper",
)
"""The menu, in the order in which people read it: files of this folder and rows of its tables. Naming imports no maths."""

ALL = ("all",)
"""What people write to ask for every metric that can be computed."""

ON_REQUEST = frozenset(
    {
        "clip_score_hessel",
        "clip_score_100",
        "mutual_information_renoise",
        "mutual_information_renoise_released",
        "vendi_inf",
        "fsim",
        "fsimc",
        "psnr",
        "ssim_paper",
        "fsim_paper",
        "rmse_paper",
        "psnr_paper",
        "entropy_2d_paper",
    }
)
"""Metrics that a plain run leaves out: slow ones, other units of a metric on the list, conventions of one paper."""

DEFAULT: tuple[str, ...] = tuple(name for name in NAMES if name not in ON_REQUEST)
"""What a plain run computes, as far as its scorers go: the short list."""

SHORT = "short"
"""What people write to ask for the short list and more: ``("short", "fsim")``."""


def listed(asked: Sequence[str]) -> tuple[str, ...]:
    """The metrics that ``asked`` means, in the menu's order where it names none: nothing is the short list."""
    if tuple(asked) == ALL:
        return NAMES
    return tuple(dict.fromkeys([*(DEFAULT if not asked or SHORT in asked else ()), *named(asked)]))


def named(asked: Sequence[str]) -> tuple[str, ...]:
    """Those of ``asked`` that are wished for by name."""
    return tuple(name for name in asked if name not in (*ALL, SHORT))


def __getattr__(name: str) -> Any:
    """``METRICS``: the menu's records by name, each from its file or its row, imported when they are first asked for."""
    if name != "METRICS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    rows: dict[str, Metric] = import_module(f"{__name__}.readings").READINGS
    rows = rows | import_module(f"{__name__}.factor_groups").GROUPS
    found = {key: rows[key] if key in rows else import_module(f"{__name__}.{key}").METRIC for key in NAMES}
    globals()[name] = found
    return found
