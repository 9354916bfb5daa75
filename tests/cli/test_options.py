"""What the commands share: the line that tells how far the work is, on a terminal and in a log."""

import sys

import pytest

from t2ialign.cli import options
from t2ialign.cli.options import StatusLine, progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds, as the test says."""
    now = [100.0]
    monkeypatch.setattr(options.time, "monotonic", lambda: now[0])
    return now


def test_a_log_has_a_line_now_and_then_and_the_last_one(clock: list[float], capsys: pytest.CaptureFixture) -> None:
    with progress("training x") as show:
        for second in range(26):
            clock[0] = 100.0 + second
            show(second / 25, 25.0 - second)
    assert capsys.readouterr().err.splitlines() == [
        "training x:   0%, about 25 s to go",
        "training x:  40%, about 15 s to go",
        "training x:  80%, about 5 s to go",
        "training x: 100%",
    ]


def test_what_stands_still_is_said_once(clock: list[float], capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(KeyboardInterrupt), progress("training x") as show:
        for second in range(60):
            clock[0] = 100.0 + second
            show(0.0, 302.0)
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "training x:   0%, about 302 s to go\n"


def test_a_terminal_has_one_line_that_is_written_over(monkeypatch, clock: list[float], capsys) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    status = StatusLine()
    for line in ("a: 1 of 2", "a: 1 of 2", "a", "\x1b[2J"):
        status.show(line)
    status.end()
    assert capsys.readouterr().err == "\ra: 1 of 2\ra        \r\\x1b[2J\n"


def test_where_nothing_was_shown_nothing_ends(capsys: pytest.CaptureFixture) -> None:
    StatusLine().end()
    with progress("x"):
        pass
    assert capsys.readouterr().err == ""
