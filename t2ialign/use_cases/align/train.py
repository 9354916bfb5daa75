"""Training as a use case: a request becomes an adapter that can be chosen everywhere, watched as it happens.

Work that is done stays in a folder of the run's own: ``data-1.safetensors`` (what round 1 learns from), ``state-1.pt``
(where its optimiser is), ``round-1/`` (what a finished round trained). The same call on the same folder goes on from there.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import filelock
import torch

from t2ialign.adapter_places import ADAPTER_FILE
from t2ialign.codec import decode, encode
from t2ialign.diffusion.adapters import add_adapter, drop_adapter, save_adapter
from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.switch import KINDS
from t2ialign.registry import CheckpointEntry
from t2ialign.training.data import TrainData
from t2ialign.training.processes import ALONE, Processes
from t2ialign.types import InputError, TrainStep
from t2ialign.use_cases.align import result
from t2ialign.use_cases.align.clock import Clock
from t2ialign.use_cases.align.data import gather, load_data, save_data
from t2ialign.use_cases.align.estimate import costs, evaluation_prompts, evaluation_seconds
from t2ialign.use_cases.align.ingredients import changed, ingredients_of, is_finished, work_key
from t2ialign.use_cases.align.manifest import (
    Ingredients,
    TrainingEffort,
    TrainingManifest,
    find_manifest,
    write_manifest,
)
from t2ialign.use_cases.align.optimise import optimised, train_plan
from t2ialign.use_cases.align.pictures import Sampled
from t2ialign.use_cases.align.probe import Probe, probe
from t2ialign.use_cases.align.request import AlignRequest, Plan, plan
from t2ialign.use_cases.align.sources import witness_of
from t2ialign.use_cases.align.stopping import Halt, NarrowingRule
from t2ialign.use_cases.workbench import Workbench

Phase = Literal["pictures", "training", "saving", "scoring"]
JobControl = Callable[[], str]


@dataclass(frozen=True)
class AlignState:
    """Where a run stands. ``step`` and ``probe`` are set on the states that bring a new one.

    ``fraction`` is that of the whole run, ``remaining`` in seconds; ``pictures`` are those that the phase has drawn, and
    how many it wants; ``checkpoint`` is set on the last state alone, with the ``manifest`` that was written.
    """

    request: AlignRequest
    phase: Phase
    fraction: float = 0.0
    remaining: float | None = None
    seconds: float = 0.0
    round: int = 1
    pictures: tuple[int, int] = (0, 0)
    step: TrainStep | None = None
    probe: Probe | None = None
    checkpoint: str = ""
    manifest: TrainingManifest | None = None


@dataclass(frozen=True)
class TrainingContext:
    """What every phase works with."""

    bench: Workbench
    plan: Plan
    ingredients: Ingredients
    backbone: Backbone
    folder: Path
    target: Path
    clock: Clock
    control: JobControl
    processes: Processes

    @property
    def asked(self) -> bool:
        """Whether this process is asked to stop; of several, only the first one is."""
        return self.control() != ""

    def all_asked(self) -> bool:
        """Whether all processes are to stop now; each must come to this line."""
        return self.processes.agree(self.control()) != ""

    def state(self, phase: Phase, done: float, round: int = 1, fresh: bool = True, **more: Any) -> AlignState:
        fraction, remaining = self.clock.at(phase, done, fresh)
        return AlignState(self.plan.request, phase, fraction, remaining, self.clock.seconds, round, **more)

    def data_path(self, round: int) -> Path:
        return self.folder / f"data-{round}.safetensors"

    def state_path(self, round: int) -> Path:
        return self.folder / f"state-{round}.pt"


def align(
    bench: Workbench,
    request: AlignRequest,
    folder: Path,
    control: JobControl = lambda: "",
    into: Path | None = None,
    replace: bool = False,
    processes: Processes = ALONE,
) -> Iterator[AlignState]:
    """Trains, saves and scores an adapter, yielding every step of it.

    The adapter goes to ``into`` (default: ``HOME/checkpoints``) under the request's name. ``control`` is asked at every
    step: anything but "" stops the run with its work kept in a subfolder of ``folder`` that is this request's own. Of
    several processes only the first samples, measures and saves.

    Raises:
        InputError: what a person can mend, in one sentence, before anything is sampled where possible.
    """
    made = plan(bench, request)
    target = (into or bench.home / "checkpoints") / request.name
    ingredients = _agreed(bench, made, processes)
    finished = is_finished(made, ingredients, target)
    for one in () if finished else (made, *map(made.kept_at, made.kept)):
        place = target.with_name(one.request.name)
        if not is_finished(one, ingredients, place):
            result.check_free(bench, one.request.name, place, replace, changed(one, ingredients, place))
    folder = folder / work_key(made, ingredients)
    folder.mkdir(parents=True, exist_ok=True)
    with _claimed(folder) if processes.first else nullcontext():
        backbone = bench.backbone(made.entry)
        clock = Clock(costs(bench, made, evaluation_seconds(backbone)))
        run = TrainingContext(bench, made, ingredients, backbone, folder, target, clock, control, processes)
        yield run.state("pictures", 0.0)
        if not finished:
            try:
                yield from _rounds(run)
            finally:
                drop_adapter(backbone, request.name)
        if processes.first and not run.asked:
            yield from _score(run)


def _agreed(bench: Workbench, made: Plan, processes: Processes) -> Ingredients:
    """What the run is made of, as the first process finds it: the others may reach neither store nor source."""
    found = json.dumps(encode(ingredients_of(bench, made))) if processes.first else ""
    return decode(Ingredients, json.loads(processes.agree(found)))


@contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """A run's folder belongs to one process at a time: two would write, and in the end delete, each other's work."""
    lock = filelock.FileLock(folder / "lock")
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        raise InputError("Another process is training this very run: wait for it, or choose another name.") from None
    try:
        yield
    finally:
        lock.release()


def _rounds(run: TrainingContext) -> Iterator[AlignState]:
    """Pictures and training, as often as the method asks for; then the adapter is saved."""
    for number in range(1, run.plan.rounds + 1):
        if number < run.plan.rounds and _round_entry(run, number + 1) is not None:
            continue
        policy = _policy(run, number)
        yield from _gather(run, number, policy)
        if run.all_asked():
            return
        data = load_data(run.data_path(number))
        halt = yield from _train(run, number, policy, data)
        if run.all_asked():
            return
        if run.processes.first and number < run.plan.rounds:
            save_adapter(run.backbone, run.plan.request.name, run.folder / f"round-{number}", {"round": number})
        run.processes.wait()
    if run.processes.first:
        _save(run, run.plan, len(data), halt)
    yield run.state("saving", 1.0, run.plan.rounds)


def _save(run: TrainingContext, made: Plan, examples: int, halt: Halt | None = None) -> None:
    """Writes the adapter in training as the checkpoint of ``made``: the run's own plan, or one that ends on its way."""
    training = TrainingEffort(round(run.clock.seconds, 1), halt.step if halt else made.steps, made.rounds)
    learned = result.learned(run.bench, made, run.data_path(made.rounds), examples)
    target = run.target.with_name(made.request.name)
    why = halt.reason if halt else ""
    result.save(made, run.backbone, run.plan.request.name, target, run.ingredients, learned, training, why)


def _round_entry(run: TrainingContext, number: int) -> CheckpointEntry | None:
    """What a round starts from: its forerunner's adapter; the first round from the parent's, if it has one."""
    if number == 1:
        return run.plan.parent if run.plan.parent.adapter is not None else None
    file = run.folder / f"round-{number - 1}" / ADAPTER_FILE
    kind = KINDS[run.plan.settings.training.adapter]
    return CheckpointEntry(f"round-{number - 1}", run.plan.entry.name, file, kind) if file.is_file() else None


def _policy(run: TrainingContext, number: int) -> Backbone:
    """The view to train: a new adapter, or one that starts as the parent's or the last round's; the base stays reference."""
    training = run.plan.settings.training
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.plan.request.seed)
        return add_adapter(
            run.backbone,
            run.plan.request.name,
            KINDS[training.adapter],
            training.rank,
            start=_round_entry(run, number),
        )


def _gather(run: TrainingContext, number: int, policy: Backbone) -> Iterator[AlignState]:
    """Makes the data of a round, unless it is in the folder already."""
    rounds, path = run.plan.rounds, run.data_path(number)
    if run.processes.first and not path.is_file():
        source = policy if number > 1 else None
        for event in gather(run.bench, run.plan, run.backbone, source, lambda: run.asked):
            if isinstance(event, Sampled):
                done = (number - 1 + event.done / event.total) / rounds
                wanted = run.plan.pictures_to_sample * rounds
                yield run.state("pictures", done, number, event.fresh, pictures=(round(done * wanted), wanted))
            else:
                save_data(event, path)
    run.processes.wait()
    if not run.asked:
        yield run.state("pictures", number / rounds, number, path.is_file())


def _train(
    run: TrainingContext, number: int, policy: Backbone, data: TrainData
) -> Generator[AlignState, None, Halt | None]:
    """One round of optimisation, with probes at step 0, every k steps and at the end; where it stopped by itself, if it did."""
    plan, first = run.plan, (number - 1) * run.plan.steps
    total, every = plan.steps * plan.rounds, plan.settings.watch.probe_every
    judge = witness_of(run.bench, plan) if every and run.processes.first else None
    rule = NarrowingRule(plan.settings.watch.narrowest, run.folder)
    halt = rule.halted()

    def probed(step: int) -> Generator[AlignState, None, Halt | None]:
        if not run.processes.first:
            return None
        found = probe(run.bench, plan, policy, judge, step)
        yield run.state("training", step / total, number, probe=found)
        return rule.look(found)

    path = run.state_path(number)
    if every and first == 0 and not path.exists():
        yield from probed(0)
    wanted = train_plan(plan, run.backbone.dtype, number, halt.step if halt else plan.steps)
    with closing(optimised(run.bench, plan, policy, data, wanted, path, run.processes)) as steps:
        for step in steps:
            at = first + step.step
            yield run.state("training", at / total, number, step=dataclasses.replace(step, step=at))
            if every and halt is None and (at % every == 0 or at == total):
                halt = yield from probed(at)
            if at in plan.kept and run.processes.first:
                _save(run, plan.kept_at(at), len(data))
            if run.all_asked() or run.processes.agree(halt.reason if halt else ""):
                return halt
    return halt


def _score(run: TrainingContext) -> Iterator[AlignState]:
    """Scores parent and checkpoint on the test cells, writes that into the manifest, and ends the run."""
    manifest = find_manifest(run.target)
    assert manifest is not None, "what was trained has been saved"
    if run.plan.settings.watch.test_prompts and manifest.scores is None:
        wanted = 2 * len(evaluation_prompts(run.plan)) * run.plan.settings.watch.test_seeds
        for done, report in result.compared(run.bench, run.plan, lambda: run.asked):
            yield run.state("scoring", done, pictures=(round(done * wanted), wanted))
            if report is not None:
                manifest = dataclasses.replace(manifest, scores=report, wall_seconds=round(run.clock.seconds, 1))
                write_manifest(run.target, manifest)
    if not run.asked:
        shutil.rmtree(run.folder, ignore_errors=True)  # what a checkpoint needs is in its own
        yield run.state("scoring", 1.0, run.plan.rounds, checkpoint=run.plan.request.name, manifest=manifest)
