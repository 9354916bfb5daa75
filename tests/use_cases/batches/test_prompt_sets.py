"""Prompt files in every published layout, and the sentences for those that are none."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from t2ialign.shapes import grammar
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.batches import prompt_sets


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("own.txt", "# color\na red circle\n\n# spatial\na star above a ring\na star above a ring\n"),
        ("parti.tsv", "Prompt\tCategory\tChallenge\na red circle\tcolor\tBasic\na star above a ring\tspatial\tBasic\n"),
        ("table.csv", 'prompt,category\n"a red circle",color\na star above a ring,spatial\n'),
        (
            "geneval.jsonl",
            '{"tag": "color", "prompt": "a red circle"}\n{"category": "spatial", "prompt": "a star above a ring"}\n',
        ),
    ],
)
def test_layouts(tmp_path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert prompt_sets.load(str(path)) == (Prompt("a red circle", "color"), Prompt("a star above a ring", "spatial"))


@pytest.mark.parametrize("kind", ["category", "Tag"])
def test_parquet_has_the_columns_of_a_csv(tmp_path, kind: str) -> None:
    columns = {"id": [1, 2, 3], "Prompt": ["a red  circle", None, "a star\nabove a ring"], kind: ["color", "x", None]}
    pq.write_table(pa.table(columns), tmp_path / "set.parquet")
    said: list[str] = []
    found = prompt_sets.load(str(tmp_path / "set.parquet"), said.append)
    assert found == (Prompt("a red circle", "color"), Prompt("a star above a ring"))
    assert said == ["1 of 3 rows of 'set.parquet' have no prompt and were left out."]
    pq.write_table(pa.table({"prompt": [1.5]}), tmp_path / "odd.parquet")
    with pytest.raises(InputError, match="row 1 has no text as its prompt"):
        prompt_sets.load(str(tmp_path / "odd.parquet"))


def test_written_sets_come_back(tmp_path) -> None:
    wanted = tuple(Prompt(p.text, p.category) for p in grammar.prompts("test", 3))
    prompt_sets.write(tmp_path / "set.txt", wanted)
    assert prompt_sets.load(str(tmp_path / "set.txt")) == wanted


def test_the_shipped_test_set_is_the_grammar_s_own() -> None:
    shipped = prompt_sets.load("shapes-test")
    assert shipped == tuple(Prompt(p.text, p.category) for p in grammar.prompts("test", 4))


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing.txt", None, "no prompt set or file"),
        ("empty.txt", b"\n# only a heading\n", "holds no prompt"),
        ("picture.png", b"\x89PNG", "not a prompt file"),
        ("bad.jsonl", b'{"prompt": ', "could not be read"),
        ("nohead.tsv", b"a\tb\n1\t2\n", "could not be read"),
        ("latin.txt", "caf\xe9".encode("latin-1"), "could not be read"),
    ],
)
def test_bad_files_get_one_sentence(tmp_path, name: str, content: bytes | None, sentence: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        prompt_sets.load(str(tmp_path / name))


PUBLISHED = [
    (
        "quoted.csv",
        b'prompt,category\r\n"a red circle\r\nand a blue square",color\r\n',
        ["a red circle and a blue square"],
    ),
    ("comma.csv", b'Prompt\n"a ""red"" circle, small"\n', ['a "red" circle, small']),
    (
        "parti.tsv",
        b'Prompt\tCategory\n"Hello" on a sign\tx\n"a lone quote\tx\na star"\tx\n',
        ['"Hello" on a sign', '"a lone quote', 'a star"'],
    ),
    ("separator.jsonl", '{"prompt": "a red\u2028circle"}\n{"prompt": "a star"}\n'.encode(), ["a red circle", "a star"]),
    ("separator.txt", "a red\u2028circle\x85big\r\na star".encode(), ["a red circle big", "a star"]),
    ("bom.txt", "\ufeffa star\n".encode(), ["a star"]),
    ("hash.txt", b"# signs\n#1 fan of cats\n#\na star\n", ["#1 fan of cats", "a star"]),
]


@pytest.mark.parametrize(("name", "content", "wanted"), PUBLISHED, ids=[name for name, *_ in PUBLISHED])
def test_files_are_read_as_the_field_writes_them(tmp_path, name: str, content: bytes, wanted: list[str]) -> None:
    (tmp_path / name).write_bytes(content)
    assert [prompt.text for prompt in prompt_sets.load(str(tmp_path / name))] == wanted


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"a star\na ring\na star\n", ["1 of 3 rows of 'a.txt' have one that came before and were left out."]),
        ("a.csv", b"prompt,category\na star,x\n,y\n\n", ["1 of 2 rows of 'a.csv' have no prompt and were left out."]),
        (
            "a.jsonl",
            b'{"prompt": null}\n{"prompt": "a star"}\n',
            ["1 of 2 rows of 'a.jsonl' have no prompt and were left out."],
        ),
    ],
)
def test_what_is_left_out_is_said(tmp_path, name: str, content: bytes, said: list[str]) -> None:
    (tmp_path / name).write_bytes(content)
    heard: list[str] = []
    prompt_sets.load(str(tmp_path / name), heard.append)
    assert heard == said


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("wide.csv", b"prompt,category\na red circle, small,x\n", "line 2 has 3 values for 2 columns"),
        ("open.csv", b'prompt\n"a red circle\na star\n', "unexpected end of data"),
        ("list.jsonl", b'["a star"]\n', "line 1 is no object with a text as its prompt"),
        ("number.jsonl", b'{"prompt": "a star"}\n{"prompt": 7}\n', "line 2 is no object"),
        ("deep.jsonl", b"[" * 100_000, "could not be read"),
        ("surrogate.jsonl", b'{"prompt": "\\ud800"}\n', r"text in line 1 has a control character \(U\+D800\)"),
        ("nul.txt", b"a\0star\n", r"text in line 1 has a control character \(U\+0000\)"),
    ],
)
def test_rows_that_are_not_in_the_layout_are_named(tmp_path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        prompt_sets.load(str(tmp_path / name))


def test_a_set_that_cannot_be_read_costs_no_other_and_is_said(tmp_path, run) -> None:
    own = prompt_sets.own_folder(tmp_path)
    own.mkdir(parents=True)
    (own / "good.jsonl").write_text('{"prompt": "a star"}\n')
    (own / "bad.jsonl").write_text('{"prompt": ')
    assert "good" in prompt_sets.every(tmp_path) and "bad" not in prompt_sets.every(tmp_path)
    (said,) = prompt_sets.unreadable(tmp_path)
    assert said.startswith("The prompt set bad is not listed: 'bad.jsonl' could not be read")
    code, out, err = run("prompts", "--store", str(tmp_path))
    assert code == 0 and "good" in out and "everyday" in out and said in err
