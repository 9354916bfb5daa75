"""What a training run is made of, by content: whoever asks for a run finds its work again exactly where this is the same.

Where pairs lie, what the parent is called and which file holds the prompts does not matter; what is in them does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from t2ialign.adapter_places import adapter_sha
from t2ialign.codec import encode
from t2ialign.content import file_sha256
from t2ialign.methods.options import ENTROPY, MMD
from t2ialign.metrics import METRICS
from t2ialign.metrics.scoring import version_of
from t2ialign.registry import adapter_file
from t2ialign.source import FILES
from t2ialign.training.pair_files import is_json
from t2ialign.types import InputError, content_key
from t2ialign.use_cases.align.drawing import raters_of
from t2ialign.use_cases.align.manifest import Ingredients, find_manifest
from t2ialign.use_cases.align.request import AlignRequest, Plan, repeatable
from t2ialign.use_cases.align.rewards import diversity_metric
from t2ialign.use_cases.align.sources import (
    default_metric,
    path_of,
    ready_examples,
    ready_pairs,
)
from t2ialign.use_cases.batches.picture_folders import read_captions
from t2ialign.use_cases.batches.requests import check_metrics, picture_files
from t2ialign.use_cases.batches.scoring import weights_of
from t2ialign.use_cases.workbench import Workbench

FREE = (
    "steps",
    "accumulate",
    "probe_every",
    "test_prompts",
    "test_seeds",
    "keep_steps",
    "narrowest",
)  # may differ when a run goes on
LATER = {
    "narrowest": 0.0,
    "correction": 0.0,
    "step_weights": "equal",
}  # fields that earlier versions did not have, with what they did


def ingredients_of(bench: Workbench, plan: Plan) -> Ingredients:
    """Hashes of all that a run learns from and is judged by, as it is now; the pairs of votes and of the Hub are read for it.

    Raises:
        InputError: the source or its judge cannot be had.
    """
    return Ingredients(
        backbone=bench.revision(plan.entry),
        parent="" if plan.parent.adapter is None else adapter_sha(adapter_file(plan.parent)),
        prompts=content_key([prompt.text for prompt in plan.prompts]) if _draws(plan) else "",
        judge=_judge(bench, plan),
        data=_data(bench, plan),
    )


def _draws(plan: Plan) -> bool:
    """Whether its prompts decide what a run learns from."""
    return bool(plan.pictures_to_sample) or plan.method.data == "reward"


def work_key(plan: Plan, ingredients: Ingredients) -> str:
    """The same for runs that may share their work: whoever asks for something else begins anew, and loses nothing."""
    record = _essential(repeatable(plan))
    flat = {**record.pop("options"), **record}
    return content_key([{name: said for name, said in flat.items() if name not in FREE}, encode(ingredients)])


def is_finished(plan: Plan, ingredients: Ingredients, target: Path) -> bool:
    """Whether this very run, of these very ingredients, has saved its adapter already."""
    return _same_request(plan, target) and not changed(plan, ingredients, target)


def changed(plan: Plan, ingredients: Ingredients, target: Path) -> tuple[str, ...]:
    """What is another than in the run that saved ``target`` when asked for the same; nothing where it was asked for others.

    Checkpoints of earlier versions do not say what they were made of: of those, nobody knows.
    """
    if not _same_request(plan, target):
        return ()
    known = find_manifest(target)
    if known is None or known.ingredients is None:
        return ("ingredients, as far as is known",)
    then, now = asdict(known.ingredients), asdict(ingredients)
    return tuple(name for name in now if now[name] != then[name])


def _same_request(plan: Plan, target: Path) -> bool:
    try:
        found = find_manifest(target)
    except InputError:  # not this run's, whatever it is
        return False
    if found is None or found.request is None:
        return False
    return _essential(found.request) == _essential(repeatable(plan))


def _essential(request: AlignRequest) -> dict[str, Any]:
    """A request without what only says where its ingredients are found."""
    record, source = encode(request), request.pairs
    judged = source.brings == "judge"
    options = {name: value for name, value in record.pop("options").items() if name != "prompts"}
    own = {name: value for name, value in options.items() if name not in LATER or value != LATER[name]}
    kept = {name: value for name, value in record.items() if name not in ("backbone", "parent", "pairs")}
    return {**kept, "options": own, "pairs": [source.kind, source.group, source.argument if judged else ""]}


def _judge(bench: Workbench, plan: Plan) -> str:
    """The weights of who prefers, rewards or selects; empty where the data bring their preferences."""
    found = _marks(bench, plan)
    if plan.method.data != "reward" or (name := diversity_metric(bench, plan)) == ENTROPY:
        return found
    return content_key([found, _measure(bench, plan, "clip_diversity" if name == MMD else name), name])


def _marks(bench: Workbench, plan: Plan) -> str:
    if plan.source.kind in ("annotator", "style"):
        raters = raters_of(bench, plan.entry.scorers)
        return raters.sha if raters is not None else ""
    if plan.source.kind == "metric":
        return _measure(bench, plan, plan.source.argument)
    selects = plan.method.selection
    return _measure(bench, plan, selects(plan.settings).measure) if selects is not None else ""


def _measure(bench: Workbench, plan: Plan, name: str) -> str:
    (name,) = check_metrics((name or default_metric(bench, plan.entry.scorers, "alignment"),))
    metric = METRICS[name]
    _, encoders = bench.scorers_for(plan.entry.scorers, (metric.name,), plan.entry.on_request)
    return content_key([metric.name, version_of(metric, weights_of(metric, encoders))])


def _data(bench: Workbench, plan: Plan) -> str:
    """The content of what the source names; empty where a judge makes it."""
    source = plan.source
    if source.kind in FILES and not is_json(path := path_of(plan)):  # JSONL may name its pictures
        return file_sha256(path) if path.is_file() else ""  # whoever reads it says that it is missing
    if source.kind == "pictures":
        files = picture_files(path_of(plan))
        return content_key([[prompt.text, file_sha256(file)] for prompt, file in zip(read_captions(files), files)])
    if source.brings != "pairs":
        return ""
    if source.kind == "votes" and plan.method.data == "unpaired":
        liked = ready_examples(bench, plan)
        return _digest([one.prompt.text, one.weight, one.desirable, _sha(one.picture)] for one in liked)
    pairs = ready_pairs(bench, plan)
    return _digest([one.prompt.text, one.weight, _sha(one.win), _sha(one.lose)] for one in pairs)


def _digest(rows: Iterable[list[Any]]) -> str:
    """Of preferences in any order: a store does not promise one."""
    return content_key(sorted(content_key(row) for row in rows))


def _sha(picture: Tensor) -> str:
    data = picture.contiguous().cpu().numpy()
    return hashlib.sha256(repr(data.shape).encode() + data.tobytes()).hexdigest()
