"""The registry's weights listed and fetched, from a Hub on this machine, as the command line does it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from t2ialign import settings
from t2ialign.diffusion.backbone import load_backbone
from t2ialign.registry import load_registry
from t2ialign.use_cases.weights import Fetched, Weight, fetch_weights, list_weights
from tests.hub_server import Hub, serving, use_hub
from tests.hubs import put, use_cache
from tests.tiny import SIDE, save_tiny

TOML = f"""
[backbones.tiny]
family = "sd"
hub = "org/sd"
revision = "{"a" * 40}"
size = {SIDE}
variant = "fp16"
megabytes = 2

[checkpoints.tiny]
backbone = "tiny"

[scorers.dinov2-base]
loader = "t2ialign.encoders.dinov2:load"
source = "org/dino"
megabytes = 346

[scorers.hps]
loader = "t2ialign.encoders.hps:load"
source = "org/hps@{"a" * 40}"
options = {{ feature = "hps_v20" }}
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    use_cache(tmp_path / "hub", monkeypatch)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    monkeypatch.setattr(settings, "HOME", tmp_path / "home")
    monkeypatch.setattr(settings, "CHECKPOINTS", tmp_path / "checkpoints")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "registry.toml").write_text(TOML)
    files = {
        "org/dino": {"config.json": b"{}", "model.safetensors": b"weights" * 1000},
        "org/hps": {"HPS_v2_compressed.pt": b"pickle" * 1000},
    }
    with serving(Hub(files=files)) as found:
        yield use_hub(found, monkeypatch)


def by_name() -> dict[str, Weight]:
    return {one.name: one for one in list_weights(load_registry())}


def test_the_list_says_what_is_where_and_for_what(hub: Hub):
    found = by_name()
    assert [(one.kind, one.here, one.bytes) for one in found.values()] == [
        ("backbone", False, 4_000_000),  # twice the half precision, on a CPU
        ("scorer", False, 346_000_000),
        ("scorer", False, 0),
        ("preview", False, 9_850_000),
    ]
    assert found["taesd"].wanted_by == ("tiny",) and found["taesd"].comes_from == ("madebyollin/taesd",)
    assert found["dinov2-base"].wanted_by == ("dinov2_diversity", "u_rke_dinov2", "vendi_dinov2", "fd_dinov2")
    assert found["hps"].wanted_by == ("hps_v20",) and found["tiny"].wanted_by == ("tiny",)
    assert hub.asked == [], "looking asks nobody"
    list(fetch_weights(load_registry(), ["dinov2-base"], lambda *_: None))
    here = by_name()["dinov2-base"]
    assert here.bytes == 7002 and Path(here.place, "model.safetensors").is_file()


def test_a_checkpoint_that_could_be_several_files_costs_the_list_nothing(hub: Hub, tmp_path: Path):
    (tmp_path / "two").mkdir()
    for name in ("a", "b"):
        (tmp_path / "two" / f"{name}.safetensors").write_bytes(name.encode())
    put(tmp_path / "hub", "org/two", tmp_path / "two", "b" * 40)
    more = '[checkpoints.two]\nbackbone = "tiny"\nkind = "lora"\nhub = "org/two"\n'
    (tmp_path / "checkpoints" / "registry.toml").write_text(f"{TOML}\n{more}")
    found = by_name()
    assert set(found) == {"tiny", "two", "dinov2-base", "hps", "taesd"}
    assert not found["two"].here and "several files that could be its adapter" in found["two"].problem


def test_what_fails_is_said_and_the_rest_comes(hub: Hub):
    del hub.files["org/dino"]
    seen: list[str] = []
    found = list(fetch_weights(load_registry(), ["dinov2-base", "hps", "hps"], lambda what, *_: seen.append(what)))
    assert [(one.name, bool(one.place)) for one in found] == [("dinov2-base", False), ("hps", True)]
    assert "knows no org/dino" in found[0].problem and found[1] == Fetched("hps", found[1].place)
    assert set(seen) == {"HPS_v2_compressed.pt of org/hps"}


def test_a_backbone_comes_too_and_loads(hub: Hub, tmp_path: Path):
    folder = save_tiny(tmp_path / "pipeline")
    (folder / "unet" / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"half")
    (folder / "v1-5-pruned.safetensors").write_bytes(b"all of it once more")
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    hub.files["org/sd"] = files
    total: list[int] = []
    (one,) = fetch_weights(load_registry(), ["tiny"], lambda _, done, whole: total.append(done))
    assert one.problem == ""
    wanted = [name for name in files if "fp16" not in name and "pruned" not in name]
    assert {str(file.relative_to(one.place)) for file in Path(one.place).rglob("*") if file.is_file()} == set(wanted)
    assert total[-1] == sum(len(files[name]) for name in wanted)
    assert load_backbone(load_registry().backbones["tiny"], "cpu", "float32").revision == "a" * 16
    assert by_name()["tiny"].here


def test_a_tiny_decoder_comes_too(hub: Hub):
    hub.files["madebyollin/taesd"] = dict.fromkeys(
        ("config.json", "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"), b"{}"
    )
    (one,) = fetch_weights(load_registry(), ["taesd"], lambda *_: None)
    assert one.problem == "" and by_name()["taesd"].here and by_name()["taesd"].bytes == 4


@pytest.mark.slow
def test_the_commands(hub: Hub, run):
    code, out, _ = run("weights", "--json")
    assert code == 0 and {one["name"] for one in json.loads(out)} == {"tiny", "dinov2-base", "hps", "taesd"}
    code, out, err = run("weights", "fetch", "hps")
    assert code == 0 and "HPS_v2_compressed.pt" in out and "HPS_v2_compressed.pt of org/hps: 6 kB of 6 kB (100%)" in err
    code, out, err = run("weights")
    assert code == 0 and "3 are not here: `python -m t2ialign weights fetch NAME` fetches one, as tiny." in out
    code, _, err = run("weights", "fetch", "dino")
    assert code == 2 and "There is no weight called 'dino': did you mean 'dinov2-base'?" in err
    hub.refuse = 403, "GatedRepo"
    code, out, err = run("weights", "fetch", "dinov2-base", "--json")
    assert code == 2 and json.loads(out)[0]["place"] == "" and "accepted its licence" in err
