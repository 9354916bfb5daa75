from __future__ import annotations

import pytest

from t2ialign.study.answers import Answer
from t2ialign.study.exclusion import Rule, checked_rule, excluded, failed_checks
from t2ialign.types import InputError
from tests.study.conftest import vote

GOOD = [vote("ab", Answer((i % 2,)), "pick", "good", milliseconds=4000 + i) for i in range(6)]
FAST = [vote("ab", Answer((i % 2,)), "pick", "fast", milliseconds=300 + i) for i in range(6)]
SAME = [vote("ab", Answer((0,)), "pick", "same", milliseconds=4000 + i) for i in range(6)]
FAILED = [*[vote("ab", Answer((i % 2,)), "pick", "failed", milliseconds=4000 + i) for i in range(6)]]
FAILED.append(vote(["decoy", "a"], Answer((0,)), "pick", "failed", check="decoy"))
ALL = [*GOOD, *FAST, *SAME, *FAILED]


@pytest.mark.parametrize(
    ("rule", "out"),
    [
        (Rule("attention", 0), {"failed"}),
        (Rule("attention", 1), set()),
        (Rule("fast", 1000), {"fast"}),
        (Rule("constant", 0.9), {"same"}),
        (Rule("short", 7), {"good", "fast", "same", "failed"}),
        (Rule("survey", survey="good"), {"good"}),
    ],
)
def test_rules(rule: Rule, out: set[str]):
    assert set(excluded(ALL, [rule])) == out
    assert rule.describe()


def test_the_first_rule_that_applies_is_named():
    rules = [Rule("survey", survey="fast"), Rule("fast", 1000)]
    assert excluded(ALL, rules) == {"fast": rules[0]}
    assert excluded(ALL, []) == {}
    assert failed_checks(ALL) == 1


def test_unknown_rules_are_refused():
    assert checked_rule("fast", 500) == Rule("fast", 500)
    with pytest.raises(InputError, match="one of attention"):
        checked_rule("ugly")
    with pytest.raises(InputError, match="from 0 up"):
        checked_rule("fast", -1)
