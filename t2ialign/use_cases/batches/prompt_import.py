"""A prompt set from elsewhere: a file, a folder of files, or a dataset of the Hub, read once and kept under a name.

Published layouts need no option: T2I-CompBench's folder of texts and HPSv2's of lists (a file's name is its category),
PartiPrompts' TSV, DrawBench, GenEval's JSONL, DiffusionDB's and Pick-a-Pic's Parquet. What is left out is said, and kept
with the set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from t2ialign import settings
from t2ialign.content import identity
from t2ialign.encoders.clip import clip_tokens
from t2ialign.files import Say, foreign, split_of
from t2ialign.names import check_name
from t2ialign.network import in_bytes, why_offline
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.batches import prompt_sets
from t2ialign.use_cases.batches.prompt_layouts import READERS
from t2ialign.use_cases.batches.prompt_sets import SetCard

MOST = 100_000  # prompts of a set: a page shows it, and a sweep goes through it
CLIP_READS = 77  # tokens, the marks of start and end included: SD-1.5, SD-2.1 and SDXL alike
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(/[^@]+)?(@[\w./-]+)?")
SPLIT_NAMES = {"val": "validation", "valid": "validation", "dev": "validation"}
SPLIT_WORDS = re.compile(r"[-_. ]?(train|training|val|valid|validation|dev|test|testing)$")


@dataclass(frozen=True)
class ImportOptions:
    """What to take: the set's name ("" = after its source), one split of several, at most so many prompts (0 = all)."""

    name: str = ""
    split: str = ""
    limit: int = 0


@dataclass(frozen=True)
class PromptFiles:
    """The files that a source names on this machine, and what it is called."""

    files: tuple[Path, ...]
    source: str
    stem: str
    licence: str = ""
    folder: Path = field(default_factory=Path)


def import_prompts(
    source: str, wanted: ImportOptions = ImportOptions(), home: Path | None = None, say: Say = print
) -> SetCard:
    """Reads a source, keeps it as a set of the store and returns its card; ``say`` hears what was left out.

    Raises:
        InputError: no such source, several splits of which none is said, no prompt in it, or a name that is taken.
    """
    notes: list[str] = []
    place = _place(source.strip(), wanted.split, notes.append)
    name = _free(wanted.name or _suggested(place.stem), home)
    with foreign(f"{place.source} could not be read", "see to its permissions, or copy it elsewhere"):
        prompts = _read(place, notes.append)
        sha = identity(place.files)
    prompts = _cut(prompts, wanted.limit, place.source, notes.append)
    notes += _unread(prompts)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    card = SetCard(name, place.source, sha, len(prompts), created, tuple(notes), place.licence)
    folder = prompt_sets.own_folder(home)
    with foreign(f"{name} could not be written to {folder}", "make room there, or see to its permissions"):
        prompt_sets.keep(card, prompts, home)
    for note in notes:
        say(note)
    return card


def _free(name: str, home: Path | None) -> str:
    check_name(name, "A prompt set")
    if name in prompt_sets.names():
        raise InputError(f"{name} is a shipped prompt set: choose another name (on the command line: --name).")
    if name in prompt_sets.own_names(home):
        raise InputError(f"There is a prompt set called {name} already: choose another name, or remove that one first.")
    return name


def _suggested(stem: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:60].lower() or "prompts"


def _place(source: str, split: str, say: Say) -> PromptFiles:
    if "://" in source:
        raise InputError("Name a dataset of the Hub by its id, as org/name or org/name/file.parquet, without https://.")
    path = settings.expanded(source)
    with foreign(f"There is no file or folder {source[:80]!r}", "check the path"):
        file, folder = path.is_file(), path.is_dir()
    if file:
        return PromptFiles((path,), path.name, path.stem)
    if folder:
        named = {
            one.relative_to(path).as_posix(): one
            for one in sorted(path.rglob("*"))
            if one.is_file() and _is_prompts(one.name)
        }
        chosen = _of_split(list(named), split, source, say)
        stem = path.resolve().name + (f"-{split}" if split else "")
        return PromptFiles(tuple(named[name] for name in chosen), path.resolve().name, stem, folder=path)
    if not HUB_ID.fullmatch(source):
        raise InputError(
            f"{source[:120]!r} is neither a file or folder of this machine nor a dataset of the Hub, as org/name or "
            "org/name/file.parquet."
        )
    return _of_the_hub(source, split, say)


def _is_prompts(name: str) -> bool:
    return Path(name).suffix.lower() in READERS and not name.startswith(".")


def _of_split(names: Sequence[str], split: str, what: str, say: Say) -> list[str]:
    """Of several files those of one split; without a word for it all of them, unless they are of several."""
    if not names:
        raise InputError(f"{what} holds no prompt file; use {', '.join(READERS)}.")
    wanted = SPLIT_NAMES.get(split.lower(), split.lower())
    splits = sorted({split_of(name) for name in names} - {""})
    if not wanted and len(splits) > 1:
        raise InputError(f"{what} has several splits ({', '.join(splits)}): say which with --split, or --split all.")
    if not wanted or wanted == "all":
        return list(names)
    chosen = [name for name in names if split_of(name) == wanted]
    if not chosen:
        raise InputError(f"{what} has no split {split!r}: it has {', '.join(splits) or 'none'}.")
    if left := len(names) - len(chosen):
        say(f"{left} of {len(names)} files of {what} are of other splits and were left out.")
    return chosen


def _of_the_hub(source: str, split: str, say: Say) -> PromptFiles:
    """The files of a dataset at one commit, brought here."""
    from huggingface_hub import HfApi, hf_hub_download

    path, _, revision = source.partition("@")
    repository, within = "/".join(path.split("/")[:2]), "/".join(path.split("/")[2:]).strip("/")
    with _reached(source):
        why_offline()  # without a network the Hub's library is told so, and tries nothing twice
        listing = HfApi().dataset_info(repository, revision=revision or None, files_metadata=True)
    sizes = {file.rfilename: file.size or 0 for file in listing.siblings or ()}
    names = [name for name in sizes if not within or name == within or name.startswith(f"{within}/")]
    names = [within] if within in sizes else _one_format([name for name in names if _is_prompts(name)])
    chosen = _of_split(sorted(names), split, source, say)
    say(f"{', '.join(chosen[:4])} of {repository}: {in_bytes(sum(sizes[name] for name in chosen))}.")
    files = []
    for name in chosen:
        with _reached(source):
            files.append(
                Path(hf_hub_download(repository, name, repo_type="dataset", revision=str(listing.sha or "main")))
            )
    card = getattr(listing.card_data, "license", None) if listing.card_data else None
    stem = repository.split("/")[1] + (f"-{split}" if split else "")
    said = f"{repository}@{listing.sha}{f'/{within}' if within else ''}"
    return PromptFiles(tuple(files), said, stem, str(card or ""))


def _one_format(names: Sequence[str]) -> list[str]:
    """Parquet where there is any (the Hub often has the same rows twice), else all files but texts that are no data."""
    tables = [name for name in names if name.lower().endswith(".parquet")]
    return tables or [
        name for name in names if Path(name).stem.lower() not in ("requirements", "license", "readme", "dataset_infos")
    ]


@contextmanager
def _reached(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # what a missing network raises is spread over several libraries
        raise InputError(
            f"The dataset {name} cannot be fetched from the Hub: check its name and the network, or download its file and "
            "name that."
        ) from error


def _read(place: PromptFiles, say: Say) -> tuple[Prompt, ...]:
    """All files' prompts, each once; where several files name no category, each file's own name is one."""
    found: dict[str, Prompt] = {}
    again = 0
    for file in place.files:
        for prompt in prompt_sets.load_file(file, say, forgiving=True):
            again += prompt.text in found
            own = prompt.category or (_category(file, place) if len(place.files) > 1 else "")
            found.setdefault(prompt.text, replace(prompt, category=own))
    if again:
        say(f"{again} prompts stand in several files; each stays where it came first.")
    return tuple(found.values())


def _category(file: Path, place: PromptFiles) -> str:
    """A file's name without its split and ending (``color_val.txt``); of pieces of one table there is none."""
    if file.suffix.lower() == ".parquet":
        return ""
    return SPLIT_WORDS.sub("", file.stem) or file.stem


def _cut(prompts: tuple[Prompt, ...], limit: int, what: str, say: Say) -> tuple[Prompt, ...]:
    if limit < 0:
        raise InputError(f"The limit is a number of prompts, not {limit}.")
    if not limit and len(prompts) > MOST:
        raise InputError(
            f"{what} holds {len(prompts)} prompts, and a set has {MOST} at most: take fewer of them, as --limit 1000."
        )
    if not limit or limit >= len(prompts):
        return prompts
    if limit > MOST:
        raise InputError(f"A set has {MOST} prompts at most, not {limit}.")
    say(f"{limit} of {len(prompts)} prompts were taken, at even distances.")
    return tuple(prompts[index * len(prompts) // limit] for index in range(limit))


def _unread(prompts: Sequence[Prompt]) -> list[str]:
    """Says how many prompts the text encoders of Stable Diffusion would not read to their end."""
    counts = [clip_tokens(prompt.text) for prompt in prompts]
    if not (long := sum(count > CLIP_READS for count in counts)):
        return []
    return [
        f"{long} of {len(prompts)} prompts have more than the {CLIP_READS} tokens that CLIP's text encoder reads (the longest "
        f"{max(counts)}): models such as SD-1.5 and SDXL do not see their ends."
    ]
