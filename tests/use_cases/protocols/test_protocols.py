"""Papers' protocols: files that name what exists, a dry run, and the whole way from training to ours beside the paper's."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from t2ialign.registry import BackboneEntry
from t2ialign.store import open_store
from t2ialign.types import InputError, Interval, Prompt
from t2ialign.use_cases.batches.distance import Population
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.protocols import plan as planning
from t2ialign.use_cases.protocols import run as running
from t2ialign.use_cases.protocols import tables
from t2ialign.use_cases.protocols.plan import ProtocolChanges, ProtocolPlan, make_plan, read_options
from t2ialign.use_cases.protocols.protocol import FOLDER, load_protocol, names, read_protocol
from t2ialign.use_cases.protocols.run import ProtocolState, Scored, run_protocol
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.workbench import open_workbench, workbench_on

TINY = {
    "seeds": "own:2",
    "steps": 2,
    "train_steps": 1,
    "limit": 1,
    "options": (("prompt_count", "2"), ("candidates", "2"), ("batch_size", "2"), ("sampling_steps", "2")),
}


@pytest.mark.parametrize("name", names())
def test_every_published_row_is_whole(name: str) -> None:
    found = load_protocol(name)
    assert found.rows[0].name == "base" and not found.rows[0].method
    assert all(table.published for table in found.tables) and "arXiv" in found.paper


def test_published_numbers_are_the_papers() -> None:
    """A row of each table, typed in from the papers once more."""
    first, second = load_protocol("f-divergence").tables
    assert [number[0] for number in first.published["jensen-shannon"]] == [0.361, 0.647, 5.884, 0.631, 21.635, 27.850]
    assert [number[0] for number in second.published["alpha-0.6"]] == [
        *(0.8385, 7.4551, 14.3648, 0.6387),
        *(0.0253, 32.0264, 0.6321, 0.3059),
    ]
    blip, hps = load_protocol("mi-tune").tables
    assert [number for (number,) in blip.published["best"]] == [65.04, 50.08, 65.82, 18.51, 67.77, 54.17]
    assert sum(number for (number,) in blip.published["base"]) / 6 == pytest.approx(
        45.81, abs=0.01
    )  # the paper's (avg)
    assert sum(number for (number,) in blip.published["best"]) / 6 == pytest.approx(53.56, abs=0.01)
    assert sum(number for (number,) in hps.published["base"]) / 6 == pytest.approx(26.17, abs=0.01)
    assert sum(number for (number,) in hps.published["best"]) / 6 == pytest.approx(27.21, abs=0.01)
    said = load_protocol("mi-tune").distances.published
    for measure, average in (("fid", 18.7), ("fd_dinov2", 250.9), ("cmmd", 0.680)):
        assert sum(said[measure][1:]) / 6 == pytest.approx(average, abs=0.05 if average > 1 else 0.005)


@pytest.mark.slow
def test_a_protocol_runs_from_training_to_the_table(home: Path) -> None:
    with open_workbench(home) as bench:
        plan = make_plan(
            bench, "mi-tune", load_protocol("mi-tune"), ProtocolChanges("shapes", guidance_scales=(2.0, 4.0), **TINY)
        )
        categories = ("color", "shape", "texture", "spatial", "complex")
        assert [one.category for one in plan.trainings] == [*categories] * 3 and len(plan.cells) == (5 + 15) * 2
        assert plan.captions == (), "they want real pictures"
        grid = ProtocolChanges("shapes", guidance_scales=(2.0, 4.0), captions="shapes-test", reference="real", **TINY)
        captions = make_plan(bench, "mi-tune", load_protocol("mi-tune"), grid).captions
        prompts = len({one.request.prompt for one in captions})
        assert len(captions) == (1 + 15) * 2 * prompts and {one.request.guidance_scale for one in captions} == {
            2.0,
            4.0,
        }
        assert {one.row for one in captions} == {"base", "rounds-1", "rounds-2", "rounds-3"}
        short = planning.replace(plan, trainings=plan.trainings[:1], cells=(*plan.cells[:10], *plan.cells[10:12]))
        *_, state = run_protocol(bench, short)
        again = list(run_protocol(bench, short))[-1]
        assert bench.registry().checkpoints["mi-tune-shapes-rounds-1-color"].kind == "lora"  # as small models train
    assert state.finished and {one.row for one in state.scored} == {"base", "rounds-1"}
    for first, second in zip(state.scored, again.scored, strict=True):  # read back, not drawn anew
        assert second.values == pytest.approx(first.values, rel=0, abs=0, nan_ok=True)
    filled = tables.fill(plan, state)
    own = filled[-1]
    ours = next(line for line in own.lines if line.row == "rounds-1" and line.guidance_scale == 2.0)
    column = next(index for index, title in enumerate(own.columns) if title.startswith("RMSE"))
    [mine] = [one for one in state.scored if (one.row, one.guidance_scale) == ("rounds-1", 2.0)]
    assert ours.numbers[column].mean == pytest.approx(mine.values["rmse"])
    text = "\n".join(tables.lines(plan, filled, state.notes))
    assert "| *paper: MI-TUNE, best of the grid* |  | 65.04 | 50.08 |" in text
    assert "No prompt is of the categories non_spatial" in text and "No distances were measured" in text


@pytest.mark.slow
def test_a_dry_run_says_cells_weights_and_time(home: Path) -> None:
    with open_workbench(home) as bench:
        plan = make_plan(bench, "f-divergence", load_protocol("f-divergence"), ProtocolChanges("shapes", **TINY))
        cost = planning.needed(bench, plan)
        assert len(plan.trainings) == 7 and len(plan.cells) == 8 and plan.pictures == 16
        assert {one.name for one in cost.weights} >= {"shapes", "lpips-shapes", "clip-shapes"}
        assert cost.drawing and cost.training
        text = "\n".join(planning.lines(plan, cost))
        assert "7 checkpoints to train, 8 cells, 16 pictures." in text and "vqa_score" in text
        with pytest.raises(
            InputError, match="hpsv2-test are not here: `t2ialign prompts import zhwang/HPDv2/test.json"
        ):
            make_plan(bench, "f-divergence", load_protocol("f-divergence"), ProtocolChanges())
        with pytest.raises(
            InputError, match="hpsv2-benchmark are not here: .* or name another set with .*--train-prompts"
        ):
            make_plan(bench, "f-divergence", load_protocol("f-divergence"), ProtocolChanges(prompts="everyday"))
        here = ProtocolChanges(prompts="everyday", train_prompts="everyday")
        on_sd = make_plan(bench, "f-divergence", load_protocol("f-divergence"), here)
        assert str(on_sd.trainings[0].request.pairs) == "hub:kashif/pickascore"
        cost = planning.needed(bench, on_sd)
        assert cost.drawing is None and "sd-1.5 is not on this machine" in "\n".join(planning.lines(on_sd, cost))


def test_columns_are_shown_in_the_papers_unit() -> None:
    """By hand: a similarity is one minus our distance, a share is in percent, and each column has its category alone."""
    found = load_protocol("mi-tune")
    scored = [
        Scored("base", 7.5, "color", "a", {"blip_vqa": 0.5}),
        Scored("base", 7.5, "color", "b", {"blip_vqa": 0.3}),
        Scored("base", 7.5, "shape", "c", {"blip_vqa": math.nan}),
        Scored("rounds-1", 7.5, "color", "a", {"blip_vqa": 0.6}),
        Scored("rounds-2", 2.5, "color", "a", {"blip_vqa": 0.7}),
    ]
    lines = tables._filled(found.tables[0], found.rows, scored).lines
    ours = next(line for line in lines if line.row == "base" and not line.published)
    assert ours.numbers[0].mean == pytest.approx(40) and ours.numbers[0].sd == pytest.approx(14.1421, abs=1e-3)
    assert math.isnan(ours.numbers[1].mean)
    best = next(line for line in lines if line.row == "best" and not line.published)
    assert best.numbers[0].mean == pytest.approx(70)
    diversity = load_protocol("f-divergence").tables[1]
    assert diversity.columns[0].shown(0.2) == pytest.approx(0.8) and diversity.columns[1].shown(7.2) == 7.2


def of_the_grid(scored: list[Scored] | None = None) -> ProtocolState:
    """A distance for every place: 100 for each CFG, 10 for each round, 1 for each category, in this order."""
    places = [("base", "", scale) for scale in (2.5, 7.5)]
    places += [(f"rounds-{n}", name, scale) for n in (1, 2) for name in ("color", "shape") for scale in (2.5, 7.5)]

    def value(row: str, category: str, scale: float) -> float:
        rounds = 0 if row == "base" else int(row[-1])
        return 100 * (2.5, 7.5).index(scale) + 10 * rounds + ("", "color", "shape").index(category)

    distances = {place: {"fid": Interval(value(*place), 0.0, 0.0)} for place in places}
    return ProtocolState("done", 1.0, None, tuple(scored or ()), distances)


def test_distances_are_printed_over_the_grid_and_at_its_best_point() -> None:
    """By hand: color is best at one round and CFG 7.5, shape at two rounds and CFG 2.5, texture was measured nowhere."""
    found = load_protocol("mi-tune")
    scored = [
        Scored("rounds-1", 7.5, "color", "a", {"blip_vqa": 0.9, "hps_v20": 0.1}),
        Scored("rounds-2", 2.5, "color", "a", {"blip_vqa": 0.2, "hps_v20": 0.9}),
        Scored("rounds-1", 7.5, "shape", "b", {"blip_vqa": 0.3}),
        Scored("rounds-2", 2.5, "shape", "b", {"blip_vqa": 0.4}),
        Scored("base", 2.5, "shape", "b", {"blip_vqa": 0.99}),
    ]
    entry = BackboneEntry("sd-2.1-base", "sd", "org/name")
    plan = ProtocolPlan("mi-tune", found, ProtocolChanges(), entry, (), (), (), (), (), ())
    filled = tables._distances(plan, found.distances, of_the_grid(scored))
    fid = [line for line in filled.lines if line.row.startswith("fid")]
    shown = [(line.title, line.guidance_scale, [number.mean for number in line.numbers[:3]]) for line in fid]
    nan = pytest.approx(math.nan, nan_ok=True)
    assert shown == [
        ("fid: sd-2.1-base", 2.5, [0, nan, nan]),
        ("fid: sd-2.1-base", 7.5, [100, nan, nan]),
        ("fid: MI-TUNE, R = 1", 2.5, [nan, 11, 12]),
        ("fid: MI-TUNE, R = 1", 7.5, [nan, 111, 112]),
        ("fid: MI-TUNE, R = 2", 2.5, [nan, 21, 22]),
        ("fid: MI-TUNE, R = 2", 7.5, [nan, 121, 122]),
        ("fid: MI-TUNE, best of the grid", None, [nan, 111, 22]),
        ("fid", None, [17.1, 22.1, 16.8]),
    ]
    assert math.isnan(fid[-2].numbers[3].mean) and fid[-1].published


def test_real_pictures_are_embedded_once_for_all_places_of_the_grid(
    tmp_path: Path, new_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each place of the grid is a population of its own."""
    asked: list[tuple[int, dict]] = []

    def measured(bench, sides, measures, scorers, kept):
        asked.append((len(sides[0].images), kept))
        return SimpleNamespace(found={"fid": Interval(float(len(asked)), 0.0, 0.0)}, skipped={})

    def population(bench, cells):
        return Population(cells[0].request.checkpoint, torch.zeros(len(cells), 3, 8, 8, dtype=torch.uint8))

    monkeypatch.setattr(running, "measure", measured)
    monkeypatch.setattr(running, "picture_files", lambda folder: [folder])
    monkeypatch.setattr(running, "read_pictures", lambda files: torch.zeros(3, 3, 8, 8, dtype=torch.uint8))
    monkeypatch.setattr(running, "_population", population)
    cells = tuple(
        planning.PlannedPrompt(row, category, BatchRequest(Prompt(text), f"{row}{category}", (0,), scale))
        for row, category in (("base", ""), ("rounds-1", "color"))
        for scale in (2.5, 7.5)
        for text in ("a", "b")
    )
    entry, changes = BackboneEntry("sd-2.1-base", "sd", "org/name"), ProtocolChanges(reference="real")
    plan = ProtocolPlan("mi-tune", load_protocol("mi-tune"), changes, entry, (), (), cells, (), (), ())
    with open_store(shutil.copytree(new_store, tmp_path / "home")) as opened:
        found, why = running._distances(workbench_on(StoreResults(opened)), plan)
    assert found is not None and why == ()
    assert {place: one["fid"].mean for place, one in found.items()} == {
        ("base", "", 2.5): 1,
        ("base", "", 7.5): 2,
        ("rounds-1", "color", 2.5): 3,
        ("rounds-1", "color", 7.5): 4,
    }
    assert [count for count, _ in asked] == [2] * 4 and all(kept is asked[0][1] for _, kept in asked)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('metric = "lpips"', 'metric = "lipps"', "lpips"),
        ('method = "f_dpo"', 'method = "dpo"', "no method"),
        ('"base" = [[0.352, 0.049], ', '"base" = [', "fit no row, or not all 6"),
        ("steps = 25", 'steps = "many"', "whole number"),
        ("title = ", "titel = ", "is no protocol"),
    ],
)
def test_a_file_that_is_no_protocol_is_refused(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    text = (FOLDER / "f-divergence.toml").read_text()
    assert old in text
    (tmp_path / "odd.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=sentence):
        read_protocol(tmp_path / "odd.toml")


def test_slips_are_answered() -> None:
    assert read_options(["prompt-count = 3"]) == (("prompt_count", "3"),)
    with pytest.raises(InputError, match="written name=value"):
        read_options(["prompt_count"])
    with pytest.raises(InputError, match="mi-tune"):
        load_protocol("mi_tune")
    assert not ProtocolState("x", 0.0).finished
