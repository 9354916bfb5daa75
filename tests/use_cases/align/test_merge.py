"""A merged checkpoint samples the same pictures as the live blend of its parts."""

from __future__ import annotations

import pytest

from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.align.merge import merge
from t2ialign.use_cases.api import run_request
from t2ialign.use_cases.batches.requests import BatchRequest
from tests.use_cases.aligning import opened, run, short


@pytest.mark.slow
def test_merged_is_the_same_as_live(tmp_path) -> None:
    with opened(tmp_path) as bench:
        for seed, name in enumerate(("a", "b")):
            run(bench, short("f_dpo", name, seed=seed, learning_rate=0.02))
        run(bench, short("mi_tune", "d", adapter="dora"))
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
            ("a+d", "x", "d is a DoRA"),
            ("a", "x y", "needs a name"),
            ("base", "x", "base itself"),
        ]:
            with pytest.raises(InputError, match=sentence):
                merge(bench, blend, name)
