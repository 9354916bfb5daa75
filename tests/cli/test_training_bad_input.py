"""What cannot be trained on is said in one sentence, by the command and by its job, and nothing is lost."""

from __future__ import annotations

import io
import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch import Tensor

from t2ialign.diffusion.backbone import Backbone

TINY = (
    "--steps 3 --prompt-count 2 --candidates 2 --sampling-steps 2 --probe-every 0 --test-prompts 0 --batch-size=2 "
    "--rank 2"
)


@pytest.fixture
def home(tmp_path: Path, light_home: Path) -> Path:
    """The shipped results are not looked at here."""
    return shutil.copytree(light_home, tmp_path / "home")


def picture(side: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), (200, 30, 30)).save(buffer, "PNG")
    return buffer.getvalue()


def row(label: float = 1.0, side: int = 64, lose: bytes | None = b"same") -> dict:
    other = picture(side) if lose == b"same" else lose
    return {"caption": "a ring", "jpg_0": picture(side), "jpg_1": other, "label_0": label, "label_1": 1 - label}


@pytest.fixture
def align(run, home):
    """``align METHOD`` as a job of a store of its own: exit code, the last line of stderr, and the job's progress."""

    def call(line: str, job: str = "j1") -> tuple[int, str, dict]:
        code, _, err = run("align", *line.split(), *TINY.split(), "--job", job, "--store", str(home))
        assert "Traceback" not in err
        progress = home / "jobs" / job / "progress.json"
        return code, (err.splitlines() or [""])[-1], json.loads(progress.read_text()) if progress.is_file() else {}

    return call


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], "holds no pair|There is no pair to learn from"),
        ([row(0.5), row(0.5)], "All 2 pairs in 'p.parquet' are ties"),
        ([row(side=16)], "16 x 16 pixels, and this backbone needs at least 64 x 64"),
        ([row(lose=None)], "row 1 of 'p.parquet' has no picture"),
        ([{"prompt": "a ring", "image": b""}], "'p.parquet' is not in Pick-a-Pic's layout"),
    ],
)
def test_pairs_that_are_none(align, tmp_path: Path, rows: list[dict], sentence: str):
    columns = pa.Table.from_pylist(rows or [row()]).slice(0, len(rows))
    pq.write_table(columns, tmp_path / "p.parquet")
    code, said, progress = align(f"ipo --name bad --pairs parquet:{tmp_path / 'p.parquet'}")
    assert code == 2 and any(part in said for part in sentence.split("|")), said
    assert progress["ended"] == "failed" and progress["message"] in said
    assert not (tmp_path / "home" / "checkpoints").exists()


@pytest.mark.slow
def test_votes_that_nobody_cast(align):
    code, said, progress = align("ipo --name bad --pairs votes:nobody")
    assert code == 2 and "nobody" in said and progress["message"] in said


def policies_only(change: Callable[[Tensor, int], Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    """Has ``change(output, number of pictures)`` stand between an adapter in training and its loss."""
    predict = Backbone.predict_noise

    def changed(self, latents, timesteps, embeds):
        output = predict(self, latents, timesteps, embeds)
        return change(output, len(latents)) if any(one.adapters for one in self.passes) else output

    monkeypatch.setattr(Backbone, "predict_noise", changed)


@pytest.mark.slow
def test_a_loss_that_is_no_number(align, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    outputs = []

    def overflowing(output: Tensor, pictures: int) -> Tensor:
        outputs.append(pictures)
        return output * (math.inf if len(outputs) == 3 else 1)

    policies_only(overflowing, monkeypatch)
    code, said, progress = align("ipo --name bad")
    assert code == 2 and "no longer a number at step 3: lower beta" in said
    assert progress["ended"] == "failed" and progress["message"] in said and progress["step"] == 2
    (state,) = (tmp_path / "home" / "jobs" / "j1").glob("*/state-1.pt")
    saved = torch.load(state, weights_only=True)
    assert all(tensor.isfinite().all() for tensor in saved["parameters"].values())


@pytest.mark.slow
def test_more_than_memory_holds(align, monkeypatch: pytest.MonkeyPatch):
    def small(output: Tensor, pictures: int) -> Tensor:
        if pictures > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return output

    policies_only(small, monkeypatch)
    code, said, progress = align("ipo --name big")
    assert code == 2 and "do not fit into memory, 1 do" in said and "set accumulation to 2" in said
    assert progress["message"] in said
    code, said, _ = align("ipo --name big --accumulate 2")
    assert code == 0, said


@pytest.mark.slow
def test_names_and_parents(align, tmp_path: Path):
    assert align("ipo --name first")[0] == 0
    code, said, progress = align("ipo --name first --seed 1", job="j2")
    assert code == 2 and "There is a checkpoint called first already" in said and progress["message"] in said
    code, said, progress = align("ipo --name second --parent first --backbone sd-1.5", job="j3")
    assert code == 2 and "first is an adapter of shapes, not of sd-1.5" in said and progress["message"] in said
    assert [path.name for path in (tmp_path / "home" / "checkpoints").iterdir()] == ["first"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("d3po --diversity-weight 1", "lambda counts for nothing in D3PO here"),
        ("grpo --candidates 2 --diversity-weight 1", r"draw at least three of a prompt \(--candidates 3\)"),
        ("spo --step-aware --diversity-weight 1 --abreast 4", "knows no lambda"),
    ],
)
def test_what_cannot_be_drawn_is_said_before_anything_is(run, home, line: str, sentence: str) -> None:
    for more in ([], ["--estimate"]):
        code, out, err = run("align", *line.split(), *more, "--store", str(home))
        assert code and not out and re.search(sentence, err) and "Traceback" not in err
    assert not (home / "training").exists()
