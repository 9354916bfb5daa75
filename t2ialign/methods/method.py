"""The noun of this folder: a method is a paper's choices along the axes of training, and its published numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor

from t2ialign.methods.controls import Control, Value, controls_of
from t2ialign.methods.options import FLOW_FIELDS, PictureOptions, RolloutOptions, TrainingOptions, WatchOptions
from t2ialign.source import Source
from t2ialign.training.losses import Loss
from t2ialign.training.on_policy import Recipe
from t2ialign.training.regularisers import BatchEntropy, KlToReference, LoserSafeguard, Penalty
from t2ialign.training.reward_gradient import GradientRecipe
from t2ialign.types import Example, SeedBatch

DataKind = Literal["pairs", "unpaired", "selected", "reward"]
ModelKind = Literal["diffusion", "flow", "told"]
"""What the numbers of drawing while training depend on; ``told``: a flow whose network has the guidance scale for an input."""
DRAWN: dict[ModelKind, dict[str, Value]] = {
    "diffusion": {},
    "flow": {"sampling_steps": 10, "guidance_scale": 4.5},
    "told": {"sampling_steps": 6, "guidance_scale": 3.5, "noise_level": 0.9},
}
"""What Flow-GRPO's released configurations draw with: SD-3.5's, and FLUX.1-dev's."""


@dataclass(frozen=True)
class Settings:
    """Every option of one run: the method's ``own`` and those that all methods have."""

    own: Any
    pictures: PictureOptions
    training: TrainingOptions
    watch: WatchOptions
    rollouts: RolloutOptions = RolloutOptions()

    @property
    def penalties(self) -> tuple[Penalty, ...]:
        kl, entropy = self.training.kl_weight, self.training.entropy_weight
        return (*([KlToReference(kl)] if kl else []), *([BatchEntropy(entropy)] if entropy else []))

    @property
    def safeguard(self) -> LoserSafeguard | None:
        """Of methods that have the option."""
        return LoserSafeguard() if self.own.safeguard else None


@dataclass(frozen=True)
class Selection:
    """How a method chooses its own pictures.

    ``measure`` names the metric that ranks them ("" = the backbone's first alignment metric), ``choose`` takes some of a
    prompt's pictures by it, ``given_share`` is the part that given pictures replace, ``nothing`` says what to do where
    none was chosen.
    """

    measure: str
    choose: Callable[[SeedBatch, Float[Tensor, " n"]], list[Example]]
    given_share: float = 0.0
    nothing: str = "sample more pictures a prompt"


@dataclass(frozen=True)
class Method:
    """One paper. ``summary`` says in plain words what it does to pictures; ``data`` what it learns from.

    ``options`` is the dataclass of its own fields. ``published`` and ``embedded`` give its numbers for the fields that
    all methods have, on Stable Diffusion and on a small model; ``steps_`` likewise; ``hidden`` are fields that mean
    nothing here. ``loss`` joins divergence, link, log-ratio and regularisers; ``selection`` is for self-selected sets.
    A method that learns from a reward has a ``recipe`` in the place of a loss: what it draws, and how it learns from that;
    ``on_flows`` are its numbers that are others on a flow model.
    ``unet_only`` methods look into a UNet.
    """

    name: str
    title: str
    summary: str
    paper: str
    venue: str
    arxiv: str
    data: DataKind
    options: type
    published_steps: int
    embedded_steps: int
    loss: Callable[[Settings], Loss] | None = None
    recipe: Callable[[Settings], Recipe | GradientRecipe] | None = None
    source: Source = Source("style", group="minimal")
    published: Mapping[str, Value] = field(default_factory=dict)
    embedded: Mapping[str, Value] = field(default_factory=dict)
    on_flows: Mapping[ModelKind, Mapping[str, Value]] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    selection: Callable[[Settings], Selection] | None = None
    unet_only: bool = False

    def loss_of(self, settings: Settings) -> Loss:
        """The loss of a method that learns from examples."""
        if self.loss is None:
            raise ValueError(f"{self.name} learns from a reward and has a recipe, no loss.")
        return self.loss(settings)

    def recipe_of(self, settings: Settings) -> Recipe | GradientRecipe:
        """The recipe of a method that learns from a reward; ``InputError`` where its options contradict each other."""
        if self.recipe is None:
            raise ValueError(f"{self.name} learns from examples and has a loss, no recipe.")
        return self.recipe(settings)

    @property
    def follows_slope(self) -> bool:
        """Whether it needs a reward through which gradients flow, and not only its marks."""
        return self.recipe is not None and isinstance(self.recipe(self.settings({})), GradientRecipe)

    @property
    def citation(self) -> str:
        """Paper, venue and, where there is one, its number on arXiv."""
        ended = self.paper if self.paper.endswith(("?", "!")) else f"{self.paper}."
        return f"{ended} {self.venue}." + (f" arXiv:{self.arxiv}" if self.arxiv else "")

    def steps(self, small: bool) -> int:
        return self.embedded_steps if small else self.published_steps

    def controls(self, kind: ModelKind | None = None) -> tuple[Control, ...]:
        """Every field that people may set: its own first, then adapter and optimiser, pictures, and measuring.

        With the numbers, and the fields alone, that a kind of model has; None: of a diffusion, with all fields.
        """
        published = {**self.published, **self._on(kind)}
        groups = {
            "method": self.options,
            **({"rollouts": RolloutOptions} if self.recipe is not None else {}),
            "training": TrainingOptions,
            "pictures": PictureOptions,
            "watch": WatchOptions,
        }
        found = [
            control
            for group, options in groups.items()
            for control in controls_of(options, group, published, self.embedded)
        ]
        hidden = self.hidden | (FLOW_FIELDS if kind == "diffusion" else frozenset())
        return tuple(control for control in found if control.name not in hidden)

    def _on(self, kind: ModelKind | None) -> Mapping[str, Value]:
        """What is published of a kind of model, where it is not the diffusions' number."""
        if kind is None or self.recipe is None:
            return {}
        return {**DRAWN[kind], **self.on_flows.get(kind, {})}

    def settings(self, values: Mapping[str, Value]) -> Settings:
        """Values by field name as the options they belong to; hidden fields keep their defaults."""
        kinds = (self.options, PictureOptions, TrainingOptions, WatchOptions, RolloutOptions)
        return Settings(*(_made(kind, values) for kind in kinds))


def _made(kind: type, values: Mapping[str, Value]) -> Any:
    return kind(**{one.name: values[one.name] for one in dataclasses.fields(kind) if one.name in values})
