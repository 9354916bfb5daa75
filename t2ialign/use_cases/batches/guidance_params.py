"""The parameters of a request's guidance as its config keeps them: all that decides the pictures, by content."""

from __future__ import annotations

from collections.abc import Sequence

from t2ialign.encoders.phrase_readers import check_reader, installed_readers
from t2ialign.guidance import Params, fitted_params, needs_of, other_checkpoint
from t2ialign.guidance.other_checkpoint import identified, named_by
from t2ialign.names import BATCH, BY_RULE
from t2ialign.registry import BackboneEntry, Registry, resolve
from t2ialign.seeds import batch_mark
from t2ialign.types import AdapterUse, InputError
from t2ialign.use_cases.batches.requests import BatchRequest


def params_of(
    request: BatchRequest, entry: BackboneEntry, adapters: Sequence[AdapterUse], registry: Registry
) -> Params:
    """What was asked for, or suits the model, and what else decides the pictures.

    That is which batch it is where a strategy couples one, whose files it names, and who reads phrases.

    Raises:
        InputError: a checkpoint that there is not, that is of another backbone, or that is the very one that draws; a reader
            of phrases that is not installed.
    """
    flow = entry.family_traits.flow
    given = dict(fitted_params(request.guidance, request.guidance_params, entry.small, flow))
    needs = needs_of(request.guidance)
    if needs.whole_batch:
        given.setdefault(BATCH, batch_mark(request.prompt, request.seeds))
    if needs.reader:
        reader = check_reader(named_by(needs.reader, given) or installed_readers()[0])
        given = {**given, needs.reader: reader}
        if reader == BY_RULE:  # as before there was another one
            del given[needs.reader]
    if said := other_checkpoint(request.guidance, given.items()):
        given[needs.checkpoint] = identified(_others(said, needs.checkpoint, entry, adapters, registry))
    return tuple(sorted(given.items()))


def _others(
    said: str, param: str, entry: BackboneEntry, adapters: Sequence[AdapterUse], registry: Registry
) -> tuple[AdapterUse, ...]:
    """The adapters of a checkpoint that a parameter names."""
    backbone, uses = resolve(said, registry)
    if backbone.name != entry.name:
        raise InputError(
            f"{param} {said} is of {backbone.name}, and {entry.name} draws: name a checkpoint of the same backbone."
        )
    if not any(use.weight for use in uses):
        raise InputError(f"{said} is the base, which is meant where no {param} is given: leave it out.")
    if set(uses) == set(adapters):
        raise InputError(f"{said} is the checkpoint that draws itself: name another one as {param}.")
    return uses
