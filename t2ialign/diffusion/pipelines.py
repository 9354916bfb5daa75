"""A backbone's folder as diffusers' stock pipeline reads it, with a sentence for each folder that is of no use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from t2ialign.content import INDEX
from t2ialign.diffusion.memory import out_of_memory
from t2ialign.files import foreign
from t2ialign.model_families import FAMILIES, Family
from t2ialign.registry import BackboneEntry
from t2ialign.torchvision_guard import IMPORTING
from t2ialign.types import InputError

NOT_NEEDED: dict[str, dict[str, Any]] = {  # parts of stock pipelines that are neither downloaded nor loaded
    "sd": {"safety_checker": None, "feature_extractor": None, "image_encoder": None, "requires_safety_checker": False},
    "sdxl": {"feature_extractor": None, "image_encoder": None, "add_watermarker": False},
    "sd3": {"feature_extractor": None, "image_encoder": None},
    "flux": {"feature_extractor": None, "image_encoder": None},
}
FLOWS = "FlowMatchEulerDiscreteScheduler"


def stock_pipeline(family: Family) -> Any:
    """Diffusers' pipeline of a family; the first time its import takes a second or two."""
    with IMPORTING:
        import diffusers

        return getattr(diffusers, family.pipeline)


def read_pipeline(entry: BackboneEntry, folder: Path, dtype: str, variant: str | None) -> Any:
    """The stock pipeline of a folder; its parts are what counts."""
    if not (folder / "model_index.json").is_file():
        raise InputError(
            f"The backbone {entry.name} is not in {folder}: restore that folder, or choose another backbone."
        )
    # A half-precision VAE shows: bfloat16 loses grey levels, and SDXL's overflows in float16.
    vae_dtype = torch.float16 if dtype == "float16" and entry.family == "sd" else torch.float32
    dtypes = {"default": getattr(torch, dtype), "vae": vae_dtype}
    _check_family(entry, folder)
    options = {"dtype": dtypes, "use_safetensors": True, "variant": variant, **NOT_NEEDED.get(entry.family, {})}
    try:
        options |= dict.fromkeys(left_empty(folder))
        with _no_progress_bars():
            return stock_pipeline(entry.family_traits).from_pretrained(folder, local_files_only=True, **options)
    except Exception as error:  # a damaged folder makes diffusers, transformers and safetensors raise what they like
        if isinstance(error, MemoryError) or out_of_memory(error):
            raise InputError(
                f"There is no room in main memory for {entry.name}, which is read there first: close other programs, or choose "
                "a smaller backbone."
            ) from error
        reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
        raise InputError(
            f"The backbone {entry.name} in {folder} cannot be loaded ({reason}): restore that folder."
        ) from error


def _check_family(entry: BackboneEntry, folder: Path) -> None:
    """Refuses a pipeline of another family than its entry says, or of none that is built here, before any of it is loaded."""
    with foreign(f"The {INDEX} of {entry.name} in {folder} cannot be read", "restore that folder"):
        found = str(json.loads((folder / INDEX).read_bytes())["_class_name"])
    kinds = {kind.pipeline: name for name, kind in FAMILIES.items()}
    if found in kinds and kinds[found] != entry.family:
        raise InputError(
            f"{entry.name} is a {found}, and its entry of the registry says family {entry.family!r}: write {kinds[found]!r}."
        )
    if found not in kinds and entry.family_traits.flow:
        raise InputError(
            f"{entry.name} is a {found}, and that family cannot be drawn with here: its text encoders or its VAE are of a kind "
            f"of their own. Choose a model of {', '.join(kinds)}."
        )


def left_empty(folder: Path) -> list[str]:
    """The parts that a pipeline's folder says it has not (SD-3 without its T5): stock diffusers wants to be told so again."""
    index = json.loads((folder / "model_index.json").read_bytes())
    return [name for name, place in index.items() if isinstance(place, list) and place[:1] == [None]]


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Loading takes a second; its bars would only tear the caller's own progress apart."""
    from diffusers.utils import logging as of_diffusers
    from transformers.utils import logging as of_transformers

    libraries = [library for library in (of_diffusers, of_transformers) if library.is_progress_bar_enabled()]
    for library in libraries:
        library.disable_progress_bar()
    try:
        yield
    finally:
        for library in libraries:
            library.enable_progress_bar()


def check_prediction(entry: BackboneEntry, scheduler: Any, network: Any) -> None:
    """Refuses networks that predict something else than their family does, or than the registry says."""
    if entry.family_traits.flow:
        if type(scheduler).__name__ != FLOWS and not (
            entry.family_traits.solver and scheduler.config.get("use_flow_sigmas")
        ):
            raise InputError(
                f"{entry.name} comes with the scheduler {type(scheduler).__name__}, and flow models are sampled with "
                f"{FLOWS} here: restore its scheduler's configuration."
            )
        said, found = entry.embedded_scale, bool(network.config.get("guidance_embeds", False))
        if said != found:
            raise InputError(
                f"The network of {entry.name} {'has' if found else 'has not'} the guidance scale for an input: write "
                f"embedded_scale = {str(found).lower()} in its entry of the registry."
            )
    elif (prediction := scheduler.config.prediction_type) not in ("epsilon", "v_prediction"):
        raise InputError(f"{entry.name} predicts {prediction!r}, and only epsilon and v_prediction models can be used.")
