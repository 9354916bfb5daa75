"""Prompts follow the chosen checkpoints on Explore, Sweep, Grid and Align: coloured shapes for the embedded world alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from t2ialign import settings
from t2ialign.dashboard.align import new_run
from t2ialign.dashboard.explore import add_prompts
from t2ialign.dashboard.explore import handlers as explore
from t2ialign.dashboard.grid import axes as grid
from t2ialign.dashboard.grid import offers as grid_offers
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.fitting_prompts import FIRST_PROMPT, fitting, following, offered
from t2ialign.dashboard.sweep import new_sweep

REAL = """
[backbones."sd-1.5"]
family = "sd"
hub = "org/name"
scorers = []

[checkpoints."sd-1.5"]
backbone = "sd-1.5"
"""
FEW = """
[backbones.few]
family = "sd3"
hub = "org/few"
prediction = "flow"
steps = 4
guidance_scale = 1.0
scheduler = "euler"
guidance = "apg"

[checkpoints.few]
backbone = "few"
"""
SHAPES = ["shapes-test", "shapes-train"]


@pytest.fixture
def both(services: Services, registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    """A registry with a real backbone beside the embedded world."""
    folder = shutil.copytree(registry, tmp_path / "checkpoints")
    monkeypatch.setattr(settings, "CHECKPOINTS", folder)
    file = folder / "registry.toml"
    file.write_text(file.read_text(encoding="utf-8") + REAL, encoding="utf-8")
    return services


def names(menu) -> list[str]:
    return [value for _, value in menu.choices]


def test_the_set_that_fits(both):
    assert [fitting(both, specs) for specs in (["base"], ["sd-1.5"], ["sd-1.5", "spo@0.5+base"], ["who"], [])] == [
        "shapes-test",
        "everyday",
        "shapes-test",
        "",
        "",
    ]
    assert offered(both, ["sd-1.5"]) == ["everyday"] and offered(both, ["base"])[0] == "shapes-test"
    assert set(offered(both, [])) == {"everyday", *SHAPES}
    assert following(both, "mine.txt", ["sd-1.5"]) == "mine.txt"  # a set of one's own stays
    assert following(both, "shapes-train", ["sd-1.5"]) == "everyday" and following(both, "", ["base"]) == "shapes-test"


def test_explore_offers_the_examples_of_the_chosen_backbone(both):
    found = explore.follow_checkpoints(both, ["sd-1.5"], "shapes-test")
    assert found["prompt_set"].value == "everyday" and names(found["prompt_set"]) == ["everyday"]
    assert "lighthouse" in found["examples"] and "circle" not in found["examples"] and found["world"] == ""
    back = explore.follow_checkpoints(both, ["base"], "everyday")
    assert back["prompt_set"].value == "shapes-test" and "circle" in back["examples"]
    assert names(add_prompts.offer_sets(both, ["sd-1.5"])["prompt_set"]) == ["everyday"]


def test_an_example_in_the_prompt_box_makes_room_and_words_of_ones_own_stay(both):
    first = both.prompts["everyday"][0].text
    assert explore.follow_choice(both, ["sd-1.5"], FIRST_PROMPT) == {"prompt": first}
    assert explore.follow_choice(both, ["sd-1.5"], both.prompts["shapes-train"][3].text) == {"prompt": first}
    assert explore.follow_choice(both, ["base"], first) == {"prompt": FIRST_PROMPT}
    for checkpoints in (["sd-1.5"], ["base"], [], ["who"]):
        assert explore.follow_choice(both, checkpoints, "a corgi on a skateboard") == {}
    assert explore.follow_choice(both, ["base"], FIRST_PROMPT) == {}


def test_sweep_and_its_categories_follow(both):
    found = new_sweep.follow_checkpoints(both, "shapes-test", ["sd-1.5"])
    assert found["prompt_set"].value == "everyday" and names(found["prompt_set"]) == ["everyday"]
    known = {one.category for one in both.prompts["everyday"]}
    assert {value for _, value in found["categories"].choices} == known
    assert "categories" not in new_sweep.follow_checkpoints(both, "mine.txt", ["sd-1.5"])


def test_grid_follows_the_checkpoint_of_its_field_or_of_an_axis(both):
    first = both.prompts["everyday"][0].text
    fixed = ("guidance_scale", "seed", "", ["1"], ["0"], [""])
    assert grid.follow_checkpoints(both, FIRST_PROMPT, *fixed, "sd-1.5") == {"prompt": first}
    along = ("guidance_scale", "", "checkpoint", ["1"], [""], ["sd-1.5"])
    assert grid.follow_checkpoints(both, FIRST_PROMPT, *along, "base") == {"prompt": first}
    values = [FIRST_PROMPT, "a corgi"]
    found = grid.follow_checkpoints(both, "", "prompt", "checkpoint", "", values, ["sd-1.5"], [""], "base")
    assert found["x_values"].value == ["a corgi"] and first in names(found["x_values"])
    kinds, rest = ("prompt", "checkpoint", ""), (["1"], ["sd-1.5"], [""], "base")
    chosen = grid.change_axis(both, "x", *kinds, *rest)["x_values"].value
    assert chosen == [one.text for one in both.prompts["everyday"][:3]]
    assert "circle" in grid_offers.offered(both, "prompt", ["base"])[0][0]


def test_align_offers_sets_for_its_parent(both):
    found = {parent: new_run.pick_method(both, "diffusion_dpo", parent)["prompts"] for parent in ("base", "sd-1.5")}
    sets = {
        parent: [one[1] if isinstance(one, tuple) else one for one in menu["choices"]] for parent, menu in found.items()
    }
    assert sets["sd-1.5"] == ["", "everyday"] and sets["base"][1] == "shapes-test"


def test_a_chosen_model_brings_its_usual_numbers_and_takes_no_typed_ones(both):
    file = settings.CHECKPOINTS / "registry.toml"
    file.write_text(file.read_text(encoding="utf-8") + FEW, encoding="utf-8")
    first, few = ("ddim", 25, 4.0, "cfg"), {"scheduler": "euler", "steps": 4, "guidance_scale": 1.0, "guidance": "apg"}
    assert explore.usual_for(both, ["few"], *first) == few
    assert explore.usual_for(both, ["base"], *few.values()) == dict(zip(few, first))
    assert explore.usual_for(both, ["few"], "ddim", 30, 4.0, "cfg") == {}, "somebody typed 30"
    assert explore.follow_choice(both, ["few"], "a typed prompt", *first) == few
    assert explore.usual_for(both, ["nobody"], *first) == explore.usual_for(both, [], *first) == {}
    together = explore.usual_for(both, ["few", "base"], *few.values())
    assert together == dict(zip(few, first)), "numbers on which they differ are those of most models"
    told = explore.show_examples(both, "everyday", ["few", "base"])["world"]
    assert "few: 4 steps of euler at CFG 1 with guidance apg; base: 25 steps of ddim at CFG 4" in told
