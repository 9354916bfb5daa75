"""Plans: which cells, in which order; what is stored is left out, whoever owns the store; and what the rest costs."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from t2ialign import settings, store
from t2ialign.seeds import designed_seeds
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.results import InboxResults, StoreResults
from t2ialign.use_cases.sweeps import run
from t2ialign.use_cases.sweeps.command import command_of
from t2ialign.use_cases.sweeps.estimate import estimate, in_words
from t2ialign.use_cases.sweeps.plan import COARSE_SEEDS, plan_sweep
from t2ialign.use_cases.sweeps.spec import PromptChoice, SweepSpec, extended
from t2ialign.use_cases.workbench import Workbench, workbench_on
from tests.dashboard import fakes

SPEC = SweepSpec(prompts=PromptChoice(texts=("a red circle", "a ring", "a star")), guidance_scales=(1.0, 4.0), seeds=8)


@pytest.fixture(scope="module")
def registry(tmp_path_factory) -> Path:
    return fakes.write_registry(tmp_path_factory.mktemp("registry") / "checkpoints")


@pytest.fixture
def bench(tmp_path: Path, new_store: Path, registry: Path, monkeypatch):
    monkeypatch.setattr(settings, "CHECKPOINTS", registry)
    with store.open_store(shutil.copytree(new_store, tmp_path / "home")) as opened:
        yield workbench_on(StoreResults(opened))


@pytest.fixture
def versions(monkeypatch):
    """Finished is what has the four scores of ``fakes``."""
    names = ("oracle_alignment", "clip_score", "factor_diversity", "lpips")
    monkeypatch.setattr(run, "_versions", lambda bench, plan: {"shapes": frozenset((name, "1") for name in names)})


def test_every_condition_meets_every_prompt_and_weights_are_for_adapters(bench: Workbench):
    spec = replace(
        SPEC, checkpoints=("base", "spo", "mi-tune@0.3"), weights=(0.5, 1.0), strategies=("cfg", "cads:noise_scale=0.1")
    )
    plan = plan_sweep(bench, spec)
    names = list(dict.fromkeys(one.checkpoint for one in plan.conditions))
    assert names == ["base", "spo@0.5", "spo", "mi-tune@0.3"]
    assert len(plan.conditions) == 4 * 2 * 2 and len(plan.cells) == 16 * 3 and plan.pictures == 16 * 3 * 8
    assert len({cell.cell for cell in plan.cells}) == len(plan.cells)
    assert plan.cells[0].request.seeds == designed_seeds(Prompt("a red circle"), 8)


def test_pictures_have_the_size_that_is_asked_for(bench: Workbench):
    plan = plan_sweep(bench, replace(SPEC, height=80, width=72))
    assert {(cell.config.height, cell.config.width) for cell in plan.cells} == {(80, 72)}
    assert {(cell.config.height, cell.config.width) for cell in plan_sweep(bench, SPEC).cells} == {(64, 64)}
    with pytest.raises(InputError, match="keeps the size"):
        extended(SPEC, replace(SPEC, height=80))


def test_all_conditions_come_on_a_few_seeds_first(bench: Workbench):
    many = replace(SPEC, prompts=PromptChoice(texts=tuple(f"a ring {n}" for n in range(40))))
    plan = plan_sweep(bench, many)
    tasks = list(plan.tasks())
    first = tasks[: 2 * len(plan.first_prompts)]
    assert {task.cell.condition for task in first} == {0, 1} and len(plan.first_prompts) == 3
    assert [len(task.seeds) for task in tasks] == [COARSE_SEEDS] * 80 + [8] * 80
    assert sum(task.fresh for task in tasks) == plan.pictures
    share = sum(task.fresh for task in first) / plan.pictures
    assert share < 0.04, "the chart has every condition after a few percent"
    titles = [found.title for found in plan.benchmarks()]
    assert titles == ["40 prompts, 4 seeds each", "40 prompts, 8 seeds each"]


def test_what_depends_on_its_whole_batch_has_no_early_look(bench: Workbench):
    plan = plan_sweep(bench, replace(SPEC, strategies=("latent_particle",)))
    assert [task.last for task in plan.tasks()] == [True] * 6
    assert plan_sweep(bench, replace(SPEC, seeds=6)).coarse is None


def test_bad_plans_are_one_sentence(bench: Workbench):
    for spec, sentence in (
        (replace(SPEC, checkpoints=("sop",)), "did you mean 'spo'"),
        (replace(SPEC, strategies=("autoguidance",)), "base is a base itself"),
        (replace(SPEC, guidance_scales=tuple(1 + n / 1000 for n in range(40_000))), "more than 100,000 cells"),
    ):
        with pytest.raises(InputError, match=sentence):
            plan_sweep(bench, spec)


@pytest.mark.slow
def test_only_what_is_missing_is_left_to_do_whoever_owns_the_store(bench: Workbench, versions):
    plan = plan_sweep(bench, SPEC)
    fakes.add_cell(bench.store, plan.cells[0].request.prompt, plan.cells[0].config, plan.cells[0].request.seeds)
    fakes.add_cell(bench.store, plan.cells[1].request.prompt, plan.cells[1].config, plan.cells[1].request.seeds[:4])
    todo, _ = run.remaining_tasks(bench, plan)
    done = {cell.cell for cell in plan.cells[:1]}
    assert not [left for left in todo if left.task.cell.cell in done]
    assert [left.task.last for left in todo if left.task.cell.cell == plan.cells[1].cell] == [True]
    assert sum(left.missing for left in todo) == plan.pictures - 8 - 4
    beside = workbench_on(InboxResults(bench.home))
    assert len(run.remaining_tasks(beside, plan)[0]) == 12, "a worker that was told nothing"
    for cell in plan.cells[:2]:
        bench.results.share_cell(cell.config, cell.request.prompt)
    assert run.remaining_tasks(beside, plan)[0] == todo


def test_the_price_counts_what_is_stored_and_says_when_nobody_knows(bench: Workbench):
    plan = plan_sweep(bench, SPEC)
    fakes.add_cell(bench.store, plan.cells[0].request.prompt, plan.cells[0].config, plan.cells[0].request.seeds)
    found = estimate(bench, plan, lambda entry: 0.002)
    assert (found.cells, found.conditions, found.prompts, found.pictures, found.stored) == (6, 2, 3, 48, 8)
    assert found.seconds > 40 * 25 * 2 * 0.002 and 40 * 1000 < found.disk < 40 * 20_000
    said = " ".join(in_words(found))
    assert "6 cells: 2 conditions on 3 prompts, 48 pictures." in said and "8 pictures are stored" in said
    unknown = estimate(bench, plan, lambda entry: None)
    assert unknown.seconds is None and "nobody knows" in " ".join(in_words(unknown))
    assert "make room first" in " ".join(in_words(replace(found, free=1.0)))


def test_the_command_line_says_the_same(bench: Workbench):
    assert command_of(SweepSpec()) == ("sweep",)
    sana = command_of(SweepSpec(checkpoints=("sana-1.6b",)))
    assert {"--steps=25", "--scheduler=ddim", "--guidance-scales=1,2,4,6,8", "--guidance=cfg"} < set(sana), (
        "not its usual"
    )
    assert "--scheduler=ddim" in command_of(SweepSpec(checkpoints=("base", "of another machine")))
    spec = replace(SPEC, weights=(0.1, 1.0), strategies=("cads:noise_scale=0.1",), seeds=(0, 1, 5), title="a b")
    words = command_of(spec)
    assert "--guidance-scales=1,4" in words and "--seeds=0,1,5" in words and "--weights=0.1,1" in words
    assert words[-3:] == ("--prompt=a red circle", "--prompt=a ring", "--prompt=a star")
