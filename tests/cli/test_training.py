"""The align and merge commands as a person types them."""

from __future__ import annotations

import json
import shutil
import sys

import pytest

from t2ialign import cli

TINY = "--steps 2 --prompt-count 2 --candidates 2 --sampling-steps 2 --probe-every 0 --test-prompts 0 --batch-size=2 --rank 2"


@pytest.fixture
def run(monkeypatch, capsys, tmp_path, light_home):
    """The console script within this process, on a store of its own: exit code, stdout and stderr."""
    shutil.copytree(light_home, tmp_path, dirs_exist_ok=True)

    def call(line: str, *more: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["t2ialign", *line.split(), *more, "--store", str(tmp_path)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        output = capsys.readouterr()
        return stopped.value.code or 0, output.out, output.err

    return call


@pytest.mark.slow
def test_align_and_merge_make_checkpoints(run, tmp_path) -> None:
    code, out, err = run(
        f"align f_dpo --divergence js --beta 2 --no-match-strength --pairs annotator --name js {TINY} --json"
    )
    manifest = json.loads(out)
    assert code == 0 and manifest["request"]["options"]["match_strength"] is False, err
    assert manifest["request"]["options"]["beta"] == 2 and "training js" in err
    assert json.loads(run("merge js@0.5 --name half --json")[1])["parents"] == ["js"]
    code, out, _ = run("checkpoints --json")
    assert {"js", "half"} <= {row["name"] for row in json.loads(out)}
    assert (
        run(f"align f_dpo --name js {TINY}")[2].splitlines()[-1].startswith("t2ialign: There is a checkpoint called js")
    )


@pytest.mark.slow
def test_a_merged_dora_says_how_close_it_is(run) -> None:
    code, out, err = run("merge mi_tune@0.5 mi_tune_dora@0.5 --name both")
    assert code == 0 and "both is merged from mi_tune and mi_tune_dora; exact, at rank " in out, err
    code, out, _ = run("merge mi_tune_dora --name small --rank 4")
    assert (
        code == 0
        and "small is merged from mi_tune_dora; at rank 4 it misses " in out
        and " % in the worst layer, " in out
    )
    said = json.loads(run("merge mi_tune_dora --name again --rank 4 --json")[1])["merge_error"]
    assert said["rank"] == 4 and 0 < said["total"] < said["worst"] < 1 and said["layer"] in out
    assert run("merge mi_tune_dora --name no --rank -1")[0] == 2


@pytest.mark.slow
def test_a_job_reports_what_it_does(run, tmp_path) -> None:
    code, _, err = run(f"align ipo --name reported {TINY.replace('--probe-every 0', '--probe-every 1')} --job j1")
    folder = tmp_path / "jobs" / "j1"
    assert code == 0, err
    assert json.loads((folder / "progress.json").read_text())["ended"] == "done"
    steps = [json.loads(line)["record"] for line in (folder / "steps.jsonl").read_text().splitlines()]
    probes = [json.loads(line)["record"] for line in (folder / "probes.jsonl").read_text().splitlines()]
    assert [step["step"] for step in steps] == [1, 2] and [probe["step"] for probe in probes] == [0, 1, 2]
    assert len(probes[0]["pictures"]) == 16 and probes[0]["alignment"]["mean"] is not None


FEW = "--steps 2 --prompt-count 2 --sampling-steps 2 --probe-every 0 --test-prompts 0 --rank 2"
DRAWN = f"{FEW} --groups 1 --candidates 2"


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        f"draft --pairs style:minimal --last 2 --kl-weight 0.1 {DRAWN}",
        f"draft --pairs metric:clip_score --again 2 --correction 1.5 {DRAWN}",
        f"refl --pairs metric:clip_score {DRAWN}",
        f"ncppo --pairs style:minimal {FEW} --candidates 2 --batch-size 2",
        f"popalign --pairs metric:factor_diversity {FEW} --candidates 8 --batch-size 2",
    ],
)
def test_a_job_trains_by_a_slope_by_perception_or_by_populations(run, tmp_path, line: str) -> None:
    code, _, err = run(f"align {line} --name new --job j1")
    folder = tmp_path / "jobs" / "j1"
    assert code == 0, err
    assert json.loads((folder / "progress.json").read_text())["ended"] == "done"
    steps = [json.loads(row)["record"] for row in (folder / "steps.jsonl").read_text().splitlines()]
    assert [step["step"] for step in steps] == [1, 2] and all(step["grad_norm"] > 0 for step in steps)
    assert (tmp_path / "checkpoints" / "new" / "manifest.json").is_file()


@pytest.mark.slow
def test_a_noise_is_searched_and_its_pictures_saved(run, tmp_path) -> None:
    out = tmp_path.parent / "found"
    words = "--reward style:minimal --steps 2 --search-steps 2 --learning-rate 0.05 --json"
    code, printed, err = run(f"search-noise {words}", "a ring", "--out", str(out))
    assert code == 0, err
    rows = json.loads(printed)
    assert [row["step"] for row in rows] == [0, 1, 2] and rows[-1]["reward"] > rows[0]["reward"]
    assert sorted(file.name for file in out.iterdir()) == ["best.png", "first.png"]
    for prompt, reward, sentence in (
        ("a ring", "metric:oracle_alignment", "has no slope"),
        ("a dog", "style:minimal", "use prompts of their own world"),
    ):
        code, _, err = run(f"search-noise --reward {reward}", prompt)
        assert code == 2 and sentence in err


@pytest.mark.slow
def test_a_job_that_is_asked_to_pause_keeps_its_work(run, tmp_path) -> None:
    folder = tmp_path / "jobs" / "j2"
    folder.mkdir(parents=True)
    (folder / "control").write_text("pause")
    code, _, _ = run(f"align ipo --name paused {TINY} --job j2")
    assert code == 75 and not (tmp_path / "checkpoints" / "paused").exists()
    (folder / "control").unlink(missing_ok=True)
    assert run(f"align ipo --name paused {TINY} --job j2")[0] == 0
    assert (tmp_path / "checkpoints" / "paused" / "manifest.json").is_file()


@pytest.mark.slow
def test_the_estimate_and_the_fields(run, tmp_path) -> None:
    cost = json.loads(run(f"align mi_tune {TINY} --estimate --json")[1])
    assert cost["seconds"] > 0 and set(cost["phases"]) == {"pictures", "training", "saving", "scoring"}
    assert not (tmp_path / "checkpoints").exists()
    assert "--top-k" in run("align mi_tune --fields")[1]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("align f_dop", "did you mean 'f_dpo'"),
        ("align f_dpo --betta 2", "did you mean 'beta'"),
        ("align f_dpo --beta", "--beta needs a value"),
        ("align f_dpo --beta much", "Beta must be a number"),
        ("align f_dpo beta 2", "'beta' belongs to no option"),
        ("merge base --name x", "base itself"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(run, line: str, sentence: str) -> None:
    code, out, err = run(line)
    assert (code, out) == (2, "") and sentence in err.splitlines()[-1] and "Traceback" not in err
