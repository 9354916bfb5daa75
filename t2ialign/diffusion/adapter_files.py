"""Adapter files: read in every layout of the field, written in diffusers'.

Its keys are ``unet.<module>.lora_A.weight``, of a flow model ``transformer.<module>.lora_A.weight``.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor, nn

from t2ialign.adapter_places import ADAPTER_FILE, MANIFEST, adapter_sha, peft_config
from t2ialign.content import file_sha256
from t2ialign.diffusion.adapter_layouts import (
    TRANSFORMER,
    OneLayout,
    is_transformer,
    one_layout,
    part_of,
    text_layout,
)
from t2ialign.files import foreign, text_of
from t2ialign.model_families import FAMILIES
from t2ialign.registry import CheckpointEntry
from t2ialign.types import InputError, OtherModel

WRITERS = {  # of ``diffusers.loaders.lora_pipeline``
    "sd": "StableDiffusionLoraLoaderMixin",
    "sdxl": "StableDiffusionLoraLoaderMixin",
    "sd3": "SD3LoraLoaderMixin",
    "flux": "FluxLoraLoaderMixin",
    "auraflow": "AuraFlowLoraLoaderMixin",
    "flux2": "Flux2LoraLoaderMixin",
    "flux2-klein": "Flux2LoraLoaderMixin",
    "qwenimage": "QwenImageLoraLoaderMixin",
    "sana": "SanaLoraLoaderMixin",
}
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
LFS = b"version https://git-lfs.github.com/spec/"
METADATA = "lora_adapter_metadata"
OF_PEFT = "base_model.model."
KEPT = ("lora_alpha", "alpha_pattern", "use_rslora")  # of a file's metadata; the rest is read off the tensors
PLAIN_STARTS = ("gaussian", "eva", "orthogonal", "mica")  # of peft's init_lora_weights: those that leave the base alone
OTHERWISE = ("alora_invocation_tokens", "use_qalora", "layer_replication", "kasa_config", "use_bdlora", "arrow_config")


@dataclass(frozen=True)
class AdaptedNetwork:
    """A backbone's network with an adapter in it, under its key there."""

    network: Any
    key: str
    family: str


@dataclass(frozen=True)
class AdapterPart:
    """What of an adapter belongs to one model: tensors under peft's names and ``LoraConfig`` settings."""

    model: nn.Module
    tensors: dict[str, Tensor]
    settings: dict[str, Any]


def read_adapter(
    file: Path, entry: CheckpointEntry, unet: nn.Module, encoders: Sequence[nn.Module] = ()
) -> tuple[AdapterPart, ...]:
    """The parts of a file that fits the UNet (or a flow model's transformer) and the text encoders; all else is refused.

    Layouts are those of ``adapter_layouts``; every tensor of the file has its place in one of the models.
    """
    damaged = foreign(f"The adapter file {file} is truncated or damaged", "copy it again")
    with damaged, safe_open(file, framework="pt") as content:
        metadata = content.metadata() or {}
        tensors = {key: content.get_tensor(key) for key in sorted(content.keys())}
    if not tensors:
        raise InputError(f"The adapter file {file} is empty: copy it again.")
    models = {"unet": unet, **dict(zip(("text_encoder", "text_encoder_2"), encoders, strict=False))}
    named: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        named.setdefault(part_of(key), {})[key] = tensor
    strange = [key for name in named if name not in models for key in named[name]]
    if strange:
        raise OtherModel(
            f"The adapter {entry.name} was made for another architecture than {entry.backbone} ({len(strange)} tensors "
            f"have no place there, as {strange[0]}): choose an adapter of this backbone."
        )
    return tuple(_part(name, models[name], named[name], file, entry, metadata) for name in models if name in named)


def _part(
    name: str,
    model: Any,
    named: Mapping[str, Tensor],
    file: Path,
    entry: CheckpointEntry,
    metadata: Mapping[str, str],
) -> AdapterPart:
    read = one_layout if name == "unet" else text_layout
    found = read(named, model, entry.name, entry.backbone)
    _check_whole(found.tensors, entry)
    said = _said(file, metadata, f"{TRANSFORMER}." if name == "unet" and is_transformer(model) else f"{name}.")
    modules = {name.rpartition(".lora_A")[0] for name in found.tensors if name.endswith(".lora_A.weight")}
    settings = _settings(found)
    if said.get("use_dora") is True and not settings["use_dora"]:
        raise InputError(
            f"The adapter {entry.name} says that it is a DoRA and holds no magnitudes: copy or save it again."
        )
    _check_plain(said, entry)
    return AdapterPart(model, dict(found.tensors), {**settings, **_for_modules(_scales(file, said), modules)})


def _check_plain(said: Mapping[str, Any], entry: CheckpointEntry) -> None:
    """Refuses what peft computes otherwise than as W + s B A, or with other weights W than the backbone's own."""
    kind, start = str(said.get("peft_type") or "LORA").upper(), said.get("init_lora_weights")
    if kind != "LORA":
        raise InputError(f"The adapter {entry.name} is a {kind} of peft: only LoRAs and DoRAs can be loaded.")
    if isinstance(start, str) and start not in PLAIN_STARTS:
        raise InputError(
            f"The adapter {entry.name} was begun from parts of the base's weights that it took out of them "
            f"(init_lora_weights is {start!r}), so it fits no plain {entry.backbone}: save it with peft's "
            "path_initial_model_for_weight_conversion, or merge it into a UNet and add that."
        )
    if other := next((name for name in OTHERWISE if said.get(name)), ""):
        raise InputError(
            f"The adapter {entry.name} computes otherwise than a LoRA does ({other} of its configuration): merge it into a "
            "UNet and add that."
        )


def _for_modules(said: dict[str, Any], modules: set[str]) -> dict[str, Any]:
    """A file's own scales, where it names modules of a text encoder as another version of transformers does."""
    pattern = dict(said.get("alpha_pattern") or {})
    if not any(name.startswith("text_model.") for name in pattern) or any(m.startswith("text_model.") for m in modules):
        return said
    return {**said, "alpha_pattern": {name.removeprefix("text_model."): alpha for name, alpha in pattern.items()}}


def _said(file: Path, metadata: Mapping[str, str], start: str) -> dict[str, Any]:
    """The scale as the file's metadata or, in a folder of peft's, its ``adapter_config.json`` says it."""
    config = peft_config(file)
    with _saying(file):
        said = json.loads(text_of(config.read_bytes()) if config else metadata.get(METADATA, "{}"))
        if not isinstance(said, dict):
            raise ValueError("it is no table of named values")
        prefix = "" if config else start
        return {name.removeprefix(prefix): value for name, value in said.items() if name.startswith(prefix)}


def _saying(file: Path) -> AbstractContextManager[None]:
    """Around what reads a file's scale: it names the file that says it."""
    if config := peft_config(file):
        return foreign(f"The configuration {config} cannot be read", "mend it there, or save the adapter again")
    return foreign(f"The metadata of {file} cannot be read", "save the adapter again, or without metadata")


def _scales(file: Path, said: Mapping[str, Any]) -> dict[str, Any]:
    """What counts of it, checked."""
    kept = {name: said[name] for name in KEPT if name in said}
    with _saying(file):
        scales = [kept.get("lora_alpha", 1.0), *dict(kept.get("alpha_pattern") or {}).values()]
        if not all(type(scale) in (int, float) and math.isfinite(scale) for scale in scales):
            raise ValueError(
                f"an alpha is {scales[0]!r} and not a number" if len(scales) == 1 else "an alpha is no number"
            )
        for pattern in kept.get("alpha_pattern") or ():
            re.compile(pattern)
        if type(kept.get("use_rslora", False)) is not bool:
            raise ValueError("use_rslora is neither true nor false")
    return kept


def lacks_scale(file: Path) -> bool:
    """Whether peft wrote it and its ``adapter_config.json``, which alone says the scale, did not come along."""
    with foreign(f"The adapter file {file} is truncated or damaged", "copy it again"), safe_open(file, "pt") as content:
        of_peft = any(key.startswith(OF_PEFT) for key in content.keys())  # noqa: SIM118
        return of_peft and peft_config(file) is None and METADATA not in (content.metadata() or {})


def check_file(file: Path, entry: CheckpointEntry) -> str:
    """``adapter_sha``; refuses a missing file, a pickle under any name, and a file that the manifest does not name."""
    if not file.is_file():
        raise InputError(f"The adapter {entry.name} should be in {file}, which is missing: restore it.")
    with file.open("rb") as stream:
        start = stream.read(len(LFS))
    if start == LFS:
        raise InputError(f"{file} is only a pointer of Git LFS to the adapter: run `git lfs pull` where it was cloned.")
    if file.suffix in PICKLE_SUFFIXES or start.startswith(PICKLE_STARTS):
        raise InputError(
            f"{file} is a pickle, which can run code when it is opened: convert it to safetensors where you trust it."
        )
    header = int.from_bytes(start[:8], "little") < file.stat().st_size and start[8:9] == b"{"
    if file.suffix != ".safetensors" and not header:
        raise InputError(f"{file} is no adapter: name a file of the kind safetensors.")
    if entry.sha256 and file_sha256(file) != entry.sha256:
        raise InputError(
            f"{file} is not the file that the manifest of {entry.name} names (its SHA-256 differs): copy it again."
        )
    return adapter_sha(file)


def _check_whole(tensors: Mapping[str, Tensor], entry: CheckpointEntry) -> None:
    """Refuses a layer that lacks one of its matrices, or whose matrices have different ranks."""
    parts: dict[str, set[str]] = {}
    for key in tensors:
        module, _, part = key.removesuffix(".weight").rpartition(".")
        parts.setdefault(module, set()).add(part)
    alike = all(
        {"lora_A", "lora_B"} <= own and tensors[f"{module}.lora_A.weight"].shape[0] == _rank(tensors, module)
        for module, own in parts.items()
    )
    if not parts or not alike or len({len(own) for own in parts.values()}) > 1:
        raise InputError(
            f"The adapter {entry.name} is incomplete (a layer lacks one of its matrices): copy or train it again."
        )


def _rank(tensors: Mapping[str, Tensor], module: str) -> int:
    return tensors[f"{module}.lora_B.weight"].shape[1]


def _settings(found: OneLayout) -> dict[str, Any]:
    """Rank and alpha of each layer, and the kind; alpha is the rank where none is said, as diffusers and kohya take it."""
    ranks = {
        key.removesuffix(".lora_B.weight"): t.shape[1]
        for key, t in found.tensors.items()
        if key.endswith(".lora_B.weight")
    }
    rank = max(ranks.values())
    alphas = {module: found.alphas.get(module, other) for module, other in ranks.items()}
    return {
        "r": rank,
        "lora_alpha": rank,
        "rank_pattern": {f"^{re.escape(module)}": other for module, other in ranks.items() if other != rank},
        "alpha_pattern": {f"^{re.escape(module)}": alpha for module, alpha in alphas.items() if alpha != rank},
        "target_modules": list(ranks),
        "use_dora": any("lora_magnitude_vector" in key for key in found.tensors),
    }


def write_adapter(adapted: AdaptedNetwork, directory: Path, manifest: Mapping[str, Any]) -> Path:
    """Writes an adapter and ``manifest.json`` into ``directory``, which appears (or is replaced) as a whole."""
    from diffusers.loaders import lora_pipeline
    from peft import get_peft_model_state_dict

    directory.parent.mkdir(parents=True, exist_ok=True)
    draft = directory.with_name(f".{directory.name}-{uuid.uuid4().hex}")
    try:
        layers = {
            name: tensor.detach().cpu()
            for name, tensor in get_peft_model_state_dict(adapted.network, adapter_name=adapted.key).items()
        }
        part = FAMILIES[adapted.family].network
        told = _in_order(adapted.network.peft_config[adapted.key])
        getattr(lora_pipeline, WRITERS[adapted.family]).save_lora_weights(
            draft, **{f"{part}_lora_layers": layers, f"{part}_lora_adapter_metadata": told}
        )
        file = draft / ADAPTER_FILE
        _sort_metadata(file)
        record = {**manifest, "file": ADAPTER_FILE, "sha256": file_sha256(file)}
        (draft / MANIFEST).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        file.chmod((draft / MANIFEST).stat().st_mode)  # safetensors' own lets only its owner read
        for written in (file, draft / MANIFEST, draft):
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


def _in_order(config: Any) -> dict[str, Any]:
    """A configuration of peft's, its sets sorted: each process has an order of its own, and a file's bytes are its identity."""
    found: dict[str, Any] = config.to_dict()
    return found | {name: sorted(told) for name, told in vars(config).items() if isinstance(told, set)}


def _sort_metadata(file: Path) -> None:
    """Safetensors writes what is said beside the tensors in an order that it draws anew; here it is that of the names."""
    data = file.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    said = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    said += b" " * (-len(said) % 8)
    file.write_bytes(len(said).to_bytes(8, "little") + said + data[end:])


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
