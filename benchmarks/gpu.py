"""Our loop beside stock diffusers at full size: pipelines of SD-1.5's and SDXL's shape with random weights.

    python -m benchmarks.gpu                        # on a GPU: both shapes, bf16, 1, 4, 16 and 64 seeds, 25 steps
    python -m benchmarks.gpu --quick                # SD-1.5's shape, 1 and 16 seeds, 10 steps
    python -m benchmarks.gpu --compile default      # the UNet compiled, ours and stock's alike
    python -m benchmarks.gpu --layout contiguous    # as torch lays weights out, and not with channels last as loaded on CUDA
    python -m benchmarks.gpu --device cpu           # the same path: SD-1.5's shape, 1 seed, 2 steps, float32
    python -m benchmarks.gpu --device cpu --divide 8      # widths divided by 8, to see that it runs

Every round is said as it ends. A round, or a number of seeds, that would go over ``--budget`` seconds (420) is left out and
said so; the table is written to ``benchmarks/results/gpu-MACHINE.md`` (``--out`` for elsewhere).

The pipelines lie in the layout of the Hub's cache in a temporary folder (SD-1.5's 860 M parameters take 2 GB there in half
precision), under the registry's own ids and commits, and are loaded as real ones are. Ours yields every step, previews and
mutual information; stock's makes the pictures. Both begin with the same latents. A share of the ceiling is what the
UNet's matrix products and convolutions need (counted by torch) by what one large matrix product reaches on this device.
Information is timed on its own, as the arithmetic that a step adds.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import BUDGET, Clock, described, write_result

PROMPT = "a lighthouse on a cliff above the sea at dusk, oil on canvas"
SCALE = 7.5
LAYOUTS = ("as loaded", "channels-last", "contiguous")  # of the weights of convolutions
VAE = {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2, "latent_channels": 4}
BLOCKS = ("DownEncoderBlock2D",) * 4, ("UpDecoderBlock2D",) * 4
CLIP_L = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
CLIP_G = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20}
SD_UNET = {"sample_size": 64, "block_out_channels": (320, 640, 1280, 1280), "cross_attention_dim": 768}
SDXL_UNET = {
    "sample_size": 128,
    "block_out_channels": (320, 640, 1280),
    "cross_attention_dim": 2048,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}


@dataclass(frozen=True)
class Asked:
    """What to measure."""

    device: str
    dtype: str
    families: tuple[str, ...]
    seeds: tuple[int, ...]
    steps: int
    rounds: int
    divide: int
    compile: str
    layout: str = LAYOUTS[0]
    out: str = ""


@dataclass(frozen=True)
class Measured:
    """One line of the table; seconds and shares are medians over the rounds."""

    family: str
    seeds: int
    ours: float
    stock: float
    first_preview: float
    peak_gb: float
    share: float
    information: float


def narrow(config: dict[str, Any], divide: int) -> dict[str, Any]:
    """A UNet's configuration with its widths divided."""
    widths = tuple(width // divide for width in config["block_out_channels"])
    heads = 2 if divide > 1 else config.get("attention_head_dim", 8)
    return {
        **config,
        "block_out_channels": widths,
        "attention_head_dim": heads,
        "norm_num_groups": 32 if divide == 1 else 4,
    }


def tokenizer(folder: Path) -> Any:
    """CLIP's own tokenizer from the vocabulary that open_clip brings along."""
    import gzip

    import open_clip
    from transformers import CLIPTokenizer

    packed = Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz"
    merges = gzip.decompress(packed.read_bytes()).decode("utf-8").split("\n")[1 : 49152 - 256 - 2 + 1]
    ends = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}  # its names, and transformers' own
    words = {ends.get(word, word): number for word, number in open_clip.tokenizer.SimpleTokenizer().encoder.items()}
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps(words), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    end = "<|endoftext|>"
    config = {"bos_token": "<|startoftext|>", "eos_token": end, "unk_token": end, "pad_token": end}
    more = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, **more}), encoding="utf-8")
    return CLIPTokenizer.from_pretrained(str(folder))


def pipeline(family: str, folder: Path, divide: int) -> Any:
    """A stock pipeline of a family's shape with random weights in half precision."""
    from diffusers import (
        AutoencoderKL,
        DDIMScheduler,
        StableDiffusionPipeline,
        StableDiffusionXLPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(0)
    vae_widths = tuple(width // divide for width in VAE["block_out_channels"])
    groups = 32 if divide == 1 else 4
    sizes = {"block_out_channels": vae_widths, "norm_num_groups": groups, "down_block_types": BLOCKS[0]}
    vae = AutoencoderKL(**{**VAE, **sizes, "up_block_types": BLOCKS[1]})
    unet = UNet2DConditionModel(**narrow(SD_UNET if family == "sd" else SDXL_UNET, divide)).half()
    ends = {"bos_token_id": 49406, "eos_token_id": 49407, "pad_token_id": 49407, "vocab_size": 49408}
    text = CLIPTextModel(CLIPTextConfig(**CLIP_L, **ends)).half()
    scheduler = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1, clip_sample=False,
        set_alpha_to_one=False,
    )  # fmt: skip
    words = tokenizer(folder / "words")
    parts = {"vae": vae.half(), "unet": unet, "scheduler": scheduler, "text_encoder": text, "tokenizer": words}
    if family == "sd":
        return StableDiffusionPipeline(
            **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
        )
    second = CLIPTextModelWithProjection(
        CLIPTextConfig(**CLIP_G, **ends, projection_dim=1280, hidden_act="gelu")
    ).half()
    return StableDiffusionXLPipeline(**parts, text_encoder_2=second, tokenizer_2=words, add_watermarker=False)


def in_hub_layout(made: Any, entry: Any, variant: str | None, cache: Path) -> Path:
    """A pipeline as the Hub's cache has one: files under their digests, a snapshot of links, a branch."""
    place = cache / f"models--{str(entry.source).replace('/', '--')}"
    snapshot = place / "snapshots" / entry.hub_revision
    made.save_pretrained(snapshot, variant=variant)
    (place / "blobs").mkdir()
    for file in [file for file in snapshot.rglob("*") if file.is_file()]:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        blob = place / "blobs" / digest
        file.replace(blob)
        file.symlink_to(os.path.relpath(blob, file.parent))
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(entry.hub_revision)
    return snapshot


def wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def seconds(work: Callable[[], object], device: str) -> float:
    wait(device)
    begun = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - begun


def ceiling(asked: Asked) -> float:
    """Multiplications and additions a second of one large matrix product in this precision: the best of five."""
    side = 8192 if asked.device.startswith("cuda") else 2048
    dtype = getattr(torch, asked.dtype)
    one, other = (torch.randn((side, side), device=asked.device, dtype=dtype) for _ in range(2))
    best = min(seconds(lambda: one @ other, asked.device) for _ in range(5))
    return 2 * side**3 / best


def work_of_a_step(view: Any, count: int, embeds: Any) -> float:
    """Multiplications and additions of the UNet for both predictions of ``count`` pictures."""
    from torch.utils.flop_counter import FlopCounterMode

    size = view.entry.size
    latents = torch.zeros((2, *view.latent_shape(size, size)), device=view.device)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        view.predict_noise(latents, 500, embeds.repeat(2))
    return float(counter.get_total_flops() * count)


def information_share(view: Any, count: int, step_seconds: float) -> float:
    """The arithmetic that mutual information adds to a step, by a step's time."""
    from t2ialign.diffusion.noise import epsilon_gap, kappa

    cond, uncond = (
        torch.randn((count, *view.latent_shape(view.entry.size, view.entry.size)), device=view.device) for _ in "ab"
    )
    share = torch.zeros_like(cond[:, 0])

    def add() -> None:
        gap = epsilon_gap(cond, uncond, 0.5, view.prediction)
        (share + kappa(0.01, 0.5, 1000) * gap).sum((1, 2))

    add()
    return statistics.median(seconds(add, view.device) for _ in range(20)) / step_seconds


def peak(device: str) -> float:
    process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return torch.cuda.max_memory_allocated() / 1e9 if device.startswith("cuda") else process


def ours(view: Any, asked: Asked, count: int) -> tuple[float, float]:
    """Seconds of our loop for a batch, previews and information included, and until the first preview."""
    from t2ialign.diffusion.generate import SamplingProgress, generate
    from t2ialign.types import GenerationConfig, Prompt

    size = view.entry.size
    config = GenerationConfig(
        view.entry.name,
        guidance_scale=SCALE,
        num_inference_steps=asked.steps,
        height=size,
        width=size,
        dtype=view.dtype,
    )
    first: list[float] = []
    begun = time.perf_counter()

    def run() -> None:
        for event in generate(view, Prompt(PROMPT), config, range(count), batch_size=count):
            if not first and isinstance(event, SamplingProgress) and event.previews:
                wait(asked.device)
                first.append(time.perf_counter() - begun)

    spent = seconds(run, asked.device)
    return spent, (first or [spent])[0]


def stock(pipe: Any, asked: Asked, count: int) -> float:
    """Seconds of the stock pipeline for the same pictures."""
    generators = [torch.Generator().manual_seed(seed) for seed in range(count)]

    said = {"num_inference_steps": asked.steps, "guidance_scale": SCALE, "num_images_per_prompt": count}
    return seconds(lambda: pipe(PROMPT, **said, generator=generators, output_type="pt"), asked.device)


def stock_of(view: Any) -> Any:
    """The stock pipeline around the very networks that ours has loaded, so that memory holds them once."""
    from diffusers import DDIMScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline

    named = {"vae": view.vae, "unet": view.unet, "scheduler": DDIMScheduler.from_config(view.scheduler_config)}
    for index, side in enumerate(("", "_2")[: len(view.text.encoders)]):
        named |= {f"text_encoder{side}": view.text.encoders[index], f"tokenizer{side}": view.text.tokenizers[index]}
    if view.entry.family == "sd":
        extra = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
        pipe: Any = StableDiffusionPipeline(**named, **extra)
    else:
        pipe = StableDiffusionXLPipeline(**named, add_watermarker=False)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def measure(asked: Asked, view: Any, top: float, clock: Clock) -> Iterator[Measured]:
    """Each number of seeds in turn; rounds of ours and stock alternate."""
    pipe, embeds = stock_of(view), view.encode_prompts([PROMPT])
    before, last = 0, 0.0  # seeds and seconds of the round before
    for count in asked.seeds:
        if before and not clock.fits(last * count / before):
            clock.say(f"{view.entry.name}, {count} seeds: left out, a round would take {last * count / before:.0f} s")
            continue
        gc.collect()
        if asked.device.startswith("cuda"):
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        mine, theirs, memory = [], [], 0.0
        for number in range(asked.rounds + (asked.rounds > 1)):  # the first of several is not counted
            if number and not clock.fits(last) and mine:
                clock.say(f"{view.entry.name}, {count} seeds: rounds left out from here")
                break
            found = ours(view, asked, count)
            memory = peak(asked.device)
            other = stock(pipe, asked, count)
            before, last = count, found[0] + other
            clock.say(f"{view.entry.name}, {count} seeds, round {number}: ours {found[0]:.2f} s, stock {other:.2f} s")
            if number or asked.rounds == 1:
                mine.append(found)
                theirs.append(other)
        spent = statistics.median(one for one, _ in mine)
        work = work_of_a_step(view, count, embeds) * asked.steps
        yield Measured(
            view.entry.name,
            count,
            spent / count,
            statistics.median(theirs) / count,
            statistics.median(one for _, one in mine),
            memory,
            work / spent / top,
            information_share(view, count, spent / asked.steps),
        )


def run(asked: Asked, clock: Clock) -> list[Measured]:
    """Builds, loads and measures one shape after the other; everything is printed as it comes."""
    found: list[Measured] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"HF_HUB_CACHE": str(Path(folder) / "hub"), "HF_HUB_OFFLINE": "1"}
        from t2ialign import torchvision_guard

        torchvision_guard.install()
        from t2ialign.diffusion.backbone import load_backbone, set_channels_last, variant_of
        from t2ialign.diffusion.compiling import compile_network
        from t2ialign.registry import load_registry

        top = ceiling(asked)
        clock.say(f"{described(asked.device)}, {asked.dtype}, {asked.steps} steps")
        clock.say(f"one large matrix product: {top / 1e9:,.0f} GFLOP/s")
        for family in asked.families:
            entry = load_registry().backbones["sd-1.5" if family == "sd" else "sdxl"]
            begun = time.perf_counter()
            made = pipeline(family, Path(folder) / family, asked.divide)
            count = sum(parameter.numel() for parameter in made.unet.parameters())
            in_hub_layout(made, entry, variant_of(entry, asked.dtype), Path(folder) / "hub")
            del made
            gc.collect()
            clock.say(f"{entry.name}: {count / 1e6:.0f} M parameters, built in {time.perf_counter() - begun:.0f} s")
            begun = time.perf_counter()
            view = load_backbone(entry, asked.device, asked.dtype)
            clock.say(f"{entry.name}: loaded from the cache in {time.perf_counter() - begun:.1f} s")
            if asked.layout != LAYOUTS[0]:
                set_channels_last(view, asked.layout == "channels-last")
            compile_network(view.unet, asked.compile)
            found += measure(asked, view, top, clock)
            del view
    return found


HEAD = """
| | seeds | seconds a picture | stock | stock / ours | first preview, s | peak, GB | share of the ceiling | information |
|---|---|---|---|---|---|---|---|---|"""


def line(row: Measured) -> str:
    return (
        f"| {row.family} | {row.seeds} | {row.ours:.3f} | {row.stock:.3f} | {row.stock / row.ours:.2f} | "
        f"{row.first_preview:.2f} | {row.peak_gb:.1f} | {row.share:.0%} | {row.information:.2%} |"
    )


def parse(arguments: list[str] | None = None) -> tuple[Asked, Clock]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--families", default="")
    parser.add_argument("--seeds", default="")
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--divide", type=int, default=1)
    parser.add_argument("--compile", default="")
    parser.add_argument("--layout", choices=LAYOUTS, default=LAYOUTS[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--budget", type=float, default=BUDGET)
    parser.add_argument("--out", default="")
    said = parser.parse_args(arguments)
    gpu = said.device.startswith("cuda")
    families = said.families or ("sd,sdxl" if gpu and not said.quick else "sd")
    seeds = said.seeds or ("1" if not gpu else "1,16" if said.quick else "1,4,16,64")
    asked = Asked(
        said.device,
        "bfloat16" if gpu else "float32",
        tuple(families.split(",")),
        tuple(int(one) for one in seeds.split(",")),
        said.steps or (2 if not gpu else 10 if said.quick else 25),
        said.rounds or (3 if gpu else 1),
        said.divide,
        said.compile,
        said.layout,
        said.out,
    )
    return asked, Clock(said.budget)


def main() -> None:
    asked, clock = parse()
    found = run(asked, clock)
    said = (
        f"{asked.dtype}, {asked.steps} steps, widths divided by {asked.divide}, rounds: {asked.rounds}, {asked.layout}"
    )
    lines = [said, HEAD, *map(line, found)]
    print("\n".join(lines))
    write_result("gpu", asked.device, lines, asked.out)


if __name__ == "__main__":
    main()
