"""How the conditional and the unconditional prediction of a step are combined: one strategy a file.

``GUIDANCE`` is the menu: the key is the file's name, the test file's name and ``GenerationConfig.guidance``. A strategy
is a frozen dataclass whose fields are its parameters (``guidance_scale`` first), with

- ``__call__(noise_cond, noise_uncond, progress)``: the guided prediction of one step;
- ``begin()``: the strategy for one generation, which may carry memory from step to step (itself where it has none).

Both predictions are always computed, even where a strategy ignores one (a ``guidance_scale`` of 1, outside an
interval): the mutual information of picture and prompt is read off their difference. Predictions are the model's own
outputs: noise for epsilon models, velocity for v-prediction models; affine combinations mean the same in both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import fields

from t2ialign.guidance.apg import Apg
from t2ialign.guidance.cfg import Cfg
from t2ialign.guidance.interval import Interval
from t2ialign.limits import check_guidance_scale
from t2ialign.registry import unknown
from t2ialign.types import Guidance, InputError

GUIDANCE: dict[str, type] = {
    "cfg": Cfg,
    "interval": Interval,
    "apg": Apg,
}


def begin_guidance(name: str, guidance_scale: float, params: Iterable[tuple[str, float]] = ()) -> Guidance:
    """A strategy of the menu, fresh for one generation; ``params`` are its own fields as (name, value) pairs."""
    if name not in GUIDANCE:
        raise unknown("guidance strategy", name, GUIDANCE)
    check_guidance_scale(guidance_scale)
    own = [field.name for field in fields(GUIDANCE[name]) if field.name != "guidance_scale"]
    given = dict(params)
    for param, value in given.items():
        if param not in own:
            raise InputError(f"Guidance {name} has no parameter {param!r}: it has {', '.join(own) or 'none'}.")
        if not math.isfinite(value):
            raise InputError(f"The parameter {param} of guidance {name} must be a finite number.")
    guidance: Guidance = GUIDANCE[name](guidance_scale, **given).begin()
    return guidance
