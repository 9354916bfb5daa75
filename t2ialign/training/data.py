"""What training learns from, with everything that does not change done once: pictures to latents, prompts to embeddings.

``TrainData`` is what ``train`` reads: pairs, or single pictures with weights and perhaps labels; a length, and a batch for
any indices. Which indices a step takes is decided by seed and step alone (``draws``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.text import PromptEmbeds, stack, truncation_notes
from t2ialign.types import InputError, PreferencePair


@dataclass(frozen=True)
class TrainBatch:
    """``b`` examples; of pairs the latents and embeddings are all winners, then all losers (n = 2b), else n = b."""

    latents: Float[Tensor, "n c h w"]
    embeds: PromptEmbeds
    weights: Float[Tensor, " b"]
    desirable: Bool[Tensor, " b"] | None = None

    @property
    def pictures(self) -> int:
        """Pictures an example: 2 in pairs."""
        return len(self.latents) // len(self.weights)

    @property
    def labels(self) -> Bool[Tensor, " b"]:
        """Which pictures are liked, where the data say so; ``InputError`` where they do not."""
        if self.desirable is None:
            raise InputError(
                "This loss reads which pictures are liked, and these have no labels: give labelled pictures."
            )
        return self.desirable


@dataclass(frozen=True)
class PromptTable:
    """Every prompt encoded once; row 0 is the empty prompt, ``rows`` says which row each example reads."""

    embeds: PromptEmbeds
    rows: Int[Tensor, " n"]

    def take(self, indices: Int[Tensor, " b"], empty: Bool[Tensor, " b"]) -> PromptEmbeds:
        rows = self.rows[indices].masked_fill(empty, 0)
        return self.embeds.take(rows)


@dataclass(frozen=True)
class TrainData:
    """``n`` examples with ``k`` pictures of one prompt each, encoded once: 2 in pairs, the better one first, else 1.

    ``k`` is 0 where a policy draws its own pictures of the prompts.

    ``desirable`` says of single pictures whether they are liked (KTO); ``weights`` multiply the loss (GORS: the reward).
    ``empty_prompts`` is the share of examples that forget their prompt for a step, which keeps guidance working. ``notes``
    say what of the source is not in it, or not read.
    """

    latents: Float[Tensor, "n k c h w"]
    prompts: PromptTable
    weights: Float[Tensor, " n"]
    desirable: Bool[Tensor, " n"] | None = None
    empty_prompts: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """That of one picture's latents."""
        return tuple(self.latents.shape[2:])

    @property
    def sha(self) -> str:
        """SHA-256 of everything that is learned from, in hex."""
        embeds = self.prompts.embeds
        parts = (self.latents, self.prompts.rows, embeds.prompt_embeds, embeds.pooled_prompt_embeds, self.weights)
        found = hashlib.sha256(repr(self.empty_prompts).encode())
        for part in (*parts, self.desirable):
            found.update(b"-" if part is None else part.cpu().contiguous().view(torch.uint8).numpy().tobytes())
        if embeds.mask is not None:
            found.update(embeds.mask.cpu().contiguous().view(torch.uint8).numpy().tobytes())
        return found.hexdigest()

    def __len__(self) -> int:
        return len(self.latents)

    def unread(self) -> str:
        """How many examples have prompts that the model reads only in part, in a sentence; "" where none has."""
        return truncation_notes([self.prompts.embeds.truncated[row] for row in self.prompts.rows.tolist()])

    def batch(self, indices: Int[Tensor, " b"], empty: Bool[Tensor, " b"]) -> TrainBatch:
        """These examples; ``empty`` marks those that forget their prompt."""
        latents, embeds = self.latents[indices].transpose(0, 1), self.prompts.take(indices, empty)
        desirable = None if self.desirable is None else self.desirable[indices]
        return TrainBatch(latents.flatten(0, 1), stack([embeds] * len(latents)), self.weights[indices], desirable)


def prompt_table(backbone: Backbone, prompts: Sequence[str]) -> PromptTable:
    """Encodes each different prompt of the examples once, and the empty one."""
    row_of = {text: row for row, text in enumerate(dict.fromkeys(["", *prompts]))}
    embeds = backbone.encode_prompts(list(row_of)).to("cpu")
    return PromptTable(embeds, torch.tensor([row_of[prompt] for prompt in prompts], dtype=torch.long))


def encode_images(
    backbone: Backbone, images: Sequence[UInt8[Tensor, "3 h w"]], together: int = 8
) -> Float[Tensor, "n c hh ww"]:
    """Latents of pictures of one size, on the CPU, ``together`` at a time through the autoencoder."""
    if not images:
        raise InputError("There are no pictures to train on: choose a source with pictures.")
    sizes = {tuple(image.shape[1:]) for image in images}
    if len(sizes) > 1:
        listed = " and ".join(f"{width} x {height}" for height, width in sorted(sizes)[:3])
        raise InputError(f"All pictures must have one size, but these have {listed} pixels: resize them first.")
    grid = backbone.pixels_per_patch
    height, width = sizes.pop()
    if height % grid or width % grid:
        raise InputError(f"Pictures must be multiples of {grid} pixels, not {width} x {height}: resize them first.")
    parts = [images[start : start + together] for start in range(0, len(images), together)]
    return torch.cat([backbone.encode(torch.stack(list(part))).cpu() for part in parts])


def paired_data(backbone: Backbone, pairs: Sequence[PreferencePair], empty_prompts: float = 0.0) -> TrainData:
    """Pairs ready to train on; a picture that several pairs share (as one tensor or view) is encoded once."""
    if not pairs:
        raise InputError("There are no pairs to train on: choose a source with preferences that are no ties.")
    pictures = {_identity(image): image for pair in pairs for image in (pair.win, pair.lose)}
    latents = encode_images(backbone, list(pictures.values()))
    row_of = {key: row for row, key in enumerate(pictures)}
    win, lose = (
        [row_of[_identity(image)] for image in side] for side in zip(*((pair.win, pair.lose) for pair in pairs))
    )
    both = torch.stack([latents[win], latents[lose]], 1)
    weights = torch.tensor([float(pair.weight) for pair in pairs])
    return TrainData(
        both, prompt_table(backbone, [pair.prompt.text for pair in pairs]), weights, empty_prompts=empty_prompts
    )


def prompt_data(backbone: Backbone, prompts: Sequence[str]) -> TrainData:
    """Prompts alone, for a policy that draws its own pictures: examples of no picture (``k`` is 0)."""
    size = backbone.entry.size
    none = torch.zeros(len(prompts), 0, *backbone.latent_shape(size, size))
    return TrainData(none, prompt_table(backbone, prompts), torch.ones(len(prompts)))


def single_data(
    backbone: Backbone,
    prompts: Sequence[str],
    images: Sequence[UInt8[Tensor, "3 h w"]],
    weights: Sequence[float],
    desirable: Sequence[bool] | None = None,
    empty_prompts: float = 0.0,
) -> TrainData:
    """Single pictures ready to train on: to imitate, or with labels to like or not."""
    latents, table = encode_images(backbone, images)[:, None], prompt_table(backbone, prompts)
    labels = None if desirable is None else torch.tensor(list(desirable))
    return TrainData(latents, table, torch.tensor([float(weight) for weight in weights]), labels, empty_prompts)


def _identity(image: Tensor) -> tuple[int, torch.Size, tuple[int, ...]]:
    """The same for two views of the same pixels."""
    return image.data_ptr(), image.shape, image.stride()
