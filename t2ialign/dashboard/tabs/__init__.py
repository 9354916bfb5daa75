"""The page's tabs, in order. A tab is a file with ``TITLE`` and ``build(services)``; tabs meet only in the store."""

from __future__ import annotations

from t2ialign.dashboard.tabs import align, explore, study, theory, tradeoff

TABS = {
    "explore": explore,
    "tradeoff": tradeoff,
    "align": align,
    "study": study,
    "theory": theory,
}
