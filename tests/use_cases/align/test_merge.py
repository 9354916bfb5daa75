"""A merged checkpoint samples the same pictures as the live blend of its parts."""

from __future__ import annotations

import pytest

from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.align.manifest import find_manifest
from t2ialign.use_cases.align.merge import merge
from t2ialign.use_cases.api import run_request
from t2ialign.use_cases.batches.requests import BatchRequest
from tests.use_cases.aligning import opened, run, short


@pytest.mark.slow
def test_merged_is_the_same_as_live(tmp_path) -> None:
    with opened(tmp_path) as bench:
        for seed, name in enumerate(("a", "b")):
            run(bench, short("f_dpo", name, seed=seed, learning_rate=0.02))
        manifest = merge(bench, "a@0.7+b@0.4", "both")
        assert manifest.parents == ("a", "b")
        request = BatchRequest(Prompt("a red circle"), "a@0.7+b@0.4", (0, 1), num_inference_steps=3, metrics=("ssim",))
        live = run_request(bench, request).images
        for checkpoint, same in (("both", True), ("base", False)):
            state = run_request(
                bench,
                BatchRequest(Prompt("a red circle"), checkpoint, (0, 1), num_inference_steps=3, metrics=("ssim",)),
            )
            gap = max(int((state.images[seed].int() - live[seed].int()).abs().max()) for seed in (0, 1))
            assert (gap <= 1) is same, (checkpoint, gap)
        for blend, name, sentence in [
            ("a+b", "both", "already"),
            ("a+nobody", "x", "no checkpoint called 'nobody'"),
            ("a@0+b@0", "x", "base itself"),
            ("a", "x y", "needs a name"),
            ("base", "x", "base itself"),
        ]:
            with pytest.raises(InputError, match=sentence):
                merge(bench, blend, name)


@pytest.mark.slow
def test_the_shipped_dora_merged_draws_what_it_draws(tmp_path) -> None:
    """At full rank; a limit draws something else, and the manifest says how far off it is."""
    with opened(tmp_path) as bench:
        errors = {name: merge(bench, "mi_tune_dora", name, rank=rank).merge_error for name, rank in RANKS.items()}
        kept = {name: find_manifest(tmp_path / "checkpoints" / name).merge_error for name in RANKS}
        entries = bench.registry().checkpoints
        drawn = {}
        for name in ("mi_tune_dora", "base", *RANKS):
            asked = BatchRequest(Prompt("a red circle"), name, (0, 1), num_inference_steps=3, metrics=("ssim",))
            drawn[name] = run_request(bench, asked).images
    gaps = {
        name: max(int((images[seed].int() - drawn["mi_tune_dora"][seed].int()).abs().max()) for seed in (0, 1))
        for name, images in drawn.items()
    }
    assert gaps["whole"] <= 1 < gaps["limited"] < gaps["base"]
    assert errors == kept and {entries[name].kind for name in RANKS} == {"lora"}
    assert errors["whole"].worst < 1e-7 and errors["limited"].rank == RANKS["limited"]
    assert 0 < errors["limited"].total < errors["limited"].worst < 1


RANKS = {"whole": 0, "limited": 8}
