"""The nouns of t2ialign, all frozen, and the two protocols that implementations meet.

Axis letters in shapes: ``n`` seeds, ``b`` pairs, ``d`` features, ``c h w`` channels and pixels, ``t`` timesteps.
Ranges: ``images`` are uint8 RGB in [0, 255]; ``latents`` are in the VAE's scaled space.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, UInt8
    from torch import Tensor

Axis = Literal["alignment", "diversity"]
Level = Literal["image", "pair", "batch"]


class InputError(ValueError):
    """Bad input, as one sentence that says what is wrong and how to mend it; nobody is shown a traceback for it."""


class OtherModel(InputError):
    """An adapter or a UNet that was made for another model than the one it is held against."""


def content_key(record: Any) -> str:
    """First 16 hex digits of the SHA-256 of a record's canonical JSON: the identity of cells and images."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Prompt:
    """What a picture should show. Its identity is its text alone; category and tags only sort it on screen."""

    text: str
    category: str = ""
    tags: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        return content_key(self.text)


@dataclass(frozen=True)
class AdapterUse:
    """One adapter in a blend: its registry name, its weight (0 is exactly the base) and the SHA-256 of its file."""

    name: str
    weight: float = 1.0
    sha: str = ""


@dataclass(frozen=True)
class MergeError:
    """How far a merged adapter is from what its parts add to the weights: ||D - B A|| / ||D||, in the Frobenius norm.

    ``total`` takes all adapted layers as one, ``worst`` is that of the layer for which it is largest, ``layer``; ``rank`` is
    the highest of all layers. Measured on the numbers in the file: of an exact merge it is what float32 rounds off.
    """

    rank: int = 0
    total: float = 0.0
    worst: float = 0.0
    layer: str = ""

    @property
    def words(self) -> str:
        if self.worst < 1e-6:
            return f"exact, at rank {self.rank} (float32 rounds off {self.total:.0e} of what is added to the weights)"
        return (
            f"at rank {self.rank} it misses {100 * self.total:.2g} % of what is added to the weights (Frobenius norm), "
            f"{100 * self.worst:.2g} % in the worst layer, {self.layer}"
        )


@dataclass(frozen=True)
class GenerationConfig:
    """Everything that decides a picture except prompt and seed; ``key`` is the hash of its canonical JSON.

    ``revision`` is the SHA-256 (short) of the backbone's weights, so a retrained base never answers for the old one.
    ``guidance_params`` are the strategy's own fields as sorted (name, value) pairs, ``guidance_scale`` excluded;
    texts name another checkpoint, by its content too (``guidance.other_checkpoint``).
    """

    backbone: str
    revision: str = ""
    adapters: tuple[AdapterUse, ...] = ()
    guidance: str = "cfg"
    guidance_scale: float = 4.0
    guidance_params: tuple[tuple[str, float | str], ...] = ()
    negative_prompt: str = ""
    num_inference_steps: int = 25
    scheduler: str = "ddim"
    height: int = 64
    width: int = 64
    dtype: str = "float32"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @cached_property
    def key(self) -> str:
        # Through JSON text first, so that 4 and 4.0, or a tuple and a list, are the same config.
        return content_key(json.loads(json.dumps({**self.to_json(), "guidance_scale": float(self.guidance_scale)})))

    @property
    def checkpoint(self) -> str:
        """The blend as people write it: ``base``, ``a``, ``a@0.7``, ``a@0.5+b@0.5``."""
        parts = [use.name if use.weight == 1 else f"{use.name}@{use.weight:g}" for use in self.adapters]
        return "+".join(parts) or "base"


def cell_key(config: GenerationConfig, prompt: Prompt) -> str:
    """Identity of a cell: one config with one prompt."""
    return content_key([config.key, prompt.key])


def image_key(config: GenerationConfig, prompt: Prompt, seed: int) -> str:
    """Identity of a picture: config, prompt and seed."""
    return content_key([config.key, prompt.key, seed])


@dataclass(frozen=True)
class SeedBatch:
    """Pictures of one cell, one a seed, with the mutual information measured on the way (MI-TUNE, eq. 2).

    ``mutual_information`` is the paper's estimate (kappa with alpha_t), ``mutual_information_released`` that of its
    published code (no alpha_t, t > 50 only); of flow models see ``diffusion.tally``. In nats, NaN where unknown (pictures from
    elsewhere).
    """

    prompt: Prompt
    config: GenerationConfig
    seeds: tuple[int, ...]
    images: UInt8[Tensor, "n 3 h w"]
    mutual_information: Float[Tensor, " n"]
    mutual_information_released: Float[Tensor, " n"]
    mutual_information_map: Float[Tensor, "n y x"] | None = None  # each latent cell's share of the paper's estimate

    @property
    def cell(self) -> str:
        return cell_key(self.config, self.prompt)


Features = Mapping[str, "Tensor"]
"""Named tensors of one seed batch: ``images`` UInt8[n 3 h w] and whatever the encoders add (``clip_image`` [n d], ...)."""


@dataclass(frozen=True)
class Metric:
    """A rule that turns features into scores, with everything a chart needs to draw its axis.

    ``level`` says what one value belongs to: ``image`` (compute -> Float[n]), ``pair`` (compute -> Float[n n], symmetric,
    the diagonal is ignored, the batch value is ``finish`` of the mean over i != j) or ``batch`` (compute -> Float[] ).
    ``needs`` names the feature entries that ``compute`` reads; a metric whose features are absent scores NaN. ``finish``
    takes one number, or an array of them.
    """

    name: str
    title: str
    axis: Axis
    level: Level
    needs: tuple[str, ...]
    compute: Any
    bounds: tuple[float, float]
    higher_is_better: bool
    unit: str
    reference: str
    summary: str
    version: str = "1"
    finish: Any = None
    caveat: str = ""
    definition: str = ""  # what it is in one line; empty: its file's first line says so
    equal_n: bool = False  # its value depends on the number of pictures: only sets of equal size compare
    better: str = (
        ""  # what a picture or a set with the better value is, for the axis; empty: more faithful or more varied
    )
    by_seed: bool = False  # of a batch metric: what each seed does to its value is measured and kept with it


@dataclass(frozen=True)
class Score:
    """A metric's values on one seed batch. ``values``: Float[n] for images, Float[n n] for pairs, Float[1] for batches.

    A batch metric that knows what each seed does (``Metric.by_seed``) has Float[1 + n]: the value, then each one's effect.
    ``mean`` is the batch value in the metric's unit, ``lo``..``hi`` its 95 % interval over seeds; NaN = not scored.
    ``version`` holds the metric's own version and the SHA of the weights behind it: scores of different versions are
    never averaged or drawn on one axis.
    """

    metric: str
    version: str
    axis: Axis
    level: Level
    values: Float[Tensor, "..."]
    mean: float
    lo: float
    hi: float


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval."""

    mean: float
    lo: float
    hi: float

    def within(self, bounds: tuple[float, float]) -> Interval:
        """No end beyond what the metric can reach (the truth lies within, so the coverage stays); NaN ends stay NaN."""
        lo, hi = bounds
        return Interval(self.mean, lo if self.lo < lo else self.lo, hi if self.hi > hi else self.hi)


@dataclass(frozen=True)
class TradeoffPoint:
    """One config on the chart: alignment against diversity, over prompts (clusters) and the seeds within them.

    ``notes`` are what people should know of its cells, each sentence with the number of cells that it is about.
    """

    config: GenerationConfig
    x_metric: str
    y_metric: str
    x: Interval
    y: Interval
    prompts: int
    seeds: int
    x_version: str
    y_version: str
    cells: tuple[str, ...] = field(default=())
    notes: tuple[tuple[str, int], ...] = field(default=())


@dataclass(frozen=True)
class VoteOrigin:
    """One vote behind a pair or a label: of which survey (its public name; the id is its rater's key), on which trial.

    ``agrees`` is 1 where it says the same (it preferred the winner; it liked what is labelled as liked, or did not like
    what is not), 0 where the opposite, and 0.5 where neither.
    """

    survey: str
    trial: str
    agrees: float


@dataclass(frozen=True)
class PreferencePair:
    """Two pictures of one prompt, of which somebody or something preferred ``win``.

    ``source`` says who: ``annotator``, ``votes:<study>``, ``reward:<metric>`` or ``dataset:<name>``; ``weight`` is the
    pair's share of the loss; ``win_key`` and ``lose_key`` are the pictures' identities in the store ("" = not stored);
    ``votes`` are the votes that it stands for, where people voted.
    """

    prompt: Prompt
    win: UInt8[Tensor, "3 h w"]
    lose: UInt8[Tensor, "3 h w"]
    source: str
    weight: float = 1.0
    win_key: str = ""
    lose_key: str = ""
    votes: tuple[VoteOrigin, ...] = ()


@dataclass(frozen=True)
class Example:
    """One picture to learn from: its share of the loss, and (for methods that read it) whether somebody liked it.

    ``key`` is the picture's identity in the store ("" = not stored), ``votes`` are the votes that the label stands for.
    """

    prompt: Prompt
    picture: UInt8[Tensor, "3 h w"]
    weight: float = 1.0
    desirable: bool = True
    key: str = ""
    votes: tuple[VoteOrigin, ...] = ()


@dataclass(frozen=True)
class PairLogRatios:
    """log p_policy - log p_reference of the winner and the loser of ``b`` pairs, or scores s_f of them (``map``)."""

    log_ratio_win: Float[Tensor, " b"]
    log_ratio_lose: Float[Tensor, " b"]

    @property
    def margin(self) -> Float[Tensor, " b"]:
        return self.log_ratio_win - self.log_ratio_lose

    def map(self, score: Callable[[Tensor], Tensor]) -> PairLogRatios:
        """The same pairs with a divergence's ``score`` of each log-ratio: what any objective then reads."""
        return PairLogRatios(score(self.log_ratio_win), score(self.log_ratio_lose))


@dataclass(frozen=True)
class LabelledLogRatios:
    """log p_policy - log p_reference of ``b`` single pictures, each liked (``desirable``) or not."""

    log_ratio: Float[Tensor, " b"]
    desirable: Bool[Tensor, " b"]

    def map(self, score: Callable[[Tensor], Tensor]) -> LabelledLogRatios:
        """The same pictures with a divergence's ``score`` of each log-ratio."""
        return LabelledLogRatios(score(self.log_ratio), self.desirable)


@dataclass(frozen=True)
class TrainStep:
    """One finished optimisation step, over all processes. NaN or () = this kind of training has no such number.

    ``step`` counts from 1. ``accuracy`` is the share of pairs whose margin is positive (of single pictures, the share
    whose log-ratio has its label's sign). ``error_win`` and ``error_lose`` are the policy's mean denoising error minus
    the reference's: below 0 the policy fits better. ``log_ratios`` holds the step's winners and its losers, one number
    a picture, and ``log_ratio_quantiles`` the 5, 25, 50, 75 and 95 % quantiles of each. ``clamp_share`` is the share of
    log-ratios so low that the divergence's score is continued as a straight line. ``grad_norm`` is measured before
    clipping; ``seconds`` is this step's. Where a policy learns from what it draws, ``reward`` and ``diversity`` are those of
    its pictures of this step, and ``kl`` that of its whole path from the reference's, in nats a latent value.
    """

    step: int
    loss: float
    accuracy: float = math.nan
    log_ratio_quantiles: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    error_win: float = math.nan
    error_lose: float = math.nan
    clamp_share: float = math.nan
    grad_norm: float = math.nan
    learning_rate: float = math.nan
    seconds: float = math.nan
    log_ratios: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    reward: float = math.nan
    diversity: float = math.nan
    kl: float = math.nan


@runtime_checkable
class Encoder(Protocol):
    """Turns pictures (and their prompt) into named features. ``sha`` identifies the weights; loading is lazy."""

    id: str
    sha: str
    provides: tuple[str, ...]

    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        """Features with leading axis ``n`` per picture, or without it where they belong to the prompt."""


@runtime_checkable
class Differentiable(Protocol):
    """An encoder through which gradients flow to the pixels of a picture."""

    def features(self, pixels: Float[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        """``encode`` of pixels in [0, 1], without what has no slope; pictures are resized by torch, not by Pillow."""


@runtime_checkable
class Embeds(Differentiable, Protocol):
    """An encoder that compares a picture's embedding with its prompt's."""

    def embeddings(
        self, pixels: Float[Tensor, "n 3 h w"], prompt: Prompt
    ) -> tuple[Float[Tensor, "n d"], Float[Tensor, " d"]]:
        """Of the pictures and of the prompt, of length 1."""

    def compared(self, image: Float[Tensor, "n d"], text: Float[Tensor, " d"]) -> dict[str, Tensor]:
        """The features that stand on these two."""


@runtime_checkable
class ReadsPrompts(Protocol):
    """An encoder that knows how much of a prompt it reads."""

    def unread(self, prompt: Prompt) -> str:
        """What of the prompt is not read, in words such as "its last 3 tokens"; "" where all of it is."""


@runtime_checkable
class Guidance(Protocol):
    """Combines the two noise predictions of one step. ``progress`` runs from 0 (pure noise) to 1 (picture)."""

    def __call__(
        self, noise_cond: Float[Tensor, "n c h w"], noise_uncond: Float[Tensor, "n c h w"], progress: float
    ) -> Float[Tensor, "n c h w"]: ...
