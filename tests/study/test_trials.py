from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations

import pytest

from t2ialign.codec import decode, encode
from t2ialign.study.answers import Answer
from t2ialign.study.design import AnswerRule
from t2ialign.study.manifest import Manifest
from t2ialign.study.trials import Drawn, Trial, draw, training_example
from t2ialign.types import InputError
from tests.study.conftest import design_of


def surveys(manifest: Manifest, count: int) -> list[Trial]:
    """The real rounds of many surveys in a row."""
    drawn, rounds = Drawn(), []
    for number in range(count):
        rounds += [trial for trial in draw(manifest, f"survey {number}", drawn) if not trial.check]
    return rounds


def test_the_same_id_gives_the_same_survey(make):
    assert draw(make(), "x") == draw(make(), "x")
    assert draw(make(), "x") != draw(make(), "y")


def test_ids_are_opaque_and_all_different(make):
    trials = draw(make(checks=2), "x")
    assert len({trial.id for trial in trials}) == len(trials) == 8
    assert all(set(trial.id) <= set("0123456789abcdef") for trial in trials)
    assert [trial.place for trial in trials] == list(range(8))


def test_only_pictures_of_the_same_prompt_and_seed_meet(make):
    for trial in surveys(make(seeds=3), 5):
        assert {exhibit.prompt for exhibit in trial.shown} == {trial.prompt}
        assert len({exhibit.seeds for exhibit in trial.shown}) == 1
        assert {exhibit.label for exhibit in trial.shown} == set("abc")


def test_categories_are_even_within_a_survey(make):
    for number in range(5):
        trials = draw(make(checks=0, rounds=8), f"survey {number}")
        assert set(Counter(trial.category for trial in trials).values()) == {4}


def test_prompts_positions_and_seeds_are_even_over_surveys(make):
    rounds = surveys(make(seeds=2), 40)  # 240 rounds of 3 contenders, 8 prompts, 2 seeds
    assert set(Counter(trial.prompt for trial in rounds).values()) == {30}
    assert set(Counter((trial.prompt, trial.shown[0].seeds) for trial in rounds).values()) == {15}
    places = Counter((exhibit.label, place) for trial in rounds for place, exhibit in enumerate(trial.shown))
    assert set(places.values()) == {80}


def test_pairs_of_contenders_are_even(make):
    manifest = make(names="abcd", answer=AnswerRule("pick"), seeds=2)
    rounds = surveys(manifest, 30)  # 180 rounds, 6 pairs
    assert set(Counter(frozenset(exhibit.label for exhibit in trial.shown) for trial in rounds).values()) == {30}
    left = Counter(trial.shown[0].label for trial in rounds)
    assert max(left.values()) - min(left.values()) <= 6


def test_subsets_of_contenders_meet_evenly(make):
    manifest = make(names="abcde", answer=AnswerRule("select", shown=3), seeds=1)
    met = Counter(
        frozenset(pair) for trial in surveys(manifest, 30) for pair in combinations([e.label for e in trial.shown], 2)
    )
    assert len(met) == 10
    assert max(met.values()) - min(met.values()) <= 12  # of 54 each


@pytest.mark.slow
def test_positions_are_random_between_surveys(make):
    firsts = Counter(draw(make(checks=0), f"survey {number}")[0].shown[0].label for number in range(300))
    assert all(60 < count < 140 for count in firsts.values()), firsts


def test_attention_checks_hold_one_decoy_and_never_come_first(make):
    for number in range(20):
        trials = draw(make(checks=3), f"survey {number}")
        checks = [trial for trial in trials if trial.check]
        assert len(checks) == 3
        assert not trials[0].check
        assert all(sum(exhibit.is_decoy for exhibit in trial.shown) == 1 for trial in checks)
        assert not any(exhibit.is_decoy for trial in trials if not trial.check for exhibit in trial.shown)


def test_a_set_that_repeats_itself_is_the_decoy_where_variety_is_asked_for(make):
    rule = AnswerRule("pick", "varied")
    manifest = replace(make(design_of(compare="sets", answer=rule), size=4), decoys=())
    check = next(trial for trial in draw(manifest, "x") if trial.check)
    decoy = next(exhibit for exhibit in check.shown if exhibit.is_decoy)
    assert len(decoy.pictures) == 4
    assert len(set(decoy.pictures)) == 1


def test_checks_are_passed_by_whoever_leaves_the_decoy_alone(make):
    for kind, good, bad in (
        ("select", lambda d: Answer(()), lambda d: Answer((d,))),
        ("pick", lambda d: Answer((1 - d,)), lambda d: Answer((), "tie")),
        (
            "rank",
            lambda d: Answer(tuple(sorted(range(3), key=lambda p: p == d))),
            lambda d: Answer((d, *{0, 1, 2} - {d})),
        ),
    ):
        check = next(trial for trial in draw(make(answer=AnswerRule(kind)), "x") if trial.check)
        decoy = next(place for place, exhibit in enumerate(check.shown) if exhibit.is_decoy)
        assert check.passed(check.checked(good(decoy)))
        assert not check.passed(check.checked(bad(decoy)))


def test_the_training_example_has_a_decoy_and_is_no_round(make):
    example = training_example(make(), "x")
    assert (example.check, example.place) == ("training", -1)
    assert sum(exhibit.is_decoy for exhibit in example.shown) == 1


def test_trials_survive_json(make):
    for trial in draw(make(), "x"):
        assert decode(Trial, encode(trial)) == trial


def test_nothing_to_compare_is_said(make):
    manifest = make()
    alone = replace(manifest, exhibits=tuple(e for e in manifest.exhibits if e.contenders == ("a",)))
    with pytest.raises(InputError, match="two different pictures"):
        draw(alone, "x")
    with pytest.raises(InputError, match="decoys"):
        draw(replace(manifest, decoys=()), "x")
