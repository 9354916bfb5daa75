"""Methods, one paper a short file: which data, divergence, link, log-ratio and regulariser it picks, with its numbers.

``METHODS`` is the menu: the key is the file's name and the test file's name. A method's fields are its controls on the
Align page and its options on the command line (``Method.controls``). To add one, write ``methods/<name>.py`` with its
``METHOD`` record and add its line here.
"""

from __future__ import annotations

from t2ialign.methods import (
    alpha_dpo,
    d3po,
    ddpo,
    diffusion_dpo,
    diffusion_kto,
    dmpo,
    dpok,
    draft,
    dspo,
    f_dpo,
    gors,
    grpo,
    hn_itm,
    ipo,
    mi_tune,
    ncppo,
    popalign,
    refl,
    spo,
)
from t2ialign.methods.method import Method

METHODS: dict[str, Method] = {
    "diffusion_dpo": diffusion_dpo.METHOD,
    "f_dpo": f_dpo.METHOD,
    "ipo": ipo.METHOD,
    "dmpo": dmpo.METHOD,
    "alpha_dpo": alpha_dpo.METHOD,
    "dspo": dspo.METHOD,
    "hn_itm": hn_itm.METHOD,
    "ncppo": ncppo.METHOD,
    "popalign": popalign.METHOD,
    "diffusion_kto": diffusion_kto.METHOD,
    "mi_tune": mi_tune.METHOD,
    "gors": gors.METHOD,
    "ddpo": ddpo.METHOD,
    "dpok": dpok.METHOD,
    "grpo": grpo.METHOD,
    "d3po": d3po.METHOD,
    "spo": spo.METHOD,
    "refl": refl.METHOD,
    "draft": draft.METHOD,
}
