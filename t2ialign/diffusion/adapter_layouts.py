"""The layouts in which the field writes LoRAs and DoRAs, read as one: ``<module>.lora_A.weight`` and so on.

- diffusers with peft: ``unet.<module>.lora_A.weight``, and without ``unet.`` where the UNet alone was saved;
- diffusers' training scripts: ``unet.<module>.lora.down.weight``; before that ``<attention>.processor.to_q_lora.down.weight``;
- diffusers for flow models: ``transformer.<module>.lora_A.weight``, and ``transformer.<module>.lora.down.weight``;
- peft's own folders: ``base_model.model.<module>.lora_A.weight``;
- kohya's sd-scripts and LyCORIS: ``lora_unet_<module with underscores>.lora_down.weight``, ``.alpha`` and ``.dora_scale``, for
  SDXL under the names that Stability's code gives the blocks; for FLUX.1 and FLUX.2 under their makers' (``flux_layouts``).

Text encoders' parts stand beside it as ``text_encoder.<module>``, ``text_encoder_2.<module>``, or in kohya's spelling as
``lora_te_<module>`` (one text encoder), ``lora_te1_`` and ``lora_te2_`` (two). Other families of LyCORIS are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from t2ialign.content import TEXT_KEYS
from t2ialign.diffusion.flux_layouts import MAKERS, unfused
from t2ialign.files import foreign
from t2ialign.types import InputError, OtherModel

KOHYA = "lora_unet_"
TEXT_ROOT = re.compile(r"^text_model[._]")  # newer versions of transformers have no such module
OLD_TEXT = re.compile(r"\.to_(q|k|v|out)_lora\.")  # diffusers before peft
TRANSFORMER = "transformer"
PREFIX = re.compile(r"^(base_model\.model\.)?(unet\.|transformer\.)?")
LYCORIS = {"hada_": "LoHa", "lokr_": "LoKr", "oft_": "OFT", "on_input": "IA3", "a1.weight": "GLoRA"}
ENDINGS = {
    r"\.lora_A(\.default)?\.weight|\.lora_down\.weight|\.lora_linear_layer\.down\.weight": "lora_A.weight",
    r"\.lora_B(\.default)?\.weight|\.lora_up\.weight|\.lora_linear_layer\.up\.weight": "lora_B.weight",
    r"\.lora_magnitude_vector(\.default)?(\.weight)?|\.dora_scale": "lora_magnitude_vector",
    r"\.alpha": "alpha",
}
SGM_BLOCKS = {"input_blocks": "down_blocks", "middle_block": "mid_block", "output_blocks": "up_blocks"}
SGM_LAYERS = {
    "time_embed_0": "time_embedding_linear_1",
    "time_embed_2": "time_embedding_linear_2",
    "label_emb_0_0": "add_embedding_linear_1",
    "label_emb_0_2": "add_embedding_linear_2",
    "input_blocks_0_0": "conv_in",
    "out_2": "conv_out",
}
SGM_ENDS = {
    "in_layers_2": "conv1",
    "out_layers_3": "conv2",
    "emb_layers_1": "time_emb_proj",
    "skip_connection": "conv_shortcut",
    "op": "conv",
}


@dataclass(frozen=True)
class OneLayout:
    """A file's tensors under peft's names, in float32 and in the shapes that this UNet's layers have, and their alphas.

    ``alphas`` are by module, where the file says one.
    """

    tensors: Mapping[str, Tensor]
    alphas: Mapping[str, float]


def part_of(key: str) -> str:
    """The model that a key of a file belongs to: ``unet``, ``text_encoder`` or ``text_encoder_2``."""
    return next((name for name, starts in TEXT_KEYS.items() if key.startswith(starts)), "unet")


def is_transformer(network: nn.Module) -> bool:
    """Whether a network is a flow model's."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    return not isinstance(network, UNet2DConditionModel)


def one_layout(named: Mapping[str, Tensor], unet: nn.Module, who: str, backbone: str) -> OneLayout:
    """The UNet's part of an adapter file in whatever layout, or a transformer's; everything in it has its place there.

    Raises:
        InputError: a tensor of no known layout, of another architecture, or that is no finite number; ``who`` is the
            adapter's name in the sentence.
    """
    layers = {name: _base(module) for name, module in unet.named_modules()}
    flat = {name.replace(".", "_"): name for name in layers}
    renamed = _dotted if is_transformer(unet) else _renamed
    places = {key: (*_place(name, flat), tensor) for key, (name, tensor) in renamed(named, unet, who).items()}
    return _placed(places, layers, who, backbone)


def text_layout(named: Mapping[str, Tensor], encoder: nn.Module, who: str, backbone: str) -> OneLayout:
    """A LoRA of one text encoder as one layout: ``named`` tensors placed on the encoder's layers."""
    layers = {name: _base(module) for name, module in encoder.named_modules()}
    short = {TEXT_ROOT.sub("", name): name for name in layers}
    flat = {name.replace(".", "_"): real for name, real in short.items()}
    places = {key: (*_text_place(key, short, flat), tensor) for key, tensor in named.items()}
    return _placed(places, layers, who, backbone)


def _placed(
    places: Mapping[str, tuple[str, str, Tensor]], layers: Mapping[str, nn.Module], who: str, backbone: str
) -> OneLayout:
    """Every tensor where it belongs, by the file's keys: module, part and the tensor itself."""
    tensors: dict[str, Tensor] = {}
    alphas: dict[str, float] = {}
    unknown, homeless = [], []
    for key, (module, part, tensor) in places.items():
        if not part or f"{module}.{part}" in tensors:  # or the same once more in another layout
            unknown.append(key)
        elif part == "alpha" and module in layers and tensor.numel() == 1:
            alphas[module] = _numbers(tensor.double(), who, key).item()
        elif (shaped := _fitted(layers.get(module), part, _numbers(tensor, who, key))) is not None:
            tensors[f"{module}.{part}"] = shaped
        else:
            homeless.append(key)
    _refuse(unknown, homeless, who, backbone)
    return OneLayout(tensors, alphas)


def _refuse(unknown: list[str], homeless: list[str], who: str, backbone: str) -> None:
    if unknown:
        family = next((name for sign, name in LYCORIS.items() for key in unknown if f".{sign}" in key), "")
        if family:
            raise InputError(
                f"The adapter {who} is a {family} of LyCORIS ({len(unknown)} tensors, as {unknown[0]}): only LoRAs and "
                "DoRAs can be loaded; convert it to one, or merge it into a UNet and add that."
            )
        raise OtherModel(
            f"The adapter {who} holds {len(unknown)} tensors that are no part of a LoRA or DoRA of a UNet "
            f"({', '.join(unknown[:2])}): only those can be loaded."
        )
    if homeless:
        raise OtherModel(
            f"The adapter {who} was made for another architecture than {backbone} "
            f"({len(homeless)} tensors have no place there, as {homeless[0]}): choose an adapter of this backbone."
        )


def _dotted(named: Mapping[str, Tensor], network: nn.Module, who: str) -> dict[str, tuple[str, Tensor]]:
    """The same of a transformer's adapter: in peft's spelling, in that of diffusers' scripts, or in FLUX.1's own names.

    Raises:
        InputError: others' layouts of flow models, whose fused layers are not taken apart here.
    """
    layers = {name: _base(module) for name, module in network.named_modules()}
    names = unfused(named, layers, MAKERS.get(type(network).__name__))
    if others := [
        key
        for key, (name, _) in names.items()
        if name.startswith(
            (KOHYA, "lora_transformer_", "lycoris_", "double_blocks", "single_blocks", "diffusion_model")
        )
    ]:
        raise OtherModel(
            f"The adapter {who} is in a layout of flow models that cannot be read here ({len(others)} tensors, as "
            f"{others[0]}): convert it to diffusers' (load it with its pipeline, then save_lora_weights)."
        )
    return {
        key: (re.sub(r"\.lora\.(down|up)\.", r".lora_linear_layer.\1.", name), tensor)
        for key, (name, tensor) in names.items()
    }


def _renamed(named: Mapping[str, Tensor], unet: Any, who: str) -> dict[str, tuple[str, Tensor]]:
    """By a file's own keys: the key in peft's or kohya's spelling, blocks under diffusers' names, and the tensor."""
    from diffusers.loaders.lora_conversion_utils import _maybe_map_sgm_blocks_to_diffusers
    from diffusers.utils.state_dict_utils import convert_unet_state_dict_to_peft

    names = {key: key for key in named}
    blocks = [key for key in names if key.startswith(KOHYA) and any(block in key for block in SGM_BLOCKS)]
    plain = [key for key in names if key.startswith(KOHYA) and any(block in key for block in SGM_BLOCKS.values())]
    if blocks and not plain:  # where both are, diffusers would drop one kind
        with foreign(f"The adapter {who} names blocks in a way that no SDXL has", "choose another adapter"):
            renamed = _maybe_map_sgm_blocks_to_diffusers(  # type: ignore[no-untyped-call]
                {key: key for key in blocks}, unet.config
            )
            names |= {old: new for new, old in renamed.items()}
    dotted = {key: key for key in names if not key.startswith(KOHYA)}
    renamed = convert_unet_state_dict_to_peft(dotted)  # type: ignore[no-untyped-call]
    names |= {old: new for new, old in renamed.items()}
    return {key: (name, named[key]) for key, name in names.items()}


def _place(key: str, flat: Mapping[str, str]) -> tuple[str, str]:
    """Module and part that a key names; no part for a key of no known layout."""
    for ending, part in ENDINGS.items():
        match = re.search(f"({ending})$", key)
        if match is not None:
            module = key[: match.start()]
            if key.startswith(KOHYA):
                return _from_kohya(module.removeprefix(KOHYA), flat), part
            return PREFIX.sub("", module).replace(".processor.", "."), part
    return "", ""


def _text_place(key: str, short: Mapping[str, str], flat: Mapping[str, str]) -> tuple[str, str]:
    """Module of a text encoder and part that a key names; ``short`` and ``flat`` lead to its modules' real names."""
    name = OLD_TEXT.sub(r".\1_proj.lora_linear_layer.", key)
    for ending, part in ENDINGS.items():
        match = re.search(f"({ending})$", name)
        if match is not None:
            module = name[: match.start()]
            start = next(start for starts in TEXT_KEYS.values() for start in starts if module.startswith(start))
            module = TEXT_ROOT.sub("", module.removeprefix(start))
            return (flat if start.startswith("lora_") else short).get(module, module), part
    return "", ""


def _from_kohya(name: str, flat: Mapping[str, str]) -> str:
    """A module by its name with underscores; the name itself where this UNet has no such module."""
    if name not in flat:
        name = SGM_LAYERS.get(name, name)
        for old, new in SGM_BLOCKS.items():
            name = name.replace(old, new)
        for old, new in SGM_ENDS.items():
            name = re.sub(f"_{old}$", f"_{new}", name)
    return flat.get(name, name)


def _numbers(tensor: Tensor, who: str, key: str) -> Tensor:
    """The tensor in float32, whatever precision it was saved in."""
    if not tensor.is_floating_point():
        raise InputError(
            f"The adapter {who} holds numbers of the kind {tensor.dtype} ({key}): only floats can be loaded."
        )
    values = tensor.float()
    if not torch.isfinite(values).all():
        raise InputError(f"The adapter {who} holds numbers that are not finite: its training diverged; train it again.")
    return values


def _base(module: nn.Module) -> nn.Module:
    from peft.tuners.tuners_utils import BaseTunerLayer

    return module.get_base_layer() if isinstance(module, BaseTunerLayer) else module


def _fitted(layer: nn.Module | None, part: str, values: Tensor) -> Tensor | None:
    """The tensor in the shape that this part has on this layer; None where it does not fit.

    A matrix and a 1 x 1 convolution are the same numbers, and so are a row, a column and a list of magnitudes of outputs.
    """
    if not isinstance(layer, nn.Linear | nn.Conv2d):
        return None
    out, ones = layer.weight.shape[0], (1,) * (layer.weight.ndim - 2)
    shape = tuple(values.shape)
    if part == "lora_magnitude_vector":
        of_outputs = shape[:1] == (out,) or (shape[:2] == (1, out) and len(shape) == 4)
        return values.reshape((1, out, 1, 1) if ones else (out,)) if of_outputs and values.numel() == out else None
    if len(shape) < 2:
        return None
    inner = layer.weight.shape[1:] if part == "lora_A.weight" else (shape[1], *ones)
    rows = shape[0] if part == "lora_A.weight" else out
    wanted = (rows, *inner)
    alike = shape[:2] == wanted[:2] and values.numel() == torch.Size(wanted).numel() and values.numel() > 0
    return values.reshape(wanted).contiguous() if alike else None
