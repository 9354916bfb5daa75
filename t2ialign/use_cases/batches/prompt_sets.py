"""Prompt sets by name: the shipped ones, those of this store, and any file of prompts by its path.

A set of one's own lies in ``HOME/prompts`` as ``NAME.jsonl``, with where it comes from beside it in ``NAME.json``. Of any
named set ``NAME:CATEGORY`` is the part of that category. White space within a prompt, line breaks included, is one space:
models see no difference.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from t2ialign import settings
from t2ialign.codec import decode, encode
from t2ialign.files import Say, foreign, read_json, unsaid, write_whole
from t2ialign.limits import clean_prompt
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.batches.prompt_layouts import READERS, read_rows

FOLDER = settings.DATA / "prompts"
OWN = "prompts"  # of a store's home


@dataclass(frozen=True)
class SetCard:
    """Where a set comes from: its source as it was named, the digest of what was read, and what was said of it then."""

    name: str
    source: str
    sha: str
    count: int
    created: str
    notes: tuple[str, ...] = ()
    licence: str = ""


def names() -> list[str]:
    """The shipped prompt sets, by file name without its ending."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def own_names(home: Path | None = None) -> list[str]:
    """The sets that were imported into a store."""
    return sorted(path.stem for path in own_folder(home).glob("*.jsonl"))


def own_folder(home: Path | None = None) -> Path:
    """Where a store keeps its own sets (``home`` is by default ``T2IALIGN_HOME``)."""
    return (home or settings.HOME) / OWN


def card_of(name: str, home: Path | None = None) -> SetCard | None:
    """What is known of where a set of one's own comes from; None where nothing is."""
    path = own_folder(home) / f"{name}.json"
    complaint = f"{path} is not what was written"
    try:
        return decode(SetCard, read_json(path, complaint, "import the set anew"), complaint, spare=True)
    except FileNotFoundError:
        return None


def load(name_or_path: str, say: Say = unsaid, home: Path | None = None) -> tuple[Prompt, ...]:
    """A set by name or any file by path; ``say`` hears how many duplicates and empty rows were left out.

    Raises:
        InputError: no such set or file, an unknown layout, a row that is not in it, or no prompt in it.
    """
    known = _named(name_or_path, home)
    if known is not None:
        return load_file(known, say)
    name, _, category = name_or_path.partition(":")
    known = _named(name, home) if category else None
    if known is not None:
        return _of_category(load_file(known, say), name, category.strip())
    path = settings.expanded(name_or_path)
    with foreign(f"There is no prompt set or file {name_or_path[:80]!r}", "check the path"):
        found = path.is_file()
    if not found:
        offered = ", ".join([*names(), *own_names(home)])
        raise InputError(f"There is no prompt set or file '{name_or_path}'; the sets are {offered}.")
    return load_file(path, say)


def _named(name: str, home: Path | None) -> Path | None:
    if name in names():
        return FOLDER / f"{name}.txt"
    return own_folder(home) / f"{name}.jsonl" if name in own_names(home) else None


def _of_category(prompts: tuple[Prompt, ...], name: str, category: str) -> tuple[Prompt, ...]:
    chosen = tuple(prompt for prompt in prompts if prompt.category == category)
    if not chosen:
        offered = ", ".join(sorted({prompt.category for prompt in prompts} - {""})) or "none"
        raise InputError(f"The prompt set {name} has no category '{category}': it has {offered}.")
    return chosen


def load_file(path: Path, say: Say = unsaid, forgiving: bool = False) -> tuple[Prompt, ...]:
    """The prompts of a file in any layout, each once. ``forgiving`` leaves out, and says, rows that are no prompt at all.

    Raises:
        InputError: an unknown layout, a row that is not in it, or no prompt in it.
    """
    if path.suffix.lower() not in READERS:
        raise InputError(f"'{path.name}' is not a prompt file; use {', '.join(READERS)}.")
    said: dict[Prompt, None] = {}
    texts: set[str] = set()
    rows = blank = again = refused = 0
    first = ""
    with foreign(f"'{path.name}' could not be read as a {path.suffix} prompt file", "mend it, or save it as UTF-8"):
        for line, found in read_rows(path):
            rows += 1
            try:
                prompt = replace(found, text=_tidy(found.text, line), category=_tidy(found.category, line))
            except InputError as error:
                if not forgiving:
                    raise
                refused, first = refused + 1, first or str(error)
                continue
            blank += not prompt.text
            again += prompt.text in texts
            if prompt.text and prompt.text not in texts:
                texts.add(prompt.text)
                said[prompt] = None
    if not said:
        raise InputError(f"'{path.name}' holds no prompt; write one a line.")
    for count, what in ((blank, "no prompt"), (again, "one that came before")):
        if count:
            say(f"{count} of {rows} rows of '{path.name}' have {what} and were left out.")
    if refused:
        say(f"{refused} of {rows} rows of '{path.name}' are no prompt and were left out; the first: {first}")
    return tuple(said)


def write(path: Path, prompts: Iterable[Prompt]) -> None:
    """Writes prompts as a text file with category headings."""
    lines: list[str] = []
    category = None
    for prompt in prompts:
        if prompt.category != category:
            category = prompt.category
            lines += ["", f"# {category}"] if lines else [f"# {category}"]
        lines.append(prompt.text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def keep(card: SetCard, prompts: Iterable[Prompt], home: Path | None = None) -> None:
    """Writes a set of one's own; it is there from its first complete moment on."""
    rows = ({"prompt": prompt.text, **({"category": prompt.category} if prompt.category else {})} for prompt in prompts)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_whole(own_folder(home) / f"{card.name}.json", (json.dumps(encode(card), indent=2) + "\n").encode())
    write_whole(own_folder(home) / f"{card.name}.jsonl", text.encode())


def remove(name: str, home: Path | None = None) -> None:
    """Deletes a set of one's own; what was drawn of it stays.

    Raises:
        InputError: there is none of that name.
    """
    if name not in own_names(home):
        own = ", ".join(own_names(home)) or "none yet"
        raise InputError(f"There is no imported prompt set '{name[:80]}' (there are: {own}); shipped ones stay.")
    for suffix in (".jsonl", ".json"):
        (own_folder(home) / f"{name}{suffix}").unlink(missing_ok=True)


@dataclass(frozen=True)
class SetSummary:
    """A set in a list: how many prompts, of which categories, and where it comes from ("" = shipped)."""

    name: str
    count: int
    categories: tuple[str, ...]
    source: str


def summary(name: str, home: Path | None = None) -> SetSummary:
    """What a list says of a set."""
    found, card = load(name, home=home), card_of(name, home)
    kinds = tuple(dict.fromkeys(prompt.category for prompt in found if prompt.category))
    return SetSummary(name, len(found), kinds, card.source if card else "")


def line(row: SetSummary, wide: int = 0, most: int = 8) -> str:
    """The same to read, its name in a column of that width."""
    more = ", ..." if len(row.categories) > most else ""
    kinds = f": {', '.join(row.categories[:most])}{more}" if row.categories else ""
    return f"{row.name:<{wide}} {row.count:>6} prompts, from {row.source or 'this package'}{kinds}"


def every(home: Path | None = None, first: str = "") -> dict[str, tuple[Prompt, ...]]:
    """Every named set as it stands now, ``first`` before the others; a file is read anew only when it changed.

    One that cannot be read is not among them: ``unreadable`` says which and why.
    """
    known = sorted([*names(), *own_names(home)], key=lambda name: (name != first, name))
    found: dict[str, tuple[Prompt, ...]] = {}
    for name in known:
        with suppress(InputError, FileNotFoundError):  # it may go meanwhile
            path = _named(name, home)
            found |= {name: _read(path, path.stat().st_mtime_ns)} if path is not None else {}
    return found


def unreadable(home: Path | None = None) -> list[str]:
    """A sentence for each set of one's own that cannot be read."""
    said = []
    for name in own_names(home):
        try:
            load(name, home=home)
        except InputError as error:
            said.append(f"The prompt set {name} is not listed: {error}")
    return said


@lru_cache(maxsize=64)
def _read(path: Path, modified: int) -> tuple[Prompt, ...]:
    return load_file(path)


def _tidy(text: str, line: int) -> str:
    return clean_prompt(text, f"text in line {line}")
