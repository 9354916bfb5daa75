"""The main use case on the embedded world: stored cells are not computed again, batches grow, cancelling leaves no half."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from t2ialign import store
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.api import run_request
from t2ialign.use_cases.batches import prompt_sets
from t2ialign.use_cases.batches.requests import NO_GUIDANCE, BatchRequest, checked
from t2ialign.use_cases.batches.run import open_run, requests_for, run_batches, stored_run
from t2ialign.use_cases.batches.score_batch import NO_EFFECT, score_batch, stored_state
from t2ialign.use_cases.batches.sweep import note_lines, sweep
from t2ialign.use_cases.results import InboxResults, StoreResults
from t2ialign.use_cases.workbench import Workbench, watched_inbox

REQUEST = BatchRequest(Prompt("a red circle and a blue square"), "base", (0, 1, 2, 3), num_inference_steps=3)


@pytest.fixture
def bench(tmp_path) -> Iterator[Workbench]:
    with store.open_store(tmp_path) as opened:
        yield Workbench(StoreResults(opened), "cpu", "float32")


@pytest.mark.slow
def test_a_request_becomes_pictures_scores_and_a_stored_cell(bench: Workbench) -> None:
    states = list(score_batch(bench, REQUEST))
    last = states[-1]
    assert last.phase == "done" and not last.from_store and last.generated == 4
    assert set(last.images) == set(REQUEST.seeds)
    assert any(state.previews for state in states[:-1])
    fractions = [state.fraction for state in states]
    assert fractions == sorted(fractions) and fractions[-1] == 1
    for name in ("oracle_alignment", "clip_score", "mutual_information", "lpips", "factor_diversity", "u_rke", "ssim"):
        assert name in last.scores, name
    assert last.scores["lpips"].values.shape == (4, 4)
    assert math.isfinite(last.scores["oracle_alignment"].mean)


@pytest.mark.slow
def test_a_repeated_request_is_answered_from_the_store(bench: Workbench) -> None:
    first = run_request(bench, REQUEST)
    again = run_request(bench, REQUEST)
    assert again.from_store and again.generated == 0
    assert all(torch.equal(first.images[seed], again.images[seed]) for seed in REQUEST.seeds)
    for name, score in first.scores.items():
        assert again.scores[name].version == score.version
        assert again.scores[name].mean == pytest.approx(score.mean, nan_ok=True), name


@pytest.mark.slow
def test_a_larger_batch_computes_only_what_is_missing(bench: Workbench) -> None:
    run_request(bench, replace(REQUEST, seeds=(2, 3)))
    grown = run_request(bench, replace(REQUEST, seeds=(0, 1, 2, 3)))
    assert grown.generated == 2 and not grown.from_store
    fresh = run_request(bench, replace(REQUEST, num_inference_steps=3, negative_prompt="")).scores
    for name, score in fresh.items():
        assert grown.scores[name].mean == pytest.approx(score.mean, nan_ok=True)
    values = grown.scores["clip_score"].values
    single = [
        run_request(bench, replace(REQUEST, seeds=(seed,))).scores["clip_score"].mean for seed in grown.batch.seeds
    ]
    assert values.tolist() == pytest.approx(single, abs=1e-5)


@pytest.mark.slow
def test_cancelling_keeps_finished_parts_and_nothing_half(bench: Workbench) -> None:
    request, seen = replace(REQUEST, seeds=tuple(range(12))), []
    for state in score_batch(bench, request, cancelled=lambda: len(seen) >= 6):
        seen.append(state)
    assert seen[-1].phase != "done"
    config = seen[-1].config
    stored = store.load_batch(bench.store, config, request.prompt, request.seeds)
    assert stored.seeds in ((), tuple(range(8)))
    assert run_request(bench, request).generated == 12 - len(stored.seeds)


@pytest.mark.slow
def test_another_owner_of_the_store_gets_the_results_through_the_inbox(bench: Workbench, tmp_path) -> None:
    guest = replace(bench, results=InboxResults(bench.home))
    state = run_request(guest, REQUEST)
    assert store.list_cells(bench.store) == []
    assert store.ingest_inbox(bench.store) >= 1
    (cell,) = store.list_cells(bench.store)
    assert cell.key == state.cell and cell.seeds == REQUEST.seeds
    assert run_request(bench, REQUEST).from_store


@pytest.mark.slow
def test_the_owner_takes_in_its_inbox_while_it_works(bench: Workbench) -> None:
    with watched_inbox(bench, seconds=0.05):
        run_request(replace(bench, results=InboxResults(bench.home)), REQUEST)
        deadline = time.monotonic() + 20
        while not store.list_cells(bench.store) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert [cell.seeds for cell in store.list_cells(bench.store)] == [REQUEST.seeds]


@pytest.mark.slow
def test_a_run_keeps_its_link_its_status_and_its_pictures(bench: Workbench) -> None:
    requests = requests_for(REQUEST, ["base"])
    run = open_run(bench, requests)
    assert stored_run(bench, run.id).batches[0].phase == "waiting"
    *_, last = run_batches(bench, run.id, requests)
    assert last.fraction == 1 and store.find_run(bench.store, run.id).status == "done"
    remembered = stored_run(bench, run.id).batches[0]
    assert remembered.phase == "done" and remembered.request.checkpoint == "base"
    assert set(remembered.scores) == set(last.batches[0].scores)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"prompt": Prompt("   ")}, "prompt is empty"),
        ({"prompt": Prompt("x" * 30_000)}, "characters"),
        ({"checkpoint": "bsae"}, "did you mean 'base'"),
        ({"checkpoint": "base@0.5"}, "neither blended nor weighted"),
        ({"guidance_scale": math.nan}, "guidance scale"),
        ({"guidance_scale": -1.0}, "guidance scale"),
        ({"num_inference_steps": 0}, "steps"),
        ({"scheduler": "dimm"}, "did you mean 'ddim'"),
        ({"metrics": ("lpisp",)}, "did you mean 'lpips'"),
        ({"seeds": (1, 1)}, "twice"),
        ({"seeds": (-1,)}, "-1"),
    ],
)
def test_bad_requests_get_one_sentence_and_store_nothing(bench: Workbench, change: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        run_request(bench, replace(REQUEST, **change))
    assert "\n" not in str(caught.value)
    assert store.list_cells(bench.store) == []


def test_too_many_checkpoints_are_refused() -> None:
    with pytest.raises(InputError, match="one to 4"):
        requests_for(REQUEST, ["a", "b", "c", "d", "e"])


LONG = "a red circle " * 12 + "and a blue star"  # 40 words and 2 marks: the model reads 32 tokens, its CLIP 20


@pytest.mark.slow
def test_what_is_not_read_is_said_of_new_and_of_stored_pictures(bench: Workbench) -> None:
    request = replace(REQUEST, prompt=Prompt(LONG), seeds=(0,), num_inference_steps=1, metrics=("clip_score",))
    first, again = run_request(bench, request), run_request(bench, request)
    assert again.from_store and first.notes == again.notes
    model, scorer = first.notes
    assert model.startswith("The prompt is longer than the model can read: everything from 'a red circle")
    assert scorer == "The prompt is longer than clip-shapes can read, so it is scored without its last 22 tokens."
    remembered = stored_state(bench, first.request.prompt, first.config, (0,))
    assert remembered.notes == first.notes and bench.results.notes(remembered.whole) == first.notes
    again = store.cell_scores(bench.store, "clip_score", "clip_score")
    assert [row.notes for row in again] == [tuple(sorted(first.notes))]
    negative = run_request(bench, replace(REQUEST, negative_prompt=LONG, seeds=(0,), num_inference_steps=1))
    assert negative.notes[0].startswith("The negative prompt is longer than the model can read")
    unguided = replace(REQUEST, negative_prompt="a star", guidance_scale=1, seeds=(0,), num_inference_steps=1)
    assert run_request(bench, unguided).notes == (NO_EFFECT,)
    assert run_request(bench, replace(REQUEST, seeds=(0,), num_inference_steps=1)).notes == ()


@pytest.mark.slow
def test_what_guidance_finds_in_a_prompt_is_said_and_not_kept(bench: Workbench) -> None:
    asked = replace(REQUEST, prompt=Prompt("a red ring"), guidance="structured", seeds=(0,), num_inference_steps=1)
    said = ("Guidance reads in the prompt, by a rule: structured takes by themselves 'a red ring'.",)
    first = run_request(bench, asked)
    assert first.notes == said and run_request(bench, asked).notes == said
    assert bench.results.notes(first.whole) == ()


@pytest.mark.slow
def test_metrics_asked_for_by_name_say_why_they_are_unknown(bench: Workbench) -> None:
    named = ("lpips", "factor_diversity", "mutual_information", "oracle_alignment")
    request = replace(REQUEST, prompt=Prompt("a fox"), metrics=named, seeds=(0,), num_inference_steps=1)
    found = run_request(bench, replace(request, negative_prompt="a star"))
    assert [note.partition(":")[0] for note in found.notes] == [
        "lpips, factor_diversity",
        "mutual_information",
        named[3],
    ]
    assert [note.split(": ")[1][:14] for note in found.notes] == ["compares pictu", "unknown with a", "unknown here, "]
    assert bench.results.notes(found.whole) == ()
    assert run_request(bench, replace(request, metrics=("entropy_1d",))).notes == ()


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0, 0.5])
def test_guidance_below_1_is_that_of_1_and_said(bench: Workbench, scale: float) -> None:
    """diffusers turns guidance off at 1 and below: the plain conditional model."""
    short = replace(REQUEST, seeds=(0,), num_inference_steps=1, metrics=("entropy_1d",))
    none, plain = (run_request(bench, replace(short, guidance_scale=one)) for one in (scale, 1))
    assert none.cell == plain.cell and torch.equal(none.images[0], plain.images[0])
    assert none.notes == (NO_GUIDANCE,) and plain.notes == ()


@pytest.mark.slow
def test_a_sweep_keeps_every_note_with_its_prompts(bench: Workbench, tmp_path) -> None:
    (tmp_path / "set.txt").write_text(f"{LONG}\na red circle\na red circle\na (red:1.2) circle\n")
    said: list[str] = []
    prompts = prompt_sets.load(str(tmp_path / "set.txt"), said.append)
    cells = [
        checked(BatchRequest(prompt, "base", (0,), scale, 1, metrics=("entropy_1d",)))
        for scale in (1.0, 2.0)
        for prompt in prompts
    ]
    *_, last = sweep(bench, cells)
    assert [prompts for _, prompts in last.notes] == [(LONG.strip(),), ("a (red:1.2) circle",)]
    assert said == ["1 of 4 rows of 'set.txt' have one that came before and were left out."]
    assert len(list(note_lines(last.notes, 1))) == 2
