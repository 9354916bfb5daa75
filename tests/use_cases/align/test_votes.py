"""Training on people's votes: by the store's owner, and by a job that finds what the owner left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from t2ialign.codec import encode
from t2ialign.source import Source, parse_source
from t2ialign.store import images
from t2ialign.store.studies import add_study, exclude, open_study
from t2ialign.store.vote_pairs import labelled_from_votes
from t2ialign.store.votes import begin_survey, record_answer
from t2ialign.study.answers import Answer
from t2ialign.study.design import AnswerRule, Contender, StudyDesign
from t2ialign.study.exclusion import Rule
from t2ialign.study.manifest import Exhibit, Manifest
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.align.ingredients import ingredients_of
from t2ialign.use_cases.align.request import plan
from t2ialign.use_cases.align.votes import leave_votes
from t2ialign.use_cases.results import InboxResults
from t2ialign.use_cases.workbench import Workbench
from tests.use_cases.aligning import opened, run, short

PROMPTS = (Prompt("a red circle", "color"), Prompt("a blue star", "color"))
DESIGN = StudyDesign(
    "Votes",
    (Contender("a"), Contender("b"), Contender("c")),
    PROMPTS,
    answer=AnswerRule("select"),
    rounds=4,
    checks=0,
    groups=("x", "y"),
)


@pytest.fixture(scope="module")
def voted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workbench, str]]:
    """A study of noise in the embedded world's size, in which raters of x select a, and raters of y nothing."""
    with opened(tmp_path_factory.mktemp("home")) as bench:
        draw = torch.Generator().manual_seed(0)
        exhibits = tuple(
            Exhibit((contender.name,), prompt.text, (seed,), (noise(bench, draw),), contender.name)
            for prompt in PROMPTS
            for contender in DESIGN.contenders
            for seed in range(2)
        )
        study = add_study(bench.store, DESIGN).id
        open_study(bench.store, study, Manifest(DESIGN, exhibits))
        for group in "xxy":
            survey = begin_survey(bench.store, study, group).survey
            for trial in survey.trials:
                chosen = [place for place, one in enumerate(trial.shown) if one.label == "a" and group == "x"]
                record_answer(bench.store, study, survey.id, trial.id, Answer(tuple(chosen)), 3000)
        yield bench, study


def noise(bench: Workbench, draw: torch.Generator) -> str:
    picture = torch.randint(0, 256, (3, 64, 64), generator=draw, dtype=torch.uint8)
    return images.write(bench.home, images.encode(picture))


def alone(bench: Workbench) -> Workbench:
    """What a job has: the same folder, and no store."""
    return Workbench(InboxResults(bench.home), "cpu", "float32")


@pytest.mark.slow
def test_a_job_learns_from_the_very_votes_that_the_owner_left(voted) -> None:
    bench, study = voted
    source, job = Source("votes", study, "x"), alone(bench)
    with pytest.raises(InputError, match="another process"):
        job.results.vote_pairs(source, 64)
    leave_votes(bench.store, source)
    ours, theirs = (one.results.vote_pairs(source, 64) for one in (bench, job))
    assert len(ours) == len(theirs) == 8
    for one, other in zip(ours, theirs):
        assert torch.equal(one.win, other.win) and torch.equal(one.lose, other.lose)
        assert one.weight == pytest.approx(other.weight) and one.prompt.text == other.prompt.text
    ours, theirs = (one.results.vote_examples(source, 64) for one in (bench, job))
    origin = ("desirable", "weight", "key", "votes")
    assert [[getattr(one, name) for name in origin] for one in ours] == [
        [getattr(one, name) for name in origin] for one in theirs
    ]
    assert all(one.votes for one in theirs)
    assert bench.results.votes_record(source) == job.results.votes_record(source)


def test_the_record_says_whose_votes_they_are(voted) -> None:
    bench, study = voted
    exclude(bench.store, study, Rule("fast", 100.0))
    record = bench.results.votes_record(Source("votes", study))
    assert (record.study, record.answers, record.surveys, record.group) == (study, 12, 3, "")
    assert bench.results.votes_record(Source("votes", study, "y")).answers == 4


@pytest.mark.slow
@pytest.mark.parametrize("method", ["diffusion_dpo", "dmpo"])
def test_pairs_methods_learn_from_votes(voted, method: str) -> None:
    bench, study = voted
    run(bench, short(method, f"pairs-{method}", pairs=parse_source(f"votes:{study}")))
    manifest = json.loads((bench.home / "checkpoints" / f"pairs-{method}" / "manifest.json").read_text())
    assert manifest["parents"] == ["base"] and manifest["data"]["examples"] == 8
    assert manifest["data"]["votes"] == encode(bench.results.votes_record(Source("votes", study)))


@pytest.mark.slow
def test_kto_learns_from_single_pictures_and_needs_no_pair(voted) -> None:
    bench, study = voted
    labels = [one.desirable for one in labelled_from_votes(bench.store, study)]
    assert (labels.count(True), labels.count(False)) == (4, 8)
    run(bench, short("diffusion_kto", "kto-votes", pairs=parse_source(f"votes:{study}")))
    manifest = json.loads((bench.home / "checkpoints" / "kto-votes" / "manifest.json").read_text())
    assert manifest["data"]["examples"] == 8  # four of each: half of them liked
    nobody = replace(short("diffusion_kto", "kto-y", pairs=parse_source(f"votes:{study}:y")))
    run(bench, nobody)  # raters of y selected nothing: twelve dislikes, and not one pair
    manifest = json.loads((bench.home / "checkpoints" / "kto-y" / "manifest.json").read_text())
    assert manifest["data"]["examples"] == 12 and manifest["data"]["votes"]["group"] == "y"
    with pytest.raises(InputError, match="let people vote"):
        run(bench, short("diffusion_dpo", "dpo-y", pairs=parse_source(f"votes:{study}:y")))


@pytest.mark.slow
def test_new_votes_are_other_data_and_the_owner_and_a_job_agree(voted) -> None:
    """The same votes are the same data from the store and from what was left; one more vote makes others."""
    bench, study = voted
    requests = [short(method, pairs=Source("votes", study)) for method in ("diffusion_dpo", "diffusion_kto")]
    found = []
    for _ in range(2):
        leave_votes(bench.store, Source("votes", study))
        for request in requests:
            owners, jobs = (ingredients_of(one, plan(one, request)) for one in (bench, alone(bench)))
            assert owners == jobs
            found.append(owners.data)
        survey = begin_survey(bench.store, study, "y").survey
        record_answer(bench.store, study, survey.id, survey.trials[0].id, Answer((0,)), 3000)
    assert len(set(found)) == 4
