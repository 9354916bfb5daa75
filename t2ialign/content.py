"""What things are, by their content: files, pipelines in diffusers' layout, and what lies in the Hub's cache.

A name, a path or a branch says where something lies; whether two results were made by the same thing only its bytes
can say. Digests are remembered by (path, size, time of change), those of large files on disk too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from t2ialign import settings
from t2ialign.files import write_whole
from t2ialign.types import InputError, content_key

WEIGHTS = ".safetensors"
SETTINGS = (".json", ".txt", ".model", ".jinja")  # configurations, vocabularies, merges, chat templates
INDEX = "model_index.json"
CONFIG = "config.json"
UNET_FILES = ("diffusion_pytorch_model", "diffusion_pytorch_model.fp16")  # the full precision first
TEXT_KEYS = {  # how an adapter's keys for the first and for the second text encoder begin
    "text_encoder": ("text_encoder.", "lora_te_", "lora_te1_"),
    "text_encoder_2": ("text_encoder_2.", "lora_te2_"),
}
UNUSED = frozenset({"safety_checker", "feature_extractor", "image_encoder"})  # of a pipeline, never loaded here
LARGE = 64 * 2**20  # bytes, from which on a digest takes longer than looking it up
COMMIT = re.compile(r"[0-9a-f]{40}")

# Stores were filled with the shipped models while identities held their weights alone. Those very models keep the names
# under which what they made is stored: content -> name.
KNOWN_AS = {
    "b1f32c4c729eedc0": "0aa7d9c2c4e65fc1",  # checkpoints/shapes
    "5c20b35ebe9d3520": "b2fb77682753f62f",  # checkpoints/clip-shapes with the tokenizer of checkpoints/shapes
}


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in hex, remembered until the file's time or size changes."""
    facts = path.stat()
    return _file_sha256(path.resolve(), facts.st_mtime_ns, facts.st_size)


@cache
def _file_sha256(path: Path, modified: int, size: int) -> str:
    note = settings.HOME / "digests" / content_key([str(path), modified, size])
    if size >= LARGE and note.is_file():
        return note.read_text(encoding="ascii")
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if size >= LARGE:
        with suppress(OSError):  # it only saves time
            write_whole(note, found.encode())
    return found


def sha_of(path: Path) -> str:
    """First 16 hex digits of a file's SHA-256; of a folder, of the names and SHA-256 of all safetensors in it."""
    if path.is_file():
        return file_sha256(path)[:16]
    files = sorted(path.rglob(f"*{WEIGHTS}"))
    if not files:
        raise InputError(f"{path} holds no weights (no safetensors file): restore it, or name another folder.")
    listing = "".join(f"{file.relative_to(path).as_posix()} {file_sha256(file)}\n" for file in files)
    return _short(listing)


def identity(files: Iterable[Path], others: Iterable[Path] = ()) -> str:
    """16 hex digits over the content of files in the order given: an encoder's ``sha``.

    ``others`` are settings beside the weights (configuration, tokenizer): JSON counts by what it says, not by its layout.
    """
    said = [_settings_sha256(file) for file in others]
    found = _short("".join([*map(file_sha256, files), *said]))
    return KNOWN_AS.get(found, found) if said else found


def settings_in(folder: Path) -> list[Path]:
    """The settings that lie in a folder beside weights, by name."""
    return sorted(file for file in folder.iterdir() if file.suffix in SETTINGS and file.is_file())


def pipeline_sha(folder: Path) -> str:
    """16 hex digits over all that decides what a pipeline of diffusers draws: networks, scheduler, tokenizers, text encoders.

    Neither the folder's name nor what lies beside the parts that ``model_index.json`` names counts.

    Raises:
        InputError: the folder holds no weights.
    """
    files = list(_parts(folder))
    if not any(file.suffix == WEIGHTS for file in files):
        raise InputError(f"{folder} holds no weights (no safetensors file): restore it, or name another folder.")
    found = _listed(folder, files)
    return KNOWN_AS.get(found, found)


def unet_weights(folder: Path) -> list[Path]:
    """The files of a whole UNet in a folder as diffusers saves one; none where it is not all there."""
    found = sorted(file.name for file in folder.iterdir() if file.is_file()) if folder.is_dir() else []
    return [folder / name for name in whole_unet(found)]


def whole_unet(names: Collection[str]) -> list[str]:
    """Of the names in a folder those that hold one whole UNet: a file or all its pieces, in full precision if there."""
    for stem in UNET_FILES:
        if f"{stem}{WEIGHTS}" in names:
            return [f"{stem}{WEIGHTS}"]
        pieces = [re.fullmatch(rf"{re.escape(stem)}-\d{{5}}-of-(\d{{5}}){WEIGHTS}", name) for name in sorted(names)]
        found = [piece for piece in pieces if piece is not None]
        if found and len(found) == int(found[0][1]):
            return [piece[0] for piece in found]
    return []


def adapts_text(file: Path) -> bool:
    """Whether a safetensors file holds a part for a text encoder; what cannot be read holds none."""
    facts = file.stat()
    return _adapts_text(file.resolve(), facts.st_mtime_ns, facts.st_size)


@cache
def _adapts_text(file: Path, modified: int, size: int) -> bool:
    starts = tuple(start for known in TEXT_KEYS.values() for start in known)
    with suppress(OSError, ValueError, AttributeError), file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        return length < size and any(name.startswith(starts) for name in json.loads(stream.read(length)))
    return False


def snapshot_sha(snapshot: Path) -> str:
    """Identity of a pipeline in the Hub's cache: its commit, and the content of what is not as the Hub gave it.

    The cache keeps each file under the digest by which the Hub knows it, so that an edited file shows.
    """
    foreign = [file for file in _parts(snapshot) if not _as_given(file)]
    return content_key([snapshot.name, _listed(snapshot, foreign)]) if foreign else snapshot.name[:16]


def cached(repository: str, filename: str, revision: str = "") -> Path | None:
    """A file of a Hub repository as it lies in this machine's cache (``revision`` empty: its main branch), or None."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, filename, revision=revision or None)
    return Path(found) if isinstance(found, str) else None


def cached_names(repository: str, revision: str = "") -> list[str]:
    """The files of a Hub repository that lie in this machine's cache, by name; none where it holds no such commit."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repository, revision=revision or None, local_files_only=True))
    except (LocalEntryNotFoundError, OSError, ValueError):
        return []
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def symlinks_in_cache() -> bool:
    """Whether the Hub's cache can link to files by their digest; where it cannot, it holds plain copies."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import are_symlinks_supported

    try:
        return are_symlinks_supported(constants.HF_HUB_CACHE)
    except OSError:  # no cache can be made there
        return False


def _parts(folder: Path) -> Iterator[Path]:
    """The files of a pipeline that count, in order."""
    named = _components(folder / INDEX)
    for file in sorted(folder.rglob("*")):
        place = file.relative_to(folder).parts
        if file.suffix not in (WEIGHTS, *SETTINGS) or any(part.startswith(".") for part in place):
            continue
        at_top = place[0] == INDEX or file.suffix == WEIGHTS
        if at_top if len(place) == 1 else named is None or place[0] in named:
            yield file


def _components(index: Path) -> frozenset[str] | None:
    """The folders that a pipeline's index names, without those that are not used here; None where it cannot be read."""
    try:
        said = json.loads(index.read_text(encoding="utf-8"))
        return frozenset(name for name, kind in said.items() if isinstance(kind, list) and any(kind)) - UNUSED
    except (OSError, ValueError, AttributeError):
        return None


def _listed(folder: Path, files: Iterable[Path]) -> str:
    shas = ((file, file_sha256(file) if file.suffix == WEIGHTS else _settings_sha256(file)) for file in files)
    return _short("".join(f"{file.relative_to(folder).as_posix()} {sha}\n" for file, sha in shas))


def _as_given(file: Path) -> bool:
    """Whether a file of a snapshot is a link to what the Hub knows by that name (of weights the name alone is read)."""
    kept = file.resolve()
    if kept.parent.name != "blobs":
        return False
    facts = kept.stat()
    return file.suffix == WEIGHTS or kept.name in _names_at_the_hub(kept, facts.st_mtime_ns, facts.st_size)


@cache
def _names_at_the_hub(file: Path, modified: int, size: int) -> tuple[str, str]:
    """The digests by which the Hub knows a file: git's own, and SHA-256 for what git does not hold itself."""
    data = file.read_bytes()
    git = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False)
    return git.hexdigest(), hashlib.sha256(data).hexdigest()


def _settings_sha256(path: Path) -> str:
    facts = path.stat()
    return _said_sha256(path.resolve(), path.suffix, facts.st_mtime_ns, facts.st_size)


@cache
def _said_sha256(path: Path, kind: str, modified: int, size: int) -> str:
    """Of JSON what it says, of other text its lines: neither layout nor a system's line endings count."""
    data = path.read_bytes()
    if kind == ".json":
        with suppress(ValueError, RecursionError):  # what is not JSON counts as it is
            data = json.dumps(json.loads(data), sort_keys=True).encode()
    elif kind != ".model":
        data = data.replace(b"\r\n", b"\n")
    return hashlib.sha256(data).hexdigest()


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
