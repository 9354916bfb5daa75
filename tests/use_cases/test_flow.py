"""Flow models the whole way: registry, pictures, scores, store, chart, training, and what was trained read back."""

from __future__ import annotations

import math
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from t2ialign import settings
from t2ialign.adapter_places import ADAPTER_FILE
from t2ialign.cli import main
from t2ialign.diffusion.backbone import download
from t2ialign.diffusion.information import load as load_information
from t2ialign.methods import METHODS
from t2ialign.registry import BackboneEntry, load_registry, resolve
from t2ialign.source import parse_source
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.additions import Words, add
from t2ialign.use_cases.align import optimise
from t2ialign.use_cases.align.request import controls, kind_of, plan
from t2ialign.use_cases.align.sloped import Yardstick
from t2ialign.use_cases.api import run_request
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import BatchState
from t2ialign.use_cases.reports.text import stored_points
from t2ialign.use_cases.weights import list_weights
from t2ialign.use_cases.workbench import Workbench
from tests.hubs import put, use_cache
from tests.tiny import SIDE
from tests.tiny_flow import FlowShape, family_of, save_flow_adapter, save_tiny_flow
from tests.tiny_language import FAMILY, SpeakerShape, save_tiny_speaker
from tests.tiny_language import SIDE as SPEAKER_SIDE
from tests.use_cases.aligning import opened, run, short

SHAPES: tuple[FlowShape, ...] = ("sd-3.5", "flux-dev")
SPEAKERS: tuple[SpeakerShape, ...] = ("flux2-dev", "flux2-klein", "qwen-image", "sana-dpm")
GUIDE_THEMSELVES = ("flux-dev", "flux2-dev")
TABLE = """
[backbones."{name}"]
family = "{family}"
path = "{name}"
size = {side}
prediction = "flow"
embedded_scale = {embedded}
dtype = "float32"

[checkpoints."{name}"]
backbone = "{name}"
licence = "of its own"
"""
MEASURED = ("mutual_information", "mutual_information_released", "ssim", "rmse")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoints folder with tiny flow models."""
    folder = tmp_path_factory.mktemp("flow") / "checkpoints"
    tables = []
    for shape in SHAPES:
        save_tiny_flow(folder / shape, shape)
        embedded = str(shape == "flux-dev").lower()
        tables.append(TABLE.format(name=shape, family=family_of(shape), side=SIDE, embedded=embedded))
    for speaker in SPEAKERS:
        save_tiny_speaker(folder / speaker, speaker)
        embedded = str(speaker == "flux2-dev").lower()
        tables.append(TABLE.format(name=speaker, family=FAMILY[speaker], side=SPEAKER_SIDE, embedded=embedded))
    (folder / "registry.toml").write_text("\n".join([*tables, "[scorers]"]))
    return folder


@pytest.fixture
def home(checkpoints: Path, tmp_path: Path, light_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped results are not looked at here."""
    monkeypatch.setattr(settings, "CHECKPOINTS", checkpoints)
    monkeypatch.setattr(settings, "HOME", tmp_path / "home")
    use_cache(tmp_path / "hub", monkeypatch)
    return shutil.copytree(light_home, tmp_path / "home")


@pytest.fixture
def bench(home: Path) -> Iterator[Workbench]:
    with opened(home) as found:
        yield found


def pictures(bench: Workbench, checkpoint: str, **more: object) -> BatchState:
    request = BatchRequest(Prompt("a red star"), checkpoint, (0, 1), num_inference_steps=4, metrics=MEASURED, **more)
    return run_request(bench, request)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [*SHAPES, *SPEAKERS])
def test_from_the_registry_to_a_checkpoint_and_back(shape: str, bench: Workbench, home: Path) -> None:
    """Nothing above ``diffusion`` is told that this is no UNet, nor what reads its prompts."""
    side = SIDE if shape in SHAPES else SPEAKER_SIDE
    base = pictures(bench, shape)
    assert base.phase == "done" and base.images[0].shape == (3, side, side)
    known = {name for name, score in base.scores.items() if math.isfinite(score.mean)}
    if shape in GUIDE_THEMSELVES:
        assert known == {"ssim", "rmse"}
        assert any("mutual_information" in note and f"not defined for {shape}" in note for note in base.notes)
    else:
        assert known == set(MEASURED) and base.scores["mutual_information"].mean > 0
    again = pictures(bench, shape)
    assert again.from_store and torch.equal(again.images[1], base.images[1])
    judge = parse_source("metric:entropy_1d" if shape in GUIDE_THEMSELVES else "metric:mutual_information")
    states = run(
        bench, short("diffusion_dpo", "new", backbone=shape, pairs=judge, test_prompts=1, steps=3, learning_rate=0.05)
    )
    assert [state.step.step for state in states if state.step] == [1, 2, 3] and states[-1].checkpoint == "new"
    assert states[-1].manifest is not None and states[-1].manifest.backbone == shape
    tuned = pictures(bench, "new")
    assert not torch.equal(tuned.images[0], base.images[0])
    assert torch.equal(pictures(bench, "new@0").images[0], base.images[0])
    points = {point.config.checkpoint: point for point in stored_points(bench.store, "ssim", "rmse")}
    assert {"new", "new@0"} <= points.keys() and points["new"].config.backbone == shape
    fresh = replace(bench, _backbones={})
    _, uses = resolve("new", load_registry(home=home))
    assert uses[0].sha and torch.equal(pictures(fresh, "new", height=side, width=side).images[1], tuned.images[1])


@pytest.mark.slow
@pytest.mark.parametrize("shape", [*SHAPES, "qwen-image"])
def test_every_method_trains_a_flow_model(shape: str, bench: Workbench) -> None:
    for name, method in METHODS.items():
        judge = "entropy_1d" if shape == "flux-dev" else "mutual_information"
        more: dict[str, object] = {"reward": judge, "threshold": 0.0} if name == "gors" else {}
        if method.data == "selected" and shape == "flux-dev":
            continue  # they choose pictures by mutual information or by models that are not here
        pairs = "" if method.data == "selected" else f"metric:{judge}"
        if method.recipe is not None:
            continue  # below
        if method.unet_only:
            with pytest.raises(InputError, match=f"{shape} has a transformer, and"):
                run(bench, short(name, name, backbone=shape, pairs=parse_source(pairs)))
            continue
        states = run(bench, short(name, name, backbone=shape, pairs=parse_source(pairs), **more))
        assert all(math.isfinite(state.step.loss) for state in states if state.step), name
        assert states[-1].checkpoint == name


@pytest.mark.slow
@pytest.mark.parametrize("shape", [*SHAPES, "qwen-image"])
@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.recipe is not None])
def test_every_method_that_draws_trains_a_flow_model(name: str, shape: str, bench: Workbench) -> None:
    request = short(name, name, backbone=shape, pairs=parse_source("metric:entropy_1d"))
    if METHODS[name].follows_slope:
        with pytest.raises(InputError, match="has no slope"):
            run(bench, request)
        return
    states = run(bench, request)
    assert all(math.isfinite(state.step.loss) for state in states if state.step)
    ups = [one for key, one in load_file(adapter(bench.home, name)).items() if "lora_B" in key]
    assert states[-1].checkpoint == name and max(float(up.abs().max()) for up in ups) > 0


class Brightness:
    """A reward with a slope that needs no weights."""

    id, sha, provides = "brightness", "0", ("brightness",)

    def features(self, pixels: torch.Tensor, prompt: Prompt) -> dict[str, torch.Tensor]:
        return {"brightness": pixels.mean((1, 2, 3))}

    def encode(self, images: torch.Tensor, prompt: Prompt) -> dict[str, torch.Tensor]:
        return self.features(images.float() / 255, prompt)


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "method"), [("sd-3.5", "draft"), ("flux-dev", "refl")])
def test_a_rewards_slope_trains_a_flow_model(
    shape: str, method: str, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bright = Yardstick("brightness", lambda features: features["brightness"], (Brightness(),))
    monkeypatch.setattr(optimise, "yardstick_of", lambda *asked: bright)
    asked = short(method, steps=4, backbone=shape, pairs=parse_source("metric:entropy_1d"), learning_rate=0.02)
    steps = [state.step for state in run(bench, asked) if state.step]
    assert all(math.isfinite(step.loss) and math.isfinite(step.kl) for step in steps)
    assert steps[-1].kl > steps[0].kl == 0 and adapter(bench.home, "new").is_file()


def adapter(home: Path, name: str) -> Path:
    return home / "checkpoints" / name / ADAPTER_FILE


LINE = (
    "align grpo --name one --backbone {} --pairs metric:entropy_1d --steps 4 --prompt-count 2 --groups 1 --candidates 3 "
    "--sampling-steps 3 --sde {} --noise-level {} --probe-every 0 --test-prompts 0 --rank 2 --job j1 --store {}"
)


def begin(line: str) -> int:
    """The command in a process of its own, which need not import everything anew."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        main(line.split())
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    finally:
        os._exit(code)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(os.name != "posix", reason="fork is POSIX's")
@pytest.mark.parametrize(("shape", "sde", "level"), [("sd-3.5", "flow_grpo", 0.7), ("flux-dev", "dance_grpo", 0.3)])
def test_a_killed_job_that_draws_from_a_flow_goes_on_bit_for_bit(
    shape: str, sde: str, level: float, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a job, through the command line, from request to saved adapter."""
    monkeypatch.setattr(optimise, "SAVE_DRAWING_EVERY", 1)
    whole, broken = (shutil.copytree(home, tmp_path / name) for name in ("whole", "broken"))
    lines = {folder: LINE.format(shape, sde, level, folder) for folder in (whole, broken)}
    assert os.waitpid(begin(lines[whole]), 0)[1] == 0
    steps = broken / "jobs" / "j1" / "steps.jsonl"
    process = begin(lines[broken])
    while not (steps.exists() and steps.read_bytes().count(b"\n") >= 2):
        assert os.waitpid(process, os.WNOHANG) == (0, 0), "it is to be killed on the way"
        time.sleep(0.005)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    assert not adapter(broken, "one").exists() and os.waitpid(begin(lines[broken]), 0)[1] == 0
    expected, found = (load_file(adapter(folder, "one")) for folder in (whole, broken))
    assert expected.keys() == found.keys() and all(torch.equal(expected[name], found[name]) for name in expected)
    assert max(float(one.abs().max()) for name, one in found.items() if "lora_B" in name) > 0


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            {"backbone": "sd-3.5", "sampling_steps": 1},
            "one at least, and 1 of sd-3.5 have 0",
        ),
        ({"backbone": "sd-3.5", "noise_level": 0}, "Noise level must be a number from 0.05 to 2"),
        ({"backbone": "flux-dev", "sde": "dance"}, "did you mean 'dance_grpo'"),
        (
            {"method": "spo", "backbone": "sd-3.5", "sampling_steps": 3, "skip": 2},
            "the first 2 left out, and 3 of sd-3.5 have 2",
        ),
    ],
)
def test_a_flows_steps_are_checked_before_anything_is_loaded(said: dict, sentence: str, bench: Workbench) -> None:
    asked = {"method": "grpo", "pairs": parse_source("metric:entropy_1d"), **said}
    with pytest.raises(InputError, match=sentence):
        plan(bench, short(**asked))
    assert not bench._backbones


def test_a_flow_learns_with_the_numbers_that_were_published_of_flows(bench: Workbench) -> None:
    """Of models too large for the numbers of small pictures; a diffusion has no such fields."""
    entries = {
        "flow": replace(bench.registry().backbones["sd-3.5"], size=512),
        "told": replace(bench.registry().backbones["flux-dev"], size=512),
        "diffusion": BackboneEntry("some", "sd", Path("some")),
    }
    assert {kind: kind_of(entry) for kind, entry in entries.items()} == {kind: kind for kind in entries}
    numbers = {
        kind: {one.name: one.published for one in controls("grpo", kind_of(entry))} for kind, entry in entries.items()
    }
    asked = ("sampling_steps", "guidance_scale", "candidates", "noise_level", "same_noise")
    assert [numbers["flow"][name] for name in asked] == [10, 4.5, 24, 0.7, False]
    assert [numbers["told"][name] for name in asked] == [6, 3.5, 24, 0.9, False]
    assert numbers["diffusion"]["sampling_steps"] == 50 and not {"sde", "noise_level"} & numbers["diffusion"].keys()
    assert controls("diffusion_dpo", "flow") == controls("diffusion_dpo"), "pairs are drawn as ever"


@pytest.mark.slow
def test_a_blend_is_merged_into_a_checkpoint(bench: Workbench, home: Path, tmp_path: Path) -> None:
    """Added from a folder: its backbone is found by where its tensors have a place; then merged and published as usual."""
    for seed, name in enumerate(("one", "two")):
        save_flow_adapter(tmp_path / name, "sd-3.5", seed=seed)
        entry = add(home, str(tmp_path / name), Words(name))
        assert (entry.backbone, entry.kind) == ("sd-3.5", "lora")
    live = pictures(bench, "one@0.5+two@0.5").images
    with pytest.raises(SystemExit) as ended:
        main(["merge", "one@0.5+two@0.5", "--name", "both", "--store", str(home)])
    assert not ended.value.code
    merged = pictures(bench, "both").images
    assert all((live[seed].int() - merged[seed].int()).abs().max() <= 1 for seed in (0, 1))


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"scheduler": "unipc"}, "is for diffusion models, and sd-3.5 is a flow model"),
        ({"guidance": "latent_particle"}, "has no meaning on the flow model sd-3.5"),
        ({"guidance": "true_cfg"}, "is for models that have the guidance scale for an input"),
    ],
)
def test_what_has_no_meaning_is_refused_before_anything_is_loaded(said: dict, says: str, bench: Workbench) -> None:
    with pytest.raises(InputError, match=says):
        run_request(bench, BatchRequest(Prompt("a star"), "sd-3.5", (0, 1, 2), **said))
    assert not bench._backbones


def test_information_of_a_network_that_guides_by_itself(home: Path) -> None:
    assert load_information("sd-3.5", "cpu").provides
    with pytest.raises(InputError, match="not defined for flux-dev"):
        load_information("flux-dev", "cpu")


def test_the_hubs_flow_models_say_that_they_are_gated(
    home: Path, monkeypatch: pytest.MonkeyPatch, checkpoints: Path
) -> None:
    """Offline at once, in one sentence; and what lies in the cache is found, with its transformer."""
    shipped = Path(__file__).parents[2] / "checkpoints"
    monkeypatch.setattr(settings, "CHECKPOINTS", shipped)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    registry = load_registry(home=home)
    with pytest.raises(InputError, match="after its licence was accepted on its page and you are logged in"):
        download(registry.backbones["sd-3.5-medium"], None)
    here = {weight.name: weight.here for weight in list_weights(registry)}
    assert not here["sd-3.5-medium"] and not here["flux.1-dev"]
    cache = home.parent / "hub"
    put(cache, "stabilityai/stable-diffusion-3.5-medium", checkpoints / "sd-3.5", "c" * 40)
    assert {weight.name: weight.here for weight in list_weights(registry)}["sd-3.5-medium"]
    assert (download(registry.backbones["sd-3.5-medium"], None) / "transformer").is_dir()
