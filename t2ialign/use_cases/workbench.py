"""What every use case works with: an open store, one device, and models that are loaded once and kept."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from t2ialign import settings, store
from t2ialign.encoders import ABSENT, absent_parts, absent_words, fetch_command, load_encoder, provided
from t2ialign.metrics import DEFAULT, METRICS, listed, named
from t2ialign.names import unknown
from t2ialign.registry import BackboneEntry, Registry, ScorerEntry, load_registry, revision_of
from t2ialign.store import Store, StoreBusy
from t2ialign.store.tables import open_tables
from t2ialign.types import Encoder, InputError, Metric
from t2ialign.use_cases.measures import LeftOut, Measures, PlannedMeasures, reason_of, without
from t2ialign.use_cases.results import InboxResults, Results, StoreResults
from t2ialign.use_cases.shipped import take_shipped

if TYPE_CHECKING:
    from t2ialign.diffusion.backbone import Backbone

RESCORE = "python -m t2ialign rescore"
_log = logging.getLogger(__name__)

# What a metric may read without any scorer: the pictures, and what sampling measured on the way.
SAMPLED = frozenset({"images", "mutual_information", "mutual_information_released"})


@dataclass(frozen=True)
class Workbench:
    """Where results are kept, the device and the loaded models.

    ``sampling`` is held while a backbone generates: adapters are switched on its one UNet, so one batch at a time.
    """

    results: Results
    device: str
    dtype: str
    sampling: threading.Lock = field(default_factory=threading.Lock)
    _loading: threading.Lock = field(default_factory=threading.Lock)
    _backbones: dict[str, Backbone] = field(default_factory=dict)
    _encoders: dict[str, tuple[ScorerEntry, Encoder]] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.results.home

    @property
    def store(self) -> Store:
        """The open store, for what only its owner can do; ``StoreBusy`` where that is another process."""
        return self.results.own_store()

    def registry(self) -> Registry:
        """What can be loaded now; it is read anew, because jobs add checkpoints while the app runs."""
        return load_registry(home=self.home)

    def backbone(self, entry: BackboneEntry) -> Backbone:
        """The loaded backbone of an entry, as it is now; only the newest stays in memory."""
        from t2ialign.diffusion.backbone import load_backbone
        from t2ialign.diffusion.compiling import compile_network
        from t2ialign.diffusion.offload import takes_turns

        with self._loading:
            held = self._backbones.get(entry.name)
            if held is None or held.entry != entry or held.revision != (revision_of(entry) or held.revision):
                self._backbones.clear()
                loaded = load_backbone(entry, self.device, entry.dtype or self.dtype)
                if not takes_turns(loaded):  # compiled, it would not come to the device
                    compile_network(loaded.unet, settings.compile_mode())
                self._backbones[entry.name] = loaded
            return self._backbones[entry.name]

    def revision(self, entry: BackboneEntry) -> str:
        """Identity of a backbone; where only a download can tell, it is downloaded."""
        return revision_of(entry) or self.backbone(entry).revision

    def encoder(self, name: str) -> Encoder:
        """A scorer of the registry by name, loaded once, and anew where the registry now names another; nothing is fetched."""
        known = self.registry().scorers
        if name not in known:
            raise unknown("scorer", name, known)
        with self._loading:
            if name not in self._encoders or self._encoders[name][0] != known[name]:
                self._encoders[name] = known[name], load_encoder(known[name], _scoring_device(self.device))
            return self._encoders[name][1]

    def choose(
        self, names: Iterable[str], wanted: Iterable[str], on_request: Iterable[str] = (), strict: bool = True
    ) -> PlannedMeasures:
        """The metrics to compute and the scorers that they need; only what they need is looked at, and nothing is fetched.

        ``wanted`` empty means the short list of ``metrics.DEFAULT``, ``("short", NAME)`` that and more, ``("all",)`` every
        metric, as far as the scorers called ``names`` go, the first that gives a feature giving it. A metric wished for by
        name may also be read by a scorer of ``on_request``. Metrics whose scorer has no weights here are left out with
        that reason.

        Raises:
            InputError: a metric wished for by name that no scorer could measure (unless not ``strict``: it is left out).
        """
        asked = tuple(wanted)
        by_name = named(asked)
        menu = [METRICS[name] for name in listed(asked)]
        needs = {need for metric in menu for need in metric.needs} - SAMPLED
        offers, broken = self._offers([*names, *(on_request if by_name else ())], needs)
        readers: dict[str, tuple[str, ...]] = {}
        never: list[LeftOut] = []
        for metric in menu:
            lacking = set(metric.needs) - SAMPLED - offers.keys()
            if not lacking:
                readers[metric.name] = tuple(dict.fromkeys(offers[need] for need in metric.needs if need in offers))
            elif metric.name not in by_name:
                continue
            elif not broken:
                why = f"'{metric.name}' cannot be measured here: no scorer provides {', '.join(sorted(lacking))}."
                if strict:
                    raise InputError(why)
                never.append(LeftOut("", (metric.name,), why))
            else:
                readers[metric.name] = tuple(broken)
        return self._present(without(PlannedMeasures(readers, tuple(never)), broken), bool(by_name))

    def load(self, chosen: PlannedMeasures) -> Measures:
        """What was chosen, ready to measure; a scorer that cannot be loaded is left out, whatever the reason."""
        loaded: dict[str, Encoder] = {}
        failed: dict[str, str] = {}
        for name in chosen.scorers:
            try:
                loaded[name] = self.encoder(name)
            except Exception as error:  # foreign weights make libraries raise what they like
                _log.info("scorer %s failed", name, exc_info=error)
                failed[name] = f"{name} cannot be loaded ({reason_of(error)})"
        kept = without(chosen, failed)
        metrics = tuple(METRICS[name] for name in kept.readers)
        return Measures(metrics, tuple(loaded[name] for name in kept.scorers), kept.left_out)

    def scorers_for(
        self, names: Iterable[str], wanted: Iterable[str], on_request: Iterable[str] = ()
    ) -> tuple[list[Metric], list[Encoder]]:
        """The metrics and the loaded scorers they need, as ``choose`` says, for work that is nothing without them.

        Raises:
            InputError: a metric wished for by name cannot be measured now.
        """
        asked = tuple(wanted)
        found = self.load(self.choose(names, asked, on_request))
        for part in found.left_out:
            if not set(part.metrics) & set(named(asked)):
                continue
            mend = f": `{part.fetch}` fetches it" if part.fetch else ""
            raise InputError(f"{', '.join(part.metrics)} cannot be measured now. {part.reason.rstrip('.')}{mend}.")
        return list(found.metrics), list(found.encoders)

    def absent(self, names: Iterable[str]) -> tuple[LeftOut, ...]:
        """What of the short list these scorers cannot measure because their weights are not here; nothing is loaded."""
        known = self.registry().scorers
        static = {name: provided(known[name]) or frozenset() for name in names if name in known}
        readers = {
            metric: tuple(name for name, features in static.items() if features.intersection(METRICS[metric].needs))
            for metric in DEFAULT
        }
        return self._present(PlannedMeasures(readers)).left_out

    def _offers(self, names: Iterable[str], needs: set[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Who gives each feature, and which scorers failed why; those are loaded whose features nothing else tells."""
        known = self.registry().scorers
        offers: dict[str, str] = {}
        broken: dict[str, str] = {}
        untold: list[str] = []
        for name in names:
            if name not in known:
                raise unknown("scorer", name, known)
            features = provided(known[name])
            if features is None:
                untold.append(name)
            for feature in features or ():
                offers.setdefault(feature, name)
        for name in untold if needs - offers.keys() else ():
            try:
                offers |= {feature: name for feature in self.encoder(name).provides if feature not in offers}
            except Exception as error:  # foreign weights make libraries raise what they like
                _log.info("scorer %s failed", name, exc_info=error)
                broken[name] = f"{name} cannot be loaded ({reason_of(error)})"
        return offers, broken

    def _present(self, chosen: PlannedMeasures, by_name: bool = False) -> PlannedMeasures:
        """The choice without scorers whose weights are not on this machine; ``by_name``: its metrics were wished for."""
        known, gone = self.registry().scorers, {}
        for name in chosen.scorers:
            try:
                absent = absent_parts(known[name])
            except InputError as error:  # an entry that names nothing
                gone[name] = str(error)
                continue
            if absent:
                gone[name] = absent_words(known[name], absent)
        kept = without(chosen, gone)
        return replace(kept, left_out=tuple(_mendable(part, by_name) for part in kept.left_out))


def _scoring_device(device: str) -> str:
    """Scorers work in this process, which has no GPU where one is lent to sampling alone."""
    return "cpu" if settings.LENT_GPU else device


def _mendable(part: LeftOut, by_name: bool) -> LeftOut:
    """With the commands that mend it, where they can."""
    if not part.reason.endswith(ABSENT):
        return part
    again = f"{RESCORE} --metrics {','.join(part.metrics)}" if by_name else RESCORE
    return replace(part, fetch=fetch_command(part.scorer), again=again)


def bare_workbench(home: Path | None = None) -> Workbench:
    """A workbench without a store, for work that keeps nothing."""
    return workbench_on(InboxResults(home or settings.HOME))


def workbench_on(results: Results) -> Workbench:
    """A workbench of this machine's device; it loads no model before one is asked for."""
    device = settings.device()[0]
    return Workbench(results, device, settings.dtype_for(device)[0])


@contextmanager
def open_workbench(home: Path | None = None, share: bool = True, shipped: bool = True) -> Iterator[Workbench]:
    """Opens the store and takes in what waits for it: shipped results and other processes' shards.

    With ``share``, a store that another process holds is no obstacle: the workbench then leaves its results in the inbox;
    without it ``StoreBusy`` is raised. Without ``shipped`` the shipped results are left to ``shipped.read_later``.
    """
    home = home or settings.HOME
    try:
        opened = store.open_store(home, read_only_ok=True)
    except StoreBusy:
        if not share:
            raise
        yield workbench_on(InboxResults(home))
        return
    with opened:
        if shipped:
            take_shipped(opened)
        store.ingest_inbox(opened)
        store.ingest_votes(opened)
        yield workbench_on(StoreResults(opened))


@contextmanager
def open_to_read(place: str | None = None) -> Iterator[Workbench]:
    """A store for questions alone: a folder's, as ``open_workbench`` opens it, or exported tables where they lie.

    ``place``: a store's folder, or a folder of Parquet files or an address as ``store.tables.open_tables`` takes it.

    Raises:
        InputError: what lies there cannot be opened.
    """
    if place and settings.is_tables(place):
        with open_tables(place) as opened:
            yield workbench_on(StoreResults(opened))
    else:
        with open_workbench(Path(place) if place else None, share=False) as bench:
            yield bench


@contextmanager
def watched_inbox(bench: Workbench, seconds: float = 2.0) -> Iterator[None]:
    """Takes in, every few seconds, what other processes leave in the inbox; for as long as the block lasts."""
    over = threading.Event()

    def watch(opened: Store) -> None:
        while not over.wait(seconds):
            try:
                store.ingest_inbox(opened)
            except InputError as error:  # a full disk, say: it is tried again
                _log.warning("The inbox could not be taken in: %s", error)

    thread = threading.Thread(target=watch, args=[bench.store], name="t2ialign-inbox", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
