"""Files that are taken away count by address; the owner's do not."""

from __future__ import annotations

from t2ialign.dashboard.shared.files_taken import taken_away
from t2ialign.dashboard.shared.visitors import Visitor, Visits
from t2ialign.engines import LocalEngine
from t2ialign.settings import VisitorLimits


def test_one_file_too_many_is_said_and_not_written() -> None:
    written = []
    take = taken_away(
        Visits(LocalEngine(), VisitorLimits(surveys=2)), lambda name: written.append(name) or {"file": name}
    )
    stranger, other = Visitor("", "1.1.1.1", owner=False), Visitor("", "2.2.2.2", owner=False)
    assert [take(stranger, "x"), take(stranger, "y"), take(other, "z")] == [{"file": "x"}, {"file": "y"}, {"file": "z"}]
    refused = take(stranger, "w")
    assert refused["file"] is None and "may take away 2 files an hour" in refused["problem"]
    assert take(Visitor(), "own") == {"file": "own"} and written == ["x", "y", "z", "own"]
