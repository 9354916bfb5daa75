"""The shared folder's templates, each through the function that renders it, with hostile text wherever text may come in."""

import math
from dataclasses import replace

from t2ialign.dashboard.shared import html
from t2ialign.dashboard.shared.contact_sheet import Tile, TileGroup, empty_sheet, sheet
from t2ialign.dashboard.shared.headline import Headline, headlines
from t2ialign.dashboard.shared.point_details_view import (
    PointDetails,
    PromptRow,
    all_points,
    back_to_all,
    nothing_chosen,
    point_details_html,
)
from t2ialign.dashboard.shared.templates import render
from t2ialign.metrics import METRICS
from t2ialign.tradeoff.comparison import Comparison
from t2ialign.types import AdapterUse, GenerationConfig, Interval, TradeoffPoint
from tests.dashboard.outline import EVIL

LOOK = html.Look("#111111", "#eeeeee")
METRIC = replace(METRICS["oracle_alignment"], title=EVIL, unit=EVIL, reference=EVIL, summary=EVIL, caveat=EVIL)
OTHER = replace(METRIC, name="factor_diversity", title=EVIL[::-1], bounds=(-math.inf, math.inf))
GROUP = TileGroup(EVIL, LOOK, (Tile(0, EVIL, EVIL, ((METRIC, 0.5), (OTHER, math.nan))), Tile(1, "data:,"), Tile(2)), 64)
SURE, UNSURE = Interval(0.5, 0.4, 0.6), Interval(-0.1, math.nan, math.nan)
CONFIG = GenerationConfig(EVIL, adapters=(AdapterUse(EVIL, 1.0),))
POINT = TradeoffPoint(CONFIG, METRIC.name, OTHER.name, SURE, UNSURE, 3, 48, EVIL, EVIL, notes=((EVIL, 1),))


def macros() -> str:
    return (
        html.heading(EVIL)
        + html.paragraph(EVIL)
        + html.who(EVIL, LOOK)
        + html.notice(EVIL)
        + html.explained({EVIL: METRIC, "Again": METRIC}, "sample")
    )


def headline() -> str:
    return headlines([Headline(EVIL, LOOK, SURE, UNSURE, 1, 2), Headline("b", LOOK, SURE, SURE, 2, 2)], METRIC, OTHER)


def details() -> str:
    changed = (
        Comparison(CONFIG, CONFIG, METRIC.name, 3, 48, SURE, SURE, SURE),
        Comparison(CONFIG, CONFIG, OTHER.name, 3, 48, SURE, SURE, None),
        Comparison(CONFIG, CONFIG, OTHER.name, 3, 48, SURE, SURE, UNSURE),
    )
    rows = (PromptRow(EVIL, EVIL, EVIL, EVIL, 0.5, math.nan), PromptRow("b", "a ring", "", "", 0.5, 0.5))
    return point_details_html(PointDetails(POINT, METRIC, OTHER, LOOK, rows, EVIL, GROUP, changed))


SAMPLES = {
    "shared/macros.html": macros,
    "shared/head.html": lambda: render("shared/head.html", css=EVIL, script=EVIL, early=[EVIL]),
    "shared/later.html": lambda: render("shared/later.html", sentence=EVIL, seconds=10),
    "shared/header.html": lambda: render("shared/header.html"),
    "shared/contact_sheet.html": lambda: sheet([GROUP, GROUP]),
    "shared/empty_sheet.html": empty_sheet,
    "shared/headline.html": headline,
    "shared/point_details.html": details,
    "shared/all_points.html": lambda: all_points([POINT], METRIC, OTHER, {CONFIG.checkpoint: LOOK}),
    "shared/nothing_chosen.html": nothing_chosen,
    "shared/back_to_all.html": back_to_all,
    "shared/lock.html": lambda: render("shared/lock.html", words=EVIL),
    "shared/stories.html": lambda: render("shared/stories.html", told={EVIL: EVIL}, drawn={EVIL: EVIL}),
}
