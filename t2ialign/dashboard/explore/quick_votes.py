"""Quick votes from Explore: a thumb, or this picture rather than that one. They are kept as votes that were not blind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.dashboard.shared.wiring import Updates, said
from t2ialign.store import find_cell
from t2ialign.store.studies import keep_pictures
from t2ialign.store.votes import record_quick
from t2ialign.study.answers import Answer
from t2ialign.study.manifest import Exhibit
from t2ialign.types import InputError

ADDRESS = re.compile(r"pictures/([0-9a-f]{16})/(\d{1,10})\.webp")
VOTER = re.compile(r"[0-9-]{8,60}")
THUMBS = {"up": Answer((0,)), "down": Answer(())}


def vote(services: Services, visitor: Visitor, data: Mapping[str, Any]) -> Updates:
    """Keep what the browser says of a picture; whatever it is, it comes from outside and is looked at first."""
    try:
        voter, answer = said(data, "voter"), said(data, "answer")
        if not VOTER.fullmatch(voter) or answer not in (*THUMBS, "rather"):
            raise InputError("This vote was not understood: reload the page and vote again.")
        services.visits.count_vote(visitor)
        mine = exhibit(services, said(data, "picture"))
        if answer in THUMBS:
            record_quick(services.store, voter, [mine], THUMBS[answer])
            return {}
        others = data.get("others")
        for other in others[:3] if isinstance(others, list) else []:
            record_quick(services.store, voter, [mine, exhibit(services, str(other)[:100])], Answer((0,)))
    except InputError as error:
        return {"notice": notice(str(error))}
    return {}


def exhibit(services: Services, address: str) -> Exhibit:
    """The stored picture behind an address of Explore's sheet; ``InputError`` where there is none."""
    found = ADDRESS.fullmatch(address)
    if not found:
        raise InputError("This picture is not stored: generate it first, then vote.")
    cell, seed = find_cell(services.store, found[1]), int(found[2])
    sha = keep_pictures(services.store, {cell.key: [seed]}).get(cell.key, {}).get(seed)
    if sha is None:
        raise InputError("This picture is not stored: generate it first, then vote.")
    name = f"{cell.config.checkpoint} CFG {cell.config.guidance_scale:g}".replace("+", " & ")
    return Exhibit((name,), cell.prompt.text, (seed,), (sha,), cell.key)
