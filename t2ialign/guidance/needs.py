"""What a guidance strategy may ask of the loop beyond its two predictions, and how it says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from t2ialign.types import InputError


@dataclass(frozen=True)
class Needs:
    """What a guidance strategy asks of the loop beyond the predictions for the prompt and for no prompt, and what it costs.

    ``evaluations``: of the UNet, for each picture and step. ``adapters``: means nothing on a checkpoint without any.
    ``whole_batch``: a picture depends on the others made with it, so a batch is made at once, of ``fewest`` pictures or more.
    ``attention``: the maps of the two predictions. ``information``: the two predictions are the checkpoint's own for the
    very prompt, so that their difference is the mutual information (else it is unknown). ``embedded``: what is left of it on
    a network that has the guidance scale for an input and is asked for the prompt alone: ``prompt``, what it does besides;
    ``nothing``, for it works on the difference of the two; ``both``, it is for such networks and asks for both.
    ``not_on_flow``: why it has no meaning on a flow model, if it has none ("" = it has). ``phrases``: what the prompt names,
    and where. ``checkpoint``: the parameter that names another checkpoint of the same backbone, "" = it has none;
    ``reader``: the one that says who reads the phrases.
    ``besides``: what else a step costs, as a sentence. ``small``: its defaults on models of small pictures
    (``registry.BackboneEntry.small``), and ``flow`` those on flow models, where they are others.
    """

    evaluations: int = 2
    adapters: bool = False
    whole_batch: bool = False
    fewest: int = 1
    attention: bool = False
    information: bool = True
    embedded: Literal["prompt", "nothing", "both"] = "prompt"
    not_on_flow: str = ""
    phrases: bool = False
    checkpoint: str = ""
    reader: str = ""
    besides: str = ""
    small: tuple[tuple[str, float], ...] = ()
    flow: tuple[tuple[str, float], ...] = ()

    @property
    def elsewhere(self) -> dict[str, float]:
        """The parameters that have another default on some models."""
        return {**dict(self.small), **dict(self.flow)}


@dataclass(frozen=True)
class AttentionMap:
    """How one layer of the UNet attended, over its heads: to the prompts' tokens (``cross``) or to the picture's own cells."""

    cross: bool
    probs: Float[Tensor, "b q k"]


def no_other(of_prompt: bool) -> Tensor:
    """What stands for the other checkpoint where a strategy names none, or nobody has loaded it."""
    raise InputError("The checkpoint that this guidance names was not loaded here: choose guidance without one.")


@dataclass(frozen=True)
class GuidanceStep:
    """A step of the loop as a strategy that ``guide``s sees it; predictions are the model's own outputs.

    ``latents`` are the model's input z_t and ``noise_level`` is its noise by its signal, sqrt(1 - abar) / sqrt(abar), which
    has no bound where a flow begins.
    ``to_x0`` turns an output into the picture that it sees in z_t, ``to_output`` turns it back. ``predict`` evaluates the
    UNet once more at z_t, for the prompt (True) or for none (False), with the adapters at that share of their weights (0:
    the base), ``other`` does the same by the checkpoint that the strategy names (``Needs.checkpoint``). ``attention`` holds
    each layer's maps, no prompt's pictures first, for a strategy that needs them.
    """

    noise_cond: Float[Tensor, "n c h w"]
    noise_uncond: Float[Tensor, "n c h w"]
    progress: float
    latents: Float[Tensor, "n c h w"]
    noise_level: float
    to_x0: Callable[[Tensor], Tensor]
    to_output: Callable[[Tensor], Tensor]
    predict: Callable[[bool, float], Tensor]
    attention: tuple[AttentionMap, ...] = ()
    other: Callable[[bool], Tensor] = no_other


@dataclass(frozen=True)
class Phrase:
    """A noun phrase of a prompt: its words, its first token's position, and its tokens as they are read without the rest."""

    words: str
    start: int
    tokens: Float[Tensor, "m d"]

    @property
    def last(self) -> int:
        """The token that stands for the thing: the end of its last word, which has read all before it."""
        return self.start + len(self.tokens) - 1


@dataclass(frozen=True)
class PromptReading:
    """What a prompt names, by the tokens of the model that reads it; position 0 is the token that every prompt starts with."""

    phrases: tuple[Phrase, ...] = ()

    @property
    def things(self) -> tuple[int, ...]:
        return tuple(phrase.last for phrase in self.phrases)


@dataclass(frozen=True)
class LatentStep:
    """Step ``index`` of ``total`` before its predictions, as a strategy that ``move``s latents sees it.

    ``latents`` are the model's input z_t. ``attend`` evaluates the UNet for the prompt at any such latents and gives the maps
    of its attention to the prompt; gradients flow through it where the caller lets them.
    """

    latents: Float[Tensor, "n c h w"]
    index: int
    total: int
    reading: PromptReading
    attend: Callable[[Tensor], tuple[AttentionMap, ...]]


@runtime_checkable
class MovesLatents(Protocol):
    """A strategy that moves a step's latents before the model predicts."""

    def move(self, step: LatentStep) -> Float[Tensor, "n c h w"]: ...


@runtime_checkable
class PassesOn(Protocol):
    """A strategy under which cross-attention passes on something else of the prompt than what it looks by."""

    def passes_on(self, embeds: Float[Tensor, "n l d"], reading: PromptReading) -> Float[Tensor, "n l d"]: ...


@runtime_checkable
class StepGuidance(Protocol):
    """A strategy that needs more of a step than its two predictions."""

    needs: ClassVar[Needs]

    def guide(self, step: GuidanceStep) -> Float[Tensor, "n c h w"]: ...


@runtime_checkable
class Conditions(Protocol):
    """A strategy that changes what the UNet reads of the prompts, for one step."""

    def condition(
        self, embeds: Float[Tensor, "b ..."], noise: Float[Tensor, "b ..."], progress: float
    ) -> Float[Tensor, "b ..."]:
        """Each row's embeddings changed; ``noise`` is standard normal, drawn from each picture's own generator."""


@runtime_checkable
class TellsScale(Protocol):
    """A strategy that says by itself what a network is told whose guidance scale is an input; else it is the strategy's own."""

    @property
    def embedded(self) -> float: ...


@runtime_checkable
class PromptAlone(Protocol):
    """A strategy for which the prediction for no prompt is not even made."""

    def alone(self, noise_cond: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]: ...


@runtime_checkable
class WeighsAdapters(Protocol):
    """A strategy that turns the adapters up and down."""

    def adapter_share(self, progress: float) -> float:
        """The share of their weights with which both predictions of a step are made."""
