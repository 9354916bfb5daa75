"""The noun phrases of a prompt among the tokens of the model that reads it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.text import reader_in, token_limit
from t2ialign.encoders.phrase_readers import in_words, read_phrases
from t2ialign.guidance import begin_guidance, needs_of, phrase_reader
from t2ialign.guidance.attend_excite import AttendExcite
from t2ialign.guidance.needs import Phrase, PromptReading
from t2ialign.names import BY_RULE
from t2ialign.types import GenerationConfig, InputError

FOUND = "Guidance reads in the prompt"  # how notes begin that say no more than what was found
Place = tuple[str, int, int]  # a phrase, the position of its first token, and how many it has


def places(tokenizer: Any, limit: int, prompt: str, reader: str = BY_RULE) -> list[Place]:
    """The phrases of a prompt that the model reads whole, in order, as a reader finds them (``encoders.phrase_readers``)."""
    read = tokenizer(prompt, truncation=True, max_length=limit).input_ids
    found: list[Place] = []
    after = 1
    for words in read_phrases(prompt, reader):
        own = tokenizer(words, truncation=True, max_length=limit).input_ids[1:-1]
        starts = (at for at in range(after, len(read) - len(own)) if read[at : at + len(own)] == own)
        start = next(starts, None) if own else None
        if start is not None:
            found.append((words, start, len(own)))
            after = start + len(own)
    return found


def read_prompt(view: Backbone, prompt: str, reader: str = BY_RULE) -> PromptReading:
    """Each phrase with the tokens that the view's text encoders make of it alone."""
    tokenizer, encoder = view.text.tokenizers[0], view.text.encoders[0]
    return PromptReading(
        tuple(
            Phrase(words, start, view.encode_prompts([words]).prompt_embeds[0, 1 : 1 + count])
            for words, start, count in places(tokenizer, token_limit(tokenizer, encoder), prompt, reader)
        )
    )


def check_tokens(view: Backbone, prompt: str, config: GenerationConfig) -> None:
    """Refuses tokens that were asked for by number and that the prompt has not."""
    asked = chosen_tokens(config.guidance, config.guidance_params)
    if not asked:
        return
    tokenizer = view.text.tokenizers[0]
    limit = token_limit(tokenizer, view.text.encoders[0])
    count = len(tokenizer(prompt, truncation=True, max_length=limit).input_ids) - 2
    if over := [token for token in asked if token > count]:
        raise InputError(
            f"Guidance {config.guidance} is asked for token {over[0]}, and the model reads {count} tokens in {prompt[:60]!r}: "
            f"choose tokens from 1 to {count}, or none for the end of each noun phrase."
        )


def chosen_tokens(guidance: str, params: Iterable[tuple[str, float | str]]) -> tuple[int, ...]:
    """The tokens that a strategy's parameters name; () where it takes the prompt's own."""
    strategy = begin_guidance(guidance, 1.0, params)
    return strategy.chosen() if isinstance(strategy, AttendExcite) else ()


def phrases_note(folder: Path, prompt: str, guidance: str, params: Iterable[tuple[str, float | str]]) -> str:
    """What a strategy that reads noun phrases found in a prompt, for the model in a folder; "" for all others."""
    if not needs_of(guidance).phrases:
        return ""
    try:
        tokenizer, limit = reader_in(folder)
    except (OSError, ValueError, KeyError, TypeError):  # a folder that does not say, or that is not whole
        return ""
    if asked := chosen_tokens(guidance, params):
        words = tokenizer.convert_ids_to_tokens(tokenizer(prompt, truncation=True, max_length=limit).input_ids)
        named = [f"{words[at].removesuffix('</w>')!r} (token {at})" for at in asked if at < len(words) - 1]
        return f"{FOUND}: {guidance} attends to {', '.join(named)}." if named else ""
    reader = phrase_reader(guidance, params)
    found = places(tokenizer, limit, prompt, reader)
    if not found:
        return f"Guidance {guidance} found no noun phrase in this prompt, so it is plain guidance."
    if guidance == "attend_excite":
        named = [f"{words.split()[-1]!r} (token {start + count - 1})" for words, start, count in found]
        return f"{FOUND}: {guidance} attends to {', '.join(named)}."
    return f"{FOUND}, by {in_words(reader)}: {guidance} takes by themselves {', '.join(repr(words) for words, *_ in found)}."
