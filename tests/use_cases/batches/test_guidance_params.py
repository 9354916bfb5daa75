"""What a request's guidance parameters become in its config: a checkpoint that they name counts by its content."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from t2ialign import settings
from t2ialign.adapter_places import ADAPTER_FILE
from t2ialign.guidance import spelled_params
from t2ialign.registry import BackboneEntry, load_registry, resolve
from t2ialign.types import GenerationConfig, InputError, Prompt
from t2ialign.use_cases.batches import guidance_params
from t2ialign.use_cases.batches.guidance_params import params_of
from t2ialign.use_cases.batches.requests import BatchRequest

TOML = """
[backbones.shapes]
family = "sd"
path = "shapes"
size = 64
scorers = []

[backbones.another]
family = "sd"
path = "another"
size = 512
scorers = []

[checkpoints.base]
backbone = "shapes"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry with three adapters, one of them of another backbone; no weights are loaded."""
    found = tmp_path / "checkpoints"
    files = {"registry.toml": TOML}
    for name, backbone in (("late", "shapes"), ("early", "shapes"), ("foreign", "another")):
        files[f"{name}/{ADAPTER_FILE}"] = name
        files[f"{name}/manifest.json"] = json.dumps({"backbone": backbone, "kind": "lora"})
    for file, text in files.items():
        (found / file).parent.mkdir(parents=True, exist_ok=True)
        (found / file).write_text(text)
    monkeypatch.setattr(settings, "CHECKPOINTS", found)
    return found


def params(folder: Path, named: str, checkpoint: str = "late", **others: float) -> dict[str, float | str]:
    registry = load_registry(home=folder.parent / "home")
    entry, adapters = resolve(checkpoint, registry)
    given = tuple(sorted({"weaker_checkpoint": named, **others}.items()))
    request = BatchRequest(Prompt("a ring"), checkpoint, (0,), guidance="autoguidance", guidance_params=given)
    return dict(params_of(request, entry, adapters, registry))


def test_the_file_is_part_of_the_identity(folder: Path) -> None:
    before = params(folder, "early@0.5")["weaker_checkpoint"]
    assert str(before).startswith("early@0.5#") and len(str(before)) > 15
    (folder / "early" / ADAPTER_FILE).write_text("trained again")
    after = params(folder, "early@0.5")["weaker_checkpoint"]
    assert str(after).startswith("early@0.5#") and after != before
    cells = {
        GenerationConfig("shapes", guidance="autoguidance", guidance_params=(("weaker_checkpoint", one),)).key
        for one in (before, after)
    }
    assert len(cells) == 2


def test_a_blend_is_the_same_however_it_is_written(folder: Path) -> None:
    assert params(folder, "early@0.50 + late@0.5") == params(folder, "late@0.5+early@0.5")
    assert params(folder, "early", "base")["weaker_checkpoint"] == params(folder, "early@1.0")["weaker_checkpoint"]


def test_without_one_nothing_is_added(folder: Path) -> None:
    assert params(folder, "") == {} and params(folder, "", weaker=0.25) == {"weaker": 0.25}


@pytest.mark.parametrize(
    ("weaker", "says"),
    [
        ("erly", "did you mean 'early'"),
        ("foreign", "weaker_checkpoint foreign is of another, and shapes draws"),
        ("base", "base is the base, which is meant where no weaker_checkpoint is given"),
        ("early@0", "early@0 is the base"),
        ("late", "late is the checkpoint that draws itself"),
        ("early+foreign", "cannot be blended"),
        ("early@9", "must be a number from -2 to 3"),
    ],
)
def test_one_that_is_missing_or_does_not_fit_is_said(folder: Path, weaker: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        params(folder, weaker)


def test_a_flow_model_begins_cfg_zero_with_a_step_of_rest() -> None:
    flow, diffusion = (BackboneEntry(name, family, Path(name)) for name, family in (("one", "sd3"), ("another", "sd")))
    registry = load_registry()
    request = BatchRequest(Prompt("a ring"), "one", (0,), guidance="cfg_zero")
    assert params_of(request, flow, (), registry) == (("zero_steps", 1.0),)
    assert params_of(request, diffusion, (), registry) == ()


def test_who_reads_phrases_is_part_of_the_identity(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule is not said, as before there was another reader; a stored cell's own reader is asked for again."""
    registry = load_registry(home=folder.parent / "home")
    entry = registry.backbones["shapes"]

    def read_by(*params: tuple[str, str]) -> dict[str, float | str]:
        request = BatchRequest(Prompt("a ring"), "base", (0,), guidance="structured", guidance_params=params)
        return dict(params_of(request, entry, (), registry))

    assert read_by() == {}
    monkeypatch.setattr(guidance_params, "installed_readers", lambda: ["en_core_web_sm-3.8.0", "rule"])
    monkeypatch.setattr(guidance_params, "check_reader", lambda reader: reader)
    assert read_by() == {"reader": "en_core_web_sm-3.8.0"}
    assert read_by(("reader", "rule")) == {} and spelled_params("structured", ()) == (("reader", "rule"),)
    assert read_by(*spelled_params("structured", (("reader", "en_core_web_sm-3.7.1"),))) == {
        "reader": "en_core_web_sm-3.7.1"
    }
