import json
from dataclasses import replace

import pytest

from t2ialign.cli.training import _fields
from t2ialign.codec import decode, encode
from t2ialign.job_record import request_in
from t2ialign.source import parse_source
from t2ialign.use_cases.align.command import command_of, differing, in_a_line
from t2ialign.use_cases.align.request import AlignRequest, controls

FULL = AlignRequest(
    "f_dpo",
    "dpo_js",
    parent="spo",
    pairs=parse_source("annotator:sunny"),
    steps=300,
    seed=4,
    options=(("divergence", "alpha=0.6"), ("beta", 2.0), ("match_strength", False)),
)


def test_the_line_is_what_one_types():
    line = in_a_line(command_of(FULL))
    assert line.startswith(
        "python -m t2ialign align f_dpo --name dpo_js --parent spo --pairs annotator:sunny --steps 300"
    )
    assert line.endswith("--divergence=alpha=0.6 --beta=2.0 --match-strength=false")
    assert in_a_line(command_of(AlignRequest("ipo", "x"))) == "python -m t2ialign align ipo --name x"


REQUESTS = [FULL, AlignRequest("ipo", "x"), AlignRequest("gors", "g", backbone="shapes")]


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_request_is_kept_as_it_was(request_: AlignRequest):
    assert decode(AlignRequest, json.loads(json.dumps(encode(request_)))) == request_


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_line_that_was_stored_alone_tells_its_request(request_: AlignRequest):
    """As texts, which the method's fields read."""
    texts = tuple((name, str(value).lower()) for name, value in request_.options)
    assert decode(AlignRequest, request_in("align", command_of(request_))) == replace(request_, options=texts)


@pytest.mark.parametrize(
    ("command", "record"),
    [
        (("align",), {}),
        (("align", "ipo"), {"method": "ipo", "name": "ipo", "options": {}}),
        (
            ("align", "mi_tune", "--rounds", "2", "--safeguard", "--steps=3", "--name", "n"),
            {"method": "mi_tune", "name": "n", "steps": 3, "options": {"rounds": "2", "safeguard": "true"}},
        ),
    ],
)
def test_a_line_typed_by_hand_is_read_too(command: tuple, record: dict):
    assert request_in("align", command) == record
    assert request_in("count", command) == {}


def test_the_command_line_reads_what_the_page_writes():
    words = [word for word in command_of(FULL) if "=" in word]
    read = dict(_fields(words, controls("f_dpo")))
    assert read == {"divergence": "alpha=0.6", "beta": "2.0", "match_strength": "false"}


def test_defaults_are_left_out():
    small = {control.name: control.default(True) for control in controls("f_dpo")}
    request = AlignRequest("f_dpo", "x", options=tuple({**small, "beta": 3.0}.items()))
    assert differing(request, small=True).options == (("beta", 3.0),)
    assert ("scale", small["scale"]) in differing(request, small=False).options
