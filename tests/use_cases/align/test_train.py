"""Training end to end on the embedded world, in runs of a few steps."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from t2ialign import store
from t2ialign.adapter_places import ADAPTER_FILE
from t2ialign.codec import decode, encode
from t2ialign.methods import METHODS
from t2ialign.source import parse_source
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.align import optimise
from t2ialign.use_cases.align import train as training
from t2ialign.use_cases.align.estimate import costs, estimate
from t2ialign.use_cases.align.manifest import find_manifest, record_of
from t2ialign.use_cases.align.probe import Probe
from t2ialign.use_cases.align.request import plan
from t2ialign.use_cases.align.train import align
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import score_batch
from t2ialign.use_cases.reports.text import write_pictures
from t2ialign.use_cases.results import InboxResults
from t2ialign.use_cases.workbench import Workbench
from tests.use_cases.aligning import opened, run, short


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """One workbench for the module: its pictures are sampled once."""
    with opened(tmp_path_factory.mktemp("home")) as bench:
        yield bench


def weights(bench: Workbench, name: str) -> dict[str, torch.Tensor]:
    return load_file(bench.home / "checkpoints" / name / ADAPTER_FILE)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.slow
def test_a_request_becomes_a_scored_checkpoint_that_can_be_chosen(bench: Workbench) -> None:
    request = short("f_dpo", "new_js", steps=3, divergence="js", probe_every=2, test_prompts=2)
    states = run(bench, request)
    assert list(dict.fromkeys(state.phase for state in states)) == [
        "pictures",
        "training",
        "saving",
        "scoring",
    ]
    fractions = [state.fraction for state in states]
    assert fractions == sorted(fractions) and fractions[-1] == pytest.approx(1)
    assert [state.step.step for state in states if state.step] == [1, 2, 3]
    probes = [state.probe for state in states if state.probe]
    assert [probe.step for probe in probes] == [0, 2, 3]
    assert all(math.isfinite(probe.alignment.mean) and math.isfinite(probe.diversity.mean) for probe in probes)
    assert store.images.read(bench.home, probes[0].pictures[0].sha) is not None
    assert decode(Probe, json.loads(json.dumps(encode(probes[-1])))) == probes[-1]

    last = states[-1]
    manifest = json.loads((bench.home / "checkpoints" / "new_js" / "manifest.json").read_text())
    assert last.checkpoint == "new_js" and record_of(last.manifest) == manifest
    assert manifest["kind"] == "lora" and manifest["parents"] == ["base"] and manifest["method"] == "f_dpo"
    assert manifest["request"]["options"]["divergence"] == "js"
    assert manifest["data"]["examples"] == 2  # of three pictures a prompt, the best against the worst
    assert {"before", "after", "difference"} <= set(manifest["scores"]["metrics"]["oracle_alignment"])
    assert 0 <= manifest["scores"]["win_rate"]["mean"] <= 1
    assert bench.registry().checkpoints["new_js"].parents == ("base",)
    assert any(cell.config.checkpoint == "new_js" for cell in store.list_cells(bench.store))
    assert not list((bench.home / "training" / "new_js").iterdir()), "work files of a finished run"


@pytest.mark.slow
def test_asking_again_finds_it_done_and_another_run_may_not_take_its_name(bench: Workbench) -> None:
    request = short("f_dpo", "again")
    run(bench, request)
    before = weights(bench, "again")
    states = run(bench, request)
    assert states[-1].checkpoint == "again" and not any(state.step for state in states)
    assert same(before, weights(bench, "again"))
    with pytest.raises(InputError, match="a checkpoint called again already"):
        run(bench, replace(request, seed=1))
    run(bench, replace(request, seed=1), replace=True)
    assert not same(before, weights(bench, "again"))


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_every_method_trains(bench: Workbench, method: str) -> None:
    more = {"gors": {"threshold": 0.0}, "popalign": {"candidates": 4}}.get(method, {})
    states = run(bench, short(method, f"plain_{method}", **more))
    losses = [state.step.loss for state in states if state.step]
    assert len(losses) == 2 and all(map(math.isfinite, losses))
    ups = [tensor for key, tensor in weights(bench, f"plain_{method}").items() if "lora_B" in key]
    assert max(float(up.abs().max()) for up in ups) > 0


@pytest.mark.slow
def test_a_metric_of_sets_makes_populations_for_any_method_of_pairs_or_likes(bench: Workbench) -> None:
    source = parse_source("metric:lpips")
    for method in ("diffusion_dpo", "diffusion_kto"):
        states = run(bench, short(method, f"sets_{method}", pairs=source, candidates=4))
        manifest = states[-1].manifest
        assert manifest is not None and manifest.data is not None
        assert manifest.data.examples == 2 * 2 * (1 + (method == "diffusion_kto")), "two pairs of each of two prompts"
    with pytest.raises(InputError, match="measures a whole set"):
        run(bench, short("ddpo", "sets_ddpo", pairs=source))


@pytest.mark.slow
def test_pausing_keeps_the_work_and_resuming_ends_where_an_unbroken_run_does(bench: Workbench) -> None:
    whole, broken = (short("diffusion_dpo", name, steps=4) for name in ("whole", "broken"))
    run(bench, whole)
    asked: list[str] = []
    steps = []
    for state in align(bench, broken, bench.home / "training" / "broken", control=lambda: "pause" if asked else ""):
        if state.step:
            steps.append(state.step.step)
            if state.step.step == 2:
                asked.append("now")
    assert steps == [1, 2] and not (bench.home / "checkpoints" / "broken").exists()
    other = align(bench, replace(broken, seed=1), bench.home / "training" / "broken")
    with closing(other):
        assert next(state.step.step for state in other if state.step) == 1, "another run of this name begins anew"
    states = run(bench, broken)
    assert [state.step.step for state in states if state.step] == [3, 4]
    assert same(weights(bench, "whole"), weights(bench, "broken"))


@pytest.mark.slow
def test_a_killed_run_that_draws_its_pictures_goes_on_bit_for_bit(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(optimise, "SAVE_DRAWING_EVERY", 1)
    few = {"diversity_weight": 1.0, "updates": 2}
    run(bench, short("ddpo", "drawn_whole", steps=3, **few))
    broken = short("ddpo", "drawn_broken", steps=3, **few)
    folder = bench.home / "training" / "drawn_broken"
    with closing(align(bench, broken, folder)) as states:
        next(state for state in states if state.step and state.step.step == 2)
        shutil.copytree(folder, tmp_path / "left")  # what kill -9 leaves: the state after step 1
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "left", folder)
    steps = [state.step.step for state in run(bench, broken) if state.step]
    assert steps == [2, 3]
    assert same(weights(bench, "drawn_whole"), weights(bench, "drawn_broken"))


@pytest.mark.slow
def test_a_run_stops_when_its_pictures_grow_alike(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[float] = [0.5, 0.45, 0.3]
    real = training.probe

    def falling(*arguments: object) -> Probe:
        probe = real(*arguments)
        return replace(probe, diversity=replace(probe.diversity, mean=found.pop(0)))

    monkeypatch.setattr(training, "probe", falling)
    request = short("diffusion_dpo", "narrowed", steps=5, probe_every=1, narrowest=20)
    states = run(bench, request)
    assert [state.step.step for state in states if state.step] == [1, 2]
    manifest = find_manifest(bench.home / "checkpoints" / "narrowed")
    assert manifest is not None and manifest.training is not None and manifest.training.steps == 2
    assert "Stopped at step 2" in manifest.note and "40 %" in manifest.note
    assert not any(state.step for state in run(bench, request)), "it is done"


@pytest.mark.slow
def test_what_is_kept_on_the_way_is_what_a_shorter_run_makes(bench: Workbench) -> None:
    request = short("diffusion_dpo", "kept", steps=3, keep_steps="2")
    asked: list[str] = []
    for state in align(bench, request, bench.home / "training" / "kept", control=lambda: "pause" if asked else ""):
        if state.step and state.step.step == 2:
            asked.append("now")
    run(bench, request)  # what was kept before the pause is in nobody's way
    run(bench, short("diffusion_dpo", "brief", steps=2))
    assert same(weights(bench, "kept-step2"), weights(bench, "brief"))
    assert not same(weights(bench, "kept-step2"), weights(bench, "kept"))
    found = find_manifest(bench.home / "checkpoints" / "kept-step2")
    assert found is not None and found.request is not None and found.training is not None
    assert (found.request.name, found.request.steps, found.training.steps) == ("kept-step2", 2, 2)
    assert bench.registry().checkpoints["kept-step2"].parents == ("base",)
    with pytest.raises(InputError, match="a checkpoint called kept-step2 already"):
        run(bench, short("diffusion_dpo", "kept-step2", steps=2, seed=1))
    with pytest.raises(InputError, match="steps from 1 to 2, as 50,150, not '3'"):
        run(bench, short("diffusion_dpo", "late", steps=3, keep_steps="3"))


@pytest.mark.slow
def test_the_same_run_twice_at_once_is_refused(bench: Workbench, tmp_path: Path) -> None:
    request = short("diffusion_dpo", "twice", steps=2)
    with closing(align(bench, request, tmp_path)) as first:
        next(first)
        with pytest.raises(InputError, match="Another process is training this very run"):
            next(align(bench, request, tmp_path))
    assert next(align(bench, request, tmp_path)).phase == "pictures"  # the first one has stopped


@pytest.mark.slow
def test_a_second_round_learns_from_what_the_first_one_trained(bench: Workbench) -> None:
    once = short("mi_tune", "once", adapter="dora", learning_rate=0.01)
    states = run(bench, replace(once, name="twice", options=(*once.options, ("rounds", 2))))
    assert [state.step.step for state in states if state.step] == [1, 2, 3, 4]
    assert {state.round for state in states if state.step} == {1, 2}
    run(bench, once)
    assert bench.registry().checkpoints["twice"].kind == "dora"
    assert not same(weights(bench, "once"), weights(bench, "twice"))


@pytest.mark.slow
def test_a_run_can_go_on_from_another_checkpoint(bench: Workbench) -> None:
    run(bench, short("f_dpo", "first"))
    run(bench, short("f_dpo", "child", parent="first", steps=1, learning_rate=1e-9))
    first, child = weights(bench, "first"), weights(bench, "child")
    assert all(torch.allclose(first[key], child[key], atol=1e-6) for key in first)
    with pytest.raises(InputError, match="first is a lora"):
        run(bench, short("f_dpo", "grandchild", parent="first", adapter="dora"))


@pytest.mark.slow
def test_given_pictures_are_mixed_in(bench: Workbench, tmp_path: Path) -> None:
    *_, state = score_batch(
        bench, BatchRequest(Prompt("a ring"), "base", (0, 1), num_inference_steps=2, metrics=("ssim",))
    )
    for file in write_pictures(state, tmp_path).values():
        file.with_suffix(".txt").write_text("a blue ring")
    run(bench, short("mi_tune", "real", pairs=parse_source(f"pictures:{tmp_path}"), real_share=0.5))
    with pytest.raises(InputError, match="no pictures to mix in"):
        run(bench, short("mi_tune", "unreal", real_share=0.5))


@pytest.mark.slow
def test_the_estimate_falls_once_pictures_are_stored(bench: Workbench) -> None:
    request = short("f_dpo", "costly", candidates=4, seed=7)
    before = costs(bench, plan(bench, request), 0.01)
    run(bench, request)
    after = costs(bench, plan(bench, replace(request, name="cheap")), 0.01)
    assert before.phases["pictures"] > 0 and after.phases["pictures"] == 0
    assert before.seconds > after.seconds > 0
    assert "seconds" in estimate(bench, replace(request, name="cheap")).words


@pytest.mark.slow
def test_a_process_that_cannot_open_the_store_remembers_its_pictures(bench: Workbench) -> None:
    guest = replace(bench, results=InboxResults(bench.home))
    states = run(guest, short("f_dpo", "guest", seed=11, test_prompts=1))
    assert states[-1].checkpoint == "guest"
    assert store.ingest_inbox(bench.store) > 0
    assert any(cell.config.checkpoint == "guest" for cell in store.list_cells(bench.store))
    (bench.home / "inbox").mkdir(exist_ok=True)
    run(guest, short("ipo", "guest2", seed=11))
    assert not list((bench.home / "inbox").glob("*.parquet")), "pictures that another run sampled were sampled again"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"method": "f_dop"}, "did you mean 'f_dpo'"),
        ({"name": "two words"}, "needs a name of letters"),
        ({"name": "base"}, "a checkpoint called base already"),
        ({"parent": "bsae"}, "did you mean 'base'"),
        ({"parent": "base@0.5"}, "is a blend: merge it"),
        ({"backbone": "shape"}, "did you mean 'shapes'"),
        ({"backbone": "sd-1.5", "parent": "made"}, "made is an adapter of shapes, not of sd-1.5"),
        ({"pairs": parse_source("anotator")}, "no source called 'anotator'"),
        ({"pairs": parse_source("annotator:rainy")}, "no group of raters called 'rainy'"),
        ({"pairs": parse_source("style:rainy")}, "no group of raters called 'rainy'"),
        ({"pairs": parse_source("metric:")}, "Say which after the colon"),
        ({"pairs": parse_source("metric:lpips")}, "at least 4 pictures a prompt"),
        ({"pairs": parse_source("metric:clip_scor")}, "did you mean 'clip_score'"),
        ({"pairs": parse_source("votes:nobody")}, "nobody"),
        ({"pairs": parse_source("parquet:/nowhere.parquet")}, "no Parquet file"),
        ({"pairs": parse_source("pictures:.")}, "learns from preferences"),
        ({"method": "gors", "pairs": parse_source("annotator")}, "chooses its own pictures"),
        ({"method": "gors", "options": (("threshold", 500),)}, "no picture's reward exceeds 500"),
        ({"options": (("prompts", "nowhere"),)}, "no prompt set"),
        ({"options": (("learning_rate", "fast"),)}, "Learning rate must be a number"),
        ({"options": (("batch_size", 3), ("accumulate", 2))}, "multiple of 2"),
        ({"options": (("timestep_lo", 500), ("timestep_hi", 400))}, "Timesteps"),
        ({"steps": -1}, "steps must be at least 1"),
    ],
)
def test_bad_requests_are_answered_with_a_sentence(bench: Workbench, change: dict, sentence: str) -> None:
    if change.get("parent") == "made":
        run(bench, short("f_dpo", "made"))
    request = short("f_dpo", "bad")
    options = (*request.options, *change.pop("options", ()))
    if change.get("method") == "f_dop":
        options = ()
    with pytest.raises(InputError, match=sentence) as caught:
        run(bench, replace(request, options=options, **change))
    assert "\n" not in str(caught.value)
    assert not (bench.home / "checkpoints" / "bad").exists()
