"""Checkpoints of one's own from elsewhere: looked at, checked against their backbone, and then listed in this store's folder.

A source is a file or folder of this machine, or of the Hub ``org/name[/file or folder][@revision]``. Adapters are copied;
whole UNets of the Hub stay in its cache, at one commit; those of a folder are linked where the disk can, else copied.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from t2ialign.adapter_places import ADAPTER_FILE, MANIFEST, PEFT_CONFIG, PEFT_FILE, adapter_sha
from t2ialign.content import CONFIG, cached, cached_names, file_sha256, unet_weights, whole_unet
from t2ialign.diffusion.adapter_files import PICKLE_SUFFIXES, check_file, lacks_scale, read_adapter
from t2ialign.diffusion.skeleton import SCHEDULER, Skeleton, predicted, skeleton
from t2ialign.diffusion.whole_unets import check_unet
from t2ialign.downloads import HubFile, HubUnet, listed_now
from t2ialign.files import Say, foreign, unsaid
from t2ialign.model_families import UNET_FOLDER
from t2ialign.names import check_name, unknown
from t2ialign.network import Show, in_bytes, unwatched, why_offline
from t2ialign.registry import BackboneEntry, CheckpointEntry, Registry, load_registry, revision_of
from t2ialign.samplers import MAKERS, check_makers
from t2ialign.settings import expanded
from t2ialign.types import InputError, OtherModel
from t2ialign.use_cases.align.manifest import find_manifest, write_manifest

LARGEST = 4 * 10**9  # bytes of an adapter; larger files are whole models
SAFE = ".safetensors"


@dataclass(frozen=True)
class Words:
    """What whoever adds a checkpoint says of it; empty parts are filled in from its source.

    From ``steps`` on: what its makers draw with. ``None`` says nothing; 0 and "" are its backbone's.
    """

    name: str = ""
    title: str = ""
    backbone: str = ""
    note: str = ""
    licence: str = ""
    steps: int | None = None
    guidance_scale: float | None = None
    scheduler: str | None = None

    @property
    def makers(self) -> dict[str, int | float | str]:
        """What is said of how its makers draw.

        Raises:
            InputError: steps, a guidance scale or a scheduler that there is not.
        """
        check_makers(self.steps or 0, self.guidance_scale or 0, self.scheduler or "")
        return {name: said for name in MAKERS if (said := getattr(self, name)) is not None}


@dataclass(frozen=True)
class FoundSource:
    """A source as it lies on this machine: a UNet's folder or an adapter's file, and what is known of where it is from.

    ``hub`` is set where it stays in the Hub's cache: ``org/name@commit``, and ``part`` the folder there. ``prediction`` is what
    the scheduler beside a whole UNet says that it predicts.
    """

    place: Path
    source: str
    stem: str
    licence: str = ""
    hub: str = ""
    part: str = ""
    prediction: str = ""

    @property
    def whole(self) -> bool:
        return self.place.is_dir()


def add(home: Path, source: str, words: Words = Words(), show: Show = unwatched, say: Say = unsaid) -> CheckpointEntry:
    """Lists a checkpoint from elsewhere in the store's folder, once everything about it is known to be good.

    ``say`` hears what had to be taken for granted; without a note of its own it is the checkpoint's note too.

    Raises:
        InputError: no such file or repository, a pickle, a layout that nobody knows, a backbone that it does not fit, a
            name that is taken.
    """
    registry, makers = load_registry(home=home), words.makers
    name = words.name and _free(words.name, registry, home)
    found = _found(source.strip(), show)
    name = name or _free(_suggested(found.stem), registry, home)
    backbone, kind = _backbone(found, words.backbone, name, registry)
    granted = _granted(found)
    if granted:
        say(granted)
    record = {
        "title": words.title or f"{name} ({found.source})",
        "note": words.note or granted,
        "licence": words.licence or found.licence,
        "source": found.source,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "kind": kind,
        "backbone": backbone.name,
        "backbone_revision": revision_of(backbone),
        "sha256": adapter_sha(found.place) if found.whole else file_sha256(found.place),
        **makers,
    }
    target = home / "checkpoints" / name
    with foreign(f"{name} could not be written to {target.parent}", "make room there, or see to its permissions"):
        _write(found, record, target)
    return load_registry(home=home).checkpoints[name]


def _granted(found: FoundSource) -> str:
    """What had to be taken for granted about a source; empty where it says all of it."""
    if found.whole or not lacks_scale(found.place):
        return ""
    return (
        f"{found.place.name} came without peft's {PEFT_CONFIG}, which says its scale, so alpha is taken to be the rank: "
        "add both together if that file says another alpha."
    )


def annotate(home: Path, name: str, words: Words) -> CheckpointEntry:
    """Writes what is said into the manifest of a checkpoint of this store; the rest stays.

    Raises:
        InputError: it is none of this store's, or cannot be drawn as its makers are said to.
    """
    entry = _own(home, name)
    folder = entry.home
    manifest = find_manifest(folder) if folder else None
    if folder is None or manifest is None:
        raise InputError(f"{name} has no manifest to write into.")
    licence = {"licence": words.licence} if words.licence else {}
    said = {**manifest.more, **licence, **words.makers}
    more = {name: value for name, value in said.items() if value or name not in MAKERS}
    note, title = words.note or manifest.note, words.title or manifest.title
    write_manifest(folder, replace(manifest, note=note, title=title, more=more))
    return load_registry(home=home).checkpoints[name]


def rename(home: Path, old: str, new: str) -> CheckpointEntry:
    """Gives a checkpoint of this store another name, in the lineage of its children too; stored pictures keep the old one.

    Raises:
        InputError: it is none of this store's, or the new name is taken or no name.
    """
    _own(home, old)
    _free(new, load_registry(home=home), home)
    with foreign(f"{old} could not be renamed", "see to the disk and the folder's permissions"):
        (home / "checkpoints" / old).rename(home / "checkpoints" / new)
    for child in load_registry(home=home).checkpoints.values():
        manifest = find_manifest(child.home) if child.home and _is_own(child, home) and old in child.parents else None
        if manifest is not None and child.home:
            parents = tuple(new if parent == old else parent for parent in manifest.parents)
            write_manifest(child.home, replace(manifest, parents=parents))
    return load_registry(home=home).checkpoints[new]


def _own(home: Path, name: str) -> CheckpointEntry:
    registry = load_registry(home=home)
    if name not in registry.checkpoints:
        raise unknown("checkpoint", name, registry.checkpoints)
    if not _is_own(registry.checkpoints[name], home):
        raise InputError(f"{name} is not a checkpoint of this store, so it stays as it is.")
    return registry.checkpoints[name]


def _is_own(entry: CheckpointEntry, home: Path) -> bool:
    return entry.home is not None and (home / "checkpoints").resolve() in entry.home.resolve().parents


def _free(name: str, registry: Registry, home: Path) -> str:
    check_name(name, "The new checkpoint")
    if name in registry.checkpoints or (home / "checkpoints" / name).exists():
        raise InputError(
            f"There is a checkpoint called {name} already: choose another name (on the command line: --name)."
        )
    return name


def _suggested(stem: str) -> str:
    """A name from a file's or a repository's."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:60] or "checkpoint"


def _found(source: str, show: Show) -> FoundSource:
    if "://" in source:
        raise InputError(
            "Name what is on the Hub by its id, as org/name or org/name/file.safetensors, without https://."
        )
    place = expanded(source)
    with foreign(f"{source[:80]!r} cannot be looked at", "check the path"):
        found = bool(source) and place.exists()
    if found:
        return _on_disk(place)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+(/[^@]+)?(@[\w./-]+)?", source):
        raise InputError(
            f"{source[:120]!r} is neither a file or folder of this machine nor an id of the Hub, as org/name or "
            "org/name/file.safetensors."
        )
    return _on_the_hub(source, show)


def _on_disk(place: Path) -> FoundSource:
    if place.is_file():
        return FoundSource(place, place.name, place.stem)
    names = sorted(file.relative_to(place).as_posix() for file in place.rglob("*") if file.is_file())
    part = _chosen(names, str(place))
    chosen = place / part if part else place
    scheduler = chosen.resolve().parent / SCHEDULER
    prediction = predicted(scheduler) if chosen.is_dir() and scheduler.is_file() else ""
    return FoundSource(chosen, place.name, place.resolve().name, prediction=prediction)


def _on_the_hub(source: str, show: Show) -> FoundSource:
    """What of a repository is meant, brought here."""
    path, _, revision = source.partition("@")
    repository, within = "/".join(path.split("/")[:2]), "/".join(path.split("/")[2:]).strip("/")
    sizes, commit, licence = _contents(repository, revision)
    names = [name for name in sizes if not within or name == within or name.startswith(f"{within}/")]
    if not names:
        raise InputError(f"{repository} has no {within}: name one of its files or folders.")
    part = within if within in sizes else "/".join(filter(None, (within, _chosen_within(names, within, source))))
    said = FoundSource(Path(), f"{repository}@{commit}", repository.split("/")[1], licence)
    if part not in sizes:
        scheduler = f"{part.rpartition('/')[0]}/{SCHEDULER}".lstrip("/")
        known = HubFile(repository, commit, (scheduler,)).fetch() if scheduler in sizes and part else None
        said = replace(
            said, hub=f"{repository}@{commit}", part=part or ".", prediction=predicted(known) if known else ""
        )
        return replace(said, place=HubUnet(repository, commit, part).fetch(show))
    _check_size(part, sizes[part])
    if part.endswith(PEFT_FILE) and (beside := f"{part.removesuffix(PEFT_FILE)}{PEFT_CONFIG}") in sizes:
        HubFile(repository, commit, (beside,)).fetch()
    place = HubFile(repository, commit, (part,)).fetch(show)
    usual = part.rpartition("/")[2] in (ADAPTER_FILE, PEFT_FILE)
    stem = said.stem if usual else Path(part).stem
    return replace(said, place=place, source=f"{said.source}/{part}", stem=stem)


def _contents(repository: str, revision: str) -> tuple[dict[str, int], str, str]:
    """A repository's files with their sizes, its commit and its licence; offline what the Hub's cache has of it."""
    if why_offline() and (names := cached_names(repository, revision)):
        first = cached(repository, names[0], revision)
        assert first is not None
        folder = first.parents[names[0].count("/")]
        return {name: (folder / name).stat().st_size for name in names}, folder.name, ""
    listing = listed_now(repository, revision)
    card = getattr(listing.card_data, "license", None) if listing.card_data else None
    return {file.rfilename: file.size or 0 for file in listing.siblings or ()}, str(listing.sha), str(card or "")


def _chosen_within(names: Sequence[str], folder: str, what: str) -> str:
    return _chosen([name.removeprefix(f"{folder}/") for name in names] if folder else names, what)


def _chosen(names: Collection[str], what: str) -> str:
    """Of the files of a folder the adapter, or the folder of its whole UNet ("" = itself).

    Raises:
        InputError: there is nothing of the kind, or more than one.
    """
    for folder in ("", UNET_FOLDER):
        within = [name.rpartition("/")[2] for name in names if name.rpartition("/")[0] == folder]
        if CONFIG in within and whole_unet(within):
            return folder
    top = [name for name in names if "/" not in name]
    for usual in (ADAPTER_FILE, PEFT_FILE):
        if usual in top:
            return usual
    found = [name for name in top if name.endswith(SAFE)] or [name for name in names if name.endswith(SAFE)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"{what} holds {len(found)} files: name the one you mean, as {what}/{found[0]}.")
    if any(name.endswith(PICKLE_SUFFIXES) for name in names):
        raise InputError(f"{what} holds pickles alone, which can run code when opened: only safetensors are loaded.")
    raise InputError(f"{what} holds neither an adapter nor a UNet (safetensors): name another source.")


def _check_size(what: str, size: int) -> None:
    if size > LARGEST:
        raise InputError(
            f"{what} has {in_bytes(size)}, and adapters have {in_bytes(LARGEST)} at most: is it a whole model?"
        )


def _backbone(found: FoundSource, said: str, name: str, registry: Registry) -> tuple[BackboneEntry, str]:
    """The backbone that a source fits, and its kind; the one that was said, or else the only one."""
    if said and said not in registry.backbones:
        raise unknown("backbone", said, registry.backbones)
    if not found.whole:
        _check_size(str(found.place), found.place.stat().st_size)
        check_file(found.place, CheckpointEntry(name, said or "a backbone", found.place, "lora"))
    fitting: dict[str, str] = {}
    reasons: dict[str, InputError] = {}
    absent: list[str] = []
    for one in (said,) if said else registry.backbones:
        try:
            bare = skeleton(registry.backbones[one])
        except InputError as error:
            reasons[one] = error
            absent.append(one)
            continue
        try:
            fitting[one] = _kind(found, name, one, bare)
        except InputError as error:
            reasons[one] = error
    if len(fitting) == 1:
        return next((registry.backbones[one], kind) for one, kind in fitting.items())
    if fitting:
        raise InputError(f"{name} fits {' and '.join(fitting)}: say which is its backbone (--backbone).")
    telling = [reasons[one] for one in reasons if one not in absent and not isinstance(reasons[one], OtherModel)]
    if telling or len(reasons) == 1:
        raise (telling or list(reasons.values()))[0]
    tried = ", ".join(one for one in reasons if one not in absent)
    unseen = f"could not be held against {', '.join(absent)} ({_why(reasons[absent[0]])})" if absent else ""
    found_out = " and ".join(filter(None, (f"fits none of {tried}" if tried else "", unseen)))
    raise InputError(f"{name} {found_out}: say which backbone it was made for (--backbone), and what differs is said.")


def _why(reason: InputError) -> str:
    return str(reason).partition(": ")[0].rstrip(".")


def _kind(found: FoundSource, name: str, backbone: str, bare: Skeleton) -> str:
    """``lora``, ``dora`` or ``unet`` of what fits; ``InputError`` for what does not."""
    if found.whole:
        check_unet(found.place, name, bare.unet, backbone, numbers=True)
        if found.prediction and bare.prediction and found.prediction != bare.prediction:
            raise OtherModel(
                f"The UNet {name} predicts {found.prediction} as the scheduler beside it says, and {backbone} predicts "
                f"{bare.prediction}: choose a UNet that was trained from this backbone."
            )
        return "unet"
    entry = CheckpointEntry(name, backbone, found.place, "lora")
    parts = read_adapter(found.place, entry, bare.unet, bare.encoders)
    return "dora" if any(part.settings["use_dora"] for part in parts) else "lora"


def _write(found: FoundSource, record: dict[str, Any], target: Path) -> None:
    """The checkpoint's folder, which appears as a whole."""
    draft = target.with_name(f".{target.name}-{uuid.uuid4().hex}")
    draft.mkdir(parents=True)
    try:
        if found.hub:
            record |= {"hub": found.hub, "file": found.part}
        elif found.whole:
            record["file"] = UNET_FOLDER
            (draft / UNET_FOLDER).mkdir()
            for file in (found.place / CONFIG, *unet_weights(found.place)):
                _linked(file, draft / UNET_FOLDER / file.name)
        else:
            beside = found.place.with_name(PEFT_CONFIG)
            of_peft = found.place.name == PEFT_FILE and beside.is_file()
            record["file"] = PEFT_FILE if of_peft else ADAPTER_FILE
            shutil.copyfile(found.place, draft / record["file"])
            if of_peft:
                shutil.copyfile(beside, draft / PEFT_CONFIG)
        text = json.dumps({key: value for key, value in record.items() if value}, indent=2, ensure_ascii=False) + "\n"
        (draft / MANIFEST).write_text(text, encoding="utf-8")
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _linked(source: Path, target: Path) -> None:
    try:
        os.link(source.resolve(), target)
    except OSError:  # another disk
        shutil.copyfile(source, target)


def lines(entry: CheckpointEntry) -> Iterator[str]:
    """What was added, to read."""
    yield f"{entry.name}: {entry.kind} of {entry.backbone}, {entry.title}"
    yield f"licence: {entry.licence or 'none stated; ask whoever made it before you pass pictures on'}"
    yield f'`generate "..." --checkpoint {entry.name}` draws with it, {entry.name}@0.5 with half of it.'
