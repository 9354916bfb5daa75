"""SSIM distance in the convention of the f-divergence paper's table 3: 12-bit constants on 8-bit pictures.

The paper's numbers are those of ``image-similarity-measures`` at its defaults, made for 12-bit satellite images: the
constants belong to pixels up to 4095, the window is a uniform square of 7 pixels, variances are sample variances. The
constants then outweigh most of an 8-bit picture's variance, so values run far higher than the standard SSIM's.
"""

from __future__ import annotations

from t2ialign.metrics.structure import Structure
from t2ialign.types import Metric

METRIC = Metric(
    name="ssim_paper",
    title="1 - SSIM (12-bit convention)",
    axis="diversity",
    level="pair",
    needs=("images",),
    compute=Structure((1 / 7,) * 7, peak=4095, sample=True).rule,
    bounds=(0.0, 2.0),
    higher_is_better=True,
    unit="1 - SSIM, 12-bit",
    reference="The f-divergence paper, table 3, through image-similarity-measures (max_p = 4095)",
    summary="1 - SSIM as that paper reports it, to be compared with its table and with nothing else.",
    caveat="Its constants are 16 times too large for 8-bit pixels: differences are damped.",
)
