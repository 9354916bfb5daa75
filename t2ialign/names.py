"""What people may call a checkpoint or a prompt set, what a setting is called, and what is said of a name that there is not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from t2ialign.types import GenerationConfig, InputError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # a folder's too
CONTENT = re.compile(r"#[0-9a-f]+")  # behind a checkpoint's name where a config says which file it was
PLAIN = "cfg"  # the guidance strategy that goes without saying
BATCH = (
    "batch"  # the guidance parameter that says which seeds were made together (``seeds.batch_mark``); nobody chooses it
)
BY_RULE = "rule"  # the reader of noun phrases that is always there, and that a config does not say
NO_TITLES: Mapping[str, str] = MappingProxyType({})
RULE = "letters, digits, '.', '_' and '-', 100 at most"


def check_name(name: str, what: str) -> str:
    """The name itself; ``InputError`` where it is none. ``what`` begins the sentence: ``The new checkpoint``."""
    if NAME.fullmatch(name):
        return name
    raise InputError(f"{what} needs a name of {RULE}, as my_{what.split()[-1]}, not {name[:80]!r}.")


def as_said(value: float | str) -> str:
    """A guidance parameter's value as people write it: a number, or the checkpoint that it names without its content."""
    return CONTENT.sub("", value) if isinstance(value, str) else f"{value:g}"


def params_text(params: Iterable[tuple[str, float | str]]) -> str:
    """Guidance parameters as ``guidance.read_params`` reads them."""
    return ", ".join(f"{name}={as_said(value)}" for name, value in params if name != BATCH)


def strategy_text(name: str, params: Iterable[tuple[str, float | str]] = ()) -> str:
    """A guidance strategy as ``guidance.read_strategy`` reads it."""
    return ":".join(filter(None, [name, params_text(params).replace(", ", ":")]))


def strategy_of(config: GenerationConfig) -> str:
    """A config's guidance strategy with its parameters: ``cfg``, ``cads:noise_scale=0.1``."""
    return strategy_text(config.guidance, config.guidance_params)


def guided(config: GenerationConfig) -> str:
    """`` with cads`` behind a checkpoint's name, nothing for plain guidance."""
    strategy = strategy_of(config)
    return "" if strategy == PLAIN else f" with {strategy}"


def setting_name(config: GenerationConfig, titles: Mapping[str, str] = NO_TITLES) -> str:
    """``base at CFG 4``, ``base with cads at CFG 4``; ``titles`` are what people call checkpoints."""
    return f"{titles.get(config.checkpoint, config.checkpoint)}{guided(config)} at CFG {config.guidance_scale:g}"


def names_in(spec: str) -> list[str]:
    """The checkpoints that a blend names, whether or not they are there: ``one@0.5+two`` is of ``one`` and ``two``."""
    return [part.partition("@")[0].strip() for part in spec.split("+")]


def unknown(kind: str, name: str, known: Iterable[str]) -> InputError:
    """The sentence for a name that does not exist, with the nearest that does."""
    names = sorted(known)
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(names) or 'none: there is none yet'}."
    return InputError(f"There is no {kind} called {name[:80]!r}: {hint}")
