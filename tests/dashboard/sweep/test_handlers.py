"""Sweep's handlers as functions: priced, started, watched, opened, extended, found again."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from t2ialign import settings
from t2ialign.dashboard.grid.form import cells_of, linked
from t2ialign.dashboard.shared.links import around_cells, around_point, grid_link
from t2ialign.dashboard.shared.paces import Paces
from t2ialign.dashboard.sweep import new_sweep, sweeps
from t2ialign.dashboard.sweep import sweep_state as state
from t2ialign.dashboard.sweep.form import FIELDS, USUAL, SweepForm, form_of, form_of_spec, spec_around, spec_of_form
from t2ialign.dashboard.sweep.sweep_state import Sweeps
from t2ialign.jobs import reconcile
from t2ialign.jobs.folder import WorkerState
from t2ialign.seeds import designed_seeds
from t2ialign.store import find_cell, list_jobs
from t2ialign.store.notes import noted
from t2ialign.types import InputError, Prompt, cell_key
from t2ialign.use_cases.batches.rescore import RescoreState
from t2ialign.use_cases.batches.score_batch import config_of
from t2ialign.use_cases.sweeps import job as jobs
from tests.dashboard import fakes

TEXTS = ("a red circle", "a ring")
FORM = SweepForm("Two scales", texts="\n".join(TEXTS), sample=0, guidance_scales="1, 4", seeds="own:8")
SCORED = ("oracle_alignment", "clip_score", "factor_diversity", "lpips")


@pytest.fixture
def found(services, monkeypatch) -> Sweeps:
    """Sweeps whose finished cells have the four scores of ``fakes``; no supervisor runs, so jobs stay in the queue."""
    monkeypatch.setattr(state, "metrics_of", lambda bench, plan: {"shapes": SCORED})
    return Sweeps(services)


@pytest.fixture(scope="module", autouse=True)
def _small_prices():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("t2ialign.dashboard.sweep.cost.SweepCosts._pace", lambda self, entry: 0.001)
        yield


def values(form: SweepForm = FORM) -> list:
    return [getattr(form, name) for name in FIELDS]


def started(found: Sweeps, form: SweepForm = FORM) -> str:
    return new_sweep.start(found, *values(form))["job"]


def stock(found: Sweeps, job: str, count: int, seeds: int = 8) -> None:
    """So many cells of a sweep are there."""
    for cell in found.look(job).plan.cells[:count]:
        fakes.add_cell(found.services.store, cell.request.prompt, cell.config, cell.request.seeds[:seeds])


def ticked(found: Sweeps, job: str = "", search: str = "", starred: bool = False, status: str = "") -> dict:
    return sweeps.tick(found, job, -1, "", "", search, starred, status)


def test_a_form_is_a_spec_and_a_spec_is_a_form():
    spec = spec_of_form(form_of(values()))
    assert form_of_spec(spec) == FORM and spec.seeds == 8 and spec.guidance_scales == (1.0, 4.0)
    for change, sentence in (
        ({"guidance_scales": "1 much"}, "CFG values are numbers"),
        ({"steps": None}, "empty"),
        ({"seeds": "own:x"}, "own:16"),
        ({"sample": 1.5}, "whole number"),
    ):
        with pytest.raises(InputError, match=sentence):
            spec_of_form(replace(FORM, **change))


def test_the_price_comes_with_the_command_and_the_file(found):
    costing = new_sweep.SweepCosts(Paces(found.services.bench))
    said = new_sweep.price(found, costing, "", *values())
    assert "4 cells: 2 conditions on 2 prompts, 32 pictures" in said["cost"]
    assert "'--prompt=a red circle'" in said["command"] and 'title = "Two scales"' in said["toml"]
    assert "magic" in new_sweep.price(found, costing, "", *values(replace(FORM, strategies=("magic",))))["cost"]
    job = started(found)
    more = new_sweep.price(found, costing, job, *values(replace(FORM, guidance_scales="8")))["cost"]
    assert "6 cells, with 16 pictures more" in more
    assert "has all of it" in new_sweep.price(found, costing, job, *values())["cost"]


@pytest.mark.slow
def test_a_sweep_is_a_job_that_knows_what_is_stored(found):
    plan = found.plan(spec_of_form(FORM))
    cell = plan.cells[0]
    fakes.add_cell(found.services.store, cell.request.prompt, cell.config, cell.request.seeds)
    job = started(found)
    [row] = list_jobs(found.services.store, kind=jobs.KIND)
    assert row.id == job and row.title == "Two scales" and row.command[0] == "sweep"
    assert len(noted(found.services.bench.home, cell.cell).pictures) == 8, "left for its worker"
    view = found.look(job)
    assert [square.state for row in view.rows for square in row.squares] == [3, 0, 0, 0]
    assert (view.done, view.total, view.pictures, view.wanted) == (1, 4, 8, 32)


@pytest.mark.slow
def test_the_map_tells_pictures_early_looks_and_finished_cells_apart(found):
    job = started(found)
    stock(found, job, 2, seeds=4)
    cells = found.look(job).plan.cells
    fakes.add_cell(found.services.store, cells[0].request.prompt, cells[0].config, cells[0].request.seeds)
    drawn = ticked(found, job)
    assert (
        drawn["map"].count('class="s3"') == 2 and "1 of 4 cells finished" in drawn["status"]
    )  # the legend has one too
    assert [square.state for square in found.look(job).rows[0].squares] == [3, 2]
    assert "status" not in sweeps.tick(found, job, -1, drawn["seen"], drawn["listed"], "", False, "")


def test_a_look_that_drew_something_is_followed_by_another_one_soon(found):
    """It may have crossed a filter's: the list of the older filter would stand until the next look."""
    drawn = ticked(found)
    assert drawn["history"] and drawn["timer"].value == state.POLL_SECONDS
    assert sweeps.tick(found, "", -1, "", drawn["listed"], "", False, "")["timer"].value == state.IDLE_SECONDS


def test_a_large_map_shows_one_row_at_a_time(found, monkeypatch):
    monkeypatch.setattr(state, "MOST_SQUARES", 3)
    job = started(found)
    assert [len(row.squares) for row in found.look(job, 1).rows] == [0, 2]
    assert sweeps.choose_place(found, {"row": 1}, job) == {"row": 1, "seen": ""}


@pytest.mark.slow
def test_a_cell_opens_with_its_pictures_and_the_ways_on(found):
    job = started(found)
    stock(found, job, 1)
    place = found.look(job).plan.cells[0]
    more = (*place.request.seeds, *range(3))  # drawn for somebody else
    fakes.add_cell(found.services.store, place.request.prompt, place.config, more)
    cell = place.cell
    drawn = sweeps.choose_place(found, {"cell": cell}, job)["cell"]
    assert drawn.count("t2-tile ready") == 8 and f"?cell={cell}" in drawn and "This prompt as a grid" in drawn
    other = found.look(job).plan.cells[-1].cell
    assert "No picture" in sweeps.choose_place(found, {"cell": other}, job)["cell"]


def test_the_link_to_the_grid_is_one_that_grid_reads(found):
    view = found.look(started(found))
    form = linked(found.services, sweeps.as_grid(view, "a ring"))
    assert form.prompt == "a ring" and form.x_values == ("1", "4") and form.y_values == ("base",)
    assert form.first_seed == designed_seeds(Prompt("a ring"), 1)[0] and form.seed_count == 8
    assert grid_link(("1",), ("base",), "a", (0, 2), 25, "cfg") == ""
    many = linked(found.services, grid_link(("1",), ("b",), "a", range(64), 9, "cfg"))
    assert many.seed_count == 16, "the first of them"


def test_a_sweep_of_large_pictures_under_a_strategy_opens_as_that_grid(found):
    form = replace(FORM, strategies=("cads:noise_scale=0.1", "cfg"), height=96, width=128, seeds="0-15")
    job = started(found, form)
    stock(found, job, 1)
    view = found.look(job)
    shown = linked(found.services, sweeps.as_grid(view))
    assert (shown.guidance, shown.size) == ("cads:noise_scale=0.1", "128x96")
    cells = {
        cell_key(config_of(found.services.bench, one.request)[1], one.request.prompt)
        for page in cells_of(shown, found.services)
        for row in page
        for one in row
    }
    assert cells <= {one.cell for one in view.plan.cells}, "what the sweep draws is what the grid shows"


def test_an_extension_queues_the_same_sweep_with_more(found):
    job = started(found)
    found.services.supervisor.pause(job)
    new_sweep.extend(found, job, *values(replace(FORM, guidance_scales="8", seeds="own:16")))
    [row] = list_jobs(found.services.store, kind=jobs.KIND)
    assert row.status == "queued" and "--guidance-scales=1,4,8" in row.command
    assert len(found.look(job).plan.cells) == 6 and found.look(job).wanted == 6 * 16
    with pytest.raises(InputError, match="steps"):
        new_sweep.extend(found, job, *values(replace(FORM, steps=9)))
    with pytest.raises(InputError, match="from the list first"):
        new_sweep.extend(found, "", *values())


@pytest.mark.parametrize(("said", "stands"), [("done", "done"), ("", "interrupted")])
def test_a_sweep_whose_process_has_just_ended_is_extended_too(found, said, stands):
    """Its row says that it runs until somebody looks after it; to be paused it has ended already."""
    store, supervisor, job = found.services.store, found.services.supervisor, started(found)
    reconcile.write(store, replace(supervisor.job(job), status="running"))
    reconcile.folder(store, supervisor.job(job)).write_state(WorkerState(ended=said))
    with pytest.raises(InputError):
        supervisor.pause(job)
    assert supervisor.job(job).status == stands
    reconcile.write(store, replace(supervisor.job(job), status="running"))
    new_sweep.extend(found, job, *values(replace(FORM, guidance_scales="8")))
    assert supervisor.job(job).status == "queued" and len(found.look(job).plan.cells) == 6


def test_pause_resume_cancel_and_resume_what_was_done(found):
    job = started(found)
    sweeps.pause(found, job)
    assert found.look(job).job.status == "paused" and ticked(found, job)["resume"].visible
    sweeps.resume(found, job)
    assert found.look(job).job.status == "queued"
    sweeps.cancel(found, job)
    assert "Cancelled." in ticked(found, job)["status"]
    sweeps.resume(found, job)
    assert found.look(job).job.status == "queued"


@pytest.mark.slow
def test_scores_are_made_anew_without_a_picture(found, monkeypatch):
    job, asked = started(found), []
    stock(found, job, 2)

    def rescore(bench, names, cells, cancelled, scorers):
        asked.append(cells)
        yield RescoreState(2, 2)

    monkeypatch.setattr(sweeps, "rescore", rescore)
    sweeps.score_anew(found, job)
    found.services.engine.wait(state.rescoring(job), 30)
    assert len(asked[0]) == 4 and "Nothing to do" in found.look(job).rescoring


@pytest.mark.slow
def test_the_list_is_searched_starred_noted_renamed_deleted_and_taken_back(found):
    one, two = started(found), started(found, replace(FORM, title="Other", guidance_scales="2"))

    def mark(act: str, job: str = one, text: str = "") -> dict:
        return sweeps.mark(found, {"act": act, "job": job, "text": text}, one)

    def listed(**asked) -> list[str]:
        return [
            row.job.id for row in sweeps.list_rows(found, **{"search": "", "starred": False, "status": "", **asked})
        ]

    assert listed() == [two, one] and listed(search="two SCALES") == [one] and listed(search="nowhere") == []
    mark("star")
    mark("note", text="  look   again ")
    assert listed(starred=True) == [one] == listed(search="look again")
    mark("rename", text="Named anew")
    assert found.look(one).job.title == "Named anew" == found.look(one).spec.title
    sweeps.pause(found, two)
    assert listed(status="paused") == [two] and listed(status="live") == [one] and listed(status="ended") == []
    gone = mark("delete")
    assert "Undo" in gone["gone"] and gone["job"] == "" and listed() == [two]
    assert found.services.supervisor.job(one).status == "paused", "nothing works on what is deleted"
    mark("recall")
    assert listed() == [two, one] and mark("open") == {"job": one}
    assert 'value="Named anew"' in ticked(found)["history"]


def test_settings_come_back_into_the_form(found):
    job = started(found)
    filled = sweeps.restore(found, job)
    assert filled["texts"] == FORM.texts and filled["guidance_scales"] == "1, 4" and filled["seeds"] == "own:8"


@pytest.mark.slow
def test_a_link_opens_a_sweep_or_fills_the_form_around_a_picture_or_a_point(found, config):
    job = started(found)
    assert sweeps.open_page(found, {"query": f"?tab=sweep&sweep={job}"})["job"] == job
    prompt = Prompt("a blue star")
    cells = [fakes.add_cell(found.services.store, prompt, config(name, 4), range(4)) for name in ("base", "spo")]
    filled = sweeps.open_page(found, {"query": around_cells(cell.cell for cell in cells)})
    assert filled["texts"] == "a blue star" and filled["guidance_scales"] == "2, 3, 4, 6, 8"
    assert filled["checkpoints"] == ["base", "spo"] and filled["weights"] == "0.5, 0.75, 1" and filled["seeds"] == "0-3"
    spec = spec_around(found.services, around_point(cells[1].config.key).partition("around=")[2])
    assert spec.prompts.texts == ("a blue star",) and spec.checkpoints == ("spo",)
    assert find_cell(found.services.store, cells[0].cell).seeds == spec.seeds
    for query in ("?sweep=nobody", "?around=nothing", "?around=point:nothing"):
        with pytest.raises(InputError):
            sweeps.open_page(found, {"query": query})


@pytest.mark.slow
def test_a_sweep_around_a_picture_keeps_how_it_was_drawn_or_says_that_it_cannot(found, config):
    def around(**more):
        cell = fakes.add_cell(found.services.store, Prompt("a blue star"), config("base", 4, **more), range(4))
        return spec_around(found.services, cell.cell)

    assert around(guidance="cads", guidance_params=(("noise_scale", 0.1),)).strategies == ("cads:noise_scale=0.1",)
    assert (around().height, around().width) == (0, 0)
    large = around(height=128)
    assert (large.height, large.width) == (128, 64)
    assert spec_of_form(form_of_spec(large)) == large, "the form says it too"
    judged = replace(large, metrics=("short", "fsim"))
    assert spec_of_form(form_of_spec(judged)) == judged, "and by what it is scored"
    with pytest.raises(InputError, match="no scorer called 'mine'"):  # and by whom: this registry knows none
        spec_of_form(form_of_spec(replace(large, scorers=("mine",))))
    both = [
        fakes.add_cell(found.services.store, Prompt("a blue star"), config("base", 4, height=h), range(4))
        for h in (64, 128)
    ]
    with pytest.raises(InputError, match="64 x 64 and 128 x 64 pixels"):
        spec_around(found.services, ",".join(cell.cell for cell in both))
    euler = around(scheduler="euler")
    assert euler.scheduler == "euler" and spec_of_form(form_of_spec(euler)) == euler
    mixed = [
        fakes.add_cell(found.services.store, Prompt("a blue star"), config("base", 4, scheduler=one), range(4))
        for one in ("ddim", "unipc")
    ]
    with pytest.raises(InputError, match="drawn by ddim and unipc, and a sweep has one scheduler"):
        spec_around(found.services, ",".join(cell.cell for cell in mixed))
    with pytest.raises(InputError, match="a negative prompt"):
        around(negative_prompt="a ring")


def test_the_form_begins_as_the_chosen_checkpoints_are_drawn_and_says_where_they_differ(found, monkeypatch):
    """Spo gets numbers of its own here, as an entry of the registry may have them."""
    fakes.with_numbers(monkeypatch, "spo", steps=4, guidance_scale=1.0, scheduler="lcm")
    first = [getattr(SweepForm(), name) for name in USUAL]
    first[-1] = list(first[-1])
    begun = new_sweep.follow_checkpoints(found.services, "shapes-test", ["spo"], *first)
    assert {name: begun[name] for name in USUAL} == {
        "scheduler": "lcm",
        "steps": 4,
        "guidance_scales": "1",
        "strategies": ["cfg"],
    }
    back = new_sweep.follow_checkpoints(found.services, "shapes-test", ["base"], *(begun[name] for name in USUAL))
    assert [back[name] for name in USUAL] == first
    first[1] = 24
    assert not set(USUAL) & set(new_sweep.follow_checkpoints(found.services, "shapes-test", ["spo"], *first))
    costing = new_sweep.SweepCosts(Paces(found.services.bench))
    said = new_sweep.price(found, costing, "", *values(replace(FORM, checkpoints=("base", "spo"))))["cost"]
    assert "spo: 4 steps of lcm at CFG 1" in said and "one at a time" in said
    assert "usually" not in new_sweep.price(found, costing, "", *values())["cost"]


def test_what_can_no_longer_be_planned_says_why_and_stays(found, monkeypatch, tmp_path):
    job = started(found, replace(FORM, checkpoints=("spo",)))
    folder = shutil.copytree(settings.CHECKPOINTS, tmp_path / "fewer")
    shutil.rmtree(folder / "spo")
    monkeypatch.setattr(settings, "CHECKPOINTS", folder)
    drawn = ticked(Sweeps(found.services), job)
    assert "spo" in drawn["status"] and drawn["map"] == ""
