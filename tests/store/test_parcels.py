"""Parcels: what one store's inbox would get, by way of bytes; and nothing but that."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from t2ialign.store import images
from t2ialign.store.parcels import SCHEMA, files_in, pack, unpack
from t2ialign.types import InputError


def parcel(*rows: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([{"path": path, "data": data} for path, data in rows], SCHEMA), buffer)
    return buffer.getvalue()


def test_files_arrive_as_they_were(tmp_path: Path) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    sha = images.write(there, b"a picture")
    for name, data in (("inbox/cli-1f.parquet", b"a shard"), ("training/cells/ab12.parquet", b"a note")):
        (there / name).parent.mkdir(parents=True)
        (there / name).write_bytes(data)
    (there / "other.txt").write_text("not of the kind that travels")
    unpack(here, pack(there, files_in(there)))
    assert {path.relative_to(here): path.read_bytes() for path in files_in(here)} == {
        path.relative_to(there): path.read_bytes() for path in files_in(there)
    }
    assert images.read(here, sha) == b"a picture" and not (here / "other.txt").exists()
    unpack(here, b"")


@pytest.mark.parametrize(
    "path",
    [
        "../inbox/a.parquet",
        "/etc/passwd",
        "inbox/../../a.parquet",
        "inbox/a.txt",
        "t2ialign.duckdb",
        "images/ab/../x.webp",
        "",
    ],
)
def test_no_other_path_is_written(tmp_path: Path, path: str) -> None:
    with pytest.raises(InputError, match="has no file"):
        unpack(tmp_path / "home", parcel((path, b"x")))
    assert not list(tmp_path.rglob("*.*"))


def test_what_is_no_parcel_is_a_sentence(tmp_path: Path) -> None:
    for data in (b"no parquet", b"PAR1"):
        with pytest.raises(InputError, match="no parcel of results"):
            unpack(tmp_path, data)
