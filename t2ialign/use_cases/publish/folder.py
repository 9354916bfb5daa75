"""The folder of a checkpoint for others, in diffusers' layout: adapter, manifest, card, chart, pictures."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from safetensors import safe_open

from t2ialign.adapter_places import ADAPTER_FILE, MANIFEST
from t2ialign.content import file_sha256
from t2ialign.files import foreign, write_whole
from t2ialign.registry import CheckpointEntry
from t2ialign.store import Store, list_cells, load_picture, pictures
from t2ialign.store.filters import Filters
from t2ialign.types import GenerationConfig, InputError, Prompt, cell_key
from t2ialign.use_cases.align.manifest import TrainingManifest, find_manifest
from t2ialign.use_cases.publish.card import LICENCE, About, PictureStrip, card_text
from t2ialign.use_cases.publish.chart import draw
from t2ialign.use_cases.publish.trade_off import TradeOff, trade_off
from t2ialign.use_cases.workbench import Workbench

STRIPS, PICTURES = 3, 4
SMALL = 128  # pictures up to this side are enlarged with hard pixels


def write_folder(
    bench: Workbench, name: str, folder: Path, licence: str = "", benchmark: str = "", x: str = "", y: str = ""
) -> TradeOff:
    """Writes everything that a repository of the Hub holds into an empty folder; returns what its card says.

    Raises:
        InputError: what ``trade_off`` refuses, a checkpoint that is no adapter file of this machine, a licence that is no
            identifier, or a folder that is not empty or cannot be written.
    """
    if licence and not LICENCE.fullmatch(licence):
        raise InputError(
            f"{licence[:40]!r} is no licence identifier of the Hub: write one such as apache-2.0 or openrail++."
        )
    found = trade_off(bench, name, benchmark, x, y)
    registry = bench.registry()
    entry = registry.checkpoints[name]
    file, manifest = _adapter(entry)
    with foreign(f"The folder {folder} cannot be written", "choose another"):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InputError(f"The folder {folder} is not empty: choose a new one, so that nothing else is published.")
        write_whole(folder / ADAPTER_FILE, file.read_bytes())
        write_whole(folder / MANIFEST, (file.parent / MANIFEST).read_bytes())
    write_whole(folder / "trade-off.png", _png(draw(found)))
    examples = _examples(bench.store, found, folder)
    about = About(entry, registry.backbones[entry.backbone], manifest, licence)
    write_whole(folder / "README.md", card_text(about, found, examples).encode())
    return found


def _adapter(entry: CheckpointEntry) -> tuple[Path, TrainingManifest]:
    """The adapter's file and manifest, if diffusers can load it as it is."""
    if entry.kind == "unet":
        raise InputError(f"{entry.name} is a whole UNet of somebody's: what is published here are adapters.")
    if not isinstance(entry.adapter, Path):
        raise InputError(f"{entry.name} is published already ({entry.adapter}): push what was trained or merged here.")
    manifest = find_manifest(entry.adapter.parent)
    if manifest is None:
        raise InputError(f"{entry.name} has no manifest, so a card could not say how it was made.")
    with foreign(f"The adapter file {entry.adapter} cannot be read", "restore it"):
        with safe_open(entry.adapter, framework="pt") as content:
            keys = list(content.keys())
        sha = file_sha256(entry.adapter)
    if manifest.sha256 and sha != manifest.sha256:
        raise InputError(f"{entry.adapter} is not the file that its manifest names: restore it before you publish it.")
    if not all(key.startswith(("unet.", "text_encoder")) and "lora_" in key for key in keys):
        raise InputError(
            f"{entry.name} is not in diffusers' layout: `python -m t2ialign merge {entry.name}@1 --name NEW` writes it so."
        )
    return entry.adapter, manifest


def _examples(store: Store, found: TradeOff, folder: Path) -> list[PictureStrip]:
    """Strips of the first prompts that both have pictures of: the parent's above the checkpoint's, seed by seed."""
    base, policy = found.usual.parent, found.usual.policy
    own = list_cells(store, Filters(checkpoints=(policy.checkpoint,)))
    cells = {cell.prompt: cell.seeds for cell in own if cell.config == policy}
    examples: list[PictureStrip] = []
    for prompt in cells:
        rows = [_pictures(store, config, prompt, cells[prompt][:PICTURES]) for config in (base, policy)]
        if all(len(row) == len(cells[prompt][:PICTURES]) for row in rows) and len(examples) < STRIPS:
            name = f"pictures/{len(examples) + 1}.png"
            write_whole(folder / name, _png(_strip(rows)))
            examples.append(PictureStrip(prompt.text, name))
    return examples


def _pictures(store: Store, config: GenerationConfig, prompt: Prompt, seeds: Sequence[int]) -> list[Image.Image]:
    """The pictures of the seeds, or the thumbnails that shipped results have."""
    cell = cell_key(config, prompt)
    small = {one.seed: one.thumbnail for one in pictures(store, cell)}
    data = [load_picture(store, cell, seed) or small.get(seed) for seed in seeds]
    return [Image.open(io.BytesIO(one)).convert("RGB") for one in data if one]


def _strip(rows: Sequence[Sequence[Image.Image]]) -> Image.Image:
    side = max(picture.width for row in rows for picture in row)
    shown = 2 * side if side <= SMALL else min(side, 512)
    how = Image.Resampling.NEAREST if side <= SMALL else Image.Resampling.LANCZOS
    strip = Image.new("RGB", (shown * len(rows[0]), shown * len(rows)), "white")
    for down, row in enumerate(rows):
        for across, picture in enumerate(row):
            strip.paste(picture.resize((shown, shown), how), (across * shown, down * shown))
    return strip


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
