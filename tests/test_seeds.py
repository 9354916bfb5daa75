from __future__ import annotations

import pytest

from t2ialign.limits import MAX_SEED
from t2ialign.seeds import BLOCK, batch_mark, count_of, designed_seeds, is_own, parse_plan, plan_text, seeds_for
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.batches.prompt_sets import load

FIRST = 24504000


def test_a_prompts_seeds_never_change():
    """Recorded once: pictures are found again by them."""
    found = designed_seeds(Prompt("a red circle"), 3)
    assert found == (FIRST, FIRST + 1, FIRST + 2)
    assert designed_seeds(Prompt("a red circle", "single", ("x",)), 2) == found[:2]


def test_shipped_prompts_share_no_seed():
    for name in ("shapes-test", "shapes-train", "everyday"):
        seeds = [seed for prompt in load(name) for seed in designed_seeds(prompt, 64)]
        assert len(set(seeds)) == len(seeds)
        assert BLOCK <= min(seeds) and max(seeds) <= MAX_SEED


def test_a_plan_is_seeds_for_all_or_a_number_for_each():
    one, other = Prompt("a red circle"), Prompt("a blue star")
    assert seeds_for((7, 3), one) == seeds_for((7, 3), other) == (7, 3)
    assert seeds_for(4, one) == designed_seeds(one, 4) != seeds_for(4, other)
    assert (count_of((7, 3)), count_of(4)) == (2, 4)


@pytest.mark.parametrize(
    ("said", "plan"), [("own:8", 8), (" OWN: 16 ", 16), ("0-3", (0, 1, 2, 3)), ("5", (5,)), ("3, 1", (3, 1))]
)
def test_plans_are_read_and_written(said: str, plan: tuple[int, ...] | int):
    assert parse_plan(said) == plan
    assert parse_plan(plan_text(plan)) == plan


@pytest.mark.parametrize("said", ["own:", "own:0", "own:1001", "own:-3", "own:two", "own:٣", "own 8", "", "0-"])
def test_other_plans_are_refused(said: str):
    with pytest.raises(InputError, match=r"[Ss]eeds"):
        parse_plan(said)


@pytest.mark.parametrize("n", [0, BLOCK + 1])
def test_there_are_a_thousand_of_each(n: int):
    with pytest.raises(InputError, match="1 to 1000 seeds"):
        designed_seeds(Prompt("a red circle"), n)


def test_a_seed_of_a_prompts_own_is_known_again():
    prompt, other = Prompt("a red circle"), Prompt("a blue ring")
    own = designed_seeds(prompt, 1000)
    assert all(is_own(prompt, seed) for seed in (own[0], own[16], own[-1]))
    assert not any(is_own(prompt, seed) for seed in (0, 15, own[0] - 1, own[-1] + 1))
    assert not is_own(other, own[0])


def test_a_batch_is_named_by_its_seeds():
    """A prompt's own by their number, so that all prompts share it; any others by what they are, in whatever order."""
    first, second = Prompt("a red circle"), Prompt("a blue star")
    assert batch_mark(first, designed_seeds(first, 8)) == batch_mark(second, designed_seeds(second, 8)) == 8
    assert batch_mark(first, (0, 1, 2)) == batch_mark(second, (2, 1, 0)) > 2**48
    marks = {batch_mark(first, seeds) for seeds in ((0, 1, 2), (0, 1, 3), (0, 1, 2, 3), designed_seeds(second, 8))}
    assert len(marks) == 4 and all(mark == int(mark) < 2**53 for mark in marks)
