"""What is the owner's alone: where a token is set (``T2IALIGN_OWNER_TOKEN``), every handler of the owner's asks for it.

The page keeps the token that was typed in a ``gr.State``, which lives on the server and belongs to one session: it is in
no page, no address and no request but the one that unlocks. A private endpoint still answers a raw request, so the
check stands in the handler and not in the page.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Any

from t2ialign import settings
from t2ialign.types import InputError

REFUSAL = "This belongs to the owner: unlock it on the Study or the Align page with the owner's token first."
WRONG = "This is not the owner's token."
PATIENCE = 0.5  # seconds that a wrong token costs


def locked(key: str) -> bool:
    """Whether a session that has typed ``key`` is kept out. Nobody is where no token is set."""
    token = settings.OWNER_TOKEN
    return bool(token) and not hmac.compare_digest(str(key).encode(), token.encode())


def check(key: str) -> None:
    """Raises ``InputError`` for a session that is kept out."""
    if locked(key):
        raise InputError(REFUSAL)


def unlocked(typed: str) -> str:
    """The key to keep for a session that typed the right token; ``InputError`` for a wrong one, after a moment."""
    if locked(typed):
        time.sleep(PATIENCE)
        raise InputError(WRONG)
    return typed


def sign(text: str) -> str:
    """What proves that the owner has given ``text`` away, for links; empty where no token is set."""
    token = settings.OWNER_TOKEN
    return hmac.new(token.encode(), text.encode(), "sha256").hexdigest()[:32] if token else ""


def signed(text: str, signature: str) -> bool:
    """Whether ``signature`` is what ``sign`` gave for ``text``; always where no token is set."""
    return hmac.compare_digest(signature.encode(), sign(text).encode()) if settings.OWNER_TOKEN else True


def owned(handler: Callable[..., Any], refused: Callable[[str], Any]) -> Callable[..., Any]:
    """The handler with the session's key before its other values.

    ``refused`` makes of a sentence the answer to everybody else, and to whatever ``InputError`` the handler raises.
    """

    def run(key: str, *values: Any) -> Any:
        try:
            check(key)
            return handler(*values)
        except InputError as error:
            return refused(str(error))

    return run
