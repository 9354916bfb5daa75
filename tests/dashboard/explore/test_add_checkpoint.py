"""A checkpoint added on the page: the owner's alone, checked in the background, then in the menu."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from t2ialign.dashboard.explore import add_checkpoint, handlers
from t2ialign.dashboard.services import Services, open_services
from t2ialign.dashboard.shared.checkpoint_menu import story
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.registry import hub_part
from t2ialign.types import InputError
from t2ialign.use_cases.workbench import open_workbench
from tests.hub_server import Hub
from tests.use_cases.test_additions import home, hub, world  # noqa: F401

OWNER, STRANGER = Visitor("mine"), Visitor("another", "1.2.3.4", owner=False)


@pytest.fixture
def services(home: Path) -> Iterator[Services]:  # noqa: F811
    with open_workbench(home) as bench:
        yield open_services(bench)


def asked(
    services: Services, visitor: Visitor = OWNER, source: str = "", file: str | list[str] | None = None, name: str = ""
):
    return add_checkpoint.begin(services, visitor, source, file, name, "", "a note", "mit", 4, 1.5, "lcm")


@pytest.mark.slow
def test_a_file_that_was_sent_up_is_in_the_menu(services: Services, world: Path) -> None:  # noqa: F811
    file = str(world / "lora" / "pytorch_lora_weights.safetensors")
    assert asked(services, file=file, name="mine")["add_timer"].active
    assert services.downloads.wait("add mine", 60).status == "done"
    after = add_checkpoint.look(services, OWNER)
    assert "mine is a lora of tiny (licence mit)" in after["add_answer"] and not after["add_timer"].active
    assert ("mine", "mine") in after["checkpoints"].choices
    listed = services.checkpoints()["mine"]
    assert (listed.note, listed.steps, listed.guidance_scale, listed.scheduler) == ("a note", 4, 1.5, "lcm")


@pytest.mark.slow
def test_files_that_belong_together_are_sent_up_together(services: Services, world: Path, tmp_path: Path) -> None:  # noqa: F811
    """Each lies in a folder of its own, as Gradio keeps what is sent up; peft's scale counts, and a UNet is one too."""
    named = load_file(world / "lora" / "pytorch_lora_weights.safetensors")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    file, config = tmp_path / "a" / "adapter_model.safetensors", tmp_path / "b" / "adapter_config.json"
    save_file({key.replace("unet.", "base_model.model."): tensor for key, tensor in named.items()}, file)
    config.write_text('{"peft_type": "LORA", "lora_alpha": 8}')
    for name, files in (("alone", [file]), ("both", [config, file]), ("whole", (world / "whole" / "unet").iterdir())):
        asked(services, file=[str(one) for one in files], name=name)
        assert services.downloads.wait("add mine", 60).status == "done"
        answer = add_checkpoint.look(services, OWNER)["add_answer"]
        assert f"{name} is a " in answer and ("came without peft" in answer) is (name == "alone")
    found = services.checkpoints()
    assert (
        found["both"].home and (found["both"].home / "adapter_config.json").is_file() and found["whole"].kind == "unet"
    )


def test_what_lies_there_and_is_in_no_menu_is_told_to_the_owner_alone(services: Services) -> None:
    odd = services.bench.home / "checkpoints" / "größe"
    odd.mkdir(parents=True)
    (odd / "manifest.json").write_text('{"kind": "lora", "backbone": "tiny"}')
    told = add_checkpoint.unlisted_checkpoints(services, OWNER)
    assert "größe is not listed: name it with letters" in told["add_unlisted"]
    assert told["add_fold"].label == "Add a checkpoint (1 not listed)"
    assert not add_checkpoint.unlisted_checkpoints(services, STRANGER)["add_unlisted"]


@pytest.mark.slow
def test_what_is_wrong_with_it_is_said(services: Services, tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"PK\x03\x04")
    asked(services, source=str(tmp_path / "x.safetensors"))
    services.downloads.wait("add mine", 60)
    after = add_checkpoint.look(services, OWNER)
    assert "is a pickle" in after["add_answer"] and "checkpoints" not in after
    asked(services, file=str(tmp_path / "x.safetensors"))
    services.downloads.wait("add mine", 60)
    answer = add_checkpoint.look(services, OWNER)["add_answer"]
    assert "x.safetensors is a pickle" in answer and str(tmp_path) not in answer, "nor where Gradio keeps what was sent"
    with pytest.raises(InputError, match="Say where it comes from"):
        asked(services)


@pytest.mark.slow
def test_a_published_one_is_fetched_by_its_name(services: Services, hub: Hub) -> None:  # noqa: F811
    asked(services, source="published")
    assert services.downloads.wait("add mine", 60).status == "done"
    assert (
        "published is on this machine now (licence: openrail++)" in add_checkpoint.look(services, OWNER)["add_answer"]
    )
    assert hub_part(services.checkpoints()["published"]).found() is not None
    assert "Licence: openrail++." in story(services.checkpoints()["published"])


def test_strangers_add_nothing(services: Services, world: Path) -> None:  # noqa: F811
    refused = asked(services, STRANGER, source=str(world / "lora"))
    assert "belongs to the owner" in refused["add_answer"] and services.downloads.look("add another") is None


def test_a_few_step_scheduler_brings_its_steps_and_guidance() -> None:
    assert handlers.usual_of("lcm") == {"steps": 4, "guidance_scale": 1.5}
    assert handlers.usual_of("ddim") == {}
