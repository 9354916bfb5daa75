"""Preference files: Pick-a-Pic's layout in and out, and everything that can be wrong with one."""

from __future__ import annotations

import base64
import io
import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from t2ialign.training.pair_files import read_examples, read_pairs, write_examples, write_pairs
from t2ialign.training.pairs import judged
from t2ialign.training.selection import liked_and_disliked
from t2ialign.types import Example, InputError, PreferencePair, Prompt, VoteOrigin
from tests.test_pictures import bomb
from tests.training.batches import seed_batch


def jpeg(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


RED, BLUE = jpeg(48, 32, (250, 0, 0)), jpeg(32, 32, (0, 0, 250))


def file_of(path: Path, rows: list[dict]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def row(label: float = 1.0, first: object = RED, second: object = BLUE) -> dict:
    return {"caption": "a ring", "jpg_0": first, "jpg_1": second, "label_0": label, "label_1": 1 - label, "uid": "x"}


def test_labels_decide_who_wins_ties_drop_out_and_pictures_fit(tmp_path: Path) -> None:
    path = file_of(tmp_path / "p.parquet", [row(1.0), row(0.5), row(0.0)])
    first, second = read_pairs(path, 32, 10)
    assert first.win.shape == (3, 32, 32) and first.source == "dataset:p" and first.prompt.text == "a ring"
    assert first.win[0].float().mean() > 200 > first.lose[0].float().mean()
    assert torch.equal(first.win, second.lose)
    assert len(read_pairs(path, 32, 1)) == 1


def test_the_hubs_picture_structs_are_read_too(tmp_path: Path) -> None:
    path = file_of(tmp_path / "p.parquet", [row(1.0, {"bytes": RED, "path": None}, {"bytes": BLUE, "path": None})])
    assert len(read_pairs(path, 32, 10)) == 1


def test_pairs_survive_the_way_out_and_in(tmp_path: Path) -> None:
    pairs = judged(seed_batch(3, size=32), torch.arange(3).float(), 3, "votes:x", torch.Generator().manual_seed(0))
    write_pairs(tmp_path / "deep" / "p.parquet", pairs)
    again = read_pairs(tmp_path / "deep" / "p.parquet", 32, 10)
    assert all(
        torch.equal(a.win, b.win) and torch.equal(a.lose, b.lose) and a.weight == b.weight for a, b in zip(pairs, again)
    )


def test_a_pair_keeps_who_said_it_and_which_pictures_they_are(tmp_path: Path) -> None:
    votes = (VoteOrigin("one", "t1", 1.0), VoteOrigin("two", "t2", 0.5), VoteOrigin("three", "t3", 0.0))
    image = torch.zeros(3, 32, 32, dtype=torch.uint8)
    pair = PreferencePair(Prompt("a ring"), image, image + 1, "votes:study", 0.5, "key of win", "key of lose", votes)
    write_pairs(tmp_path / "p.parquet", [pair])
    (again,) = read_pairs(tmp_path / "p.parquet", 32, 10)
    origin = ("source", "weight", "win_key", "lose_key", "votes")
    assert all(getattr(again, name) == getattr(pair, name) for name in origin)


def test_a_second_picture_that_won_turns_the_votes_around(tmp_path: Path) -> None:
    known = {"key_0": "a", "key_1": "b", "source": "votes:s", "weight": None}
    votes = [{"survey": "one", "trial": "t1", "label_0": 0.0}, {"survey": "two", "trial": "t2", "label_0": 1.0}]
    path = file_of(tmp_path / "p.parquet", [{**row(0.0), **known, "votes": votes}])
    (pair,) = read_pairs(path, 32, 10)
    assert (pair.win_key, pair.lose_key, pair.source, pair.weight) == ("b", "a", "votes:s", 1.0)
    assert pair.votes == (VoteOrigin("one", "t1", 1.0), VoteOrigin("two", "t2", 0.0))


def test_files_without_an_origin_are_read_as_ever(tmp_path: Path) -> None:
    """As they were written before: Pick-a-Pic's four columns, with a weight or without."""
    path = file_of(tmp_path / "old.parquet", [{**row(1.0), "label_1": 0.0, "weight": 2.0}])
    (pair,) = read_pairs(path, 32, 10)
    assert (pair.source, pair.weight, pair.win_key, pair.lose_key, pair.votes) == ("dataset:old", 2.0, "", "", ())


def test_a_labelled_picture_keeps_who_said_it_and_which_picture_it_is(tmp_path: Path) -> None:
    votes = (VoteOrigin("one", "t1", 1.0), VoteOrigin("two", "t2", 0.5), VoteOrigin("three", "t3", 0.0))
    image = torch.zeros(3, 32, 32, dtype=torch.uint8)
    examples = [Example(Prompt("a ring"), image, 0.5, liked, "its key", votes) for liked in (True, False)]
    write_examples(tmp_path / "e.parquet", [*examples, Example(Prompt("a ring"), image)])
    *again, plain = read_examples(tmp_path / "e.parquet", 32, 10)
    origin = ("desirable", "weight", "key", "votes")
    for one, other in zip(again, examples, strict=True):
        assert all(getattr(one, name) == getattr(other, name) for name in origin)
    assert (plain.key, plain.votes) == ("", ())
    rows = pq.read_table(tmp_path / "e.parquet").to_pylist()
    assert [[vote["liked"] for vote in row["votes"]] for row in rows] == [[1.0, 0.5, 0.0], [0.0, 0.5, 1.0], []]


def test_labelled_pictures_without_an_origin_are_read_as_ever(tmp_path: Path) -> None:
    path = file_of(tmp_path / "old.parquet", [{"caption": "a ring", "jpg": RED, "liked": False, "weight": 2.0}])
    (old,) = read_examples(path, 32, 10)
    assert (old.desirable, old.weight, old.key, old.votes) == (False, 2.0, "", ())


def test_examples_survive_the_way_out_and_in(tmp_path: Path) -> None:
    draw = torch.Generator().manual_seed(0)
    examples = liked_and_disliked(judged(seed_batch(3, size=32), torch.zeros(3), 3, "x", draw))
    write_examples(tmp_path / "e.parquet", examples)
    again = read_examples(tmp_path / "e.parquet", 32, 100)
    assert [one.desirable for one in again] == [one.desirable for one in examples]
    assert all(torch.equal(a.picture, b.picture) for a, b in zip(again, examples))
    write_examples(tmp_path / "e.parquet", [])
    assert not (tmp_path / "e.parquet").exists()


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([row(0.5), row(0.5)], "All 2 pairs in 'p.parquet' are ties, have no label or two equal pictures"),
        ([row(1.0, RED, RED)], "All 1 pairs in 'p.parquet' are ties, have no label or two equal pictures"),
        ([row(1.0, None)], "has no picture"),
        ([row(1.0, b"no picture")], "is not a readable picture"),
        ([row(1.0, jpeg(16, 16, (0, 0, 0)))], "16 x 16 pixels, and this backbone needs at least 32 x 32"),
        ([{"prompt": "a ring", "image": RED}], "not in Pick-a-Pic's layout"),
    ],
)
def test_bad_files_are_answered_with_a_sentence(tmp_path: Path, rows: list[dict], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_pairs(file_of(tmp_path / "p.parquet", rows), 32, 10)


def labelled(label_0: object, label_1: object, has_label: object = True) -> dict:
    return {
        "caption": "a ring",
        "jpg_0": RED,
        "jpg_1": BLUE,
        "label_0": label_0,
        "label_1": label_1,
        "has_label": has_label,
    }


@pytest.mark.parametrize(
    ("label_0", "label_1", "has_label", "winner"),
    [
        (1.0, 0.0, True, "red"),
        (0.0, 1.0, True, "blue"),
        (1.0, None, None, "red"),
        (0.0, None, None, "blue"),
        (0.0, 0.0, True, ""),
        (1.0, 1.0, True, ""),
        (0.5, 0.5, True, ""),
        (1.0, 0.0, False, ""),
        (None, 1.0, True, ""),
        (math.nan, math.nan, True, ""),
        (1.0, math.nan, True, ""),
    ],
)
def test_only_what_a_row_says_whole_is_a_preference(
    tmp_path: Path, label_0: object, label_1: object, has_label: object, winner: str
) -> None:
    """Pick-a-Pic marks rows without a label by ``has_label``; zeros and ones on both sides prefer nothing."""
    sure = {**labelled(1.0, 0.0), "caption": "a disc"}
    said: list[str] = []
    path = file_of(tmp_path / "p.parquet", [labelled(label_0, label_1, has_label), sure])
    *found, last = read_pairs(path, 32, 10, said.append)
    assert last.prompt.text == "a disc"
    assert ["red" if pair.win[0, 0, 0] > 200 else "blue" for pair in found] == ([winner] if winner else [])
    left_out = "1 of the rows read from 'p.parquet' have no preference and were left out."
    assert said == ([] if winner else [left_out])


def test_pairs_of_one_picture_teach_nothing_and_are_said(tmp_path: Path) -> None:
    said: list[str] = []
    assert len(read_pairs(file_of(tmp_path / "p.parquet", [row(1.0, RED, RED), row(1.0)]), 32, 9, said.append)) == 1
    assert said == ["1 of the rows read from 'p.parquet' have no difference between its pictures and were left out."]


def test_rows_without_a_caption_and_rows_beyond_the_limit_are_said(tmp_path: Path) -> None:
    said: list[str] = []
    path = file_of(tmp_path / "p.parquet", [{**row(1.0), "caption": None}, row(1.0), row(0.0), row(0.0)])
    assert len(read_pairs(path, 32, 2, said.append)) == 2
    assert said == [
        "'p.parquet' has 4 rows, and only the first 3 were read: raise the number of prompts or of pairs a prompt to read "
        "more.",
        "1 of the rows read from 'p.parquet' have no caption and were left out.",
    ]


@pytest.mark.parametrize("weight", [0.0, 2, None, math.nan])
def test_a_weight_of_nothing_is_nothing_and_no_weight_is_one(tmp_path: Path, weight: float | None) -> None:
    (pair,) = read_pairs(file_of(tmp_path / "p.parquet", [{**row(1.0), "weight": weight}]), 32, 1)
    assert pair.weight == (1.0 if weight is None or math.isnan(weight) else weight)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"label_0": 2.0}, "label_0 in row 1 of 'p.parquet' must be a number from 0 to 1, not '2.0'"),
        ({"label_0": "left"}, "label_0 in row 1"),
        ({"weight": -1.0}, "weight in row 1"),
        ({"weight": math.inf}, "weight in row 1"),
        ({"caption": 7}, "caption in row 1 of 'p.parquet' is no text"),
        ({"votes": 7}, "Row 1 of 'p.parquet' is no pair"),
        ({"jpg_1": bomb()}, "A picture in row 1 of 'p.parquet' is not a readable picture .*: leave its row out"),
    ],
)
def test_nonsense_is_named_by_its_row(tmp_path: Path, change: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_pairs(file_of(tmp_path / "p.parquet", [{**row(1.0), **change}]), 32, 1)


def test_pictures_in_pairs_are_read_as_pictures_in_folders_are(tmp_path: Path) -> None:
    """Sixteen bits, transparency and orientation, as in ``tests/test_pictures.py``."""
    clear = png(Image.new("RGBA", (32, 32), (255, 0, 0, 0)))
    deep = png(Image.fromarray(np.full((32, 32), 20_000, np.uint16)))
    (pair,) = read_pairs(file_of(tmp_path / "p.parquet", [row(1.0, clear, deep)]), 32, 1)
    assert (pair.win == 255).all() and (pair.lose == 78).all()


def lines_of(path: Path, rows: list[object]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)) + "\n\n", encoding="utf-8")
    return path


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_jsonl_is_read_as_parquet_is(tmp_path: Path) -> None:
    """The same rows, with pictures as paths beside the file, as base64 and as the structs of ``datasets``."""
    (tmp_path / "pics").mkdir()
    (tmp_path / "pics" / "red.jpg").write_bytes(RED)
    forms = (
        "pics/red.jpg",
        base64_of(RED),
        f"data:image/jpeg;base64,{base64_of(RED)}",
        {"bytes": None, "path": "pics/red.jpg"},
    )
    rows = [{**row(1.0, one, base64_of(BLUE)), "weight": 2.0} for one in forms] + [row(0.5, None, None)]
    said: list[str] = []
    found = read_pairs(lines_of(tmp_path / "p.jsonl", rows), 32, 10, said.append)
    same = file_of(tmp_path / "p.parquet", [{**row(1.0), "weight": 2.0}])
    (wanted,) = read_pairs(same, 32, 10)
    assert len(found) == 4 and all(pair.weight == 2.0 and pair.source == "dataset:p" for pair in found)
    assert all(torch.equal(pair.win, wanted.win) and torch.equal(pair.lose, wanted.lose) for pair in found)
    assert said == ["1 of the rows read from 'p.jsonl' have no preference and were left out."]
    read_pairs(tmp_path / "p.jsonl", 32, 2, said.append)
    assert said[-1].startswith("'p.jsonl' has 5 rows, and only the first 2 were read")
    assert len(read_pairs(same.rename(tmp_path / "named.jsonl"), 32, 10)) == 1, "the bytes say what it is"


def test_labelled_pictures_are_read_from_jsonl_too(tmp_path: Path) -> None:
    rows = [{"caption": "a ring\u2028on top", "jpg": base64_of(RED), "liked": True}]
    (one,) = read_examples(lines_of(tmp_path / "e.jsonl", rows), 32, 3)
    assert (one.prompt.text, one.desirable, one.weight) == ("a ring on top", True, 1.0)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([[1, 2]], "Line 1 of 'p.jsonl' is no JSON .*no object.*: write one object a line"),
        ([{"prompt": "a", "chosen": "x.png"}], "not in Pick-a-Pic's layout .caption, jpg_0, jpg_1, label_0 missing"),
        (
            [row(1.0, "gone.png", "gone.png")],
            "The picture 'gone.png' in row 1 of 'p.jsonl' is not there: paths are relative",
        ),
        ([row(1.0, "/etc/passwd", "x")], "neither the path of a picture nor its bytes in base64"),
        ([row(1.0, "p.jsonl", "x")], "neither the path of a picture nor its bytes in base64"),
        ([row(1.0, base64_of(b"no picture"), "x")], "A picture in row 1 of 'p.jsonl' is not a readable picture"),
        ([row(1.0, 7, 8)], "A picture in row 1 of 'p.jsonl' is not a readable picture"),
        ([{**row(1.0, "x", "x"), "label_0": "left"}], "label_0 in row 1"),
        ([row(1.0, None, None)], "row 1 of 'p.jsonl' has no picture"),
    ],
)
def test_nonsense_in_jsonl_is_named_by_its_line(tmp_path: Path, rows: list[object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_pairs(lines_of(tmp_path / "p.jsonl", rows), 32, 10)


def test_no_jsonl_and_none_that_can_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no JSONL file"):
        read_pairs(tmp_path / "nowhere.jsonl", 32, 1)
    (tmp_path / "p.jsonl").write_bytes(b"\xff\xfe{\x00")
    with pytest.raises(InputError, match="cannot be read as a JSONL file .*: write one object a line, in UTF-8"):
        read_pairs(tmp_path / "p.jsonl", 32, 1)
    (tmp_path / "p.jsonl").write_text('{"caption": ')
    with pytest.raises(InputError, match="Line 1 of 'p.jsonl' is no JSON"):
        read_pairs(tmp_path / "p.jsonl", 32, 1)


def test_no_file_and_no_parquet(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no Parquet file"):
        read_pairs(tmp_path / "nowhere.parquet", 32, 1)
    (tmp_path / "p.parquet").write_text("not one")
    with pytest.raises(InputError, match="cannot be read as a Parquet file"):
        read_pairs(tmp_path / "p.parquet", 32, 1)
