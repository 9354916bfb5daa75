from __future__ import annotations

import pytest
import torch

from t2ialign.store import Store, add_batch, images
from t2ialign.store import votes as api
from t2ialign.store.studies import exclude, manifest_of
from t2ialign.study.answers import Answer
from t2ialign.study.exclusion import Rule
from t2ialign.study.manifest import Exhibit
from t2ialign.study.records import public_survey
from t2ialign.types import InputError, Prompt, image_key
from tests.store.studying import PICK, RANK, opened_study, picture


def answer_all(store: Store, study: str, group: str, favourite: str, surveys: int = 1) -> None:
    """Raters who choose one contender wherever they see it, and the leftmost else."""
    for _ in range(surveys):
        survey = api.begin_survey(store, study, group).survey
        for trial in survey.trials:
            labels = [exhibit.label for exhibit in trial.shown]
            place = labels.index(favourite) if favourite in labels else labels.index(min(set(labels) - {"decoy"}))
            rest = [p for p in range(len(labels)) if p != place]
            chosen = (place, *rest) if trial.kind == "rank" else (place,)
            api.record_answer(store, study, survey.id, trial.id, Answer(chosen), 4000)


def names(store: Store, study: str) -> dict[str, str]:
    return {sha: exhibit.label for exhibit in manifest_of(store, study).exhibits for sha in exhibit.pictures}


def sha_of(image: torch.Tensor) -> str:
    return images.digest(images.encode(image))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [None, PICK, RANK])
def test_the_favourite_wins_every_pair(store: Store, kind):
    study = opened_study(store, **({"answer": kind} if kind else {})).id
    answer_all(store, study, "x", "b", surveys=3)
    pairs, label = api.pairs_from_votes(store, study), names(store, study)
    with_b = [pair for pair in pairs if "b" in (label[sha_of(pair.win)], label[sha_of(pair.lose)])]
    assert with_b
    assert {label[sha_of(pair.win)] for pair in with_b} == {"b"}
    assert {pair.source for pair in pairs} == {f"votes:{study}"}
    assert sum(pair.weight for pair in pairs) / len(pairs) == pytest.approx(1)


def one_pair(store: Store, said: list[str], size: int = 1) -> list:
    """The pairs of a study with a single pair of pictures, after these answers ("a", "b", "tie", "neither")."""
    study = opened_study(store, size, answer=PICK, rounds=1, checks=0, prompts=(Prompt("p"),)).id
    target = None
    while said:
        survey = api.begin_survey(store, study, "x").survey
        (trial,) = survey.trials
        labels = [exhibit.label for exhibit in trial.shown]
        if target is None and set(labels) == {"a", "b"}:
            target = trial.shown[0].seeds
        if set(labels) == {"a", "b"} and trial.shown[0].seeds == target:
            word = said.pop()
            answer = Answer((labels.index(word),)) if word in labels else Answer((), word)
            api.record_answer(store, study, survey.id, trial.id, answer, 10)
    return api.pairs_from_votes(store, study)


@pytest.mark.slow
def test_majorities_win_and_even_votes_drop_out(store: Store):
    assert one_pair(store, ["a", "b"]) == []
    assert one_pair(store, ["tie", "neither"]) == []
    assert len(one_pair(store, ["a", "a", "b"])) == 1


@pytest.mark.slow
def test_a_pair_knows_the_votes_that_it_stands_for(store: Store):
    (pair,) = one_pair(store, ["a", "tie", "b", "a"])
    votes = api.answers_of(store, pair.source.removeprefix("votes:"))
    assert sorted(vote.agrees for vote in pair.votes) == [0.0, 0.5, 1.0, 1.0]
    said = {(public_survey(vote.survey), vote.trial.id): vote for vote in votes}
    for origin in pair.votes:
        vote = said[origin.survey, origin.trial]
        won = {vote.trial.shown[place].pictures[0] for place in vote.answer.chosen}
        assert won == {0.0: {sha_of(pair.lose)}, 0.5: set(), 1.0: {sha_of(pair.win)}}[origin.agrees]


@pytest.mark.slow
def test_a_label_knows_the_votes_that_it_stands_for_and_its_picture(store: Store):
    (pair,) = one_pair(store, ["a", "tie", "b", "a"])
    study = pair.source.removeprefix("votes:")
    for one in api.labelled_from_votes(store, study):
        liked = one.desirable
        assert one.key == (pair.win_key if liked else pair.lose_key)
        assert {vote.survey for vote in one.votes} <= {vote.survey for vote in pair.votes}
        assert sorted(vote.agrees for vote in one.votes) == [0.0, 1.0, 1.0]
    assert {one.desirable for one in api.labelled_from_votes(store, study)} == {True, False}


@pytest.mark.slow
def test_weights_grow_with_agreement_and_evidence(store: Store):
    study = opened_study(store, answer=PICK, rounds=1, checks=0, groups=("x",)).id
    weights = {}
    for exhibit_pair, said in ((0, "aaaa"), (1, "aab"), (2, "a")):
        prompt = manifest_of(store, study).design.prompts[exhibit_pair].text
        for word in said:
            while True:
                (trial,) = (survey := api.begin_survey(store, study).survey).trials
                labels = [exhibit.label for exhibit in trial.shown]
                if trial.prompt == prompt and set(labels) == {"a", "b"} and trial.shown[0].seeds == (0,):
                    break
            api.record_answer(store, study, survey.id, trial.id, Answer((labels.index(word),)), 10)
    for pair in api.pairs_from_votes(store, study):
        weights[pair.prompt.text] = pair.weight
    four, split, one = (weights[prompt.text] for prompt in manifest_of(store, study).design.prompts)
    assert four / one == pytest.approx((4 / 6) / (1 / 3))
    assert split / one == pytest.approx((1 / 5) / (1 / 3))


def test_sets_become_pairs_seed_by_seed(store: Store):
    pairs = one_pair(store, ["a", "a"], size=3)
    assert len(pairs) == 3
    assert {round(pair.weight, 6) for pair in pairs} == {1.0}


@pytest.mark.slow
def test_groups_and_exclusions_restrict(store: Store):
    study = opened_study(store, answer=PICK).id
    answer_all(store, study, "x", "a", 2)
    answer_all(store, study, "y", "c", 2)
    label = names(store, study)
    for group, favourite in (("x", "a"), ("y", "c")):
        pairs = api.pairs_from_votes(store, study, [group])
        met = [p for p in pairs if {label[sha_of(p.win)], label[sha_of(p.lose)]} == {"a", "c"}]
        assert {label[sha_of(pair.win)] for pair in met} <= {favourite}
        assert pairs
    with pytest.raises(InputError, match="rater groups x, y"):
        api.pairs_from_votes(store, study, ["z"])
    with pytest.raises(InputError, match="no study"):
        api.pairs_from_votes(store, "nonsense")
    exclude(store, study, Rule("fast", 5000))
    assert api.pairs_from_votes(store, study) == []


def test_pairs_know_their_pictures_in_the_store(store: Store, batch_of):
    batch = batch_of("a star", seeds=(0, 1))
    add_batch(store, batch)
    shown = [
        Exhibit((name,), "a star", (seed,), (images.write(store.home, images.encode(image)),), batch.cell)
        for name, seed, image in zip("ab", batch.seeds, batch.images)
    ]
    api.record_quick(store, "browser", shown, Answer((1,)))
    (pair,) = api.pairs_from_votes(store, "explore")
    assert torch.equal(pair.win, batch.images[1])
    assert (pair.win_key, pair.lose_key) == tuple(image_key(batch.config, batch.prompt, seed) for seed in (1, 0))


@pytest.mark.slow
def test_single_pictures_are_liked_or_not(store: Store):
    study = opened_study(store, checks=0).id
    answer_all(store, study, "x", "b", surveys=2)
    label = names(store, study)
    found = api.labelled_from_votes(store, study)
    assert {(label[sha_of(one.picture)], one.desirable) for one in found} == {("a", False), ("b", True), ("c", False)}
    assert sum(one.weight for one in found) / len(found) == pytest.approx(1)


def test_thumbs_are_labels(store: Store):
    up, down, changed = (Exhibit(("m",), "p", (i,), (picture(store, i),), "") for i in range(3))
    api.record_quick(store, "s", [up], Answer((0,)))
    api.record_quick(store, "s", [down], Answer(()))
    api.record_quick(store, "s", [changed], Answer((0,)))
    api.record_quick(store, "s", [changed], Answer(()))
    found = {sha_of(one.picture): one.desirable for one in api.labelled_from_votes(store, "explore")}
    assert found == {up.pictures[0]: True, down.pictures[0]: False, changed.pictures[0]: False}
