"""Adapter files: ``pytorch_lora_weights.safetensors`` in diffusers' layout (keys ``unet.<module>.lora_A.weight``)."""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from peft import get_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors import SafetensorError, safe_open
from torch import Tensor

from t2ialign.registry import ADAPTER_FILE, CheckpointEntry, file_sha256, sha_of
from t2ialign.types import InputError

PREFIX = "unet."
PART = re.compile(r"(?P<module>.+)\.(?P<part>lora_A|lora_B|lora_magnitude_vector)(\.weight)?")
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
METADATA = "lora_adapter_metadata"
KEPT = ("lora_alpha", "alpha_pattern", "use_rslora")  # of a file's metadata; the rest is read off the tensors


def read_adapter(
    file: Path, entry: CheckpointEntry, unet: UNet2DConditionModel
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors (without prefix) and ``LoraConfig`` settings of a file that fits the UNet; anything else is refused."""
    try:
        with safe_open(file, framework="pt") as content:
            metadata = content.metadata() or {}
            named = {key: content.get_tensor(key) for key in sorted(content.keys())}
    except SafetensorError as error:
        raise InputError(f"The adapter file {file} is truncated or damaged ({error}): copy it again.") from error
    foreign = [key for key in named if not key.startswith(PREFIX)]
    if foreign or not named:
        what = f"also holds {foreign[0]!r}" if named else "is empty"
        raise InputError(
            f"The adapter file {file} {what}: only adapters of the UNet in diffusers' layout can be loaded."
        )
    tensors = {key.removeprefix(PREFIX): tensor for key, tensor in named.items()}
    _check_fit(tensors, entry, unet)
    said = json.loads(metadata.get(METADATA, "{}"))
    kept = {name: said[PREFIX + name] for name in KEPT if PREFIX + name in said}
    return tensors, {**_settings(tensors), **kept}


def check_file(file: Path, entry: CheckpointEntry) -> str:
    """Short SHA-256; refuses a missing file, a pickle under any name, and a file that the manifest does not name."""
    if not file.is_file():
        raise InputError(f"The adapter {entry.name} should be in {file}, which is missing: restore it.")
    with file.open("rb") as stream:
        start = stream.read(4)
    if file.suffix in PICKLE_SUFFIXES or start.startswith(PICKLE_STARTS):
        raise InputError(
            f"{file} is a pickle, which can run code when it is opened: convert it to safetensors where you trust it."
        )
    if entry.sha256 and file_sha256(file) != entry.sha256:
        raise InputError(
            f"{file} is not the file that the manifest of {entry.name} names (its SHA-256 differs): copy it again."
        )
    return sha_of(file)


def _check_fit(tensors: Mapping[str, Tensor], entry: CheckpointEntry, unet: UNet2DConditionModel) -> None:
    """Refuses tensors that do not belong to this UNet, by name, shape or number."""
    modules = dict(unet.named_modules())
    complete: dict[str, set[str]] = {}
    for key, tensor in tensors.items():
        match = PART.fullmatch(key)
        if (
            match is None
            or match["module"] not in modules
            or not _fits(modules[match["module"]], match["part"], tensor)
        ):
            raise InputError(
                f"The adapter {entry.name} was made for another architecture than {entry.backbone} "
                f"({key} has no place there): choose an adapter of this backbone."
            )
        if not torch.isfinite(tensor).all():
            raise InputError(
                f"The adapter {entry.name} holds numbers that are not finite: its training diverged; train it again."
            )
        complete.setdefault(match["module"], set()).add(match["part"])
    if any({"lora_A", "lora_B"} - parts for parts in complete.values()) or len(set(map(len, complete.values()))) > 1:
        raise InputError(
            f"The adapter {entry.name} is incomplete (a layer lacks one of its matrices): copy or train it again."
        )


def _fits(module: torch.nn.Module, part: str, tensor: Tensor) -> bool:
    """Whether a tensor has the shape that ``part`` of an adapter must have on this layer."""
    if isinstance(module, BaseTunerLayer):
        module = module.get_base_layer()
    if not isinstance(module, torch.nn.Linear | torch.nn.Conv2d):
        return False
    shape = module.weight.shape
    if part == "lora_magnitude_vector":
        return tensor.numel() == shape[0]
    if part == "lora_A":
        return tensor.shape[1:] == shape[1:]
    return tensor.ndim == len(shape) and tensor.shape[0] == shape[0] and tensor.shape[2:].numel() == 1


def _settings(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Rank of each layer and kind, read off the tensors; alpha is the rank, as diffusers takes it without metadata."""
    ranks = {
        key.removesuffix(".lora_B.weight"): t.shape[1] for key, t in tensors.items() if key.endswith(".lora_B.weight")
    }
    rank = max(ranks.values())
    pattern = {f"^{re.escape(module)}": other for module, other in ranks.items() if other != rank}
    return {
        "r": rank,
        "lora_alpha": rank,
        "rank_pattern": pattern,
        "alpha_pattern": dict(pattern),
        "target_modules": list(ranks),
        "use_dora": any("lora_magnitude_vector" in key for key in tensors),
    }


def write_adapter(unet: UNet2DConditionModel, key: str, directory: Path, manifest: Mapping[str, Any]) -> Path:
    """Writes an adapter and ``manifest.json`` into ``directory``, which appears (or is replaced) as a whole."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    draft = directory.with_name(f".{directory.name}-{uuid.uuid4().hex}")
    try:
        layers = {
            name: tensor.detach().cpu() for name, tensor in get_peft_model_state_dict(unet, adapter_name=key).items()
        }
        StableDiffusionPipeline.save_lora_weights(
            draft, unet_lora_layers=layers, unet_lora_adapter_metadata=unet.peft_config[key].to_dict()
        )
        file = draft / ADAPTER_FILE
        record = {**manifest, "file": ADAPTER_FILE, "sha256": file_sha256(file)}
        (draft / "manifest.json").write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        file.chmod((draft / "manifest.json").stat().st_mode)  # safetensors' own lets only its owner read
        for written in (file, draft / "manifest.json", draft):
            _sync(written)
        if directory.exists():
            directory.rename(draft.with_suffix(".old"))
        draft.rename(directory)
        _sync(directory.parent)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(
            f"The adapter cannot be written to {directory} ({reason}): make room or choose another."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(draft.with_suffix(".old"), ignore_errors=True)
    return directory / ADAPTER_FILE


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
