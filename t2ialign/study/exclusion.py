"""Which surveys are left out, by rule: logged, reversible, and never a deletion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, get_args

from t2ialign.study.records import Vote, real
from t2ialign.types import InputError

RuleName = Literal["attention", "fast", "constant", "short", "survey"]


@dataclass(frozen=True)
class Rule:
    """One rule and its threshold.

    ``attention``: failed more than ``value`` attention checks. ``fast``: the median answer took under ``value`` ms.
    ``constant``: the same positions in more than ``value`` (0 to 1) of at least 5 answers. ``short``: fewer than
    ``value`` answers. ``survey``: the one survey named.
    """

    name: RuleName
    value: float = 0.0
    survey: str = ""

    def describe(self) -> str:
        """The rule as words, for the log."""
        return {
            "attention": f"surveys that failed more than {self.value:g} attention checks",
            "fast": f"surveys whose median answer took less than {self.value:g} ms",
            "constant": f"surveys that chose the same positions in more than {self.value:.0%} of their answers",
            "short": f"surveys with fewer than {self.value:g} answers",
            "survey": f"the survey {self.survey[:8]}",
        }[self.name]


def checked_rule(name: str, value: float = 0.0, survey: str = "") -> Rule:
    """A rule that exists; ``InputError`` otherwise."""
    if name not in get_args(RuleName) or value < 0:
        raise InputError(f"An exclusion rule is one of {', '.join(get_args(RuleName))}, with a threshold from 0 up.")
    return Rule(name, value, survey)  # type: ignore[arg-type]


def excluded(votes: Iterable[Vote], rules: Sequence[Rule]) -> Mapping[str, Rule]:
    """The surveys that a rule leaves out, each with the first rule that does."""
    surveys: dict[str, list[Vote]] = defaultdict(list)
    for vote in votes:
        surveys[vote.survey].append(vote)
    found = {survey: next((rule for rule in rules if _applies(rule, given)), None) for survey, given in surveys.items()}
    return {survey: rule for survey, rule in found.items() if rule is not None}


def failed_checks(votes: Iterable[Vote]) -> int:
    """How many attention checks were failed."""
    return sum(not vote.trial.passed(vote.answer) for vote in votes if vote.trial.check == "decoy")


def _applies(rule: Rule, votes: Sequence[Vote]) -> bool:
    given = real(votes)
    if rule.name == "attention":
        return failed_checks(votes) > rule.value
    if rule.name == "fast":
        return bool(given) and median(vote.milliseconds for vote in given) < rule.value
    if rule.name == "short":
        return len(given) < rule.value
    if rule.name == "constant":
        patterns = [(vote.answer.chosen, vote.answer.verdict) for vote in given]
        return len(patterns) >= 5 and max(map(patterns.count, patterns)) > rule.value * len(patterns)
    return votes[0].survey == rule.survey
