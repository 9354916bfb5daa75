"""What the tabs work with: the workbench, the store, the engine that owns long work, and prompts to begin with."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from t2ialign.charts.theme import styles
from t2ialign.dashboard.shared.html import Look
from t2ialign.dashboard.shared.one_run_per_page import OneRunPerPage
from t2ialign.dashboard.shared.owner import Guesses
from t2ialign.dashboard.shared.visitors import Visits
from t2ialign.engines import LocalEngine
from t2ialign.jobs.precedence import serving
from t2ialign.jobs.supervisor import Supervisor
from t2ialign.registry import CheckpointEntry
from t2ialign.remembering import Memory
from t2ialign.store import Store, choices
from t2ialign.types import Prompt
from t2ialign.use_cases.batches import prompt_sets
from t2ialign.use_cases.shipped import ShippedReading
from t2ialign.use_cases.workbench import Workbench

EXPORT_SECONDS = 24 * 3600.0
FIRST_SET = "shapes-test"
MOST_CHARTS = 32  # that are kept drawn
MOST_MET = 1000  # checkpoints whose colours stay theirs


@dataclass(frozen=True)
class Services:
    """Everything behind the page; tabs meet here and in the store, nowhere else."""

    bench: Workbench
    store: Store
    engine: LocalEngine
    shelf: Callable[[], Mapping[str, tuple[Prompt, ...]]]
    page_runs: OneRunPerPage
    visits: Visits
    supervisor: Supervisor
    downloads: LocalEngine = field(default_factory=LocalEngine)  # of weights, beside the runs
    exports: TemporaryDirectory[str] = field(default_factory=lambda: TemporaryDirectory(prefix="t2ialign-exports-"))
    guesses: Guesses = field(default_factory=Guesses)
    charts: Memory = field(default_factory=lambda: Memory(MOST_CHARTS))  # by all that is drawn in them; many ask alike
    met: list[str] = field(default_factory=list)  # checkpoints in the order in which they were first on show
    shipped: ShippedReading = field(default_factory=ShippedReading)  # of the shipped results, where it is not over yet
    trouble: Callable[[], str] = str  # what is wrong with committing votes to the Hub, in a sentence; "" = nothing

    def new_export(self) -> Path:
        """An empty folder for what is taken away; those of yesterday go."""
        folder = Path(self.exports.name)
        for old in folder.iterdir():
            if time.time() - old.stat().st_mtime > EXPORT_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
        made = folder / uuid.uuid4().hex
        made.mkdir()
        return made

    def checkpoints(self) -> dict[str, CheckpointEntry]:
        """What can be sampled now, by name; what would first be downloaded comes last."""
        registry = self.bench.registry()
        away = {name for name, backbone in registry.backbones.items() if isinstance(backbone.source, str)}
        return dict(sorted(registry.checkpoints.items(), key=lambda item: item[1].backbone in away))

    def palette(self, checkpoints: Iterable[str] = ()) -> dict[str, Look]:
        """Each checkpoint's colours, the same on every chart and every sheet."""
        names = self.order(checkpoints)
        light, dark = styles(names), styles(names, dark=True)
        return {name: Look(light[name].color, dark[name].color) for name in names}

    def order(self, shown: Iterable[str] = ()) -> list[str]:
        """The checkpoints in the order that assigns colours, ``shown`` ones that are gone included: no filter changes a colour.

        First comes what was on show, each in its turn: what is seen together differs in colour, and what comes later
        takes nobody's colour away.
        """
        seen = (*choices(self.store)["checkpoints"], *shown)
        known = set(self.met)
        self.met.extend(name for name in dict.fromkeys(seen) if name not in known and len(self.met) < MOST_MET)
        return list(dict.fromkeys([*self.met, *seen, *self.checkpoints()]))

    @property
    def prompts(self) -> Mapping[str, tuple[Prompt, ...]]:
        """Every prompt set by its name, as it stands now: some are imported while the page is served."""
        return self.shelf()

    def categories(self) -> dict[str, str]:
        """The category of each prompt that a set knows."""
        return {prompt.text: prompt.category for known in self.prompts.values() for prompt in known}


def open_services(
    bench: Workbench, trouble: Callable[[], str] = str, shipped: ShippedReading | None = None
) -> Services:
    """Services of a workbench, with every named prompt set; ``trouble`` says what is wrong with the votes' dataset.

    ``shipped`` says how far the shipped results are, where they are still being read in.

    Raises:
        StoreBusy: another process owns the store.
    """
    known = partial(prompt_sets.every, bench.home, FIRST_SET)
    engine = LocalEngine(partial(serving, bench.home))  # sweeps wait while it works
    supervisor = Supervisor(bench.store)
    return Services(
        bench,
        bench.store,
        engine,
        known,
        OneRunPerPage(engine),
        Visits(engine),
        supervisor,
        shipped=shipped or ShippedReading(),
        trouble=trouble,
    )
