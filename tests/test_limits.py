"""What people may ask for: accepted as meant, or refused with one sentence."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from t2ialign.limits import (
    MAX_SEEDS,
    check_guidance_scale,
    check_prompt,
    check_seeds,
    check_steps,
    clean_prompt,
    literal_note,
    parse_seeds,
)
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


@pytest.mark.parametrize(
    "seeds", [range(3), np.arange(3), [np.int64(0), np.uint8(1), 2], torch.arange(3), (seed for seed in range(3))]
)
def test_whole_numbers_of_any_library_are_seeds(seeds: object):
    found = check_seeds(seeds)
    assert found == (0, 1, 2) and {type(seed) for seed in found} == {int}


@pytest.mark.parametrize("seeds", ["0-3", 5, [1.0], [True], [None], ["1"], np.array([0.5]), [[1]]])
def test_what_is_no_seed_is_said(seeds: object):
    with pytest.raises(InputError, match="whole number"):
        check_seeds(seeds)


def test_numbers_of_any_library_and_nothing_else():
    assert check_steps(np.int32(7)) == 7 and type(check_steps(np.int32(7))) is int
    assert check_guidance_scale(np.float32(2)) == check_guidance_scale(torch.tensor(2.0)) == 2.0
    for wrong in ("4", None, True, [1, 2], 1j):
        with pytest.raises(InputError, match="guidance scale must be a number"):
            check_guidance_scale(wrong)
        with pytest.raises(InputError, match="whole number"):
            check_steps(wrong)
    for wrong in (None, 7, b"a ring"):
        with pytest.raises(InputError, match="prompt is a text"):
            check_prompt(wrong)


@pytest.mark.parametrize(
    "text", ["a (red:1.3) circle", "((red)) circle", "[[red]] circle", "a <lora:mine:0.8> ring", "a BREAK b"]
)
def test_marks_of_other_programs_are_said_to_be_letters(text: str):
    assert "plain letters" in literal_note(text)


@pytest.mark.parametrize("text", ["a red circle", "a sign (small) at 10:30", "breakfast", "ratio [16:9]"])
def test_ordinary_brackets_are_no_marks(text: str):
    assert literal_note(text) == ""
