"""Names that are a folder's too, and the sentence for others."""

from __future__ import annotations

import pytest

from t2ialign.names import check_name
from t2ialign.types import InputError


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
