"""From margins to losses, one link a file; ``OBJECTIVES`` is the menu (key = file name = test file name).

An objective is a frozen dataclass whose fields are its hyper-parameters, and ``__call__(ratios)`` is the loss of each
pair. It reads log-ratios or any divergence's scores of them, so every link goes with every divergence:

    loss = objective(ratios.map(divergence.score))

``beta`` is the same in all of them: the factor between a (scored) margin and the argument of the link, beta (s_win -
s_lose). What a unit of margin is worth lies in the log-ratio (``training.log_ratio``): Diffusion-DPO's published beta
is that estimate's scale times this beta. ``kto`` reads single, labelled pictures (``LabelledLogRatios``), all others
pairs (``PairLogRatios``).
"""

from __future__ import annotations

from t2ialign.objectives.alpha_dpo import AlphaDpo
from t2ialign.objectives.dmpo import Dmpo
from t2ialign.objectives.hinge import Hinge
from t2ialign.objectives.ipo import Ipo
from t2ialign.objectives.kto import Kto
from t2ialign.objectives.popalign import PopAlign
from t2ialign.objectives.sigmoid import Sigmoid

OBJECTIVES: dict[str, type] = {
    "sigmoid": Sigmoid,
    "hinge": Hinge,
    "ipo": Ipo,
    "dmpo": Dmpo,
    "alpha_dpo": AlphaDpo,
    "popalign": PopAlign,
    "kto": Kto,
}
