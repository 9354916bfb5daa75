"""Two populations: checkpoints on the cells that they share, guidance scales, folders; and what cannot be measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from t2ialign import store
from t2ialign.metrics.distribution import cmmd
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.api import run_request
from t2ialign.use_cases.batches import distance as measuring
from t2ialign.use_cases.batches.picture_folders import read_pictures
from t2ialign.use_cases.batches.requests import BatchRequest, picture_files
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.workbench import Workbench, bare_workbench

REQUEST = BatchRequest(Prompt("a red circle"), "base", (0, 1, 2), 2.0, num_inference_steps=2, metrics=("rmse",))


@pytest.fixture
def bench(tmp_path) -> Iterator[Workbench]:
    with store.open_store(tmp_path / "home") as opened:
        yield Workbench(StoreResults(opened), "cpu", "float32")


@pytest.fixture
def folder(tmp_path):
    where = tmp_path / "real"
    where.mkdir()
    rng = np.random.default_rng(0)
    for index in range(4):
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(where / f"{index}.png")
    return where


@pytest.mark.slow
def test_guidance_scales_of_one_checkpoint_are_compared_on_shared_prompts(bench: Workbench) -> None:
    low = run_request(bench, REQUEST)
    high = run_request(bench, replace(REQUEST, guidance_scale=8.0))
    run_request(bench, replace(REQUEST, prompt=Prompt("a blue ring")))  # at the low scale only
    sides = measuring.populations(bench, "base", "base", (2.0, 8.0))
    assert [side.cells for side in sides] == [1, 1]
    found = measuring.measure(bench, sides, ("fid", "cmmd"), measuring.default_scorers(bench, "base"))
    clip = bench.encoder("clip-shapes")
    a, b = (clip.encode(state.batch.images, Prompt(""))["clip_image"] for state in (low, high))
    assert found.found == {"cmmd": cmmd(a, b, paired=True)} and found.versions["cmmd"].startswith("1+clip-shapes:")
    assert "more than 2048 pictures on each side, and here are 3 and 3; take KID or CMMD" in found.skipped["fid"]


@pytest.mark.slow
def test_a_checkpoint_and_a_folder(bench: Workbench, folder) -> None:
    run_request(bench, REQUEST)
    sides = measuring.populations(bench, "base", str(folder))
    assert [(side.cells, len(side.images)) for side in sides] == [(1, 3), (0, 4)]
    assert not measuring.is_paired(*sides)
    assert torch.equal(sides[1].images, read_pictures(picture_files(folder)))
    said = list(measuring.lines(measuring.measure(bench, sides, ("cmmd", "fid"), ("clip-shapes",))))
    assert (
        "'base' (3 pictures of 1 cells at CFG 2)" in said[0]
        and "clip-shapes" in said[1]
        and "fid: A Frechet" in said[-1]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("base", "base"), "'base' twice is no comparison"),
        (("base", "base", (2.0, 2.0)), "'base' twice is no comparison"),
        (("base", "base", (2.0, 3.0)), "No pictures of 'base' at guidance scale 3 are stored"),
        (("base", "base", (2.0, 3.0, 4.0)), "Give one guidance scale, or two"),
        (("base", "gors"), "No pictures of 'gors' are stored"),
        (("base", "bas"), "did you mean 'base'"),
        (("base", "./nowhere"), "is not a folder"),
        (("base", "base", (2.0, 4.0)), "share no prompt, steps and seeds"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(bench: Workbench, arguments, sentence: str) -> None:
    run_request(bench, REQUEST)
    run_request(bench, replace(REQUEST, guidance_scale=4.0, seeds=(5, 6)))
    with pytest.raises(InputError, match=sentence):
        measuring.populations(bench, *arguments)


def test_nothing_measured_is_a_sentence(folder) -> None:
    bench = bare_workbench()
    sides = measuring.populations(bench, str(folder), f"{folder}/")
    with pytest.raises(InputError, match="more than 2048 pictures"):
        measuring.measure(bench, sides, ("fid",))
    with pytest.raises(InputError, match="did you mean 'cmmd'"):
        measuring.check_distributions(("cmd",))


@pytest.mark.slow
def test_the_command(run, folder, tmp_path) -> None:
    code, out, _ = run("distance", str(folder), f"{folder}/", "--metrics", "cmmd", "--scorers", "clip-shapes", "--json")
    assert code == 0 and '"pictures": 4' in out and '"cmmd": {"mean"' in out
    code, out, err = run("distance", str(folder), f"{folder}/", "--metrics", "fid")
    assert (code, out) == (2, "") and err.splitlines()[-1].startswith("t2ialign: A Frechet distance over 2048")
