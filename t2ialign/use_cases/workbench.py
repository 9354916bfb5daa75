"""What every use case works with: an open store, one device, and models that are loaded once and kept."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from t2ialign import settings, store
from t2ialign.encoders import load_encoder
from t2ialign.metrics import ALL, DEFAULT, METRICS
from t2ialign.registry import BackboneEntry, Registry, ScorerEntry, load_registry, revision_of, unknown
from t2ialign.store import Store, StoreBusy
from t2ialign.types import Encoder, InputError, Metric
from t2ialign.use_cases.batches import benchmarks
from t2ialign.use_cases.results import InboxResults, Results, StoreResults

if TYPE_CHECKING:
    from t2ialign.diffusion.backbone import Backbone

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

        with self._loading:
            held = self._backbones.get(entry.name)
            if held is None or held.entry != entry or held.revision != (revision_of(entry) or held.revision):
                self._backbones.clear()
                self._backbones[entry.name] = load_backbone(entry, self.device, entry.dtype or self.dtype)
            return self._backbones[entry.name]

    def revision(self, entry: BackboneEntry) -> str:
        """Identity of a backbone; where only a download can tell, it is downloaded."""
        return revision_of(entry) or self.backbone(entry).revision

    def encoder(self, name: str) -> Encoder:
        """A scorer of the registry by name, loaded once, and anew where the registry now names another."""
        known = self.registry().scorers
        if name not in known:
            raise unknown("scorer", name, known)
        with self._loading:
            if name not in self._encoders or self._encoders[name][0] != known[name]:
                self._encoders[name] = known[name], load_encoder(known[name], self.device)
            return self._encoders[name][1]

    def scorers_for(self, names: Iterable[str], wanted: Iterable[str]) -> tuple[list[Metric], list[Encoder]]:
        """The metrics to compute with these scorers and the encoders they need.

        ``wanted`` empty means the short list of ``metrics.DEFAULT``, ``("all",)`` every metric, as far
        as the scorers go. Scorers whose weights are out of reach are left out, unless a metric wished for by name needs
        them: then their sentence is raised.
        """
        encoders: list[Encoder] = []
        complaint: InputError | None = None
        for name in names:
            try:
                encoders.append(self.encoder(name))
            except InputError as error:
                complaint = complaint or error
        provided = SAMPLED.union(*(encoder.provides for encoder in encoders))
        chosen = tuple(wanted)
        if chosen in ((), ALL):
            menu = METRICS.values() if chosen == ALL else (METRICS[name] for name in DEFAULT)
            metrics = [metric for metric in menu if provided.issuperset(metric.needs)]
        else:
            metrics = [METRICS[name] for name in chosen]
        for metric in metrics:
            if not provided.issuperset(metric.needs):
                missing = ", ".join(sorted(set(metric.needs) - provided))
                raise complaint or InputError(f"'{metric.name}' cannot be measured here: no scorer provides {missing}.")
        needed = {need for metric in metrics for need in metric.needs}
        return metrics, [encoder for encoder in encoders if needed.intersection(encoder.provides)]


def bare_workbench(home: Path | None = None) -> Workbench:
    """A workbench without a store, for work that keeps nothing."""
    return workbench_on(InboxResults(home or settings.HOME))


def workbench_on(results: Results) -> Workbench:
    """A workbench of this machine's device; it loads no model before one is asked for."""
    device = settings.device()[0]
    return Workbench(results, device, settings.dtype_for(device)[0])


@contextmanager
def open_workbench(home: Path | None = None, share: bool = True) -> Iterator[Workbench]:
    """Opens the store and takes in what waits for it: shipped results and other processes' shards.

    With ``share``, a store that another process holds is no obstacle: the workbench then leaves its results in the inbox;
    without it ``StoreBusy`` is raised.
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
        store.ingest_reference(opened, settings.DATA / "reference")
        benchmarks.keep_shipped(opened)
        store.ingest_inbox(opened)
        store.ingest_votes(opened)
        yield workbench_on(StoreResults(opened))


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
