"""What people may ask for: accepted as meant, or refused with one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t2ialign.limits import MAX_SEEDS, check_prompt, check_seeds, clean_prompt, parse_seeds
from t2ialign.types import InputError


@pytest.mark.parametrize(
    ("said", "seeds"),
    [
        ("0", (0,)),
        ("0-3", (0, 1, 2, 3)),
        ("0-2,20", (0, 1, 2, 20)),
        (" 5 , 1 - 2 ", (5, 1, 2)),
        ("7-7", (7,)),
        ("4294967295", (4294967295,)),
    ],
)
def test_seeds(said: str, seeds: tuple[int, ...]):
    assert parse_seeds(said) == seeds


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("5-", "'5-' is neither"),
        ("-1", "'-1' is neither"),
        ("3-1", "runs backwards: write 1-3"),
        ("", "'' is neither"),
        ("1,,2", "'' is neither"),
        ("one", "'one' is neither"),
        ("1.5", "neither"),
        ("1-2-3", "neither"),
        ("٣", "neither"),
        ("0-999999", "more than 4096 seeds"),
        ("0-4000,5000-6000", "more than 4096 seeds"),
        ("0-18446744073709551615", "Seeds go up to 4294967295"),
        ("4294967296", "Seeds go up to 4294967295"),
        ("9" * 400, "neither"),
        ("1,2,1", "seed 1 stands twice"),
        ("0-5,3", "seed 3 stands twice"),
    ],
)
def test_seeds_refused(said: str, says: str):
    with pytest.raises(InputError, match=says) as refusal:
        parse_seeds(said)
    assert len(str(refusal.value)) < 200


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=50, unique=True))
def test_seeds_written_out_are_read_back(seeds: list[int]):
    assert parse_seeds(",".join(map(str, seeds))) == tuple(seeds)


@given(first=st.integers(0, 10**6), count=st.integers(1, MAX_SEEDS))
def test_ranges(first: int, count: int):
    assert parse_seeds(f"{first}-{first + count - 1}") == tuple(range(first, first + count))


def test_lists_of_seeds():
    assert check_seeds([3, 1]) == (3, 1)
    for seeds, says in (
        ([], "at least one"),
        ([-1], "not -1"),
        ([1, 1], "twice"),
        (list(range(5000)), "more than 4096"),
    ):
        with pytest.raises(InputError, match=says):
            check_seeds(seeds)


def test_prompts_are_tidied():
    assert check_prompt("  a red\n circle\t and   a star ") == "a red circle and a star"
    assert check_prompt("<b>a</b> & 'π' 🦊 \u202eabc") == "<b>a</b> & 'π' 🦊 \u202eabc"
    assert clean_prompt("  ") == ""
    assert check_prompt("x" * 10_000) == "x" * 10_000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "prompt is empty"),
        (" \n\t ", "prompt is empty"),
        ("a\x00b", r"control character \(U\+0000\) at position 2"),
        ("bell\x07", r"U\+0007"),
        ("\x1b[31mred", r"U\+001B"),
        ("half \ud800 a letter", r"U\+D800"),
        ("x" * 20_001, "20001 characters"),
    ],
)
def test_prompts_refused(text: str, says: str):
    with pytest.raises(InputError, match=says):
        check_prompt(text)


@given(st.text())
def test_any_text_is_tidied_or_refused(text: str):
    try:
        tidy = clean_prompt(text)
    except InputError:
        return
    assert clean_prompt(tidy) == tidy
    assert tidy.split() == text.split()
