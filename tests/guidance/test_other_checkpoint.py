"""A checkpoint that a strategy names: as people write it, and as a config keeps it."""

from __future__ import annotations

import pytest

from t2ialign.guidance import fitted_params, other_checkpoint, read_strategy, spelled_params
from t2ialign.guidance.other_checkpoint import identified, uses_in
from t2ialign.names import params_text, strategy_text
from t2ialign.types import AdapterUse, GenerationConfig, InputError

USES = (AdapterUse("early", 0.5, "0a1b2c"), AdapterUse("other-step50", 1.0, "ff00"))
KEPT = "early@0.5#0a1b2c+other-step50#ff00"


def test_a_config_keeps_it_by_its_content():
    assert identified(USES) == KEPT and uses_in(KEPT) == USES
    assert identified([AdapterUse("early")]) == "early" and uses_in(" early ") == (AdapterUse("early"),)
    configs = [
        GenerationConfig("shapes", guidance="autoguidance", guidance_params=(("weaker_checkpoint", said),))
        for said in ("early#0a1b", "early#0a1c", "early@0.5#0a1b", "late#0a1b")
    ]
    assert len({config.key for config in configs}) == 4


@pytest.mark.parametrize("said", ["", "early@", "early@much", "a++b", "#0a"])
def test_what_names_nothing_is_refused(said: str):
    with pytest.raises(InputError, match="names no checkpoint: write name"):
        uses_in(said)


def test_it_is_written_without_its_content_and_read_back():
    params = (("weaker_checkpoint", KEPT),)
    assert params_text(params) == "weaker_checkpoint=early@0.5+other-step50"
    said = strategy_text("autoguidance", params)
    assert said == "autoguidance:weaker_checkpoint=early@0.5+other-step50"
    asked = ("autoguidance", (("weaker_checkpoint", "early@0.5+other-step50"),))
    assert read_strategy(said) == asked == ("autoguidance", spelled_params("autoguidance", params))
    assert other_checkpoint(*asked) == "early@0.5+other-step50" and other_checkpoint("cfg", ()) == ""


def test_none_is_the_default():
    assert read_strategy("autoguidance:weaker=0.5:weaker_checkpoint=") == ("autoguidance", (("weaker", 0.5),))
    assert fitted_params("autoguidance", (("weaker_checkpoint", ""),), small=True) == ()
    with pytest.raises(InputError, match="write weaker=0, weaker_checkpoint="):
        read_strategy("autoguidance:weaker=much")
