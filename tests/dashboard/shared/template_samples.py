"""The shared folder's templates, each through the function that renders it, with hostile text wherever text may come in."""

from dataclasses import replace

from t2ialign.dashboard.shared import html
from t2ialign.metrics import METRICS
from tests.dashboard.outline import EVIL

LOOK = html.Look("#111111", "#eeeeee")
METRIC = replace(METRICS["oracle_alignment"], title=EVIL, unit=EVIL, reference=EVIL, summary=EVIL, caveat=EVIL)


def macros() -> str:
    return (
        html.heading(EVIL)
        + html.paragraph(EVIL)
        + html.who(EVIL, LOOK)
        + html.notice(EVIL)
        + html.explained({EVIL: METRIC, "Again": METRIC}, "sample")
    )


SAMPLES = {"shared/macros.html": macros}
