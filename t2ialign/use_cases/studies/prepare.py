"""Use cases of a study: prepare its pictures, freeze and open it, follow it up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import torch
from jaxtyping import UInt8
from torch import Tensor

from t2ialign import store
from t2ialign.limits import guidance_taken
from t2ialign.metrics import METRICS
from t2ialign.registry import resolve
from t2ialign.seeds import seeds_for
from t2ialign.store import Store, images
from t2ialign.store.studies import Study, add_study, keep_pictures, open_study, study_of
from t2ialign.study.design import Contender, StudyDesign
from t2ialign.study.design import checked as checked_design
from t2ialign.study.manifest import Exhibit, Manifest, merged
from t2ialign.study.trials import draw
from t2ialign.types import InputError, Prompt, cell_key
from t2ialign.use_cases.batches.requests import NO_GUIDANCE, BatchRequest, checked
from t2ialign.use_cases.batches.score_batch import config_of
from t2ialign.use_cases.batches.sweep import BatchesState, sweep
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.workbench import Workbench, workbench_on

DECOYS = 3


def requests_of(design: StudyDesign) -> tuple[BatchRequest, ...]:
    """The seed batches that a study shows pictures of, one checkpoint after another."""
    pictures = design.pictures
    metrics = tuple(dict.fromkeys(contender.metric for contender in design.contenders if contender.metric))
    configs = dict.fromkeys((contender.checkpoint, _scale(contender)) for contender in design.contenders)
    return tuple(
        BatchRequest(
            prompt,
            checkpoint,
            seeds_for(pictures.seeds, prompt),
            scale,
            pictures.num_inference_steps,
            pictures.scheduler,
            metrics=metrics if design.compare == "metrics" else (),
        )
        for checkpoint, scale in configs
        for prompt in design.prompts
    )


def draft_manifest(opened: Store, design: StudyDesign) -> Manifest:
    """What the study would show now, of the pictures that are in the store: for a preview.

    Raises:
        InputError: an unknown checkpoint, a design that is not valid, or no prompt with two pictures to compare.
    """
    bench = workbench_on(StoreResults(opened))
    exhibits, _ = _exhibits(bench, checked_design(design))
    manifest = Manifest(design, merged(exhibits), _decoys(bench, design))
    draw(manifest, "preview")
    return manifest


def missing(bench: Workbench, design: StudyDesign) -> tuple[BatchRequest, ...]:
    """The batches that have to be generated (or scored) before the study can open."""
    _, lacking = _exhibits(bench, checked_design(design))
    return lacking


def prepare(
    bench: Workbench, design: StudyDesign, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[BatchesState]:
    """Generates and scores what is missing, as a sweep; nothing where everything is there."""
    yield from sweep(bench, missing(bench, design), cancelled)


def notes_on(bench: Workbench, design: StudyDesign) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What is to be known of the study's pictures that are there: each note with the prompts that it is about."""
    found: dict[str, dict[str, None]] = {}
    if any(contender.guidance_scale < 1 for contender in design.contenders):
        found[NO_GUIDANCE] = {prompt.text: None for prompt in design.prompts}
    cells = _cells(bench, [checked(request) for request in requests_of(design)])
    for request, cell in cells.items():
        for note in store.notes_of(bench.store, cell):
            found.setdefault(note, {})[request.prompt.text] = None
    return tuple((note, tuple(prompts)) for note, prompts in found.items())


def publish(bench: Workbench, study: str) -> Study:
    """Freezes a draft with all its pictures and opens it.

    Raises:
        InputError: pictures are missing (prepare them first), or the study is no draft.
    """
    design = study_of(bench.store, study).design
    if design is None:
        raise InputError("The quick votes from Explore are no study that can be opened.")
    exhibits, lacking = _exhibits(bench, checked_design(design))
    if lacking:
        raise InputError(
            f"The pictures of {len(lacking)} of {len(requests_of(design))} batches are missing: prepare the study first."
        )
    manifest = Manifest(design, merged(exhibits), _decoys(bench, design))
    draw(manifest, "preview")
    return open_study(bench.store, study, manifest)


def follow_up(bench: Workbench, study: str, checkpoint: str) -> Study:
    """A new draft like an earlier study, that compares a checkpoint with the ones it was trained from.

    Raises:
        InputError: an unknown study or checkpoint.
    """
    earlier = study_of(bench.store, study)
    entry = bench.registry().checkpoints.get(checkpoint)
    if entry is None:
        resolve(checkpoint, bench.registry())
        raise InputError("A follow-up compares one trained checkpoint with its parent, not a blend.")
    if earlier.design is None:
        raise InputError("Quick votes have no design to follow up: make a new study.")
    scale = earlier.design.contenders[0].guidance_scale
    others = tuple(dict.fromkeys(name for name in entry.parents or ("base",) if name != checkpoint))
    design = replace(
        earlier.design,
        title=f"{earlier.design.title}: {checkpoint}",
        compare="sets" if earlier.design.compare == "sets" else "methods",
        contenders=tuple(Contender(name, name, scale) for name in (*others, checkpoint)),
        answer=replace(earlier.design.answer, shown=0, most=0),
    )
    return add_study(bench.store, design, parent=study)


def _exhibits(bench: Workbench, design: StudyDesign) -> tuple[list[Exhibit], tuple[BatchRequest, ...]]:
    """What the store has for the study, and the batches that lack something."""
    asked = [checked(request) for request in requests_of(design)]
    cells = _cells(bench, asked)
    found = keep_pictures(bench.store, {cell: request.seeds for request, cell in cells.items()})
    exhibits: list[Exhibit] = []
    lacking: dict[BatchRequest, None] = {}
    for contender in design.contenders:
        for request in asked:
            if (request.checkpoint, request.guidance_scale) != (contender.checkpoint, _scale(contender)):
                continue
            cell = cells[request]
            shas = found.get(cell, {})
            shown = _shown(bench.store, design, contender, request.prompt, cell, shas)
            exhibits += shown
            if len(shas) < len(request.seeds) or not shown:
                lacking[request] = None
    return exhibits, tuple(lacking)


def _scale(contender: Contender) -> float:
    """The guidance scale of a contender's pictures as requests have it."""
    return guidance_taken(contender.guidance_scale)


def _cells(bench: Workbench, asked: list[BatchRequest]) -> dict[BatchRequest, str]:
    """Each request's cell; configs differ only between checkpoints and scales."""
    configs = {}
    for request in asked:
        key = request.checkpoint, request.guidance_scale
        if key not in configs:
            configs[key] = config_of(bench, request)[1]
    return {request: cell_key(configs[request.checkpoint, request.guidance_scale], request.prompt) for request in asked}


def _shown(
    opened: Store, design: StudyDesign, contender: Contender, prompt: Prompt, cell: str, shas: Mapping[int, str]
) -> list[Exhibit]:
    """A contender's exhibits of one prompt: single pictures, whole sets, or a metric's favourite."""
    pool = seeds_for(design.pictures.seeds, prompt)
    seeds = [seed for seed in pool if seed in shas]
    if design.compare == "sets":
        size = design.pictures.set_size
        sets = [tuple(seeds[start : start + size]) for start in range(0, len(seeds) - size + 1, size)]
    elif design.compare == "metrics":
        best = _favourite(opened, contender.metric, cell, pool)
        sets = [(best,)] if best in shas else []
    else:
        sets = [(seed,) for seed in seeds]
    return [Exhibit((contender.name,), prompt.text, some, tuple(shas[seed] for seed in some), cell) for some in sets]


def _favourite(opened: Store, name: str, cell: str, seeds: tuple[int, ...]) -> int:
    """The seed that a metric ranks first in the pool (its newest version; the earlier of equals), -1 if not scored."""
    if name not in METRICS or METRICS[name].level != "image":
        raise InputError(f"{name!r} gives no score to single pictures, so it has no favourite: choose another metric.")
    scores = [score for score in store.scores_of(opened, cell, seeds) if score.metric == name]
    if not scores or not bool(scores[-1].values.isfinite().all()):
        return -1
    values = scores[-1].values if METRICS[name].higher_is_better else -scores[-1].values
    return seeds[int(values.argmax())]


def _decoys(bench: Workbench, design: StudyDesign) -> tuple[str, ...]:
    """Pictures that show nothing but noise, in the study's size; kept as files like any other."""
    entry, _ = resolve(design.contenders[0].checkpoint, bench.registry())
    draws = (torch.Generator().manual_seed(index) for index in range(DECOYS))
    return tuple(images.write(bench.home, images.encode(_noise(entry.size, draw))) for draw in draws)


def _noise(size: int, rng: torch.Generator) -> UInt8[Tensor, "3 h w"]:
    """Coarse colour noise: plainly no picture of anything, and small as a file."""
    cells = torch.randint(0, 256, (3, 16, 16), generator=rng, dtype=torch.uint8)
    return cells.repeat_interleave(size // 16, 1).repeat_interleave(size // 16, 2).contiguous()
