"""The sweep command: a file or flags, what it prints, and the way back from the command line to the spec."""

from __future__ import annotations

import json
import threading
import tomllib
from dataclasses import replace

import pytest

from t2ialign.cli import sweep
from t2ialign.jobs.precedence import serving
from t2ialign.use_cases.sweeps.command import command_of
from t2ialign.use_cases.sweeps.spec import PromptChoice, SweepSpec, from_toml, to_toml
from t2ialign.use_cases.workbench import open_workbench

SPEC = SweepSpec(
    "Two, with commas",
    PromptChoice(texts=("a red circle, and a ring", "--a star")),
    ("base", "dpo"),
    (0.5, 1.0),
    (1.0, 2.25),
    ("cfg", "cads:noise_scale=0.1:tau1=0.5"),
    (0, 1, 2, 7),
    12,
    ("lpips", "clip_score"),
)


@pytest.mark.slow
def test_the_command_line_of_a_spec_is_read_as_that_spec(run, home):
    elsewhere = replace(SPEC, prompts=PromptChoice("everyday", sample=3), height=80, width=72)
    of_few_steps = SweepSpec(checkpoints=("flux.1-schnell",), scheduler="euler", num_inference_steps=25)
    for spec in (SPEC, SweepSpec(), elsewhere, of_few_steps):
        code, out, err = run(*command_of(spec), "--toml", "--store", str(home))
        assert code == 0 and from_toml(out) == spec, err


@pytest.mark.slow
def test_a_file_and_flags_do_not_mix_and_a_file_is_enough(run, home, tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(to_toml(SweepSpec(prompts=PromptChoice(sample=2), guidance_scales=(4.0,))))
    assert "not in both" in run("sweep", str(path), "--steps", "9", "--store", str(home))[2]
    assert tomllib.loads(run("sweep", str(path), "--toml", "--store", str(home))[1])["prompts"]["sample"] == 2
    code, out, _ = run("sweep", str(path), "--json", "--store", str(home))
    state = json.loads(out)
    assert code == 0 and state["generated"] == 0 and (state["done"], state["total"]) == (2, 2), "it is shipped"


@pytest.mark.slow
def test_what_no_flag_says_is_as_the_checkpoints_are_drawn_and_a_jobs_line_stays(run, home):
    line = ("sweep", "--checkpoint", "sana-1.6b,flux.1-schnell", "--toml", "--store", str(home))
    code, out, err = run(*line)
    found = from_toml(out)
    assert code == 0 and "sana-1.6b: 20 steps of dpmsolver++ at CFG 4.5" in err and found.num_inference_steps == 25
    code, out, err = run("sweep", "--checkpoint", "sana-1.6b", "--steps", "7", "--toml", "--store", str(home))
    assert (
        code == 0 and not err and (from_toml(out).scheduler, from_toml(out).num_inference_steps) == ("dpmsolver++", 7)
    )
    code, out, err = run("sweep", "--checkpoint", "sana-1.6b", "--job", "older", "--toml", "--store", str(home))
    assert code == 0 and (from_toml(out).scheduler, from_toml(out).num_inference_steps) == ("ddim", 25)


def test_where_it_runs_is_checked_first(run, home):
    for asked, said in (
        (("--engine", "slurm"), "runs on local or ray, not on 'slurm'"),
        (("--workers", "2"), "add --engine ray"),
    ):
        code, _, err = run("sweep", "--prompt", "a red circle", *asked, "--store", str(home))
        assert code == 2 and said in err


def test_who_hands_cells_out_to_a_cluster_does_not_wait_for_the_page(home):
    """It would leave every other machine idle; the actors of this one wait themselves."""
    begun = threading.Event()

    def ask(bench, here: bool) -> None:
        with sweep._watching(bench, "", here) as (stop, _):
            assert not stop()
            begun.set()

    with open_workbench(home) as bench, serving(home):
        ask(bench, here=False)
        begun.clear()
        waiting = threading.Thread(target=ask, args=[bench, True], daemon=True)
        waiting.start()
        assert not begun.wait(0.5), "work done here waits"
    waiting.join(30)
    assert begun.is_set()
