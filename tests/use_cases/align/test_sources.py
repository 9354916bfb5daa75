"""What training learns from: the split of a Hub dataset, and the captions of a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from t2ialign.types import InputError
from t2ialign.use_cases.align import sources
from t2ialign.use_cases.align.sources import train_files

USUAL = [
    "README.md",
    "data/test-00000-of-00001.parquet",
    "data/train-00001-of-00002.parquet",
    "data/train-00000-of-00002.parquet",
    "data/validation_unique-00000-of-00001.parquet",
]
BOTH = ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"]


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        (USUAL, BOTH),
        (["test.parquet", "train.parquet"], ["train.parquet"]),
        (["default/test/0000.parquet", "default/train/0000.parquet"], ["default/train/0000.parquet"]),
        (["train.jsonl", "test.jsonl", "notes.json"], ["train.jsonl"]),
        (["train.parquet", "train.jsonl"], ["train.parquet"]),
        (["dev/a.parquet", "training/a.parquet"], ["training/a.parquet"]),
        (["b.parquet", "a.parquet", "latest.parquet"], ["a.parquet", "b.parquet", "latest.parquet"]),
    ],
)
def test_the_train_split_is_known_by_its_name(files: list[str], wanted: list[str]) -> None:
    assert train_files("org/pairs", files) == wanted


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (["README.md"], "holds no Parquet or JSONL file"),
        (["data/test-0.parquet", "data/val-0.parquet"], "has no train split.*hub:org/pairs/data/test-0.parquet"),
        (["en/train-0.parquet", "fr/train-0.parquet"], r"several train splits \(en, fr\)"),
    ],
)
def test_where_no_split_is_meant_it_is_asked(files: list[str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        train_files("org/pairs", files)


def test_files_of_a_dataset_come_one_by_one_and_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []

    class Api:
        def list_repo_files(self, *_: object, **__: object) -> list[str]:
            return USUAL

    monkeypatch.setattr(sources, "HfApi", Api)
    monkeypatch.setattr(sources, "hf_hub_download", lambda _, path, **__: (fetched.append(path), f"/hub/{path}")[1])
    said: list[str] = []
    files = sources._from_hub("org/pairs", said.append)
    assert next(files) == Path("/hub/data/train-00000-of-00002.parquet") and fetched == BOTH[:1]
    assert list(files) == [Path("/hub/data/train-00001-of-00002.parquet")] and fetched == BOTH
    assert said == [f"Learned from {file} of the dataset org/pairs." for file in BOTH]
    assert list(sources._from_hub("org/pairs/data/test.parquet")) == [Path("/hub/data/test.parquet")]
