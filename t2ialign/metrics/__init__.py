"""The measuring bench: one metric a file, pure maths on features or pixels.

``METRICS`` is the menu: the key is the file's name, the test file's name and the id in the store. To add a metric,
write ``metrics/<name>.py`` with its ``METRIC`` record and add its line here. Features that metrics read:

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
``factors``                              [n f], NaN unread   the oracle, with ``factor_groups`` [f] and
                                                             ``factor_scale`` [g]
``mutual_information_renoise``, ...      [n]                 ``diffusion.information``, of any picture
``vqa_score``, ``pick_score``, ...       [n]                 the encoder of that name
=======================================  ==================  ==============================================
"""

from __future__ import annotations

from t2ialign.metrics import (
    aesthetic,
    blip_vqa,
    clip_diversity,
    clip_score,
    clip_score_100,
    clip_score_hessel,
    dinov2_diversity,
    dreamsim_diversity,
    embedding_diversity,
    entropy_1d,
    entropy_2d,
    entropy_2d_paper,
    factor_diversity,
    fsim,
    fsim_paper,
    fsimc,
    hps_v20,
    hps_v21,
    image_reward,
    lpips,
    mutual_information,
    mutual_information_released,
    mutual_information_renoise,
    mutual_information_renoise_released,
    oracle_alignment,
    oracle_exact,
    pick_score,
    psnr,
    psnr_paper,
    rke,
    rmse,
    rmse_paper,
    spatial,
    ssim,
    ssim_paper,
    taste,
    u_rke,
    u_rke_dinov2,
    u_rke_dreamsim,
    vendi,
    vendi_dinov2,
    vendi_dreamsim,
    vendi_inf,
    vqa_score,
    vqa_score_ratio,
)
from t2ialign.types import Metric

METRICS: dict[str, Metric] = {
    # alignment with the prompt
    "clip_score": clip_score.METRIC,
    "clip_score_hessel": clip_score_hessel.METRIC,
    "clip_score_100": clip_score_100.METRIC,
    "vqa_score": vqa_score.METRIC,
    "vqa_score_ratio": vqa_score_ratio.METRIC,
    "blip_vqa": blip_vqa.METRIC,
    "spatial": spatial.METRIC,
    "oracle_alignment": oracle_alignment.METRIC,
    "oracle_exact": oracle_exact.METRIC,
    "mutual_information": mutual_information.METRIC,
    "mutual_information_released": mutual_information_released.METRIC,
    "mutual_information_renoise": mutual_information_renoise.METRIC,
    "mutual_information_renoise_released": mutual_information_renoise_released.METRIC,
    # alignment with people
    "pick_score": pick_score.METRIC,
    "image_reward": image_reward.METRIC,
    "hps_v20": hps_v20.METRIC,
    "hps_v21": hps_v21.METRIC,
    "aesthetic": aesthetic.METRIC,
    "taste": taste.METRIC,
    # diversity of a set
    "u_rke": u_rke.METRIC,
    "factor_diversity": factor_diversity.METRIC,
    "lpips": lpips.METRIC,
    "clip_diversity": clip_diversity.METRIC,
    "vendi": vendi.METRIC,
    "vendi_inf": vendi_inf.METRIC,
    "rke": rke.METRIC,
    "dinov2_diversity": dinov2_diversity.METRIC,
    "u_rke_dinov2": u_rke_dinov2.METRIC,
    "vendi_dinov2": vendi_dinov2.METRIC,
    "dreamsim_diversity": dreamsim_diversity.METRIC,
    "u_rke_dreamsim": u_rke_dreamsim.METRIC,
    "vendi_dreamsim": vendi_dreamsim.METRIC,
    "embedding_diversity": embedding_diversity.METRIC,
    # difference of pixels
    "ssim": ssim.METRIC,
    "fsim": fsim.METRIC,
    "fsimc": fsimc.METRIC,
    "rmse": rmse.METRIC,
    "psnr": psnr.METRIC,
    "ssim_paper": ssim_paper.METRIC,
    "fsim_paper": fsim_paper.METRIC,
    "rmse_paper": rmse_paper.METRIC,
    "psnr_paper": psnr_paper.METRIC,
    # richness of single pictures
    "entropy_1d": entropy_1d.METRIC,
    "entropy_2d": entropy_2d.METRIC,
    "entropy_2d_paper": entropy_2d_paper.METRIC,
}

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

DEFAULT: tuple[str, ...] = tuple(name for name in METRICS if name not in ON_REQUEST)
"""What a plain run computes, as far as its scorers go."""
