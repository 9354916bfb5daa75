"""Strips of what checkpoints draw: made once, under the identity of what made them, shown in menus."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from t2ialign.dashboard.services import open_services
from t2ialign.dashboard.shared.checkpoint_menu import stories
from t2ialign.dashboard.shared.pictures import picture_routes
from t2ialign.dashboard.shared.templates import css_string
from t2ialign.types import GenerationConfig, Prompt
from t2ialign.use_cases import previews
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import BatchState
from t2ialign.use_cases.previews import SEEDS, draw_after, draw_strip, strip_of, strips
from t2ialign.use_cases.workbench import open_workbench


@pytest.fixture
def home(tmp_path: Path, light_home: Path) -> Path:
    """The shipped results are not looked at here."""
    return shutil.copytree(light_home, tmp_path / "home")


def never() -> bool:
    return False


@pytest.mark.slow
def test_a_strip_is_made_once_and_stands_in_the_menu(home: Path) -> None:
    with open_workbench(home) as bench:
        assert strips(bench) == {} and strip_of(bench, "nothing") is None
        strip = strip_of(bench, "base")
        assert list(draw_strip(bench, strip))[-1] == 1.0 and strip.made
        assert list(draw_strip(bench, strip)) == [] and set(strips(bench)) == {"base"}
        picture = Image.open(io.BytesIO(strip.file.read_bytes()))
        size = strip.entry.size
        assert picture.size == (len(SEEDS) * (size + 4) - 4, size)
        services = open_services(bench)
        assert str(css_string(f"pictures/previews/{strip.file.name}")) in str(stories(services))
        client = TestClient(Starlette(routes=picture_routes(services.store)))
        assert client.get(f"/pictures/previews/{strip.file.stem}.webp").content == strip.file.read_bytes()
        for other in ("0" * 16, "..%2f..%2fx", ".a", "a.b"):
            assert client.get(f"/pictures/previews/{other}.webp").status_code == 404


def test_weights_that_are_not_here_have_no_strip(home: Path) -> None:
    with open_workbench(home) as bench:
        assert strip_of(bench, "sd-1.5") is None and strip_of(bench, "dpo-sd-1.5") is None


@pytest.mark.parametrize(("seconds", "asked"), [(1.0, True), (1000.0, False)])
def test_after_a_run_only_what_is_soon_done_is_drawn(home: Path, monkeypatch, seconds: float, asked: bool) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(
        previews, "draw_strip", lambda bench, strip, cancelled: drawn.append(strip.checkpoint) or iter(())
    )
    request = BatchRequest(Prompt("a ring"), "base", (0,), num_inference_steps=10)
    state = BatchState(request, GenerationConfig("shapes"), seconds=seconds, generated=1)
    with open_workbench(home) as bench:
        draw_after(bench, [state, replace(state, generated=0)], never)  # 4 pictures x 25 steps x 0.1 s = 10 s
        assert drawn == (["base"] if asked else [])
        draw_after(bench, [state], lambda: True)
        assert drawn == (["base"] if asked else [])


def test_pictures_of_another_shape_stand_side_by_side() -> None:
    row = previews._side_by_side(torch.zeros((2, 3, 200, 400), dtype=torch.uint8))
    assert Image.open(io.BytesIO(row)).size == (2 * 192 + 4, 96)
