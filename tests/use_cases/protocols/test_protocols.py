"""Papers' protocols: files that name what exists, a dry run, and the whole way from training to ours beside the paper's."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from t2ialign.types import InputError
from t2ialign.use_cases.protocols import plan as planning
from t2ialign.use_cases.protocols import tables
from t2ialign.use_cases.protocols.plan import ProtocolChanges, make_plan, read_options
from t2ialign.use_cases.protocols.protocol import FOLDER, load_protocol, names, read_protocol
from t2ialign.use_cases.protocols.run import ProtocolState, Scored, run_protocol
from t2ialign.use_cases.workbench import open_workbench

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
