"""Every weight that the registry names: where it lies, what wants it, and how it comes to this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from t2ialign import settings
from t2ialign.diffusion.backbone import fetch_backbone, folder_of, variant_of
from t2ialign.diffusion.preview import TINY, TINY_BYTES, tiny_part
from t2ialign.encoders import load_encoder, parts_of, provided
from t2ialign.metrics import METRICS
from t2ialign.metrics.distribution import DISTRIBUTIONS
from t2ialign.names import unknown
from t2ialign.network import Show, in_bytes
from t2ialign.registry import BackboneEntry, CheckpointEntry, Registry, ScorerEntry, hub_part
from t2ialign.types import InputError

Watch = Callable[[str, int, int | None], None]
"""Hears what comes, how many bytes of it are here and how many there are (None: nobody said)."""


@dataclass(frozen=True)
class Weight:
    """One entry. ``bytes`` is its size here, or about its download's; ``place`` is empty where it is not (all) here.

    ``wanted_by`` names metrics; of a backbone its checkpoints, of a checkpoint its backbone, of a decoder of previews its
    backbones. ``problem`` says what is wrong with an entry.
    """

    name: str
    kind: str
    bytes: int
    place: str
    comes_from: tuple[str, ...]
    wanted_by: tuple[str, ...]
    problem: str = ""

    @property
    def here(self) -> bool:
        return bool(self.place)


@dataclass(frozen=True)
class Fetched:
    """What came of one name: where it lies now, or why it does not."""

    name: str
    place: str = ""
    problem: str = ""


def list_weights(registry: Registry) -> tuple[Weight, ...]:
    """Backbones first, then checkpoints of the Hub and scorers, as the registry has them, and the decoders of previews.

    Nothing is fetched or loaded.
    """
    found = [_backbone(entry, registry) for entry in registry.backbones.values()]
    found += [_checkpoint(entry) for entry in _of_the_hub(registry).values()]
    found += [_scorer(entry, registry) for entry in registry.scorers.values()]
    return tuple(found + [_preview(name, registry) for name in _previewers(registry)])


def fetch_weights(registry: Registry, names: Sequence[str], watch: Watch) -> Iterator[Fetched]:
    """Brings what is missing of each name here, one after the other; what fails is said and the rest goes on.

    Raises:
        InputError: a name that the registry does not have, before anything is fetched.
    """
    known: dict[str, BackboneEntry | CheckpointEntry | ScorerEntry | str] = {
        **{name: name for name in _previewers(registry)},
        **_of_the_hub(registry),
        **registry.scorers,
        **registry.backbones,
    }
    for name in names:
        if name not in known:
            raise unknown("weight", name, known)
    for name in dict.fromkeys(names):
        try:
            yield Fetched(name, str(_fetch(known[name], watch)))
        except InputError as error:
            yield Fetched(name, problem=str(error))


def _fetch(entry: BackboneEntry | CheckpointEntry | ScorerEntry | str, watch: Watch) -> Path | str:
    if isinstance(entry, str):
        return tiny_part(entry).fetch(_watched(watch, entry))
    if isinstance(entry, CheckpointEntry):
        return hub_part(entry).fetch(_watched(watch, entry.name))
    if isinstance(entry, BackboneEntry):
        return fetch_backbone(entry, _dtype(entry), _watched(watch, entry.name))
    places = [part.fetch(_watched(watch, part.name)) for part in parts_of(entry)]
    return ", ".join(map(str, places)) or str(entry.source)


def _watched(watch: Watch, what: str) -> Show:
    return lambda done, total: watch(what, done, total)


def _backbone(entry: BackboneEntry, registry: Registry) -> Weight:
    folder = folder_of(entry)
    checkpoints = tuple(name for name, found in registry.checkpoints.items() if found.backbone == entry.name)
    whole = folder is not None and _has_networks(folder, entry)
    size = (
        _bytes([folder])
        if whole and folder
        else entry.megabytes * 10**6 * (2 if entry.variant and not variant_of(entry, _dtype(entry)) else 1)
    )
    place, origin = str(folder) if whole else "", () if isinstance(entry.source, Path) else (entry.source,)
    return Weight(entry.name, "backbone", size, place, origin, checkpoints)


def _of_the_hub(registry: Registry) -> dict[str, CheckpointEntry]:
    """Adapters and UNets that lie on the Hub; where a backbone has the same name, it is the backbone's."""
    known = registry.checkpoints.items()
    return {name: entry for name, entry in known if isinstance(entry.adapter, str) and name not in registry.backbones}


def _checkpoint(entry: CheckpointEntry) -> Weight:
    part = hub_part(entry)
    try:
        place = part.found()
    except InputError as error:  # several files that could be it
        return Weight(entry.name, "checkpoint", 0, "", (part.name,), (entry.backbone,), str(error))
    size = _bytes([place]) if place else entry.megabytes * 10**6
    return Weight(entry.name, "checkpoint", size, str(place or ""), (part.name,), (entry.backbone,))


def _previewers(registry: Registry) -> list[str]:
    """The tiny decoders that show a backbone's unfinished pictures; of a name of the registry, the registry's stands."""
    taken = {*registry.backbones, *registry.checkpoints, *registry.scorers}
    return [name for name in TINY if _shown(name, registry) and name not in taken]


def _shown(name: str, registry: Registry) -> tuple[str, ...]:
    """The Hub's backbones whose latents a tiny decoder reads."""
    known = registry.backbones.values()
    return tuple(entry.name for entry in known if isinstance(entry.source, str) and entry.family in TINY[name])


def _preview(name: str, registry: Registry) -> Weight:
    part = tiny_part(name)
    place = part.found()
    size = _bytes([place]) if place else TINY_BYTES
    return Weight(name, "preview", size, str(place or ""), (part.name,), _shown(name, registry))


def _has_networks(folder: Path, entry: BackboneEntry) -> bool:
    """Whether the part that takes the most is there, in the precision that this machine wants."""
    variant = variant_of(entry, _dtype(entry))
    names = {file.name for file in (folder / entry.family_traits.network).glob("*.safetensors")}
    varied = {name for name in names if variant and f".{variant}." in name}
    return bool(varied or {name for name in names if name.count(".") == 1})


def _scorer(entry: ScorerEntry, registry: Registry) -> Weight:
    wanted = _wanted_by(entry)
    try:
        parts = parts_of(entry)
    except InputError as error:
        return Weight(entry.name, "scorer", 0, "", (), wanted, str(error))
    if not parts:
        made_of = registry.backbones.get(str(entry.source))
        place = folder_of(made_of) if made_of else Path(entry.source)
        found = place if place and place.exists() else None
        return Weight(entry.name, "scorer", _bytes([found]) if found else 0, str(found or ""), (), wanted)
    places = [part.found() for part in parts]
    here = [place for place in places if place is not None]
    whole, origins = len(here) == len(places), tuple(part.name for part in parts)
    size = _bytes(here) if whole else entry.megabytes * 10**6
    return Weight(entry.name, "scorer", size, ", ".join(map(str, here)) if whole else "", origins, wanted)


def _wanted_by(entry: ScorerEntry) -> tuple[str, ...]:
    """The metrics and distances that read what a scorer gives; a shipped one is loaded to say so, which is quick."""
    features = provided(entry)
    if features is None:
        with suppress(InputError):
            features = frozenset(load_encoder(entry, "cpu").provides)
    known = features or frozenset()
    distances = (name for name, distance in DISTRIBUTIONS.items() if distance.feature in known)
    return *(name for name, metric in METRICS.items() if known.intersection(metric.needs)), *distances


def _dtype(entry: BackboneEntry) -> str:
    return entry.dtype or settings.dtype_for(settings.device()[0])[0]


def _bytes(places: Iterable[Path]) -> int:
    """How much lies in files and folders, each file that several names lead to once."""
    files = {file.resolve() for place in places for file in (place.rglob("*") if place.is_dir() else (place,))}
    return sum(file.stat().st_size for file in files if file.is_file())


def lines(found: Iterable[Weight]) -> Iterator[str]:
    """The list to read."""
    found = list(found)
    width = max((len(one.name) for one in found), default=0)
    for one in found:
        size = in_bytes(one.bytes) if one.bytes else "?"
        yield f"{one.name:<{width}} {one.kind:<10} {size:>8}  {one.problem or one.place or 'not here'}"
        wanted = f"{', '.join(one.wanted_by[:8])}{', ...' if len(one.wanted_by) > 8 else ''}"
        if wanted:
            yield f"{'':<{width}}   for {wanted}"
    if missing := [one.name for one in found if not one.here and not one.problem]:
        yield f"{len(missing)} are not here: `python -m t2ialign weights fetch NAME` fetches one, as {missing[0]}."
