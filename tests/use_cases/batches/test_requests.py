"""What a person may ask for: accepted as meant, or refused with one sentence, before anything heavy is loaded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from t2ialign.files import writable
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.batches.requests import (
    BatchRequest,
    check_checkpoints,
    check_metrics,
    check_scorers,
    checked,
    picture_files,
)

REQUEST = BatchRequest(Prompt(" a  red ring "), "base", (3, 1))


def test_a_good_request_is_tidied() -> None:
    assert checked(REQUEST).prompt.text == "a red ring" and checked(REQUEST).seeds == (3, 1)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"prompt": Prompt(" ")}, "The prompt is empty"),
        ({"negative_prompt": "a\x07b"}, "negative prompt has a control character"),
        ({"seeds": ()}, "at least one seed"),
        ({"seeds": (2, 2)}, "stands twice"),
        ({"guidance_scale": float("nan")}, "guidance scale"),
        ({"guidance_scale": -1.0}, "guidance scale"),
        ({"num_inference_steps": 0}, "number of steps"),
        ({"scheduler": "dim"}, "did you mean 'ddim'"),
        ({"metrics": ("lpisp",)}, "did you mean 'lpips'"),
    ],
)
def test_a_bad_request_is_one_sentence(change: dict, says: str) -> None:
    with pytest.raises(InputError, match=says) as refusal:
        checked(replace(REQUEST, **change))
    assert len(str(refusal.value)) < 1200 and "\n" not in str(refusal.value)


def test_names_are_known_or_answered_with_the_nearest(tmp_path) -> None:
    check_checkpoints(["base"], tmp_path)
    assert check_metrics([" lpips", "lpips", ""]) == ("lpips",) and check_metrics(["ssim", "all"]) == ("all",)
    with pytest.raises(InputError, match="did you mean 'base'"):
        check_checkpoints(["base", "bsae"], tmp_path)
    with pytest.raises(InputError, match="did you mean 'lpips-shapes'"):
        check_scorers(["lpips-shape"])


def test_folders_are_looked_at_first(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="not a folder"):
        picture_files(tmp_path / "file")
    with pytest.raises(InputError, match="holds no pictures"):
        picture_files(tmp_path)
    assert writable(tmp_path / "new" / "er").is_dir()
    with pytest.raises(InputError, match="Nothing can be written to"):
        writable(tmp_path / "file")
