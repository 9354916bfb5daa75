"""Studies of made-up pictures, and votes on them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from t2ialign.codec import encode
from t2ialign.study.answers import Answer
from t2ialign.study.design import AnswerRule, Contender, Pictures, StudyDesign
from t2ialign.study.manifest import Exhibit, Manifest, merged
from t2ialign.study.records import Vote
from t2ialign.study.trials import Trial
from t2ialign.types import Prompt, content_key

Make = Callable[..., Manifest]


def sha(*words: object) -> str:
    return hashlib.sha256(repr(words).encode()).hexdigest()


def design_of(names: str = "abc", categories: int = 2, prompts: int = 4, **fields: object) -> StudyDesign:
    texts = tuple(Prompt(f"prompt {c}.{p}", f"category {c}") for c in range(categories) for p in range(prompts))
    made = StudyDesign("A study", tuple(Contender(name) for name in names), texts, rounds=6)
    return replace(made, **fields)


@pytest.fixture
def make() -> Make:
    def manifest(design: StudyDesign | None = None, seeds: int = 2, size: int = 1, **fields: object) -> Manifest:
        design = design or design_of(**fields)
        exhibits = merged(
            Exhibit(
                (contender.name,),
                prompt.text,
                tuple(range(seed * size, seed * size + size)),
                tuple(sha(contender.name, prompt.text, seed, i) for i in range(size)),
                f"cell {contender.name} {prompt.text}",
            )
            for prompt in design.prompts
            for contender in design.contenders
            for seed in range(seeds)
        )
        return Manifest(design, exhibits, (sha("decoy"),))

    return manifest


def vote(
    labels: Sequence[str],
    answer: Answer,
    kind: str = "select",
    survey: str = "s",
    group: str = "everyone",
    prompt: str = "a prompt",
    category: str = "",
    check: str = "",
    milliseconds: int = 4000,
) -> Vote:
    """One vote; a label is a contender's name, ``a+b``, or ``decoy``."""
    shown = tuple(
        Exhibit(() if label == "decoy" else tuple(label.split("+")), prompt, (0,), (sha(label, prompt),), "")
        for label in labels
    )
    name = content_key([survey, prompt, list(labels), encode(answer), milliseconds])
    trial = Trial(name, 0, prompt, category, shown, kind, len(shown), check)
    return Vote(
        name, "study", survey, group, trial, trial.checked(answer), milliseconds, datetime(2026, 1, 1, tzinfo=UTC)
    )


__all__ = ["AnswerRule", "Pictures", "design_of", "make", "sha", "vote"]
