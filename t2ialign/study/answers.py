"""What a rater may answer in a round, and what that says about the contenders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from t2ialign.codec import IF_SAID
from t2ialign.types import InputError

VERDICTS = ("", "tie", "neither")
SURENESS = ("guessing", "fairly sure", "sure")  # what a rater may say, in rising order


@dataclass(frozen=True)
class Answer:
    """Positions on the screen, counted from 0: those selected, the one picked, or all from best to worst.

    ``verdict`` stands in for the pick: ``tie`` (as good as each other) or ``neither`` (both bad). ``counts`` says by position
    how many kinds each set shows, ``confidence`` how sure the rater is (``SURENESS``); both are empty where nobody asked. What
    comes from outside may hold anything: ``checked_answer`` says what is an answer.
    """

    chosen: tuple[Any, ...] = ()
    verdict: Any = ""
    counts: tuple[Any, ...] = field(default=(), metadata=IF_SAID)
    confidence: Any = field(default="", metadata=IF_SAID)


def checked_answer(
    answer: Answer, kind: str, shown: int, most: int, sizes: Sequence[int] = (), confidence: bool = False
) -> Answer:
    """The answer in one canonical form (selections ascending); ``InputError`` where the round has no such answer.

    ``sizes``: how many pictures each set has, where kinds are to be counted; ``confidence``: whether that is asked.
    """
    chosen = answer.chosen
    _check_counts(answer, sizes)
    _check_confidence(answer, confidence)
    if not all(type(place) is int for place in chosen):
        raise InputError("An answer names positions by whole numbers.")
    if not all(0 <= place < shown for place in chosen) or len(set(chosen)) < len(chosen):
        raise InputError(f"This round shows {shown} pictures: an answer names each of them at most once, and no other.")
    if answer.verdict not in VERDICTS or (answer.verdict and (kind != "pick" or chosen)):
        raise InputError("This round has no such answer: choose one of those offered.")
    if kind == "select" and len(chosen) > most:
        raise InputError(f"Select at most {most}.")
    if kind == "pick" and len(chosen) != (0 if answer.verdict else 1):
        raise InputError("Pick one of the two, or say that neither is better.")
    if kind == "rank" and len(chosen) != most:
        raise InputError(f"Put {most} in order, the best first.")
    return replace(answer, chosen=tuple(sorted(chosen)), verdict="") if kind == "select" else answer


def _check_counts(answer: Answer, sizes: Sequence[int]) -> None:
    if not sizes and answer.counts:
        raise InputError("This round does not ask how many kinds there are: leave the counts out.")
    if len(answer.counts) != len(sizes):
        raise InputError(f"Say of each of the {len(sizes)} sets how many kinds it shows.")
    for place, (count, size) in enumerate(zip(answer.counts, sizes)):
        if type(count) is not int or not 1 <= count <= size:
            raise InputError(
                f"Set {place + 1} has {size} pictures, so it shows a whole number of kinds from 1 to {size}."
            )


def _check_confidence(answer: Answer, asked: bool) -> None:
    if not asked and answer.confidence:
        raise InputError("This round does not ask how sure you are: leave the confidence out.")
    if asked and answer.confidence not in SURENESS:
        raise InputError(f"Say how sure you are: {', '.join(SURENESS[:-1])} or {SURENESS[-1]}.")


def duels(answer: Answer, kind: str, shown: int) -> Iterator[tuple[int, int, Literal["left", "tie"]]]:
    """The pairwise comparisons in an answer, by position: (better, worse, "left"), or two equals with "tie".

    Selected beats not selected; two that were both selected, or both not, say nothing about each other. Ranked beats
    later ranked, and ranked beats unranked. Both bad counts as a tie.
    """
    if kind == "pick":
        if answer.verdict:
            yield 0, 1, "tie"
        else:
            (best,) = answer.chosen
            yield best, 1 - best, "left"
        return
    rest = [place for place in range(shown) if place not in answer.chosen]
    for rank, place in enumerate(answer.chosen):
        below = rest if kind == "select" else [*answer.chosen[rank + 1 :], *rest]
        for worse in below:
            yield place, worse, "left"
