"""Has Gradio keep no copy of every component for each open page.

Gradio 6 describes all components anew for every session, and keeps with each what it shows: for links that bring a session
back, which this page has none of. That is most of what a session's first event costs, a megabyte a session, and a file on disk
for whoever asks for such a link. Where a version of Gradio keeps no such copy any more nothing is changed.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from gradio.state_holder import SessionState

COPIERS = ("_update_config", "_update_value_in_config")
_begin = SessionState.__init__


def keep_no_copies() -> None:
    """Makes every session that begins after this call, in this process, do without copies."""
    if set(COPIERS) <= vars(SessionState).keys():
        for name in COPIERS:
            setattr(SessionState, name, _leave)
        SessionState.__init__ = _begin_empty  # type: ignore[method-assign]


def _begin_empty(self: SessionState, blocks: Any) -> None:
    """Begins a session as if its page had no components, so that Gradio copies none of them."""
    _begin(self, SimpleNamespace(default_config=blocks.default_config, blocks=()))  # type: ignore[arg-type]


def _leave(*_: object) -> None:
    """Does nothing: it replaces the methods that would keep the copies up to date."""
