"""From pictures to scores: encode each picture once, however the batch grows, and compute the metrics on all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from t2ialign.metrics.scoring import score_features
from t2ialign.types import Encoder, Metric, Prompt, ReadsPrompts, Score, SeedBatch

# Entries that belong to the prompt; every other entry has one row a picture.
OF_PROMPT = frozenset({"clip_text"})
NOTHING: Mapping[str, Tensor] = MappingProxyType({})


@dataclass
class Scorer:
    """Scores a growing set of pictures of one prompt."""

    prompt: Prompt
    metrics: Sequence[Metric]
    encoders: Sequence[Encoder]
    _features: dict[str, Tensor] = field(default_factory=dict)

    def add(self, batch: SeedBatch) -> dict[str, Score]:
        """Takes in more pictures and scores all of them, by metric name."""
        sampled = {
            "mutual_information": batch.mutual_information,
            "mutual_information_released": batch.mutual_information_released,
        }
        return self.add_images(batch.images, sampled)

    def add_images(self, images: UInt8[Tensor, "n 3 h w"], sampled: dict[str, Float[Tensor, " n"]]) -> dict[str, Score]:
        """The same for pictures from anywhere."""
        fresh = features_of(images, self.prompt, self.encoders, sampled)
        self._features = {name: self._joined(name, value) for name, value in fresh.items()}
        return {metric.name: score_features(metric, self._features, self._weights(metric)) for metric in self.metrics}

    def _joined(self, name: str, value: Tensor) -> Tensor:
        if name in OF_PROMPT or name not in self._features:
            return value
        return torch.cat([self._features[name], value])

    def _weights(self, metric: Metric) -> list[str]:
        return weights_of(metric, self.encoders)


def features_of(
    images: UInt8[Tensor, "n 3 h w"],
    prompt: Prompt,
    encoders: Iterable[Encoder],
    sampled: Mapping[str, Tensor] = NOTHING,
) -> dict[str, Tensor]:
    """Everything that metrics may read about pictures of a prompt, on the CPU; ``sampled`` is what the loop measured."""
    features: dict[str, Tensor] = {"images": images, **sampled}
    for encoder in encoders:
        features |= {name: value.cpu() for name, value in encoder.encode(images, prompt).items()}
    return features


def weights_of(metric: Metric, encoders: Iterable[Encoder]) -> list[str]:
    """The identities of the weights behind a metric, for its version."""
    return [
        f"{encoder.id}:{encoder.sha[:12]}" for encoder in encoders if set(encoder.provides).intersection(metric.needs)
    ]


def unread_notes(encoders: Iterable[Encoder], prompt: Prompt) -> list[str]:
    """Which scorers read only a part of a prompt, a sentence each."""
    found = [(encoder.id, encoder.unread(prompt)) for encoder in encoders if isinstance(encoder, ReadsPrompts)]
    return [
        f"The prompt is longer than {name} can read, so it is scored without its last {tokens} tokens."
        for name, tokens in found
        if tokens
    ]
