"""Weights that lie elsewhere: which files of which repository or address, whether they are here, and how they come here.

``found`` looks at this machine alone; only ``fetch`` uses a network. A repository is always read at one commit: the one
that the registry pins, else the one that its branch had when it was first used here, which ``HOME/revisions.toml`` keeps.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from t2ialign import settings
from t2ialign.content import COMMIT, CONFIG, cached, unet_weights, whole_unet
from t2ialign.files import foreign, write_whole
from t2ialign.network import STALLED, Digest, Download, Show, fetch, reaching, unwatched, why_offline, without_bars
from t2ialign.types import InputError

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

REPOSITORY = re.compile(r"\b[\w.-]{1,96}\b/\b[\w.-]{1,96}\b", re.ASCII)  # as huggingface_hub's validators have it
PINS = "revisions.toml"
PINS_HEAD = """\
# Hub repositories that the registry pins to no commit, each with the commit that its branch had when it was first used on
# this machine. Scores belong to these weights; without its line a repository is asked anew.
"""


@runtime_checkable
class Part(Protocol):
    """Files that belong together, from one place."""

    @property
    def name(self) -> str:
        """Where they come from, for people."""

    def found(self) -> Path | None:
        """The file or folder on this machine; None where it is not here, or not all of it."""

    def fetch(self, show: Show = unwatched) -> Path:
        """Where the files lie, downloaded first where they are missing. ``InputError`` where that fails."""


@dataclass(frozen=True)
class HubFile:
    """One file of a repository: the first of ``names`` that it has."""

    repository: str
    revision: str
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.names[0]} of {self.repository}"

    def found(self) -> Path | None:
        commit = known_commit(self.repository, self.revision)
        places = (cached(self.repository, name, commit) for name in self.names) if commit else ()
        return next((place for place in places if place is not None), None)

    def fetch(self, show: Show = unwatched) -> Path:
        if (here := self.found()) is not None:
            return here
        from huggingface_hub import hf_hub_download

        listing = listed(self.repository, self.revision)
        offered = {file.rfilename: file for file in listing.siblings or ()}
        chosen = next((offered[name] for name in self.names if name in offered), None)
        if chosen is None:
            raise InputError(f"{self.repository} holds no {' or '.join(self.names)}: mend the registry.")
        fill(self.repository, listing, [chosen], show)
        with reaching(self.repository, _hub()):
            return Path(hf_hub_download(self.repository, chosen.rfilename, revision=listing.sha))


@dataclass(frozen=True)
class HubFolder:
    """The files of a repository that fit ``patterns``, the last of which names what it is all about, the weights."""

    repository: str
    revision: str
    patterns: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.repository

    def found(self) -> Path | None:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        commit = known_commit(self.repository, self.revision)
        if not commit:
            return None
        try:
            patterns = list(self.patterns)
            folder = Path(
                snapshot_download(self.repository, revision=commit, allow_patterns=patterns, local_files_only=True)
            )
        except (LocalEntryNotFoundError, OSError):
            return None
        return folder if _whole(folder, self.patterns[-1]) else None

    def fetch(self, show: Show = unwatched) -> Path:
        if (here := self.found()) is not None:
            return here
        from huggingface_hub import snapshot_download

        listing = listed(self.repository, self.revision)
        offered = {file.rfilename: file for file in listing.siblings or ()}
        names = [name for name in offered if any(fnmatch(name, pattern) for pattern in self.patterns)]
        if not any(Path(name).match(self.patterns[-1]) for name in names):
            raise InputError(f"{self.repository} holds no {self.patterns[-1]}, the only kind of file that is loaded.")
        fill(self.repository, listing, [offered[name] for name in names], show)
        with reaching(self.repository, _hub()), without_bars():
            return Path(snapshot_download(self.repository, revision=listing.sha, allow_patterns=list(self.patterns)))


@dataclass(frozen=True)
class HubUnet:
    """One whole UNet of a repository: its configuration and weights in ``folder`` ("" = at the top)."""

    repository: str
    revision: str
    folder: str

    @property
    def name(self) -> str:
        return f"{self.folder} of {self.repository}" if self.folder else self.repository

    def found(self) -> Path | None:
        commit = known_commit(self.repository, self.revision)
        config = cached(self.repository, self._path(CONFIG), commit) if commit else None
        return config.parent if config is not None and unet_weights(config.parent) else None

    def fetch(self, show: Show = unwatched) -> Path:
        if (here := self.found()) is not None:
            return here
        from huggingface_hub import hf_hub_download

        listing = listed(self.repository, self.revision)
        offered = {file.rfilename: file for file in listing.siblings or ()}
        chosen = [self._path(name) for name in whole_unet([name for name in map(self._within, offered) if name])]
        if not chosen or self._path(CONFIG) not in offered:
            raise InputError(
                f"{self.repository} holds no whole UNet (safetensors) in {self.folder or 'its top folder'}."
            )
        names = [self._path(CONFIG), *chosen]
        fill(self.repository, listing, [offered[name] for name in names], show)
        with reaching(self.repository, _hub()), without_bars():
            places = [Path(hf_hub_download(self.repository, name, revision=listing.sha)) for name in names]
        return places[0].parent

    def _path(self, name: str) -> str:
        return f"{self.folder}/{name}" if self.folder else name

    def _within(self, path: str) -> str:
        """The name of a file of this folder; empty for any other."""
        folder, _, name = path.rpartition("/")
        return name if folder == self.folder else ""


@dataclass(frozen=True)
class WebFile:
    """A file at an address of its own, kept as ``file``; ``sha256`` begins its digest ("" = its maker states none)."""

    url: str
    file: Path
    sha256: str = ""

    @property
    def name(self) -> str:
        return self.file.name

    def found(self) -> Path | None:
        return self.file if self.file.is_file() else None

    def fetch(self, show: Show = unwatched) -> Path:
        if (here := self.found()) is not None:
            return here
        if why := why_offline(self.url):
            raise offline(self.name, why)
        digest = Digest("sha256", self.sha256) if self.sha256 else None
        return fetch(Download(self.name, self.url, self.file, digest=digest), show)


def offline(what: str, why: str) -> InputError:
    """The one sentence for what is not here and cannot come."""
    return InputError(f"{what} is not on this machine, and nothing can be fetched now ({why}): connect, and ask again.")


def listed(repository: str, revision: str = "") -> ModelInfo:
    """What the Hub says a repository holds, at the commit that this machine reads it at, which is pinned by this.

    Raises:
        InputError: out of reach, unknown or refused.
    """
    found = listed_now(repository, known_commit(repository, revision) or revision)
    if found.sha and not COMMIT.fullmatch(revision):
        pin(repository, revision, found.sha)
    return found


def listed_now(repository: str, revision: str = "") -> ModelInfo:
    """The files of a repository at a revision as it stands now (empty: main), which pins nothing."""
    from huggingface_hub import HfApi

    if why := why_offline():
        raise offline(repository, why)
    with reaching(repository, _hub()):
        return HfApi().model_info(repository, revision=revision or None, files_metadata=True, timeout=STALLED)


def fill(repository: str, listing: ModelInfo, files: Iterable[RepoSibling], show: Show = unwatched) -> None:
    """Brings files into the Hub's cache under the digests by which it knows them, the largest last, each checked.

    Its own functions then find them there; alone they would begin a broken download anew.
    """
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.file_download import repo_folder_name
    from huggingface_hub.utils._headers import build_hf_headers

    wanted = sorted(files, key=lambda file: file.size or 0)
    total, done = sum(file.size or 0 for file in wanted), 0
    place = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repository, repo_type="model") / "blobs"
    for file in wanted:
        sha256 = file.lfs.sha256 if file.lfs else ""
        digest = Digest("sha256", sha256) if sha256 else Digest("git", file.blob_id or "")
        if digest.value and not (place / digest.value).exists():
            url = hf_hub_url(repository, file.rfilename, revision=listing.sha)
            name = f"{file.rfilename} of {repository}"
            item = Download(name, url, place / digest.value, file.size, digest, build_hf_headers())
            fetch(item, _shifted(show, done, total))
        done += file.size or 0
        show(done, total)


def _shifted(show: Show, before: int, total: int) -> Show:
    """Of one file among several: as part of them all."""
    return lambda done, _: show(before + done, total)


def known_commit(repository: str, revision: str = "") -> str:
    """The commit at which a repository is read here, without a network; empty where that was never decided."""
    if COMMIT.fullmatch(revision):
        return revision
    return pins().get(_key(repository, revision)) or _in_cache(repository, revision)


def pin(repository: str, revision: str, commit: str) -> None:
    """Writes down the commit that a branch had (``revision`` empty: main); one that is written down stays."""
    known = pins()
    key = _key(repository, revision)
    if key in known:
        return
    lines = [f"{json.dumps(name)} = {json.dumps(said)}\n" for name, said in sorted({**known, key: commit}.items())]
    write_whole(settings.HOME / PINS, (PINS_HEAD + "".join(lines)).encode())


def pins() -> dict[str, str]:
    """Every commit that was written down, by ``org/name`` or ``org/name@branch``.

    Raises:
        InputError: the file is not what was written.
    """
    file = settings.HOME / PINS
    if not file.is_file():
        return {}
    with foreign(f"{file} cannot be read", "mend or remove it"):
        found = tomllib.loads(file.read_text(encoding="utf-8"))
        return {str(name): str(commit) for name, commit in found.items() if COMMIT.fullmatch(str(commit))}


def use(part: HubFile | HubFolder) -> None:
    """Writes down at which commit a part is read that lies here already, so that a cache which moves on moves no score."""
    commit = known_commit(part.repository, part.revision)
    if commit and not COMMIT.fullmatch(part.revision):
        with suppress(OSError):  # where nothing can be written, nothing is moved either
            pin(part.repository, part.revision, commit)


def _key(repository: str, revision: str) -> str:
    return f"{repository}@{revision}" if revision not in ("", "main") else repository


def _in_cache(repository: str, revision: str) -> str:
    """The commit that the Hub's cache has for a branch."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repository, repo_type="model")
    file = folder / "refs" / (revision or "main")
    said = file.read_text(encoding="utf-8").strip() if file.is_file() else ""
    return said if COMMIT.fullmatch(said) else ""


def _whole(folder: Path, weights: str) -> bool:
    """Whether the weights of a snapshot are all there: one file, or every piece that an index names."""
    pieces: set[str] = set()
    for index in folder.glob(f"{weights}.index.json"):
        with foreign(f"{index} cannot be read", "remove it and fetch its repository again"):
            pieces |= set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    return all((folder / piece).is_file() for piece in pieces) if pieces else any(folder.glob(weights))


def _hub() -> str:
    from huggingface_hub import constants

    return constants.ENDPOINT


def repository_of(source: str | Path) -> tuple[str, str]:
    """``org/name`` or ``org/name@revision`` in two; the revision is empty where none is said."""
    repository, _, revision = str(source).partition("@")
    if not is_repository(repository):
        raise InputError(f"{source} is neither a folder nor a hub repository (org/name or org/name@revision).")
    return repository, revision


def is_repository(name: str) -> bool:
    """Whether this is how the Hub spells a repository: ``org/name``."""
    return REPOSITORY.fullmatch(name) is not None and not ("--" in name or ".." in name or name.endswith(".git"))


def place_of(said: str, file: str = "") -> tuple[tuple[str, str] | None, str]:
    """The repository and the path within it of ``org/name[/path][@revision]``, and the revision; None for no such place.

    ``file`` is a path that is said beside it; neither may lead out of the repository.
    """
    place, _, revision = said.partition("@")
    owner, *rest = place.split("/", 2)
    steps = [step for path in (*rest[1:], file) for step in path.split("/")]
    good = rest and all(rest) and is_repository(f"{owner}/{rest[0]}") and ".." not in steps
    return ((f"{owner}/{rest[0]}", "".join(rest[1:])) if good else None), revision
