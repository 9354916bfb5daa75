"""Every layout of an adapter the whole way: the Hub's cache, registry, Explore, scores, store, chart, Align, and back.

Tiny random pipelines of several families and one file of each layout lie in the Hub's cache as the Hub lays them out. What
each layout's numbers mean is held against stock diffusers in ``tests/diffusion``; here nothing may get lost on the way.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from t2ialign import settings
from t2ialign.adapter_places import ADAPTER_FILE, PEFT_CONFIG, PEFT_FILE
from t2ialign.diffusion.generate import generate
from t2ialign.registry import adapter_file, adapter_sha, load_registry, resolve
from t2ialign.source import parse_source
from t2ialign.types import InputError, Prompt, SeedBatch
from t2ialign.use_cases.batches import run as explore
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import BatchState, config_of
from t2ialign.use_cases.reports.text import stored_points
from t2ialign.use_cases.workbench import Workbench
from tests.diffusion.test_adapter_layouts import SGM, bare, kohya, of_peft, processors, scripts
from tests.diffusion.test_flux_layouts import KOHYA as FLUX_LAYERS
from tests.diffusion.test_flux_layouts import SPELLINGS
from tests.diffusion.test_flux_layouts import written as flux_tensors
from tests.diffusion.test_text_adapters import with_text
from tests.hubs import put, use_cache
from tests.tiny import SIDE, Shape, save_tiny, save_tiny_adapter, tiny_unet
from tests.tiny_flow import save_flow_adapter, save_tiny_flow, tiny_transformer
from tests.tiny_language import FAMILY, SpeakerShape, save_speaker_adapter, save_tiny_speaker
from tests.tiny_language import SIDE as SPEAKER_SIDE
from tests.use_cases.aligning import opened, run, short

Tensors = dict[str, Tensor]
COMMIT = "a" * 40
ASKED = BatchRequest(Prompt("a red star"), "", (0, 1), num_inference_steps=2, metrics=("ssim", "rmse"))
TEXT = "adapts a text encoder too, and only adapters of the UNet are trained"
WHOLE = "is a whole UNet, and what is trained here is an adapter"
BACKBONES = {"sd-1.5": "sd", "sdxl": "sdxl", "sd-3.5": "sd3", "flux-schnell": "flux", **FAMILY}
SPEAKERS: tuple[SpeakerShape, ...] = ("flux2-klein", "qwen-image", "sana-dpm")


@dataclass(frozen=True)
class Layout:
    """A repository with an adapter: ``write`` makes its files in a folder. ``refused`` is why nothing is trained from it."""

    name: str
    backbone: str
    write: Callable[[Path], object]
    kind: str = "lora"
    file: str = ""
    refused: str = ""


def renamed(folder: Path, rename: Callable[[Tensors], Tensors], kind: str = "lora", shape: Shape = "sd-1.5") -> None:
    """A LoRA or DoRA of a UNet whose file says the same in other words, without diffusers' metadata."""
    file = save_tiny_adapter(folder, kind, shape).adapter
    save_file({key: one.contiguous() for key, one in rename(load_file(file)).items()}, file)


def of_dtype(dtype: torch.dtype) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {key: tensor.to(dtype) for key, tensor in tensors.items()}


def folder_of_peft(folder: Path) -> None:
    file = save_tiny_adapter(folder).adapter
    save_file(of_peft(load_file(file)), folder / PEFT_FILE)
    (folder / PEFT_CONFIG).write_text(json.dumps({"lora_alpha": 8, "r": 4, "peft_type": "LORA"}))
    file.unlink()


def text_too(folder: Path, layout: str, shape: Shape = "sd-1.5") -> None:
    with_text(save_tiny_adapter(folder, shape=shape), shape, layout)


def of_a_transformer(folder: Path, start: str) -> None:
    file = save_flow_adapter(folder, "sd-3.5").adapter
    save_file({f"{start}{key.removeprefix('transformer.')}": one for key, one in load_file(file).items()}, file)


def of_flux(folder: Path, spelling: str) -> None:
    folder.mkdir(parents=True)
    named = flux_tensors(tiny_transformer("flux-schnell"), [name for name in FLUX_LAYERS if "blocks" in name])
    save_file({SPELLINGS[spelling](key): tensor for key, tensor in named.items()}, folder / ADAPTER_FILE)


def whole(folder: Path, network: Callable[[], torch.nn.Module]) -> None:
    torch.manual_seed(5)
    network().save_pretrained(folder)


LAYOUTS = (
    Layout("diffusers", "sd-1.5", save_tiny_adapter),
    Layout("diffusers-dora", "sd-1.5", partial(save_tiny_adapter, kind="dora"), "dora"),
    Layout("scripts", "sd-1.5", partial(renamed, rename=scripts)),
    Layout("processors", "sd-1.5", partial(renamed, rename=processors)),
    Layout("bare", "sd-1.5", partial(renamed, rename=bare)),
    Layout("peft-folder", "sd-1.5", folder_of_peft),
    Layout("kohya", "sd-1.5", partial(renamed, rename=kohya)),
    Layout("kohya-dora", "sd-1.5", partial(renamed, rename=kohya, kind="dora"), "dora"),
    Layout("float16", "sd-1.5", partial(renamed, rename=of_dtype(torch.float16))),
    Layout("bfloat16", "sd-1.5", partial(renamed, rename=of_dtype(torch.bfloat16))),
    Layout("float8", "sd-1.5", partial(renamed, rename=of_dtype(torch.float8_e4m3fn))),
    Layout("text-peft", "sd-1.5", partial(text_too, layout="peft"), refused=TEXT),
    Layout("text-before-peft", "sd-1.5", partial(text_too, layout="before-peft"), refused=TEXT),
    Layout("text-kohya", "sd-1.5", partial(text_too, layout="kohya"), refused=TEXT),
    Layout(
        "whole-unet",
        "sd-1.5",
        lambda folder: whole(folder / "unet", lambda: tiny_unet("sd-1.5")),
        "unet",
        "unet",
        WHOLE,
    ),
    Layout(
        "whole-unet-at-the-top", "sd-1.5", lambda folder: whole(folder, lambda: tiny_unet("sd-1.5")), "unet", ".", WHOLE
    ),
    Layout("sdxl-kohya", "sdxl", partial(renamed, rename=kohya, shape="sdxl")),
    Layout("sdxl-sgm", "sdxl", partial(renamed, rename=partial(kohya, names=SGM), shape="sdxl")),
    Layout("sdxl-text", "sdxl", partial(text_too, layout="peft", shape="sdxl"), refused=TEXT),
    Layout("sd-3.5-diffusers", "sd-3.5", partial(save_flow_adapter, shape="sd-3.5")),
    Layout("sd-3.5-peft", "sd-3.5", partial(of_a_transformer, start="base_model.model.")),
    Layout("sd-3.5-bare", "sd-3.5", partial(of_a_transformer, start="")),
    *(Layout(f"flux-{name}", "flux-schnell", partial(of_flux, spelling=name)) for name in SPELLINGS),
    *(Layout(f"of-{shape}", shape, partial(save_speaker_adapter, shape=shape)) for shape in SPEAKERS),
)


def table(kind: str, name: str, said: Mapping[str, object]) -> str:
    lines = [f"{key} = {json.dumps(value)}" for key, value in said.items() if value != ""]
    return "\n".join([f'[{kind}."{name}"]', *lines, ""])


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """One store and one cache for all layouts: a backbone stays loaded while its layouts come one after another."""
    root = tmp_path_factory.mktemp("layouts")
    tables = []
    for shape in dict.fromkeys(one.backbone for one in LAYOUTS):
        speaks, flow = shape in SPEAKERS, shape not in ("sd-1.5", "sdxl")
        save = save_tiny_speaker if speaks else save_tiny_flow if flow else save_tiny
        put(root / "hub", f"org/{shape}", save(root / "saved" / shape, shape), COMMIT)
        said = {"family": BACKBONES[shape], "hub": f"org/{shape}", "revision": COMMIT, "dtype": "float32"}
        side = SPEAKER_SIDE if speaks else SIDE
        tables.append(table("backbones", shape, {**said, "size": side, "prediction": "flow" if flow else "epsilon"}))
        tables.append(table("checkpoints", shape, {"backbone": shape}))
    for one in LAYOUTS:
        one.write(root / "saved" / one.name)
        put(root / "hub", f"org/{one.name}", root / "saved" / one.name, COMMIT)
        said = {"backbone": one.backbone, "kind": one.kind, "hub": f"org/{one.name}@{COMMIT}", "file": one.file}
        tables.append(table("checkpoints", one.name, said))
    (root / "checkpoints").mkdir()
    (root / "checkpoints" / "registry.toml").write_text("\n".join([*tables, "[scorers]"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "CHECKPOINTS", root / "checkpoints")
        patch.setattr(settings, "HOME", root / "home")
        patch.setattr(explore, "draw_after", lambda *_: None)  # strips of pictures for menus: 100 steps a layout
        use_cache(root / "hub", patch)
        with opened(root / "home") as found:
            yield found


def drawn(bench: Workbench, *checkpoints: str) -> tuple[BatchState, ...]:
    """What Explore does with its form: a run under an id, one batch a checkpoint."""
    requests = explore.requests_for(ASKED, checkpoints)
    *_, last = explore.run_batches(bench, explore.open_run(bench, requests).id, requests)
    return last.batches


def anew(bench: Workbench, checkpoint: str) -> Tensor:
    """The same pictures, drawn again whatever the store has."""
    entry, config = config_of(bench, replace(ASKED, checkpoint=checkpoint))
    checkpoints = bench.registry().checkpoints
    events = generate(bench.backbone(entry), ASKED.prompt, config, ASKED.seeds, checkpoints=checkpoints)
    [batch] = [event for event in events if isinstance(event, SeedBatch)]
    return batch.images


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_a_layout_goes_from_the_hubs_cache_to_the_chart_and_into_a_training(layout: Layout, bench: Workbench) -> None:
    entry = bench.registry().checkpoints[layout.name]
    _, [use] = resolve(layout.name, bench.registry())
    assert use.sha == adapter_sha(adapter_file(entry)) and len(use.sha) == 16

    base, tuned, none = drawn(bench, layout.backbone, layout.name, f"{layout.name}@0")
    assert tuned.phase == "done" and tuned.config.adapters == (use,) and not tuned.left_out
    assert all(math.isfinite(tuned.scores[name].mean) for name in ASKED.metrics)
    assert not torch.equal(tuned.images[0], base.images[0]) and torch.equal(none.images[1], base.images[1])
    [again] = drawn(bench, layout.name)
    assert again.from_store and torch.equal(again.images[1], tuned.images[1])
    points = {point.config.checkpoint: point for point in stored_points(bench.store, *ASKED.metrics)}
    assert points[layout.name].config.adapters == (use,)
    assert points[layout.name].x.mean == pytest.approx(tuned.scores["ssim"].mean)

    new, judge = f"from-{layout.name}", parse_source("metric:entropy_1d")
    asked = short("diffusion_dpo", new, 1, parent=layout.name, pairs=judge, learning_rate=0.05, candidates=2)
    if layout.refused:
        with pytest.raises(InputError, match=layout.refused):
            run(bench, asked)
        return
    *_, last = run(bench, asked)
    assert last.checkpoint == new and bench.registry().checkpoints[new].parents == (layout.name,)
    [trained] = drawn(bench, new)
    assert not torch.equal(trained.images[0], base.images[0])
    _, [reread] = resolve(new, load_registry(home=bench.home))
    assert reread.sha not in ("", use.sha)
    fresh = replace(bench, _backbones={})
    assert torch.equal(anew(fresh, new)[1], trained.images[1]), "the file holds all that was trained"
