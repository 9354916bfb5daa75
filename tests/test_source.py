from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t2ialign.codec import decode, encode
from t2ialign.methods import METHODS
from t2ialign.source import KINDS, Source, known, parse_source
from t2ialign.types import InputError

WRITTEN = {
    "": Source(),
    "annotator": Source("annotator"),
    "annotator:sunny": Source("annotator", group="sunny"),
    "style:minimal": Source("style", group="minimal"),
    "metric:clip_score": Source("metric", "clip_score"),
    "votes:two-tastes-9cefd4": Source("votes", "two-tastes-9cefd4"),
    "votes:two-tastes-9cefd4:sunny": Source("votes", "two-tastes-9cefd4", "sunny"),
    "jsonl:pairs.jsonl": Source("jsonl", "pairs.jsonl"),
    "parquet:/data/a:b.parquet": Source("parquet", "/data/a:b.parquet"),
    "hub:kashif/pickascore": Source("hub", "kashif/pickascore"),
    "pictures:~/my photos": Source("pictures", "~/my photos"),
}


@pytest.mark.parametrize(("text", "source"), WRITTEN.items())
def test_a_source_is_what_its_text_says(text: str, source: Source):
    assert parse_source(text) == source and str(source) == text
    assert known(source) == source


def test_every_kind_is_written_here():
    assert {parse_source(text).kind for text in WRITTEN} == {"", *KINDS}


def test_blanks_around_the_parts_say_nothing():
    assert parse_source("  votes : s : g ") == Source("votes", "s", "g")


@given(st.text(alphabet="ab:/ ", max_size=12), st.sampled_from(["", "votes:", "annotator:", "metric:", "other:"]))
def test_any_text_is_read_and_written_back_the_same(text: str, kind: str):
    source = parse_source(kind + text)
    assert parse_source(str(source)) == source
    assert decode(Source, encode(source)) == source


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "oracle",
            "There is no source called 'oracle': use annotator, annotator:GROUP, style:GROUP, metric:NAME, votes:STUDY",
        ),
        (":x", "There is no source called ':x'"),
        ("votes:", "Say which after the colon, as in votes:my-study"),
        ("votes::sunny", "Say which after the colon, as in votes:my-study"),
        ("metric", "as in metric:clip_score"),
        ("pictures: ", "as in pictures:my_photos"),
        ("x" * 500, "There is no source called"),
    ],
)
def test_what_is_no_source_is_said_in_a_sentence(text: str, said: str):
    with pytest.raises(InputError) as found:
        known(parse_source(text))
    assert said in str(found.value) and len(str(found.value)) < 300


def test_methods_start_with_sources_that_exist():
    assert {known(method.source).brings for method in METHODS.values()} == {"", "judge"}
