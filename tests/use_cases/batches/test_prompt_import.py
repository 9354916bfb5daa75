"""Prompts from elsewhere as named sets: every published layout in small, what is said, and the sentences for the rest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from open_clip import tokenize
from typer.testing import CliRunner

from t2ialign.cli.app import app
from t2ialign.encoders.clip import clip_tokens
from t2ialign.store import list_benchmarks, open_store
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.batches import benchmarks, prompt_import, prompt_sets
from t2ialign.use_cases.batches.prompt_import import MOST, ImportOptions, import_prompts
from t2ialign.use_cases.sweeps.spec import PromptChoice, prompts_of

Layout = dict[str, bytes]


def table(columns: dict[str, list[object]]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, row_group_size=2)
    return sink.getvalue().to_pybytes()


RED, STAR = ("a red circle", "color"), ("a star above a ring", "spatial")
LAYOUTS: dict[str, tuple[Layout, list[tuple[str, str]]]] = {
    "T2I-CompBench": (
        {"color_val.txt": b"a red circle\n", "3d_spatial_val.txt": b"a star above a ring\r\n", "README.md": b"# no\n"},
        [("a star above a ring", "3d_spatial"), RED],
    ),
    "HPSv2 lists": (
        {"anime.json": b'["a red circle"]', "concept-art.json": b'["a star above a ring"]'},
        [("a red circle", "anime"), ("a star above a ring", "concept-art")],
    ),
    "HPSv2 by style": (
        {"x.json": b'{"color": ["a red circle"], "spatial": ["a star above a ring"]}'},
        [RED, STAR],
    ),
    "HPDv2 test": (
        {"test.json": b'[{"prompt": "a red circle", "rank": [1, 0], "image_path": ["a.jpg", "b.jpg"]}]'},
        [("a red circle", "")],
    ),
    "PartiPrompts": (
        {"P.tsv": b'Prompt\tCategory\tChallenge\tNote\na red circle\tcolor\tBasic\tx\n"Go" on a sign\tWorld\tBasic\ty\n'},
        [RED, ('"Go" on a sign', "World")],
    ),
    "DrawBench": (
        {"d.csv": b'Prompts,Category\n"a red circle",color\na star above a ring,spatial\n'},
        [RED, STAR],
    ),
    "GenEval": (
        {"g.jsonl": b'{"tag": "color", "include": [{"class": "x", "count": 1}], "prompt": "a red circle"}\n'},
        [RED],
    ),
    "DiffusionDB": (
        {"m.parquet": table({"image_name": ["a", "b", "c"], "prompt": ["a red circle", None, "a star above a ring"],
                             "user_name": ["x"] * 3})},
        [("a red circle", ""), ("a star above a ring", "")],
    ),
    "Pick-a-Pic": (
        {"p.parquet": table({"caption": ["a red circle"] * 3, "jpg_0": [b"x"] * 3, "label_0": [1.0] * 3})},
        [("a red circle", "")],
    ),
    "dimensions": (
        {"d.json": b'[{"prompt": "a red circle", "dimension": "color"}]', "layout.jsonl": b'"a star above a ring"\n'},
        [RED, ("a star above a ring", "layout")],
    ),
    "nested by dimension": (
        {"d.json": b'{"color": {"warm": ["a red circle"], "cold": [{"prompt": "a blue ring"}]}, '
                   b'"spatial": ["a star above a ring"]}'},
        [("a red circle", "color/warm"), ("a blue ring", "color/cold"), STAR],
    ),
    "keyed by id": (
        {"d.json": b'{"0001": {"prompt": "a red circle", "dimension": "color"}, "0002": {"prompt": "a star above a ring"}}'},
        [RED, ("a star above a ring", "")],
    ),
    "keyed by id within a dimension": (
        {"d.json": b'{"color": {"0001": {"prompt": "a red circle"}}, "spatial": {"0002": "a star above a ring"}}'},
        [RED, STAR],
    ),
}  # fmt: skip


def laid_out(folder: Path, layout: Layout) -> Path:
    folder.mkdir()
    for name, data in layout.items():
        (folder / name).write_bytes(data)
    return folder if len(layout) > 1 else folder / next(iter(layout))


@pytest.mark.parametrize("name", LAYOUTS)
def test_published_layouts_become_sets_with_their_categories(tmp_path: Path, name: str) -> None:
    layout, wanted = LAYOUTS[name]
    import_prompts(str(laid_out(tmp_path / "from", layout)), ImportOptions("mine"), tmp_path / "home", lambda _: None)
    found = prompt_sets.load("mine", home=tmp_path / "home")
    assert [(prompt.text, prompt.category) for prompt in found] == wanted


def test_what_is_left_out_and_what_models_do_not_read_is_said_and_kept(tmp_path: Path) -> None:
    long = "word " * 80
    rows = ["a red circle", None, "a red circle", long.strip(), "a\0star"]
    pq.write_table(pa.table({"prompt": rows}), tmp_path / "odd.parquet")
    said: list[str] = []
    card = import_prompts(str(tmp_path / "odd.parquet"), home=tmp_path, say=said.append)
    assert said == [
        "1 of 5 rows of 'odd.parquet' have no prompt and were left out.",
        "1 of 5 rows of 'odd.parquet' have one that came before and were left out.",
        "1 of 5 rows of 'odd.parquet' are no prompt and were left out; the first: The text in line 5 has a control "
        "character (U+0000) at position 2: remove it.",
        "1 of 2 prompts have more than the 77 tokens that CLIP's text encoder reads (the longest 82): models such as SD-1.5 "
        "and SDXL do not see their ends.",
    ]
    assert prompt_sets.card_of("odd", tmp_path) == card and card.notes == tuple(said) and card.count == 2


def test_tokens_are_counted_as_open_clip_cuts_them() -> None:
    for words in (74, 75, 76):  # 75 words and two marks fill the 77
        text = "ring " * words
        assert clip_tokens(text) == words + 2
        kept = int((tokenize([text])[0] == int(tokenize(["ring"])[0][1])).sum())
        assert (clip_tokens(text) > 77) == (kept < words)


def test_a_folder_of_several_splits_wants_to_know_which(tmp_path: Path) -> None:
    files = {"color_train.txt": b"a ring\n", "color_val.txt": b"a star\na ring\n", "shape_val.txt": b"a star\n"}
    place = str(laid_out(tmp_path / "bench", files))
    with pytest.raises(InputError, match=r"several splits \(train, validation\): say which with --split"):
        import_prompts(place, home=tmp_path)
    with pytest.raises(InputError, match="has no split 'test'"):
        import_prompts(place, ImportOptions(split="test"), tmp_path)
    said: list[str] = []
    card = import_prompts(place, ImportOptions(split="val"), tmp_path, said.append)
    assert card.name == "bench-val" and said == [
        f"1 of 3 files of {place} are of other splits and were left out.",
        "1 prompts stand in several files; each stays where it came first.",
    ]
    assert prompt_sets.load("bench-val:color", home=tmp_path) == (Prompt("a star", "color"), Prompt("a ring", "color"))
    assert import_prompts(place, ImportOptions("both", "all"), tmp_path, said.append).count == 2


def test_a_limit_takes_at_even_distances(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "many.txt").write_text("\n".join(f"ring {n}" for n in range(10)))
    said: list[str] = []
    import_prompts(str(tmp_path / "many.txt"), ImportOptions(limit=3), tmp_path, said.append)
    assert [prompt.text for prompt in prompt_sets.load("many", home=tmp_path)] == ["ring 0", "ring 3", "ring 6"]
    assert said == ["3 of 10 prompts were taken, at even distances."]
    monkeypatch.setattr(prompt_import, "MOST", 9)
    with pytest.raises(InputError, match="holds 10 prompts, and a set has 9 at most: take fewer"):
        import_prompts(str(tmp_path / "many.txt"), ImportOptions("all"), tmp_path)
    assert MOST == 100_000


@pytest.mark.parametrize(
    ("source", "name", "sentence"),
    [
        ("nowhere", "", "neither a file or folder of this machine nor a dataset"),
        ("https://hub/x", "", "by its id, as org/name"),
        ("a.txt", "shapes-test", "is a shipped prompt set"),
        ("a.txt", "../x", "needs a name of letters"),
        ("a.txt", "taken", "a prompt set called taken already"),
        ("empty", "", "holds no prompt file"),
        ("x.png", "", "is not a prompt file"),
        ("wide.csv", "", "line 2 has 2 values for 1 columns"),
        ("number.json", "", "entry 1 is no object with a text"),
        ("object.json", "", "no list of prompts"),
        ("mixed.json", "", "its object holds what is neither prompts"),
        ("deep.json", "", "its object 'color' holds what is neither"),
    ],
)
def test_what_cannot_be_imported_gets_one_sentence(tmp_path: Path, monkeypatch, source: str, name: str, sentence: str):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    files = {"a.txt": "a ring\n", "x.png": "", "wide.csv": "prompt\na,b\n", "number.json": "[7]", "object.json": "7"}
    files |= {
        "mixed.json": '{"version": "1.0", "prompts": ["a ring"]}',
        "deep.json": '{"color": {"0": "a ring", "n": 1}}',
    }
    for file, text in files.items():
        (tmp_path / file).write_text(text)
    import_prompts("a.txt", ImportOptions("taken"), tmp_path / "home", lambda _: None)
    with pytest.raises(InputError, match=sentence):
        import_prompts(source, ImportOptions(name), tmp_path / "home")
    assert prompt_sets.own_names(tmp_path / "home") == ["taken"]


def test_a_dataset_of_the_hub_is_read_at_one_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = {"README.md": 9, "data/train-00000-of-00001.parquet": 40, "data/test-00000-of-00001.parquet": 30_000}
    files = [SimpleNamespace(rfilename=name, size=size) for name, size in named.items()]
    commit = "c" * 40
    asked: list[tuple[str, str, str]] = []

    class Api:
        def dataset_info(self, repository: str, revision: str | None, files_metadata: bool) -> object:
            return SimpleNamespace(sha=commit, siblings=files, card_data=SimpleNamespace(license="mit"))

    def fetched(repository: str, name: str, repo_type: str, revision: str) -> str:
        asked.append((repository, name, revision))
        (tmp_path / "t.parquet").write_bytes(table({"prompt": ["a ring"]}))
        return str(tmp_path / "t.parquet")

    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", fetched)
    with pytest.raises(InputError, match="several splits"):
        import_prompts("org/set", home=tmp_path)
    said: list[str] = []
    card = import_prompts("org/set", ImportOptions(split="test"), tmp_path, said.append)
    assert (card.name, card.source, card.licence) == ("set-test", f"org/set@{commit}", "mit")
    assert asked == [("org/set", "data/test-00000-of-00001.parquet", commit)]
    assert said[-1] == "data/test-00000-of-00001.parquet of org/set: 30 kB."


@pytest.mark.slow
def test_a_set_is_chosen_by_its_name_everywhere(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("# color\na red circle\n# spatial\na star above a ring\n#")
    home = tmp_path / "home"
    run = CliRunner()
    for said in (["import", str(tmp_path / "mine.txt")], ["show", "mine:color"]):
        done = run.invoke(app, ["prompts", *said, "--store", str(home)])
        assert done.exit_code == 0, done.output
    assert "color | a red circle" in done.output
    listed = json.loads(run.invoke(app, ["prompts", "--store", str(home), "--json"]).stdout)
    assert {"name": "mine", "count": 2, "categories": ["color", "spatial"], "source": "mine.txt"} in listed
    [prompt] = prompts_of(PromptChoice("mine:spatial"), home=home)
    assert prompt.text == "a star above a ring"
    with open_store(home) as opened:
        found = benchmarks.set_of(opened, "mine", "own:2")
        assert found.key in {row.key for row in list_benchmarks(opened)} and len(found.cells) == 2
    with pytest.raises(InputError, match="has no category 'size': it has color, spatial"):
        prompt_sets.load("mine:size", home=home)
    with pytest.raises(InputError, match="no prompt set or file 'mine'"):
        prompt_sets.load("mine", home=tmp_path / "another")
    assert run.invoke(app, ["prompts", "remove", "mine", "--store", str(home)]).exit_code == 0
    with pytest.raises(InputError, match="no imported prompt set 'everyday'"):
        prompt_sets.remove("everyday", home)


def test_every_set_is_read_anew_what_changed(tmp_path: Path) -> None:
    shelf = prompt_sets.every(tmp_path, "everyday")
    assert next(iter(shelf)) == "everyday" and set(shelf) == set(prompt_sets.names())
    card = prompt_sets.SetCard("mine", "x", "", 1, "")
    prompt_sets.keep(card, [Prompt("#1 ring", "a")], tmp_path)
    assert prompt_sets.every(tmp_path)["mine"] == (Prompt("#1 ring", "a"),)
    prompt_sets.remove("mine", tmp_path)
    prompt_sets.keep(replace(card, count=2), [Prompt("a ring"), Prompt("a star")], tmp_path)
    assert len(prompt_sets.every(tmp_path)["mine"]) == 2
