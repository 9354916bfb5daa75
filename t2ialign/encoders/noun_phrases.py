"""The things that a prompt names, by rule: what stands between commas, conjunctions, prepositions and a few verbs.

T2I-CompBench cuts prompts with spaCy's English model, which is not on the package index. For prompts that name things
one after the other ("a red circle to the left of a blue square") the two agree; long descriptions are cut more often
here.
"""

from __future__ import annotations

import re

RELATIONS = (
    *("to the left of", "to the right of", "on the left of", "on the right of", "left of", "right of"),
    *("on the top of", "on top of", "on the bottom of", "on side of", "on the side of", "next to", "in front of"),
    *("above", "below", "under", "over", "behind", "beside", "near"),
)
CONNECTIVES = (
    *(
        "and",
        "or",
        "with",
        "without",
        "in",
        "on",
        "at",
        "of",
        "from",
        "by",
        "to",
        "into",
        "for",
        "while",
        "that",
        "which",
    ),
    *("is", "are", "was", "were", "has", "have", "wearing", "holding", "sitting", "standing", "riding", "playing"),
)
_CUT = re.compile(r"[,.;:!?]|\b(?:" + "|".join(map(re.escape, (*RELATIONS, *CONNECTIVES))) + r")\b", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:a|an|the|one|some)\b", re.IGNORECASE)


def noun_phrases(text: str) -> list[str]:
    """The phrases in order, articles kept, e.g. ``["a red circle", "a blue square"]``."""
    parts = [" ".join(part.split()) for part in _CUT.split(text)]
    return [part for part in parts if _ARTICLE.sub("", part).strip()]


def spatial_relation(text: str) -> tuple[str, str, str] | None:
    """The first relation of a prompt with the noun phrases around it: (thing, relation, other thing), or None."""
    found = [
        (match.start(), -len(name), name) for name in RELATIONS if (match := re.search(rf"\b{name}\b", text.lower()))
    ]
    if not found:
        return None
    start, length, name = min(found)
    before, after = noun_phrases(text[:start]), noun_phrases(text[start - length :])
    return (before[-1], name, after[0]) if before and after else None
