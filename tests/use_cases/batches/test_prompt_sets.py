"""Prompt files in every published layout, and the sentences for those that are none."""

from __future__ import annotations

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
