import pytest

from t2ialign.cli.training import _fields
from t2ialign.dashboard.shared.training_command import command_of, differing, in_a_line, request_of
from t2ialign.use_cases.align.request import AlignRequest, controls

FULL = AlignRequest(
    "f_dpo",
    "dpo_js",
    parent="spo",
    pairs="annotator:sunny",
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


@pytest.mark.parametrize("request_", [FULL, AlignRequest("ipo", "x"), AlignRequest("gors", "g", backbone="shapes")])
def test_a_command_tells_its_request(request_: AlignRequest):
    found = request_of(command_of(request_))
    assert found == AlignRequest(
        **{**vars(request_), "options": tuple((n, str(v).lower()) for n, v in request_.options)}
    )


def test_the_command_line_reads_what_the_page_writes():
    words = [word for word in command_of(FULL) if "=" in word]
    read = dict(_fields(words, controls("f_dpo")))
    assert read == {"divergence": "alpha=0.6", "beta": "2.0", "match_strength": "false"}


def test_defaults_are_left_out():
    small = {control.name: control.default(True) for control in controls("f_dpo")}
    request = AlignRequest("f_dpo", "x", options=tuple({**small, "beta": 3.0}.items()))
    assert differing(request, small=True).options == (("beta", 3.0),)
    assert ("scale", small["scale"]) in differing(request, small=False).options
