"""What is the owner's alone: where a token is set (``T2IALIGN_OWNER_TOKEN``), every handler of the owner's asks for it.

On a Space whoever ``T2IALIGN_OWNERS`` names is an owner too, once the Hub says who it is: the session then holds a key that
this server made for that name.

The page keeps the token that was typed in a ``gr.State``, which lives on the server and belongs to one session: it is in
no page, no address and no request but the one that unlocks. A private endpoint still answers a raw request, so the
check stands in the handler and not in the page. A Space has strangers in any case: without a token it has no owner.
"""

from __future__ import annotations

import hmac
import logging
import math
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from t2ialign import settings
from t2ialign.types import InputError

REFUSAL = "This belongs to the owner: unlock it on the Study or the Align page first, with the owner's token or by signing in."
WRONG = "This is not the owner's token."
NO_OWNER = (
    "This page has no owner yet: set the secret T2IALIGN_OWNER_TOKEN in its settings, and unlock the page with it, or, on "
    "a Space where one can sign in, name yourself in T2IALIGN_OWNERS."
)
_OF_PROCESS = secrets.token_hex(32)
FREE_GUESSES, LONGEST_WAIT = 5, 300.0  # wrong tokens from one address before it has to wait, and seconds at most
KEEP = 4096  # addresses whose wrong tokens are remembered


@dataclass(frozen=True)
class Guesses:
    """Wrong tokens by address. After a few, each doubles the time in which nothing more is looked at; nothing sleeps."""

    clock: Callable[[], float] = time.monotonic
    _wrong: OrderedDict[str, tuple[int, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def judge(self, address: str, right: bool) -> None:
        """Counts an attempt. ``InputError`` for a wrong one, and for any while the address has to wait."""
        with self._lock:
            count, until = self._wrong.get(address, (0, 0.0))
            left = until - self.clock()
            if left > 0:
                raise InputError(f"There were {count} wrong tokens: wait {math.ceil(left)} s, then try again.")
            if right:
                self._wrong.pop(address, None)
                return
            count += 1
            pause = 0.0 if count < FREE_GUESSES else min(2.0 ** min(count - FREE_GUESSES, 60), LONGEST_WAIT)
            self._wrong[address] = (count, self.clock() + pause)
            self._wrong.move_to_end(address)
            while len(self._wrong) > KEEP:
                self._wrong.popitem(last=False)
        raise InputError(WRONG)


def guarded() -> bool:
    """Whether strangers reach this page, so that the owner has to be told from them."""
    return bool(settings.OWNER_TOKEN or settings.OWNERS or settings.SPACE)


def has_owner() -> bool:
    """Whether anybody can be told from strangers at all."""
    return bool(settings.OWNER_TOKEN or settings.OWNERS)


def locked(key: str) -> bool:
    """Whether a session that has ``key`` is kept out: nobody where there are no strangers, else who is no owner."""
    return guarded() and not (_is_token(str(key)) or _names_owner(str(key)))


def key_of(name: str) -> str:
    """The key of a session whose person the Hub has named; empty for who is no owner."""
    known = {owner.lower() for owner in settings.OWNERS}
    return f"{name}:{_mark(f'owner {name}')}" if name.lower() in known else ""


def _is_token(key: str) -> bool:
    token = settings.OWNER_TOKEN
    return bool(token) and hmac.compare_digest(key.encode(errors="replace"), token.encode())


def _names_owner(key: str) -> bool:
    made = key_of(key.rpartition(":")[0])
    return bool(made) and hmac.compare_digest(key.encode(errors="replace"), made.encode())


def _mark(text: str) -> str:
    """What only this server can have made of a text; the same after a restart where it has a secret that stays."""
    secret = settings.OWNER_TOKEN or os.environ.get("OAUTH_CLIENT_SECRET") or _OF_PROCESS
    return hmac.new(secret.encode(), text.encode(errors="replace"), "sha256").hexdigest()


def check(key: str, act: str = "") -> None:
    """Raises ``InputError`` for a session that is kept out; an ``act`` of the owner's is written down."""
    if locked(key):
        raise InputError(REFUSAL if has_owner() else NO_OWNER)
    note_act(key, act)


def unlocked(typed: str, guesses: Guesses, address: str) -> str:
    """The key to keep for a session that typed the right token; ``InputError`` for a wrong one, or one too many."""
    if not settings.OWNER_TOKEN:
        check(typed)
        return typed
    guesses.judge(address, not locked(typed))
    return typed


def sign(text: str) -> str:
    """What proves that the owner has given ``text`` away, for links; empty where there is no owner."""
    return _mark(text)[:32] if has_owner() else ""


def signed(text: str, signature: str) -> bool:
    """Whether ``signature`` is what ``sign`` gave for ``text``; always where no owner is set, never on a Space without."""
    if not has_owner():
        return not guarded()
    return hmac.compare_digest(signature.encode(errors="replace"), sign(text).encode())


def owned(handler: Callable[..., Any], refused: Callable[[str], Any]) -> Callable[..., Any]:
    """The handler with the session's key before its other values.

    ``refused`` makes of a sentence the answer to everybody else, and to whatever ``InputError`` the handler raises.
    """

    name = name_of(handler)

    def run(key: str, *values: Any) -> Any:
        try:
            check(key, name)
            return handler(*values)
        except InputError as error:
            return refused(str(error))

    return run


ACTS = frozenset(
    (
        *("train", "stop", "resume", "discard"),  # training
        *("save", "make_pictures", "open_study", "step", "delete", "copy", "leave_out", "take_back", "push", "follow"),
        *("sweep", "align", "job"),  # the API's
        *(
            "begin",
            "begin_set",
            "mark",
            "choose_run",
            "fetch",
            "add_checkpoint",
            "save_own",
            "move_own",
            "publish",
            "merge_them",
        ),  # scores, sets, history, checkpoints
        *("export", "read_toml"),
    )
)
"""Handlers that change something or take data away, by name; what else is the owner's only shows things."""
_acts = logging.getLogger("t2ialign.owner")


def note_act(key: str, name: str) -> None:
    """Writes an act of the owner's into the log, with who it was; nothing where there are no strangers."""
    if guarded() and name in ACTS:
        _acts.info("%s %s", key.rpartition(":")[0] if _names_owner(str(key)) else "owner", name)


def name_of(handler: Callable[..., Any]) -> str:
    """A handler's own name, by which logs and tests know its event."""
    return name_of(handler.func) if isinstance(handler, partial) else getattr(handler, "__name__", "handler")


@contextmanager
def written_down(file: Path) -> Iterator[None]:
    """The owner's acts go into a file, a line each with its time (UTC), for as long as the block lasts; 3 files of 1 MB."""
    writer = RotatingFileHandler(file, maxBytes=1_000_000, backupCount=2, encoding="utf-8", delay=True)
    form = logging.Formatter("%(asctime)sZ %(message)s", "%Y-%m-%dT%H:%M:%S")
    form.converter = time.gmtime
    writer.setFormatter(form)
    _acts.addHandler(writer)
    before, _acts.level = _acts.level, logging.INFO
    try:
        yield
    finally:
        _acts.removeHandler(writer)
        _acts.level = before
        writer.close()
