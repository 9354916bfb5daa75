"""Noun phrases among a model's tokens, beside the tokenizer itself, and what people are told of them."""

from __future__ import annotations

import pytest

from t2ialign.diffusion.reading import FOUND, check_tokens, phrases_note, places
from t2ialign.types import GenerationConfig, InputError
from tests.tiny import TOKENS

PROMPT = "a red circle above a blue star, and a  ring"
BY_RULE = ", by a rule: structured takes by themselves"
POSITIONS = [("a red circle", 1, 3), ("a blue star", 5, 3), ("a ring", 10, 2)]


@pytest.fixture
def tokenizer(backbones):
    return backbones["sd-1.5"].text.tokenizers[0]


def test_a_phrase_lies_where_its_tokens_are(tokenizer):
    ids = tokenizer(PROMPT).input_ids
    for words, start, count in places(tokenizer, TOKENS, PROMPT):
        assert tokenizer.decode(ids[start : start + count]).strip() == words
    assert places(tokenizer, TOKENS, PROMPT) == POSITIONS


def test_the_same_phrase_twice_has_two_places(tokenizer):
    assert [start for _, start, _ in places(tokenizer, TOKENS, "a ring and a ring")] == [1, 4]


def test_what_the_model_does_not_read_is_no_phrase(tokenizer):
    assert places(tokenizer, 8, PROMPT) == POSITIONS[:1]  # six words: the second phrase is cut
    assert places(tokenizer, 9, PROMPT) == POSITIONS[:2]
    assert places(tokenizer, TOKENS, "") == []


@pytest.mark.parametrize(
    ("guidance", "params", "prompt", "said"),
    [
        ("cfg", {}, PROMPT, ""),
        (
            "attend_excite",
            {},
            "a red circle above a star",
            ": attend_excite attends to 'circle' (token 3), 'star' (token 6).",
        ),
        ("attend_excite", {"token1": 2.0}, "a red circle above a star", ": attend_excite attends to 'red' (token 2)."),
        (
            "structured",
            {},
            "a red circle above a star",
            f"{BY_RULE} 'a red circle', 'a star'.",
        ),
        ("structured", {}, "", "Guidance structured found no noun phrase in this prompt, so it is plain guidance."),
    ],
)
def test_what_was_found_is_said(guidance, params, prompt, said, folders):
    found = phrases_note(folders["sd-1.5"], prompt, guidance, params.items())
    assert found == (f"{FOUND}{said}" if said[:1] in ":," and said else said)


def test_a_folder_that_is_not_there_says_nothing(tmp_path):
    assert phrases_note(tmp_path, PROMPT, "structured", ()) == ""


def test_a_token_that_the_prompt_has_not_is_refused(backbones):
    def check(token):
        params = (("token1", token),)
        check_tokens(
            backbones["sd-1.5"],
            "a red ring",
            GenerationConfig("tiny", guidance="attend_excite", guidance_params=params),
        )

    check(3.0)
    with pytest.raises(
        InputError, match=r"token 4, and the model reads 3 tokens in 'a red ring': choose tokens from 1"
    ):
        check(4.0)
