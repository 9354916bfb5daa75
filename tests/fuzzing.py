"""Odd files for every reader of foreign input: whatever is in them, a reader answers, or raises one sentence (``InputError``).

``READERS`` is the table: a strategy of files (name -> bytes) and what reads them. ``python -m tests.fuzzing`` tries
thousands of each and prints how many were tried, answered, refused, and how many ended in a traceback.
"""

from __future__ import annotations

import base64
import copy
import io
import json
import sys
import tempfile
import tomllib
import traceback
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save

from t2ialign import adapter_places, registry
from t2ialign.codec import encode
from t2ialign.dashboard.shared.checkpoint_menu import story
from t2ialign.diffusion.adapter_files import read_adapter
from t2ialign.hub.study_folder import _manifest, unpack
from t2ialign.hub.vote_tables import read_votes, vote_rows, write_csv_folder
from t2ialign.pictures import read_picture
from t2ialign.registry import CheckpointEntry
from t2ialign.study.agreement import agreement
from t2ialign.study.answers import Answer
from t2ialign.study.design import read_design
from t2ialign.study.manifest import Exhibit, Manifest
from t2ialign.study.strengths import strengths
from t2ialign.study.tables import read_duels, read_ratings
from t2ialign.training.pair_files import LAYOUT, read_examples, read_pairs
from t2ialign.types import InputError
from t2ialign.use_cases.batches import benchmarks, prompt_sets
from t2ialign.use_cases.batches.picture_folders import read_captions
from t2ialign.use_cases.reports.text import checkpoint_rows
from tests.study.conftest import design_of, sha, vote
from tests.tiny import save_tiny_adapter, tiny_unet

Files = Mapping[str, bytes]
WORDS = st.sampled_from(
    ["", "NA", "nan", "None", "left", "tie", "1", "1.0", "prompt", "\ufeff", '"', "\x00", "\u2028", "a,b", "é"]
)
TEXT = WORDS | st.text(max_size=12)
PLAIN = st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.integers(-3, 99) | st.floats() | TEXT
ODD = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)


LEFT_OUT = object()


def changed(valid: bytes) -> st.SearchStrategy[bytes]:
    """A valid file with bytes replaced, cut off, or something put between; sometimes no such file at all."""

    def change(edits: list[tuple[int, bytes]], end: int) -> bytes:
        data = bytearray(valid)
        for place, new in edits:
            data[place : place + len(new)] = new
        return bytes(data[:end])

    edits = st.lists(st.tuples(st.integers(0, len(valid)), st.binary(min_size=1, max_size=4)), max_size=6)
    ends = st.just(10**9) | st.integers(0, len(valid))
    return st.builds(change, edits, ends) | st.binary(max_size=64)


def odd_table(
    valid: Mapping[str, Any], columns: Mapping[str, st.SearchStrategy[Any]] | None = None
) -> st.SearchStrategy[bytes]:
    """Parquet files with a valid row's columns, some of them missing, of another type or full of gaps."""
    kinds = [st.booleans(), st.integers(-5, 5), st.floats(), st.text(max_size=5), st.binary(max_size=9)]
    kinds += [st.lists(st.integers(0, 3), max_size=2), st.fixed_dictionaries({"bytes": st.binary(max_size=9)})]

    @st.composite
    def build(draw: Callable[..., Any]) -> bytes:
        rows, table = draw(st.integers(1, 3)), {}
        for name, value in valid.items():
            how = draw(st.integers(0, 39))
            if how:  # else it is missing
                usual = (columns or {}).get(name, st.just(value))
                values = usual if how > 3 else draw(st.sampled_from(kinds))
                table[name] = [draw(st.none() | values if how in (1, 4) else values) for _ in range(rows)]
        buffer = io.BytesIO()
        try:
            pq.write_table(pa.table(table), buffer)
        except (pa.ArrowException, TypeError, OverflowError):  # this table cannot be written
            return b""
        return buffer.getvalue()

    return build()


def odd_record(valid: Any) -> st.SearchStrategy[Any]:
    """A JSON value with up to three of its parts, at any depth, replaced by odd ones or left out."""
    places = list(paths(valid))

    def change(edits: list[tuple[tuple[Any, ...], Any]]) -> Any:
        record = copy.deepcopy(valid)
        for path, value in edits:
            record = put(record, path, value)
        return record

    return st.lists(st.tuples(st.sampled_from(places), st.just(LEFT_OUT) | ODD), max_size=3).map(change)


def paths(value: Any, so_far: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield so_far
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from paths(part, (*so_far, name))


def put(record: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The record with another part at a path; as it is where an earlier change took that path away."""
    if not path:
        return record if value is LEFT_OUT else value
    place: Any = record
    try:
        for name in path[:-1]:
            place = place[name]
        if value is LEFT_OUT:
            del place[path[-1]]
        else:
            place[path[-1]] = value
    except (LookupError, TypeError):
        pass
    return record


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


@cache
def png() -> bytes:
    return saved(Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)), "PNG")


@cache
def other_png() -> bytes:
    return saved(Image.new("RGB", (4, 4), "red"), "PNG")


def saved(picture: Image.Image, form: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form)
    return buffer.getvalue()


def pictures() -> st.SearchStrategy[Files]:
    picture = Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))
    forms = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "ICO")
    modes = {"PNG": ("RGB", "RGBA", "P", "L", "I;16"), "TIFF": ("RGB", "F", "CMYK")}
    valid = [
        saved(picture.convert("L").convert("I").convert(m) if m == "I;16" else picture.convert(m), f)
        for f in forms
        for m in modes.get(f, ("RGB",))
    ]
    return st.sampled_from(valid).flatmap(changed).map(lambda data: {"a.png": data})


def manifests() -> st.SearchStrategy[Files]:
    folder = registry.settings.CHECKPOINTS
    found = sorted(path for path in folder.glob("*/manifest.json") if b'"method"' in path.read_bytes())
    records = [json.loads(path.read_text(encoding="utf-8")) for path in found[:4]]
    return st.sampled_from(records).flatmap(odd_record).map(lambda record: {"mine/manifest.json": as_json(record)})


@cache
def backbones() -> Mapping[str, registry.BackboneEntry]:
    return registry.load_registry().backbones


def read_manifest(folder: Path) -> None:
    for found in registry._discover(folder, backbones()):
        (found if isinstance(found, str) else story(found)).encode()


def tables(columns: dict[str, list[str]]) -> st.SearchStrategy[Files]:
    """CSVs with plausible cells, and now and then an odd cell, a row of another length, or other bytes."""
    cell = [st.sampled_from(usual) for usual in columns.values()]
    odd = [st.one_of(usual, usual, usual, usual, TEXT) for usual in cell]
    row = st.one_of(st.tuples(*cell), st.tuples(*cell), st.tuples(*odd))
    rows = st.lists(row, min_size=1, max_size=12)
    strange = st.lists(st.lists(TEXT, min_size=2, max_size=5), max_size=5)
    written = st.one_of(rows, rows, rows, strange).map(lambda body: "\n".join(map(",".join, [list(columns), *body])))
    data = st.one_of(written.map(lambda text: text.encode("utf-8", "surrogatepass")), st.binary(max_size=80))
    return data.map(lambda data: {"a.csv": data})


@cache
def votes() -> list[dict[str, Any]]:
    return list(
        vote_rows([vote(["a", "b"], Answer((0,)), "pick"), vote(["a", "b"], Answer((), "tie"), "pick", survey="two")])
    )


def study_manifest() -> dict[str, Any]:
    exhibits = tuple(Exhibit((name,), "prompt 0.0", (0,), (sha(name),), "cell") for name in "ab")
    made = Manifest(design_of("ab", 1, 1), exhibits, (sha("decoy"),))
    return json.loads(json.dumps(encode(made))) | {"study": "a-study"}


def vote_csv() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        (path, *_) = write_csv_folder([vote(["a", "b"], Answer((0,)), "pick")], Path(folder))
        return path.read_bytes()


def prompt_files() -> st.SearchStrategy[Files]:
    lines = st.lists(TEXT | st.just("# colour"), max_size=5).map("\n".join)
    records = st.lists(st.fixed_dictionaries({"prompt": ODD}) | ODD, max_size=4)
    cells = st.lists(st.lists(TEXT, min_size=1, max_size=3), max_size=4)
    head = st.sampled_from([["prompt", "category"], ["Prompt"], ["x"]])

    def table(mark: str) -> st.SearchStrategy[str]:
        return st.builds(lambda first, rest: "\n".join(map(mark.join, [first, *rest])), head, cells)

    texts = {
        ".txt": lines,
        ".csv": table(","),
        ".tsv": table("\t"),
        ".jsonl": records.map(lambda r: "\n".join(map(json.dumps, r))),
    }
    made = [text.map(lambda t, end=end: {f"a{end}": t.encode("utf-8", "surrogatepass")}) for end, text in texts.items()]
    raw = st.builds(lambda end, data: {f"a{end}": data}, st.sampled_from([*texts]), st.binary(max_size=60))
    return st.one_of(*made, raw)


def pair_row() -> dict[str, Any]:
    row = dict.fromkeys(LAYOUT.names)
    return row | {
        "caption": "a ring",
        "jpg_0": png(),
        "jpg_1": other_png(),
        "label_0": 1.0,
        "label_1": 0.0,
        "has_label": True,
        "weight": 1.0,
        "source": "x",
        "key_0": "",
        "key_1": "",
        "votes": [{"survey": "s", "trial": "t", "label_0": 1.0}],
    }


def pairs() -> st.SearchStrategy[Files]:
    pictures = st.sampled_from([png(), other_png()]) | changed(png())
    labels = st.sampled_from([0.0, 1.0, 0.5, float("nan"), -1.0, 2.0])
    columns = {"jpg_0": pictures, "jpg_1": pictures, "label_0": labels, "label_1": labels}
    made = odd_table(pair_row(), columns)
    return st.one_of(made, made, changed(written([pair_row()]))).map(lambda data: {"a.parquet": data})


def pairs_as_lines() -> st.SearchStrategy[Files]:
    """JSONL with the pair's row in each line, some of it odd, beside one picture; or damaged bytes of such a file."""
    data = base64.b64encode(png()).decode()
    valid = {**pair_row(), "jpg_0": data, "jpg_1": "a.png"}
    forms = st.sampled_from(
        [data, f"data:image/png;base64,{data}", "a.png", "b.png", "..", "a.jsonl", {"path": "a.png"}]
    )
    row = st.builds(lambda record, form: put(record, ("jpg_0",), form), odd_record(valid), st.just(data) | forms)
    lines = st.lists(row | ODD, min_size=1, max_size=3).map(lambda rows: "\n".join(map(json.dumps, rows)).encode())
    damaged = changed(json.dumps(valid).encode())
    return st.one_of(row.map(as_json), lines, damaged).map(lambda found: {"a.jsonl": found, "a.png": other_png()})


def registries() -> st.SearchStrategy[Files]:
    valid = tomllib.loads((registry.settings.CHECKPOINTS / "registry.toml").read_text(encoding="utf-8"))
    few = {kind: dict([*tables.items()][:2]) for kind, tables in valid.items()}
    return st.one_of(odd_record(few).map(as_toml), changed(as_toml(few))).map(lambda data: {"registry.toml": data})


def read_registry(folder: Path) -> None:
    found = registry.load_registry(folder, folder / "home")
    for entry in found.checkpoints.values():
        story(entry).encode()
        with suppress(InputError):
            registry.resolve(entry.name, found)
    checkpoint_rows(found.checkpoints.values())


def benchmark_sets() -> st.SearchStrategy[Files]:
    valid = {"title": "A set", "prompts": "everyday", "seeds": "own:8"}
    return st.one_of(odd_record(valid).map(as_toml), changed(as_toml(valid))).map(lambda data: {"a.toml": data})


def of_peft() -> st.SearchStrategy[Files]:
    _, data = adapter()
    valid = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "alpha_pattern": {"to_q": 8}, "use_rslora": False}
    config = odd_record(valid).map(as_json) | changed(as_json(valid))
    return config.map(lambda text: {adapter_places.PEFT_FILE: data, adapter_places.PEFT_CONFIG: text})


def read_of_peft(folder: Path) -> None:
    file = folder / adapter_places.PEFT_FILE
    adapter_places.adapter_sha(file)
    read_adapter(file, CheckpointEntry("a", "tiny", file, "dora"), unet())


def zips() -> st.SearchStrategy[Files]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", as_json(study_manifest()))
        archive.writestr("votes.parquet", written(votes()))
    return changed(buffer.getvalue()).map(lambda data: {"a.zip": data})


def read_zip(folder: Path) -> None:
    unpack(folder / "a.zip", folder / "out")
    _manifest(folder / "out")
    read_votes(folder / "out" / "votes.parquet")


def as_toml(record: Any) -> bytes:
    """What TOML cannot say, it cannot be asked."""
    import tomlkit

    try:
        return tomlkit.dumps(record).encode("utf-8", "surrogatepass")
    except Exception:
        return b"title = 1"


def written(rows: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


def examples() -> st.SearchStrategy[Files]:
    row = {"caption": "a ring", "jpg": png(), "liked": True, "weight": 1.0}
    made = odd_table(row, {"jpg": st.just(png()) | changed(png()), "liked": st.booleans()})
    return st.one_of(made, made, changed(written([row]))).map(lambda data: {"a.parquet": data})


@cache
def unet() -> Any:
    return tiny_unet("sd-1.5")


@cache
def adapter() -> tuple[dict[str, torch.Tensor], bytes]:
    from safetensors.torch import load

    with tempfile.TemporaryDirectory() as folder:
        data = save_tiny_adapter(Path(folder) / "a", "dora", rank=2).adapter.read_bytes()
    return load(data), data


def adapters() -> st.SearchStrategy[Files]:
    """Renamed, reshaped, retyped and missing tensors, odd metadata, and damaged bytes."""
    tensors, data = adapter()
    few = dict(sorted(tensors.items())[:6])
    names = """lora_A lora.down|lora_A lora_down|lora_A hada_w1|unet. lora_unet_|unet. text_encoder.|unet. base_model.model.
        |down_blocks input_blocks_4_1|.weight .alpha|lora_magnitude_vector dora_scale|. _|to_q x|attn1 attn1.processor"""
    renames = st.sampled_from([tuple(pair.split()) for pair in names.split("|")])
    kinds = st.sampled_from(
        [torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.int64, torch.bool]
    )
    shapes = st.sampled_from([None, (), (0,), (1,), (2, 0), (1, 1, 1), "column", "row", "flat"])

    def made(old_new: list[tuple[str, str]], kind: torch.dtype, shape: Any, which: int, metadata: str | None) -> bytes:
        found = {}
        for number, (key, tensor) in enumerate(few.items()):
            for old, new in old_new:
                key = key.replace(old, new) if old else key
            if number == which:
                sizes = {"column": (-1, 1), "row": (1, -1), "flat": (-1,)}
                tensor = (
                    tensor if shape is None else tensor.reshape(sizes[shape]) if shape in sizes else torch.ones(shape)
                )
                tensor = tensor.to(kind)
            found[key] = tensor.contiguous().clone()
        return save(found, None if metadata is None else {"lora_adapter_metadata": metadata})

    said = st.none() | ODD.map(json.dumps) | TEXT.filter(lambda text: text.isprintable())
    scale = st.dictionaries(st.sampled_from(["unet.lora_alpha", "unet.alpha_pattern", "unet.use_rslora"]), ODD).map(
        json.dumps
    )
    files = st.builds(
        made, st.just([]) | st.lists(renames, max_size=2), kinds, shapes, st.integers(0, 15), st.none() | said | scale
    )
    return st.one_of(files, files, files, changed(data)).map(lambda bytes_: {"a.safetensors": bytes_})


def read_one_adapter(folder: Path) -> None:
    file = folder / "a.safetensors"
    read_adapter(file, CheckpointEntry("a", "tiny", file, "lora"), unet())


def designs() -> st.SearchStrategy[Files]:
    import tomlkit

    valid = tomlkit.parse((registry.settings.DATA / "studies" / "two_tastes.toml").read_text(encoding="utf-8")).unwrap()

    return st.one_of(odd_record(valid).map(as_toml), changed(as_toml(valid))).map(lambda data: {"a.toml": data})


@dataclass(frozen=True)
class Reader:
    """A kind of foreign input; ``files`` are made lazily, ``read`` takes the folder in which they lie."""

    files: Callable[[], st.SearchStrategy[Files]]
    read: Callable[[Path], object]


READERS: dict[str, Reader] = {
    "manifest": Reader(manifests, read_manifest),
    "ratings CSV": Reader(
        lambda: tables({"unit": list("123"), "rater": list("abcdefghij"), "answer": ["x", "y", "1", "1.0", "NA"]}),
        lambda f: agreement(read_ratings(f / "a.csv")),
    ),
    "comparisons CSV": Reader(
        lambda: tables(
            {"left": list("ab"), "right": list("bc"), "outcome": ["left", "right", "tie", ""], "rater": list("xyz")}
        ),
        lambda f: strengths(read_duels(f / "a.csv")),
    ),
    "votes CSV": Reader(lambda: changed(vote_csv()).map(lambda d: {"a.csv": d}), lambda f: read_votes(f / "a.csv")),
    "votes Parquet": Reader(
        lambda: (
            odd_table(votes()[0]).map(lambda d: {"a.parquet": d})
            | changed(written(votes())).map(lambda d: {"a.parquet": d})
        ),
        lambda f: read_votes(f / "a.parquet"),
    ),
    "votes manifest JSON": Reader(
        lambda: odd_record(study_manifest()).map(lambda r: {"manifest.json": as_json(r)}),
        _manifest,
    ),
    "pairs Parquet": Reader(pairs, lambda f: read_pairs(f / "a.parquet", 4, 3)),
    "pairs JSONL": Reader(pairs_as_lines, lambda f: read_pairs(f / "a.jsonl", 4, 3)),
    "labelled pictures Parquet": Reader(examples, lambda f: read_examples(f / "a.parquet", 4, 3)),
    "prompts Parquet": Reader(
        lambda: odd_table({"prompt": "a ring", "category": "x"}).map(lambda d: {"a.parquet": d}),
        lambda f: prompt_sets.load(str(f / "a.parquet")),
    ),
    "prompts": Reader(prompt_files, lambda f: [prompt_sets.load(str(path)) for path in f.iterdir()]),
    "pictures": Reader(pictures, lambda f: read_picture(f / "a.png", "'a.png'")),
    "captions": Reader(
        lambda: (
            st.binary(max_size=40).map(lambda d: {"a.txt": d, "a.png": b""})
            | TEXT.map(lambda t: {"a.caption": t.encode("utf-16", "surrogatepass"), "a.png": b""})
        ),
        lambda f: read_captions([f / "a.png"]),
    ),
    "adapters": Reader(adapters, read_one_adapter),
    "adapters of peft": Reader(of_peft, read_of_peft),
    "designs TOML": Reader(designs, lambda f: read_design(f / "a.toml")),
    "registry TOML": Reader(registries, read_registry),
    "benchmark sets TOML": Reader(benchmark_sets, lambda f: benchmarks.read_set(f / "a.toml")),
    "studies as zip": Reader(zips, read_zip),
}


@dataclass
class Tally:
    """What became of the inputs that were tried."""

    tried: int = 0
    answered: int = 0
    tracebacks: list[str] = field(default_factory=list)


def fuzz(name: str, examples: int) -> Tally:
    """Tries a reader on so many files, the same ones each time."""
    tally, reader = Tally(), READERS[name]

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(reader.files())
    def attempt(files: Files) -> None:
        tally.tried += 1
        with tempfile.TemporaryDirectory() as folder:
            for file, data in files.items():
                (Path(folder) / file).parent.mkdir(exist_ok=True)
                (Path(folder) / file).write_bytes(data)
            try:
                reader.read(Path(folder))
                tally.answered += 1
            except InputError as error:
                if "\n" in str(error).strip():
                    tally.tracebacks.append(f"more than a sentence: {error}")
            except Exception:
                tally.tracebacks.append(traceback.format_exc(limit=-3))

    attempt()
    return tally


def main(examples: int) -> None:
    print("| reader | inputs tried | read | refused with a sentence | tracebacks |\n|---|---:|---:|---:|---:|")
    for name in READERS:
        found = fuzz(name, examples)
        failed = len(found.tracebacks)
        print(
            f"| {name} | {found.tried} | {found.answered} | {found.tried - found.answered - failed} | {failed} |",
            flush=True,
        )
        for trace in dict.fromkeys(found.tracebacks[:3]):
            print(trace, file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
