"""The embedded world's raters take part in a study, so that everything after the votes can be seen at work."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from statistics import fmean, median

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics.factor_diversity import spread
from t2ialign.registry import resolve
from t2ialign.shapes.annotator import TASTES
from t2ialign.shapes.oracle import GROUPS
from t2ialign.store import images
from t2ialign.store.studies import manifest_of, picture_of
from t2ialign.store.votes import begin_survey, record_answer
from t2ialign.study.manifest import Exhibit, Manifest
from t2ialign.study.simulation import Rater, answer_of, milliseconds_of
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.workbench import Workbench

JUST_NOTICED = (
    0.25  # two pictures nearer than this in an attribute show one kind; scenes of the world are 1 apart on average
)
SHARPNESS = 4.0  # log-odds of seeing a difference in spread as large as that between two scenes of the world


def simulate(
    bench: Workbench, study: str, surveys: int, careless: float = 0.0, seed: int = 0, tie: float = 0.3
) -> Iterator[int]:
    """Answers an open study ``surveys`` times, the rater groups in turn; yields how many surveys are done.

    A group named as a taste (``sunny``, ``nocturne``, ``airy``) has that taste, any other one the tastes in turn. Of
    ``careless`` (0 to 1) of the surveys, every answer is random. Where kinds are counted, the truth is ``kinds_in`` what the
    oracle reads. Raises ``InputError`` for pictures of another world.
    """
    if surveys < 1 or not 0 <= careless <= 1:
        raise InputError("Simulate at least one survey, with a share of careless raters between 0 and 1.")
    chance, manifest = random.Random(seed), manifest_of(bench.store, study)
    worth = {group: _worth(bench, manifest, _taste(group, place)) for place, group in enumerate(manifest.design.groups)}
    kinds = _kinds(bench, manifest) if manifest.design.answer.counts else {}
    for number in range(surveys):
        group = manifest.design.groups[number % len(manifest.design.groups)]
        rater = Rater(tie, median(worth[group].values()), careless=chance.random() < careless)
        survey = begin_survey(bench.store, study, group).survey
        for trial in survey.trials:
            values = [worth[group].get(exhibit.pictures, 0.0) for exhibit in trial.shown]
            seen = [kinds.get(exhibit.pictures, 1) for exhibit in trial.shown]
            said, spent = answer_of(trial, values, rater, chance, seen), milliseconds_of(rater, chance)
            record_answer(bench.store, study, survey.id, trial.id, said, spent)
        yield number + 1


def _taste(group: str, place: int) -> str:
    return group if group in TASTES else list(TASTES)[place % len(TASTES)]


def kinds_in(units: Float[Tensor, "n u k"], noticed: float = JUST_NOTICED) -> int:
    """How many kinds of an attribute pictures show: the fewest groups of complete linkage within which all are alike.

    Two pictures are as far apart as on average over the things that both show (``metrics.factor_diversity``), and alike below
    ``noticed``. Pictures that show none of the things are of no kind; where the prompt leaves nothing open, there is one.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    shown = units[~units.isnan().any(2).all(1)] if units.shape[1] else units[:0]
    if len(shown) < 2:
        return 1
    one, other = torch.triu_indices(len(shown), len(shown), 1)
    apart = (shown[one] - shown[other]).norm(dim=2).nanmean(1).nan_to_num()
    return int(fcluster(linkage(apart.double().numpy(), "complete"), noticed, "distance").max())


def _kinds(bench: Workbench, manifest: Manifest) -> Mapping[tuple[str, ...], int]:
    """The true number of kinds in each exhibit, as the oracle reads its pictures."""
    entry = f"factors_{manifest.design.answer.attribute}"
    encoder = bench.encoder(_scorer(bench, manifest, "oracle"))

    def of(exhibit: Exhibit) -> int:
        batch = torch.stack([images.decode(picture_of(bench.store, sha)) for sha in exhibit.pictures])
        return kinds_in(encoder.encode(batch, Prompt(exhibit.prompt))[entry])

    return {exhibit.pictures: of(exhibit) for exhibit in manifest.exhibits}


def _worth(bench: Workbench, manifest: Manifest, taste: str) -> Mapping[tuple[str, ...], float]:
    """What each exhibit is worth to a taste: the mean over its pictures, or, where variety is asked for, their spread.

    Asked for an attribute of this world, everybody sees the truth, as the oracle reads it, and errs by chance alone.
    """
    answer = manifest.design.answer
    attribute = answer.attribute if answer.aspect == "varied" else ""
    if attribute and attribute not in GROUPS:
        raise InputError(f"The simulated raters see {', '.join(GROUPS)}, and no {attribute!r}: ask for one of those.")
    opened, encoder = bench.store, bench.encoder(_scorer(bench, manifest, "oracle" if attribute else "raters"))
    pixels = cache(lambda sha: images.decode(picture_of(opened, sha)))

    def of(exhibit: Exhibit) -> float:
        batch = torch.stack([pixels(sha) for sha in exhibit.pictures])
        if answer.aspect == "varied" and not attribute:
            return float(batch.float().std(0).mean()) / 10
        found = encoder.encode(batch, Prompt(exhibit.prompt))
        if not found:
            raise InputError(
                f"The simulated raters cannot read the prompt {exhibit.prompt[:60]!r}: use shapes prompts."
            )
        if attribute:
            return SHARPNESS * float(spread(found[f"factors_{attribute}"]).nan_to_num())
        return fmean(found[f"taste_{taste}"].tolist())

    return {exhibit.pictures: of(exhibit) for exhibit in manifest.exhibits}


def _scorer(bench: Workbench, manifest: Manifest, kind: str) -> str:
    """The scorer of the world's raters or its oracle; ``InputError`` where the study's pictures are of another world."""
    entry, _ = resolve(manifest.design.contenders[0].checkpoint, bench.registry())
    scorers: Sequence[str] = [name for name in entry.scorers if kind in bench.registry().scorers[name].loader]
    if not scorers:
        raise InputError(f"Simulated raters know the embedded world only, not pictures of {entry.name}.")
    return scorers[0]
