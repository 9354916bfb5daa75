"""Models from the Hub are the owner's to draw with: gigabytes, and a model that nobody else can use beside."""

from __future__ import annotations

from collections.abc import Iterable

from t2ialign.dashboard.services import Services
from t2ialign.guidance import GUIDANCE, other_checkpoint
from t2ialign.names import names_in
from t2ialign.types import InputError
from t2ialign.use_cases.batches.requests import BatchRequest


def check_local(services: Services, requests: Iterable[BatchRequest]) -> None:
    """``InputError`` for what would first be fetched from the Hub.

    It goes by the names alone: ``resolve`` fetches an adapter to know what it is. What is no checkpoint is said later.
    """
    registry = services.bench.registry()
    for request in requests:
        names = set(names_in(request.checkpoint))
        if request.guidance in GUIDANCE and (other := other_checkpoint(request.guidance, request.guidance_params)):
            names |= set(names_in(other))
        for entry in (registry.checkpoints[name] for name in names & set(registry.checkpoints)):
            backbone = registry.backbones.get(entry.backbone)
            if isinstance(entry.adapter, str) or (backbone is not None and isinstance(backbone.source, str)):
                raise InputError(
                    f"{request.checkpoint} comes from the Hub, and here only the owner draws with such models: choose another."
                )
