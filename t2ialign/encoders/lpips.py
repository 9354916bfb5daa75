"""LPIPS features of every picture once, so that |a - b|^2 of two rows is the LPIPS distance of their pictures.

The trunks are the ``lpips`` package's own (``alex``, ``vgg``, ``squeeze``, with its linear weights and torchvision's
ImageNet trunk) or a folder written by ``encoders.trunk``. The distance of Zhang et al. 2018, eq. 1,

    sum_l 1 / (H_l W_l) sum_hw sum_c w_lc (y_lhwc - y'_lhwc)^2     with y normalised over channels,

is the squared distance of the vectors with entries sqrt(w_lc / (H_l W_l)) y_lhwc.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from t2ialign.content import identity
from t2ialign.downloads import Part, WebFile
from t2ialign.encoders.trunk import load_trunk, trunk_features
from t2ialign.encoders.weights import existing, frozen, here, torch_file
from t2ialign.types import InputError, Prompt

if TYPE_CHECKING:
    from lpips import LPIPS

NETS = ("alex", "vgg", "squeeze")
PIXELS_AT_ONCE = {"cpu": 1 << 16, "cuda": 1 << 21}  # pictures go through the trunk in batches of about so many pixels
EPSILON = 1e-10  # the package's: outside the root
Layers = Callable[[Tensor], Sequence[Tensor]]


def layer_rows(layers: Sequence[Float[Tensor, "n _ _ _"]], lins: Sequence[Float[Tensor, " _"]]) -> Float[Tensor, "n d"]:
    """Layer activations to rows whose squared distance is LPIPS; ``lins`` are each layer's channel weights w >= 0."""
    rows = layers[0].new_empty(len(layers[0]), sum(layer[0].numel() for layer in layers))
    fill_rows(rows, layers, lins)
    return rows


def fill_rows(
    rows: Float[Tensor, "n d"], layers: Sequence[Float[Tensor, "n _ _ _"]], lins: Sequence[Float[Tensor, " _"]]
) -> None:
    """``layer_rows`` into memory that is there: the package's ``normalize_tensor`` and a weighting, in two passes."""
    filled = 0
    for layer, lin in zip(layers, lins, strict=True):
        _, channels, height, width = layer.shape
        part = rows[:, filled : filled + layer[0].numel()].view(-1, channels, height, width)
        length = (
            layer.square().sum(1, keepdim=True).sqrt_().add_(EPSILON)
        )  # eight times faster than torch's vector_norm
        torch.mul(layer, length.reciprocal_(), out=part)
        part.mul_((lin.to(layer) / (height * width)).sqrt()[:, None, None])
        filled += layer[0].numel()


@dataclass(frozen=True)
class LpipsEncoder:
    """Provides ``lpips`` [n d]. The network is built at the first call."""

    id: str
    sha: str
    device: str
    build: Callable[[str], tuple[Layers, list[Tensor]]]
    provides: tuple[str, ...] = ("lpips",)

    @cached_property
    def network(self) -> tuple[Layers, list[Tensor]]:
        return self.build(self.device)

    @torch.no_grad()
    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        layers, lins = self.network
        at_once = PIXELS_AT_ONCE.get(self.device.partition(":")[0], PIXELS_AT_ONCE["cpu"])
        step = max(1, at_once // (images.shape[2] * images.shape[3]))
        rows, done = torch.empty(0, device=self.device), 0
        for batch in torch.split(images, step):
            found = self._layers(layers, batch.to(self.device).float() / 127.5 - 1)
            if done == 0:
                rows = found[0].new_empty(len(images), sum(layer[0].numel() for layer in found))
            fill_rows(rows[done : done + len(batch)], found, lins)
            done += len(batch)
        return {"lpips": rows}

    def _layers(self, layers: Layers, pixels: Float[Tensor, "n 3 h w"]) -> Sequence[Tensor]:
        try:
            return layers(pixels)
        except RuntimeError as error:  # a layer whose windows are larger than what is left of the picture
            if not re.search("too small|can't be greater", str(error)):
                raise
            height, width = pixels.shape[2:]
            raise InputError(
                f"Pictures of {width} x {height} pixels are too small for {self.id}: enlarge them."
            ) from error


def weights(source: str | Path, **_: Any) -> tuple[Part, ...]:
    """What ``load`` wants of other places."""
    return (imagenet_trunk(str(source)),) if str(source) in NETS else ()


def load(source: str | Path, device: str) -> LpipsEncoder:
    """``source``: ``alex``, ``vgg`` or ``squeeze``, or a folder with a trunk of our own."""
    if str(source) in NETS:
        return _package(str(source), device)
    folder = Path(source)
    if not folder.is_dir():
        raise InputError(
            f"{source} is not an LPIPS trunk: name one of {', '.join(NETS)}, or a folder with trunk.safetensors."
        )
    files = existing(folder, "config.json", "trunk.safetensors")
    return LpipsEncoder(f"lpips-{folder.name}", identity(files), device, lambda where: _own(folder, where))


def _own(folder: Path, device: str) -> tuple[Layers, list[Tensor]]:
    trunk, lins = load_trunk(folder)
    trunk = trunk.to(device)
    return lambda pixels: trunk_features(trunk, pixels), lins


def _package(net: str, device: str) -> LpipsEncoder:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package imports modules that warn about themselves
        import lpips

    lin_file = Path(lpips.__file__).parent / "weights" / "v0.1" / f"{net}.pth"
    files = [here(imagenet_trunk(net)), lin_file]
    return LpipsEncoder(f"lpips-{net}", identity(files), device, lambda where: network_of(package_model(net), where))


def imagenet_trunk(net: str) -> WebFile:
    """The ImageNet weights of a trunk (torchvision), whose name ends with the beginning of its SHA-256."""
    from torchvision import models

    weights = {
        "alex": models.AlexNet_Weights.IMAGENET1K_V1,
        "vgg": models.VGG16_Weights.IMAGENET1K_V1,
        "squeeze": models.SqueezeNet1_1_Weights.IMAGENET1K_V1,
    }[net]
    name = weights.url.rsplit("/", 1)[1]
    return WebFile(weights.url, torch_file(name), Path(name).stem.rpartition("-")[2])


def package_model(net: str, random_trunk: bool = False) -> LPIPS:
    """The package's own LPIPS module, quietly; ``random_trunk`` leaves out the ImageNet weights."""
    import lpips

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it still calls torchvision's deprecated ``pretrained=``
        return lpips.LPIPS(net=net, pnet_rand=random_trunk, verbose=False)


def network_of(model: LPIPS, device: str) -> tuple[Layers, list[Tensor]]:
    """The layers and channel weights of an ``lpips.LPIPS`` module."""
    model = frozen(model, device)
    lins = [lin.model[-1].weight.flatten() for lin in model.lins]
    return lambda pixels: model.net(model.scaling_layer(pixels)), lins
