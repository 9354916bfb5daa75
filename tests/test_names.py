"""Names that are a folder's too, the sentence for others, and what a setting is called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from t2ialign.names import check_name, guided, setting_name
from t2ialign.types import AdapterUse, GenerationConfig, InputError


@pytest.mark.parametrize("name", ["a", "my_lora", "DPO-step50", "v1.5", "7", "a" * 100])
def test_a_name(name: str) -> None:
    assert check_name(name, "A prompt set") == name


@pytest.mark.parametrize("name", ["", " ", ".hidden", "-x", "../up", "a/b", "ü", "a" * 101, "a\n"])
def test_no_name(name: str) -> None:
    with pytest.raises(InputError) as found:
        check_name(name, "The new checkpoint")
    said = str(found.value)
    assert said.startswith("The new checkpoint needs a name of letters, digits") and "as my_checkpoint" in said
    assert len(said) < 260 and "\n" not in said


def test_a_setting_is_called_by_checkpoint_strategy_and_scale() -> None:
    config = GenerationConfig("shapes", adapters=(AdapterUse("mine", 0.5),), guidance_scale=2)
    assert setting_name(config) == "mine@0.5 at CFG 2" and guided(config) == ""
    strategy = replace(config, guidance="cads", guidance_params=(("batch", "a mark"), ("noise_scale", 0.1)))
    assert setting_name(strategy, {"mine@0.5": "My own"}) == "My own with cads:noise_scale=0.1 at CFG 2"
