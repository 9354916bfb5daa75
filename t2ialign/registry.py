"""What can be loaded: backbones, checkpoints and scorers, read from ``checkpoints/registry.toml`` and manifests.

``registry.toml`` has three kinds of tables: ``[backbones.NAME]``, ``[checkpoints.NAME]`` and ``[scorers.NAME]``. What
lies on disk is named by ``path`` (relative to the checkpoints folder), what lies elsewhere by ``hub`` or ``source``.
Every folder beside it, and every folder in ``HOME/checkpoints``, whose ``manifest.json`` names a ``kind`` is a
checkpoint too: a trained adapter appears by itself, and so does one that was added from elsewhere. People write a
checkpoint as ``base``, ``name``, ``name@0.7`` or a blend ``a@0.5+b@0.5``; ``resolve`` reads that.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from t2ialign import settings
from t2ialign.adapter_places import MANIFEST, HubAdapter, adapter_sha, usual_file
from t2ialign.codec import of_table
from t2ialign.content import COMMIT, INDEX, cached, pipeline_sha, snapshot_sha, symlinks_in_cache
from t2ialign.downloads import HubUnet, is_repository, place_of
from t2ialign.file_states import Standing, standing
from t2ialign.files import bytes_of, foreign, json_of, text_of
from t2ialign.model_families import FAMILIES, UNET_FOLDER, Family, FamilyName
from t2ialign.names import NAME, RULE, unknown
from t2ialign.samplers import MAKERS, check_makers
from t2ialign.types import AdapterUse, InputError

KINDS = ("lora", "dora", "unet")
TEXTS = ("title", "method", "note", "sha256", "licence", "paper")  # of a manifest
SMALL = 128  # pixels: models of pictures this small have the embedded world's numbers for defaults
WEIGHT_RANGE = (-2.0, 3.0)


@dataclass(frozen=True)
class BackboneEntry:
    """A frozen base model. ``source`` is a folder (``Path``) or a Hub id (``str``, at ``hub_revision``).

    ``size`` is the side of its pictures in pixels, ``dtype`` the precision it wants ("" = the device's default),
    ``variant`` the file variant that the Hub offers for half precision ("" = none), ``megabytes`` about what its networks
    take there in half precision. Its pictures are measured with ``scorers``; those of ``on_request`` read metrics that are
    asked for by name. ``embedded_scale``: the guidance scale is an input of its network, which was distilled from guided
    predictions (FLUX.1-dev). ``gated``: the Hub gives it out to those who accepted its licence there. From ``steps`` on:
    what its makers draw with (0 and "": what is usual here).
    """

    name: str
    family: FamilyName
    source: Path | str
    hub_revision: str = ""
    title: str = ""
    size: int = 512
    prediction: Literal["epsilon", "v_prediction", "flow"] = "epsilon"
    dtype: str = ""
    variant: str = ""
    scorers: tuple[str, ...] = ()
    on_request: tuple[str, ...] = ()
    megabytes: int = 0
    note: str = ""
    embedded_scale: bool = False
    gated: bool = False
    steps: int = 0
    guidance_scale: float = 0.0
    scheduler: str = ""
    guidance: str = ""

    @property
    def small(self) -> bool:
        """Whether its pictures are so small that the embedded world's numbers serve, not the published ones."""
        return self.size <= SMALL

    @property
    def family_traits(self) -> Family:
        """What its family has in common."""
        return FAMILIES[self.family]


@dataclass(frozen=True)
class CheckpointEntry:
    """A backbone, alone or with an adapter, or with another UNet in the place of its own (``kind`` "unet").

    ``adapter`` is a file, or a UNet's folder (``Path``), a Hub id ``org/name[@revision]``, of an adapter with its file too
    (``org/name/file.safetensors``), or None; ``file`` says which file or folder of that repository ("" = the usual one).
    ``sha256`` is what it must have ("" = unknown; of a UNet the short form), ``parents`` what it was trained from, ``folder``
    where its manifest lies, ``megabytes`` about what it takes to fetch (0 = unknown). From ``steps`` on: what its makers draw
    with (0 and "": what its backbone's do).
    """

    name: str
    backbone: str
    adapter: Path | str | None = None
    kind: Literal["lora", "dora", "unet"] | None = None
    title: str = ""
    method: str = ""
    parents: tuple[str, ...] = ()
    note: str = ""
    sha256: str = ""
    file: str = ""
    licence: str = ""
    paper: str = ""
    megabytes: int = 0
    folder: Path | None = None
    steps: int = 0
    guidance_scale: float = 0.0
    scheduler: str = ""

    @property
    def home(self) -> Path | None:
        """The folder that is this checkpoint's own, with its manifest if it has one; None where it has none."""
        return self.folder or (self.adapter.parent if isinstance(self.adapter, Path) else None)


@dataclass(frozen=True)
class ScorerEntry:
    """A scorer: its loader ``module:function``, the weights it takes and further keyword arguments for the loader.

    ``megabytes`` is about what has to be fetched (0 = unknown, or nothing).
    """

    name: str
    loader: str
    source: Path | str
    options: tuple[tuple[str, Any], ...] = ()
    megabytes: int = 0
    note: str = ""


@dataclass(frozen=True)
class Registry:
    """Everything that was found; ``problems`` are sentences about manifests that could not be read."""

    backbones: Mapping[str, BackboneEntry]
    checkpoints: Mapping[str, CheckpointEntry]
    scorers: Mapping[str, ScorerEntry]
    problems: tuple[str, ...] = ()


def load_registry(checkpoints: Path | None = None, home: Path | None = None) -> Registry:
    """What ``registry.toml`` and all manifests say now, because jobs may have added checkpoints.

    ``checkpoints`` is by default the shipped folder, ``home`` the folder whose ``checkpoints/`` holds people's own.
    """
    checkpoints, home = checkpoints or settings.CHECKPOINTS, home or settings.HOME
    stands = standing((checkpoints, home / "checkpoints"), MANIFEST)
    read = _read if stands else _read.__wrapped__
    return read(checkpoints, home, stands)


@lru_cache(maxsize=4)
def _read(checkpoints: Path, home: Path, stands: Standing | None) -> Registry:
    """``stands`` is only what it is remembered by."""
    file = checkpoints / "registry.toml"
    try:
        text = file.read_bytes()
    except OSError as error:
        raise InputError(
            f"The registry {file} cannot be read: install t2ialign anew, or point T2IALIGN_CHECKPOINTS to its checkpoints/."
        ) from error
    with foreign(f"The registry {file} is not well formed", "mend it there"):
        listed = _listed(text, checkpoints)
    known = dict(listed.checkpoints)
    problems = []
    for folder in (checkpoints, home / "checkpoints"):
        for found in _discover(folder, listed.backbones):
            if isinstance(found, str):
                problems.append(found)
            elif found.name in known:
                why = f"because another checkpoint is already called {found.name}: rename its folder."
                problems.append(f"{folder / found.name} is not listed, {why}")
            else:
                known[found.name] = found
    return Registry(listed.backbones, known, listed.scorers, tuple(problems))


@lru_cache(maxsize=8)
def _listed(text: bytes, folder: Path) -> Registry:
    """What ``registry.toml`` itself lists."""
    tables = tomllib.loads(text_of(text))
    named = [(kind, name) for kind in ("backbones", "checkpoints", "scorers") for name in tables.get(kind, {})]
    if odd := [f"{kind}.{name[:80]!r}" for kind, name in named if not NAME.fullmatch(name)]:
        raise ValueError(f"{odd[0]}: a name is of {RULE}")
    found = Registry(
        {n: _backbone(n, t, folder) for n, t in tables.get("backbones", {}).items()},
        {n: _checkpoint(n, t, folder) for n, t in tables.get("checkpoints", {}).items()},
        {n: _scorer(n, t, folder) for n, t in tables.get("scorers", {}).items()},
    )
    for name, listed in (*found.backbones.items(), *found.checkpoints.items()):
        _check_makers(name, {key: getattr(listed, key) for key in MAKERS})
    for entry in found.checkpoints.values():
        if entry.backbone not in found.backbones:
            raise ValueError(f"checkpoints.{entry.name} is of the backbone {entry.backbone!r}, which is not listed")
        if (entry.adapter is None) != (entry.kind is None):
            raise ValueError(f"checkpoints.{entry.name} needs a kind (lora, dora, unet) and a path or hub, or neither")
    return found


def _place(table: dict[str, Any], folder: Path, elsewhere: str) -> Path | str:
    """``path`` of a table as a path under ``folder``, or what stands under ``elsewhere``."""
    path = table.pop("path", None)
    said = path if path is not None else table.pop(elsewhere)
    if not isinstance(said, str) or not said or "\0" in said:
        raise ValueError(f"a path or {elsewhere} is {str(said)[:40]!r} and no text")
    return folder / said if path is not None else said


def _backbone(name: str, table: dict[str, Any], folder: Path) -> BackboneEntry:
    table = dict(table)
    source, revision = _place(table, folder, "hub"), table.pop("revision", "")
    if isinstance(source, str) and not is_repository(source):
        raise ValueError(f"backbones.{name} is of the hub {source[:80]!r}, which is no org/name")
    scorers, on_request = (tuple(table.pop(key, ())) for key in ("scorers", "on_request"))
    said = {"source": source, "hub_revision": revision, "scorers": scorers, "on_request": on_request, **table}
    return of_table(BackboneEntry, f"backbones.{name}", said | {"name": name})


def _checkpoint(name: str, table: dict[str, Any], folder: Path) -> CheckpointEntry:
    table = dict(table)
    adapter = _place(table, folder, "hub") if {"path", "hub"} & table.keys() else None
    parents = tuple(table.pop("parents", ()))
    said = {**table, "name": name, "adapter": adapter, "parents": parents}
    entry = of_table(CheckpointEntry, f"checkpoints.{name}", said)
    if isinstance(adapter, str):
        hub_part(entry)
    return entry


def _scorer(name: str, table: dict[str, Any], folder: Path) -> ScorerEntry:
    table = dict(table)
    options = tuple(sorted(table.pop("options", {}).items()))
    said = {"source": _place(table, folder, "source"), "options": options}
    return of_table(ScorerEntry, f"scorers.{name}", said | table | {"name": name})


def _discover(folder: Path, backbones: Mapping[str, BackboneEntry]) -> Iterator[CheckpointEntry | str]:
    """The adapters that lie in ``folder``, by name, and a sentence for each manifest that is none."""
    for manifest in sorted(folder.glob(f"*/{MANIFEST}")):
        name = manifest.parent.name
        what, mend = _complaint(manifest.parent)
        try:
            data, usual = bytes_of(manifest, what, mend), usual_file(manifest.parent)
            with foreign(what, mend):
                entry = _from_manifest(name, data, manifest.parent, usual)
        except FileNotFoundError:  # it went between the look and the reading
            continue
        except InputError as error:
            yield str(error)
            continue
        if entry is None:
            continue
        if not NAME.fullmatch(name):
            yield f"{manifest.parent} is not listed: name it with {RULE}."
        elif entry.backbone not in backbones:
            known = ", ".join(sorted(backbones))
            yield f"{manifest} names the backbone {entry.backbone!r}, which the registry does not know: write one of {known}."
        else:
            yield entry


@lru_cache(maxsize=512)
def _from_manifest(name: str, data: bytes, folder: Path, usual: str) -> CheckpointEntry | None:
    """The entry of a manifest's bytes, or None for a manifest of something else: a backbone, a scorer."""
    record = json_of(data, *_complaint(folder))
    if not isinstance(record, dict):
        raise ValueError("it is no table of named values")
    if "kind" not in record:
        return None
    kind = record["kind"]
    file = str(record.get("file") or (UNET_FOLDER if kind == "unet" else usual))
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}, not 'lora', 'dora' or 'unet'")
    said: dict[str, Any] = {key: str(record.get(key, "")) for key in TEXTS}
    if not (isinstance(record.get("parents", []), list) and record.get("backbone")):
        raise ValueError("it names no backbone, or its parents are no list")
    hub, parents = str(record.get("hub", "")), tuple(str(parent) for parent in record.get("parents", ()))
    if not hub and (Path(file).name != file or file == ".."):
        raise ValueError(f"file {file!r} lies outside its folder")
    where: dict[str, Any] = {"parents": parents, "file": file if hub else "", "folder": folder}
    makers = {key: record[key] for key in MAKERS if record.get(key)}
    _check_makers(name, makers)
    entry = CheckpointEntry(name, str(record["backbone"]), hub or folder / file, kind, **said, **where, **makers)
    if hub:
        try:  # its sentence names no file
            hub_part(entry)
        except InputError as error:
            raise ValueError(str(error).partition(":")[0]) from error
    return entry


def _check_makers(name: str, said: Mapping[str, Any]) -> None:
    try:
        check_makers(**said)
    except InputError as error:
        raise ValueError(f"{name}: {str(error).rstrip('.')}") from error


def _complaint(folder: Path) -> tuple[str, str]:
    return f"{folder / MANIFEST} is not the manifest of an adapter", "mend or remove it"


def resolve(spec: str, registry: Registry | None = None) -> tuple[BackboneEntry, tuple[AdapterUse, ...]]:
    """Reads ``base``, ``name``, ``name@0.7`` or ``a@0.5+b@0.5`` into a backbone and its adapters, sorted by name.

    A weight of 0 stays: it is exactly the base, and one end of a dose-response curve. ``sha`` is that of the adapter's
    file; one that is only on the Hub is fetched, because what it is decides what is asked for.
    """
    registry = registry or load_registry()
    uses = [_use(part.strip(), registry) for part in spec.split("+")]
    entries = [registry.checkpoints[use.name] for use in uses]
    if len({entry.backbone for entry in entries}) > 1:
        of = " and ".join(f"{entry.name} of {entry.backbone}" for entry in entries)
        raise InputError(f"Adapters of different backbones cannot be blended ({of}): choose adapters of one backbone.")
    for index, use in enumerate(uses):
        if use.name in {other.name for other in uses[:index]}:
            raise InputError(f"{use.name} stands twice in {spec!r}: name each adapter once, with one weight.")
    if (plain := [entry.name for entry in entries if entry.adapter is None]) and (len(uses) > 1 or uses[0].weight != 1):
        raise InputError(f"{plain[0]} has no adapter, so it can be neither blended nor weighted: name it alone.")
    if (backbone := entries[0].backbone) not in registry.backbones:
        raise unknown("backbone", backbone, registry.backbones)
    return registry.backbones[backbone], () if plain else tuple(sorted(uses, key=lambda use: use.name))


def _use(part: str, registry: Registry) -> AdapterUse:
    name, separator, said = part.partition("@")
    name = name.strip()
    if not name:
        raise InputError("Name a checkpoint, e.g. base, or a blend such as a@0.5+b@0.5.")
    if name not in registry.checkpoints:
        unlisted = next((said for said in registry.problems if Path("checkpoints", name).as_posix() in said), "")
        raise InputError(unlisted) if unlisted else unknown("checkpoint", name, registry.checkpoints)
    entry = registry.checkpoints[name]
    sha = adapter_sha(file) if entry.adapter is not None and (file := adapter_file(entry)).exists() else ""
    return AdapterUse(name, _weight(name, said) if separator else 1.0, sha)


def _weight(name: str, said: str) -> float:
    low, high = WEIGHT_RANGE
    try:
        weight = float(said)
    except ValueError:
        weight = math.nan
    if not low <= weight <= high:
        raise InputError(f"The weight of {name} must be a number from {low:g} to {high:g}, not {said.strip()[:20]!r}.")
    return weight


def adapter_file(entry: CheckpointEntry) -> Path:
    """A checkpoint's adapter on this machine: its file, or the Hub's as the cache has it, fetched where it is not there.

    Of a whole UNet its folder, which is never fetched in passing: it takes gigabytes. What is in the cache answers without a
    network, so an id without a revision stays what it was until the cache follows its main branch.

    Raises:
        InputError: the checkpoint has no adapter, its Hub repository is out of reach, holds none or several to choose from, or
            a UNet is not here yet.
    """
    if entry.adapter is None:
        raise InputError(f"{entry.name} has no adapter: it is the backbone {entry.backbone} itself.")
    if (found := adapter_here(entry)) is not None:
        return found
    if entry.kind == "unet":
        size = f" ({entry.megabytes / 1000:.1f} GB)" if entry.megabytes else ""
        raise InputError(
            f"The UNet {entry.name} is not on this machine{size}: `python -m t2ialign weights fetch {entry.name}` fetches it."
        )
    return hub_part(entry).fetch()


def adapter_here(entry: CheckpointEntry) -> Path | None:
    """Where a checkpoint's adapter lies, without asking the network; None where it has none or it is not on this machine."""
    return hub_part(entry).found() if isinstance(entry.adapter, str) else entry.adapter


def hub_part(entry: CheckpointEntry) -> HubAdapter | HubUnet:
    """Where a checkpoint of the Hub lies there; ``InputError`` for an id that is none."""
    whole = entry.kind == "unet"
    place, revision = place_of(str(entry.adapter), entry.file)
    if place is None or (whole and place[1]):
        raise InputError(
            f"{str(entry.adapter)!r}, the {'UNet' if whole else 'adapter'} of {entry.name}, is no repository of the Hub: write "
            "org/name or org/name@revision in the registry."
        )
    if whole:
        return HubUnet(place[0], revision, UNET_FOLDER if entry.file == "" else entry.file.strip("./"))
    return HubAdapter(place[0], place[1] or entry.file, revision, entry.name)


def revision_of(entry: BackboneEntry) -> str:
    """Identity of a backbone without loading it: the content of a folder, the commit of what the Hub's cache holds.

    Empty where only a download can tell; ``load_backbone`` knows it then.
    """
    if isinstance(entry.source, Path):
        return pipeline_sha(entry.source)
    if (index := cached(entry.source, INDEX, entry.hub_revision)) is not None:
        return snapshot_sha(index.parent)
    pinned = COMMIT.fullmatch(entry.hub_revision) and symlinks_in_cache()
    return entry.hub_revision[:16] if pinned else ""
