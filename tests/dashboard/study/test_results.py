import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from t2ialign.dashboard.rate import handlers
from t2ialign.dashboard.study import results, training
from t2ialign.dashboard.study.verdict_view import verdict
from t2ialign.source import Source
from t2ialign.store.jobs import list_jobs
from t2ialign.store.studies import QUICK, exclusions
from t2ialign.study.design import AnswerRule
from t2ialign.types import InputError, Interval
from t2ialign.use_cases.align.job import request_of
from t2ialign.use_cases.align.request import AlignRequest
from t2ialign.use_cases.studies.results import study_results
from tests.dashboard.studies import DESIGN, PICK, SETS, draft, opened
from tests.dashboard.trainings import add_training


def answered(services, design=DESIGN, surveys: int = 3):
    """An open study, and surveys that always choose the first contender's picture; the decoys they do not choose."""
    study = opened(services, design)
    for _ in range(surveys):
        joined = handlers.join(services.store, study.id, consent=True)
        shown = {
            trial.id: trial.shown for trial in handlers.survey_of(services.store, study.id, joined["survey"]).trials
        }
        for one in joined["rounds"]:
            exhibits = shown[one["trial"]]
            good = [place for place, each in enumerate(exhibits) if each.label == design.contenders[0].name]
            fair = good or [place for place, each in enumerate(exhibits) if not each.is_decoy]
            answer = {"chosen": fair[:1], "verdict": ""}
            handlers.answer(services.store, study.id, joined["survey"], one["trial"], answer, 1500)
    return study.id


@pytest.fixture
def study(services):
    return answered(services, PICK)


def draw(services, study, group=""):
    return results.draw(services, study, "light", group)


def test_a_draft_has_no_results(services):
    assert "once the study is open" in draw(services, draft(services).id)["headline"]
    assert not draw(services, "")["found"].visible


@pytest.mark.slow
def test_an_open_study_without_answers_says_so(services):
    updates = draw(services, opened(services, PICK).id)
    assert "Nobody has answered yet" in updates["headline"] and not updates["found"].visible


@pytest.mark.slow
def test_answers_become_numbers(services, study):
    updates = draw(services, study)
    assert "12 answers from 3 surveys" in updates["headline"] and "attention check" in updates["sentences"]
    assert "secret-method is ahead of rival-method, 12 answers to 0, but so few raters" in updates["headline"]
    assert "Only 3 surveys so far" in updates["headline"] and "may not have looked" not in updates["headline"]
    assert "secret-method over rival-method" in updates["tables"] and "12 : 0" in updates["tables"]
    assert "secret-method" in updates["tables"] and "100 %" in updates["tables"] and "Position 1" in updates["tables"]
    names = {trace.name for trace in updates["rates"].data}
    assert names == {"secret-method", "rival-method"} and len(updates["strengths"].data) == 2


@pytest.mark.slow
def test_selections_have_their_patterns(services):
    tables = draw(services, answered(services, DESIGN, 2))["tables"]
    assert "Answers given" in tables and "spatial" in tables and "all prompts" in tables


@pytest.mark.slow
def test_a_group_of_raters_alone(services):
    study = opened(services, replace(PICK, groups=("students", "<others>"))).id
    for group in ("students", "<others>", "students"):
        joined = handlers.join(services.store, study, group, True)
        for one in joined["rounds"]:
            handlers.answer(services.store, study, joined["survey"], one["trial"], {"chosen": [0]}, 900)
    assert "12 answers" in draw(services, study)["headline"]
    updates = draw(services, study, "students")
    assert "8 answers" in updates["headline"] and updates["group"].value == "students"
    assert "&lt;others&gt;" in draw(services, study)["tables"] and "<others>" not in draw(services, study)["tables"]
    assert "12 answers" in draw(services, study, "nobody")["headline"]


@pytest.mark.slow
def test_exclusions_apply_and_are_taken_back(services, study):
    updates = results.leave_out(services, study, "light", "", "fast", 2000, "too fast")
    assert "0 answers" in updates["headline"] and "3 surveys left out" in updates["headline"]
    assert "What the exclusions change" in updates["tables"] and len(exclusions(services.store, study)) == 1
    updates = results.take_back(services, study, "light", "", "0", "")
    assert "12 answers" in updates["headline"] and not exclusions(services.store, study)
    for place in (None, "7", "-1", "x"):
        with pytest.raises(InputError, match="Choose the rule"):
            results.take_back(services, study, "light", "", place, "")
    with pytest.raises(InputError):
        results.leave_out(services, study, "light", "", "nonsense", 0, "")


@pytest.mark.slow
def test_a_headline_claims_what_holds_for_other_raters(services):
    """Ten raters of one mind about three prompts: an interval from ten surveys and three prompts begins at 44 %."""
    found = study_results(services.store, answered(services, PICK, 10)).results
    (pair,) = found.pairs
    assert (
        pair.wins == 40 and pair.stands and pair.share.lo < 0.5 and "so few raters or prompts" in verdict(found, PICK)
    )
    sure = replace(found, pairs=(replace(pair, share=Interval(0.9, 0.7, 1.0)),))
    assert (
        verdict(sure, PICK)
        == "secret-method is liked better than rival-method: in 90 % (70 to 100) of 40 decided answers."
    )
    of_place = replace(SETS, answer=AnswerRule("pick", "varied", attribute="place"))
    assert "secret-method varies more in its place than rival-method" in verdict(sure, of_place)
    assert "fits better" in verdict(sure, DESIGN)


@pytest.mark.slow
def test_what_is_contested_is_shown_and_failed_checks_are_loud(services):
    study = opened(services, replace(PICK, rounds=2)).id
    joined = [handlers.join(services.store, study, consent=True) for _ in range(8)]
    for place, one in enumerate(joined):
        trials = handlers.survey_of(services.store, study, one["survey"]).trials
        for trial in trials:
            labels = [exhibit.label for exhibit in trial.shown]
            wanted = ["secret-method", "rival-method"][place % 2]
            chosen = labels.index("decoy") if trial.check else labels.index(wanted)
            handlers.answer(services.store, study, one["survey"], trial.id, {"chosen": [chosen]}, 900)
    updates = draw(services, study)
    assert "8 of 8 attention checks failed, and 8 surveys" in updates["headline"]
    assert "No clear order yet" in updates["headline"]
    assert updates["contested"].count("data:image/webp") >= 2 and "secret-method" in updates["contested"]
    results.leave_out(services, study, "light", "", "attention", 0, "")
    assert "may not have looked" not in draw(services, study)["headline"]


@pytest.mark.slow
def test_a_name_is_proposed_for_what_is_trained(services, study):
    assert training.open_tab(services, study, "")["train_name"] == "votes-which-pictures-fit"
    assert "train_name" not in training.open_tab(services, study, "mine")
    add_training(services.store, "align-1", steps=0, command=("align", "ipo", "--name", "votes-which-pictures-fit"))
    assert training.open_tab(services, study, "votes-which-pictures-fit")["train_name"] == "votes-which-pictures-fit-2"


@pytest.mark.slow
@pytest.mark.parametrize("form", list(results.FORMS))
def test_every_export_is_a_file(services, study, form):
    path = Path(results.export(services, form, study)["export_file"].value["path"])
    assert path.stat().st_size > 200
    if form == "csv":
        with zipfile.ZipFile(path) as folder:
            assert len([name for name in folder.namelist() if name.endswith(".csv")]) == 3


def test_nothing_is_exported_of_nothing(services):
    with pytest.raises(InputError):
        results.export(services, "csv", "")
    with pytest.raises(InputError):
        results.export(services, "votes", opened(services, PICK).id)
    with pytest.raises(InputError, match="Name the dataset"):
        results.push(services, "", "  ")


def train(services, study, **change):
    asked = {
        "method": "diffusion_dpo",
        "parent": "base",
        "votes_of": "",
        "steps": 3,
        "tests": 0,
        "name": "mine",
        **change,
    }
    return training.train(services, study, *asked.values())


@pytest.mark.slow
def test_votes_become_a_job(services, study):
    updates = train(services, study)
    (job,) = list_jobs(services.store)
    assert list(job.command) == [
        *("align", "diffusion_dpo", "--name", "mine"),
        *("--pairs", f"votes:{study}", "--steps", "3", "--test-prompts=0"),
    ]
    assert request_of(job) == AlignRequest(
        "diffusion_dpo", "mine", pairs=Source("votes", study), steps=3, options=(("test_prompts", 0),)
    )
    assert "mine" in updates["training"] and "queued" in updates["training"] and not updates["following"].visible
    assert list((services.store.home / "training" / "votes").glob("*-pairs.parquet"))
    assert "mine" not in training.watch(services, "another-study")["training"]


@pytest.mark.slow
def test_a_run_from_votes_is_the_child_of_the_run_that_trained_its_parent(services, study):
    first = add_training(services.store, "align-1", steps=0, command=("align", "ipo", "--name", "spo"))
    train(services, study, parent="spo", votes_of="everyone")
    (child,) = list_jobs(services.store, parent=first.id)
    assert request_of(child).pairs == Source("votes", study, "everyone")
    assert child.command[child.command.index("--pairs") + 1] == f"votes:{study}:everyone"


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", [{"name": ""}, {"name": "../x"}, {"method": "nonsense"}, {"parent": "nobody"}, {"votes_of": "nobody"}]
)
def test_what_cannot_be_trained_is_said_at_once(services, study, change):
    with pytest.raises(InputError):
        train(services, study, **change)
    assert not list_jobs(services.store)


@pytest.mark.slow
def test_a_follow_up_needs_a_checkpoint(services, study):
    with pytest.raises(InputError, match="Choose a checkpoint"):
        training.follow(services, study, "", None)
    with pytest.raises(InputError):
        training.follow(services, study, "", "nobody")


@pytest.mark.slow
def test_quick_votes_have_results_too(services, config):
    from t2ialign.dashboard.explore import quick_votes
    from t2ialign.dashboard.shared.visitors import Visitor
    from t2ialign.types import Prompt
    from tests.dashboard import fakes

    made = [fakes.add_cell(services.store, Prompt("a ring"), config("base", scale), (scale,)).cell for scale in (1, 8)]
    mine, other = (f"pictures/{cell}/{scale}.webp" for cell, scale in zip(made, (1, 8)))
    said = {"voter": "12345678", "answer": "rather", "picture": mine, "others": [other]}
    assert quick_votes.vote(services, Visitor(), said) == {}
    assert "the very same" in quick_votes.vote(services, Visitor(), {**said, "others": [mine]})["notice"]
    updates = draw(services, QUICK)
    assert "1 answer from 1 survey" in updates["headline"] and "base CFG 1" in updates["tables"]
