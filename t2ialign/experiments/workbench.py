"""What every use case works with: an open store, one device, and models that are loaded once and kept."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from t2ialign import registry, settings, store
from t2ialign.encoders import load_encoder
from t2ialign.metrics import METRICS
from t2ialign.store import Store, StoreBusy
from t2ialign.types import Encoder, InputError, Metric

SAMPLED = frozenset({"images", "mutual_information", "mutual_information_released"})


@dataclass(frozen=True)
class Workbench:
    """The store (None where another process owns it: results then go to its inbox), the device and the loaded models.

    ``gpu`` is held while a backbone generates: adapters are switched on the one UNet, so one batch at a time.
    """

    home: Path
    store: Store | None
    device: str
    dtype: str
    gpu: threading.Lock = field(default_factory=threading.Lock)
    _backbones: dict = field(default_factory=dict)
    _encoders: dict = field(default_factory=dict)
    _loading: threading.Lock = field(default_factory=threading.Lock)

    def backbone(self, entry: registry.BackboneEntry):  # noqa: ANN201 - the type lives behind a heavy import
        """The backbone of a registry entry; only the newest stays in memory."""
        from t2ialign.diffusion.backbone import load_backbone

        with self._loading:
            if entry.name not in self._backbones:
                self._backbones.clear()
                self._backbones[entry.name] = load_backbone(entry, self.device, self.dtype)
            return self._backbones[entry.name]

    def encoders(self, names: Iterable[str]) -> list[Encoder]:
        """Scorers of the registry by name."""
        with self._loading:
            for name in names:
                if name not in self._encoders:
                    self._encoders[name] = load_encoder(registry.scorer(name), self.device)
            return [self._encoders[name] for name in names]

    def scorers_for(self, entry: registry.BackboneEntry, wanted: Iterable[str]) -> tuple[list[Metric], list[Encoder]]:
        """The metrics to compute and the encoders that they need.

        Without a wish, every metric that the backbone's scorers (and sampling itself) can feed. Scorers whose weights are
        out of reach are left out, unless a wished metric needs them: then the scorer's sentence is raised.
        """
        wishes = [METRICS[name] for name in wanted]
        encoders: list[Encoder] = []
        complaint: InputError | None = None
        for name in entry.scorers:
            try:
                encoders += self.encoders([name])
            except InputError as error:
                complaint = complaint or error
        provided = SAMPLED.union(*(encoder.provides for encoder in encoders))
        for metric in wishes:
            if not provided.issuperset(metric.needs):
                raise complaint or InputError(
                    f"'{metric.name}' cannot be measured on pictures of {entry.title}: it needs {', '.join(metric.needs)}."
                )
        metrics = wishes or [metric for metric in METRICS.values() if provided.issuperset(metric.needs)]
        needed = {need for metric in metrics for need in metric.needs}
        return metrics, [encoder for encoder in encoders if needed.intersection(encoder.provides)]


@contextmanager
def open_workbench(home: Path | None = None, share: bool = True) -> Iterator[Workbench]:
    """Opens the store and brings in what waits for it: shipped results and other processes' shards.

    With ``share``, a store that another process holds is no obstacle: the workbench then has no store and leaves its
    results in the inbox; without it ``StoreBusy`` is raised.
    """
    home = home or settings.HOME
    device = settings.device()[0]
    dtype = settings.dtype_for(device)[0]
    try:
        opened = store.open_store(home, read_only_ok=True)
    except StoreBusy:
        if not share:
            raise
        yield Workbench(home, None, device, dtype)
        return
    with opened:
        store.ingest_reference(opened, settings.DATA / "reference")
        store.ingest_inbox(opened)
        yield Workbench(home, opened, device, dtype)
