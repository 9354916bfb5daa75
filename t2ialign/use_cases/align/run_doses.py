"""How strongly the runs of checkpoints trained, from their manifests: enough to tell which differ in one dial alone."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from t2ialign.adapter_places import MANIFEST
from t2ialign.file_states import Standing, standing
from t2ialign.methods.options import WatchOptions
from t2ialign.registry import CheckpointEntry
from t2ialign.tradeoff.training_dials import BASE, Runs, TrainingDoses
from t2ialign.types import InputError
from t2ialign.use_cases.align.manifest import TrainingManifest, find_manifest
from t2ialign.use_cases.align.request import AlignRequest

APART = frozenset({"beta", "rounds", *(one.name for one in fields(WatchOptions))})  # no part of a recipe

MOST = 1e30  # no beta is larger


def run_doses(checkpoints: Mapping[str, CheckpointEntry]) -> Runs:
    """What each checkpoint's run says of itself, by name, where a manifest tells what it was asked for.

    The manifests are read anew only where a folder of checkpoints has changed. Two runs have one recipe where method, source
    and given data, backbone and all options are the same but beta, rounds and what is only watched while it trains; an
    option that is off counts as one that is not said, because older manifests lack the options that came later.
    """
    entries = tuple(checkpoints.values())
    folders = sorted({entry.home.parent for entry in entries if entry.home is not None})
    stands = standing(folders, MANIFEST)
    read = _read if stands else _read.__wrapped__
    return read(entries, stands)


@lru_cache(maxsize=4)
def _read(entries: tuple[CheckpointEntry, ...], stands: Standing | None) -> Runs:
    """``stands`` is only what it is remembered by."""
    plain = {entry.name for entry in entries if entry.adapter is None}
    own = dict(_alone(entries, plain))
    return MappingProxyType({name: _in_chain(name, own) for name in own})


def _alone(entries: Collection[CheckpointEntry], plain: Collection[str]) -> Iterator[tuple[str, TrainingDoses]]:
    """Each run by itself."""
    for entry in entries:
        try:
            manifest = find_manifest(entry.home) if entry.home else None
        except InputError:  # the page of the checkpoint says what is wrong with it
            continue
        if manifest is not None and (run := _of(manifest)) is not None:
            yield entry.name, replace(run, parent=BASE if run.parent in plain else run.parent)


def _of(manifest: TrainingManifest) -> TrainingDoses | None:
    request, effort = manifest.request, manifest.training
    steps = (effort.steps if effort else 0) or (request.steps if request else 0)
    if request is None or steps < 1:
        return None
    beta = _number(dict(request.options).get("beta"))
    options = {name: value for name, value in request.options if name not in APART or (name == "beta" and beta is None)}
    return TrainingDoses(
        _recipe(manifest, request, options),
        steps,
        max(effort.rounds, 1) if effort else 1,
        beta,
        request.seed,
        manifest.parents[0] if manifest.parents else BASE,
        sha=manifest.sha256[:16],
    )


def _number(said: Any) -> float | None:
    """A number that a manifest says; None of anything else."""
    if isinstance(said, int | float) and not isinstance(said, bool) and abs(said) < MOST:
        return float(said)
    return None


def _recipe(manifest: TrainingManifest, request: AlignRequest, options: Mapping[str, Any]) -> str:
    source = manifest.data.source if manifest.data else request.pairs
    given = manifest.ingredients.data if manifest.ingredients else ""
    said = {name: value for name, value in options.items() if value}
    where = (manifest.backbone, manifest.backbone_revision, manifest.kind)
    return json.dumps([request.method, str(source), given, *where, said], sort_keys=True, default=str)


def _in_chain(name: str, own: Runs) -> TrainingDoses:
    """With the rounds before it, where it goes on from a run that differs from it in its parent alone."""
    run, earlier, seen = own[name], 0, {name}
    began = run.parent
    while began in own and began not in seen and _alike(own[began], run):
        seen.add(began)
        earlier, began = earlier + own[began].rounds, own[began].parent
    return replace(run, began=began, earlier=earlier)


def _alike(one: TrainingDoses, other: TrainingDoses) -> bool:
    return (one.recipe, one.steps, one.beta, one.seed) == (other.recipe, other.steps, other.beta, other.seed)
