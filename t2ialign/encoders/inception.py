"""Inception-v3 as FID means it: TensorFlow's weights of 2015 in torchvision's network, with TensorFlow's poolings.

Three kinds of blocks differ from torchvision's: average pools do not count the padding, and the very last block pools
by maximum. Everything else, and every weight's name, is torchvision's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

from t2ialign.content import identity
from t2ialign.downloads import Part, WebFile
from t2ialign.encoders.weights import frozen, here, torch_file
from t2ialign.types import InputError, Prompt

FILE = "pt_inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{FILE}"
BATCH = 32
Pool = Callable[[Tensor], Tensor]
AVERAGE: Pool = partial(avg_pool2d, kernel_size=3, stride=1, padding=1, count_include_pad=False)
MAXIMUM: Pool = partial(max_pool2d, kernel_size=3, stride=1, padding=1)
STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "maxpool2")
BLOCKS = {
    **dict.fromkeys(("5b", "5c", "5d"), ("1x1", "5x5_1 5x5_2", "3x3dbl_1 3x3dbl_2 3x3dbl_3")),
    "6a": (),
    **dict.fromkeys(
        ("6b", "6c", "6d", "6e"),
        ("1x1", "7x7_1 7x7_2 7x7_3", "7x7dbl_1 7x7dbl_2 7x7dbl_3 7x7dbl_4 7x7dbl_5"),
    ),
    "7a": (),
    **dict.fromkeys(
        ("7b", "7c"),
        ("1x1", "3x3_1 3x3_2a", "3x3_1 3x3_2b", "3x3dbl_1 3x3dbl_2 3x3dbl_3a", "3x3dbl_1 3x3dbl_2 3x3dbl_3b"),
    ),
}


def features(network: nn.Module, pixels: Float[Tensor, "n 3 299 299"]) -> Float[Tensor, "n 2048"]:
    """The last average pool. ``pixels`` in [-1, 1]; ``network`` is torchvision's ``inception_v3``."""
    hidden = pixels
    for name in STEM:
        hidden = network.get_submodule(name)(hidden)
    for name, branches in BLOCKS.items():
        block = network.get_submodule(f"Mixed_{name}")
        hidden = _block(block, hidden, branches, MAXIMUM if name == "7c" else AVERAGE) if branches else block(hidden)
    return hidden.mean((2, 3))


def _block(block: nn.Module, x: Tensor, branches: tuple[str, ...], pool: Pool) -> Tensor:
    outputs = []
    for branch in branches:
        out = x
        for layer in branch.split():
            out = block.get_submodule(f"branch{layer}")(out)
        outputs.append(out)
    return torch.cat([*outputs, block.get_submodule("branch_pool")(pool(x))], 1)


@dataclass(frozen=True)
class InceptionEncoder:
    """Provides ``inception`` [n 2048]; pictures are stretched to 299 x 299 bilinearly, as pytorch-fid does."""

    id: str
    sha: str
    device: str
    file: Path
    provides: tuple[str, ...] = ("inception",)

    @cached_property
    def network(self) -> nn.Module:
        from torchvision.models import inception_v3

        network: nn.Module = inception_v3(weights=None, num_classes=1008, aux_logits=False, init_weights=False)
        try:
            network.load_state_dict(torch.load(self.file, map_location="cpu", weights_only=True))
        except Exception as error:  # torch raises five unrelated types for a damaged or foreign file
            raise InputError(f"{self.file} is not FID's Inception ({FILE}); fetch it again.") from error
        return frozen(network, self.device)

    @torch.no_grad()
    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        found = []
        for batch in torch.split(images, BATCH):
            unit = batch.to(self.device).float() / 255
            pixels = interpolate(unit, (299, 299), mode="bilinear", align_corners=False) * 2 - 1
            found.append(features(self.network, pixels))
        return {"inception": torch.cat(found)}


def weights(source: str | Path, **_: Any) -> tuple[Part, ...]:
    """What ``load`` wants of other places; the file's name ends with the beginning of its SHA-256."""
    if Path(source).is_file():
        return ()
    if str(source) != "fid":
        raise InputError(f"{source} is neither a file nor 'fid'; name the file {FILE}.")
    return (WebFile(URL, torch_file(FILE), Path(FILE).stem.rpartition("-")[2]),)


def load(source: str | Path, device: str) -> InceptionEncoder:
    """``source``: the weights' file, or ``fid`` to fetch it."""
    parts = weights(source)
    file = here(parts[0]) if parts else Path(source)
    return InceptionEncoder("inception-fid", identity([file]), device, file)
