"""The document's picture: a row for each prompt and guidance scale, from stored pictures where there are any."""

from __future__ import annotations

import pytest
from PIL import Image

from t2ialign.types import InputError
from t2ialign.use_cases.reports import world_picture
from t2ialign.use_cases.workbench import open_workbench


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(world_picture, "PROMPTS", ("a red circle",))
    monkeypatch.setattr(world_picture, "SCALES", (1.0, 4.0))
    monkeypatch.setattr(world_picture, "SEEDS", (0, 1, 2))
    monkeypatch.setattr(world_picture, "STEPS", 2)


@pytest.mark.slow
def test_rows_are_scales_and_columns_seeds(small, tmp_path, home):
    with open_workbench(home) as bench:
        world_picture.draw(bench, tmp_path / "world.png")
        with pytest.raises(InputError, match="cannot be written"):
            world_picture.draw(bench, tmp_path / "nowhere" / "world.png")
    assert Image.open(tmp_path / "world.png").size == (3 * 64, 2 * 64)
