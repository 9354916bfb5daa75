"""From pictures to scores: encode each picture once, however the batch grows, and compute the metrics on all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from t2ialign.metrics.scoring import score_features
from t2ialign.types import Encoder, Metric, Prompt, ReadsPrompts, Score, SeedBatch
from t2ialign.use_cases.measures import LeftOut, PlannedMeasures, reason_of, without

# Entries that belong to the prompt; every other entry has one row a picture.
OF_PROMPT = frozenset({"clip_text"})
NOTHING: Mapping[str, Tensor] = MappingProxyType({})


@dataclass
class Scorer:
    """Scores a growing set of pictures of one prompt.

    A ``forgiving`` one goes on without an encoder that fails: ``failed`` then says why, by the encoder's id.
    """

    prompt: Prompt
    metrics: Sequence[Metric]
    encoders: Sequence[Encoder]
    forgiving: bool = False
    failed: dict[str, str] = field(default_factory=dict)
    _features: dict[str, Tensor] = field(default_factory=dict)

    def add(self, batch: SeedBatch) -> dict[str, Score]:
        """Takes in more pictures and scores all of them, by metric name."""
        sampled = {
            "mutual_information": batch.mutual_information,
            "mutual_information_released": batch.mutual_information_released,
        }
        return self.add_images(batch.images, sampled)

    def add_images(self, images: UInt8[Tensor, "n 3 h w"], sampled: dict[str, Float[Tensor, " n"]]) -> dict[str, Score]:
        """``add`` for pictures from anywhere; ``sampled`` are features that only sampling itself can measure."""
        fresh = features_of(images, self.prompt, (), sampled)
        for encoder in self._working():
            try:
                fresh |= features_of(images, self.prompt, [encoder])
            except Exception as error:  # foreign weights make libraries raise what they like
                if not self.forgiving:
                    raise
                self.failed[encoder.id] = f"{encoder.id} failed ({reason_of(error)})"
        self._features = {name: self._joined(name, value) for name, value in fresh.items()}
        lost = {name for encoder in self.encoders if encoder.id in self.failed for name in encoder.provides}
        scored = [metric for metric in self.metrics if not lost.intersection(metric.needs)]
        return {metric.name: score_features(metric, self._features, self._weights(metric)) for metric in scored}

    def left_out(self) -> tuple[LeftOut, ...]:
        """The metrics that went with the encoders that failed."""
        readers = {metric.name: self._readers(metric) for metric in self.metrics}
        return without(PlannedMeasures(readers), self.failed).left_out

    def unread(self) -> list[str]:
        """Which of the encoders that work read only a part of the prompt, a sentence each."""
        found: list[str] = []
        for encoder in self._working():
            with suppress(
                *((Exception,) if self.forgiving else ())
            ):  # one that fails at this has its say where it scores
                found += unread_notes([encoder], self.prompt)
        return found

    def _working(self) -> list[Encoder]:
        return [encoder for encoder in self.encoders if encoder.id not in self.failed]

    def _readers(self, metric: Metric) -> tuple[str, ...]:
        return tuple(encoder.id for encoder in self.encoders if set(encoder.provides).intersection(metric.needs))

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
        f"The prompt is longer than {name} can read, so it is scored without {part}." for name, part in found if part
    ]
