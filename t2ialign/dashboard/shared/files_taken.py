"""Files that are written to be taken away: of one address so many an hour, for each lies on the disk for a day."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.visitors import TooMany, Visitor, Visits
from t2ialign.dashboard.shared.wiring import Updates


def taken_away(visits: Visits, write: Callable[..., Updates]) -> Callable[..., Updates]:
    """A handler that writes a ``file``, or says a ``problem``, with who asks before its values."""

    def take_away(visitor: Visitor, *values: Any) -> Updates:
        try:
            visits.count_file(visitor)
        except TooMany as error:
            return {"problem": notice(str(error)), "file": None}
        return write(*values)

    return take_away
