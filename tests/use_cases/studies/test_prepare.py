"""A study on the embedded world, from its design to pairs for training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from t2ialign import store
from t2ialign.store.records import ScoreRecord
from t2ialign.store.studies import add_study, exclude
from t2ialign.store.votes import answers_of, pairs_from_votes
from t2ialign.study.design import AnswerRule, Contender, Pictures, StudyDesign
from t2ialign.study.exclusion import Rule
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.batches.requests import NO_GUIDANCE
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.studies.prepare import (
    draft_manifest,
    follow_up,
    missing,
    notes_on,
    prepare,
    publish,
    requests_of,
)
from t2ialign.use_cases.studies.results import result_lines, score_of, study_results
from t2ialign.use_cases.studies.simulated_raters import simulate
from t2ialign.use_cases.workbench import Workbench

PROMPTS = (Prompt("a red circle", "color"), Prompt("a blue star", "color"))
DESIGN = StudyDesign(
    "Weak or strong guidance?",
    (Contender("weak", guidance_scale=1.0), Contender("strong", guidance_scale=6.0)),
    PROMPTS,
    answer=AnswerRule("pick", "better"),
    pictures=Pictures((0, 1), 2, num_inference_steps=2),
    rounds=4,
    groups=("sunny", "nocturne"),
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Iterator[Workbench]:
    home = tmp_path_factory.mktemp("studies")
    with store.open_store(home) as opened:
        yield Workbench(StoreResults(opened), "cpu", "float32")


def opened(bench: Workbench, design: StudyDesign) -> str:
    study = add_study(bench.store, design).id
    list(prepare(bench, design))
    return publish(bench, study).id


@pytest.mark.slow
def test_missing_pictures_are_made_once(bench: Workbench):
    design = replace(DESIGN, pictures=replace(DESIGN.pictures, num_inference_steps=3))
    study = add_study(bench.store, design).id
    assert len(missing(bench, design)) == len(requests_of(design)) == 4
    with pytest.raises(InputError, match="two different pictures"):
        draft_manifest(bench.store, design)
    with pytest.raises(InputError, match="4 of 4 batches are missing"):
        publish(bench, study)
    assert [state.generated for state in prepare(bench, design)][-1] == 8
    assert missing(bench, design) == ()
    assert list(prepare(bench, design)) == []
    assert len(draft_manifest(bench.store, design).exhibits) == 8
    assert publish(bench, study).hash == draft_manifest(bench.store, design).hash


@pytest.mark.slow
def test_a_contender_below_cfg_1_has_the_pictures_of_1(bench: Workbench):
    contenders = (Contender("none", guidance_scale=0.0), Contender("strong", guidance_scale=6.0))
    design = replace(DESIGN, contenders=contenders)
    assert {request.guidance_scale for request in requests_of(design)} == {1.0, 6.0}
    list(prepare(bench, design))
    shown = draft_manifest(bench.store, design).exhibits
    assert sorted(exhibit.contenders[0] for exhibit in shown) == ["none"] * 4 + ["strong"] * 4


@pytest.mark.slow
def test_what_of_the_prompts_is_not_read_is_known_of_the_study(bench: Workbench):
    """Also where the pictures are there already; CFG below 1 is said of every prompt."""
    long = Prompt("a red circle " * 20)
    design = replace(
        DESIGN, prompts=(long, PROMPTS[0]), contenders=(Contender("none", guidance_scale=0.5), Contender("b"))
    )
    list(prepare(bench, design))
    assert list(prepare(bench, design)) == []
    (first, everywhere), *others = notes_on(bench, design)
    assert first == NO_GUIDANCE and set(everywhere) == {long.text, PROMPTS[0].text}
    assert "longer than the model can read" in others[0][0] and others[0][1] == (long.text.strip(),)


@pytest.mark.slow
def test_votes_of_two_tastes_become_results_and_pairs(bench: Workbench):
    study = opened(bench, DESIGN)
    assert list(simulate(bench, study, 12, careless=0.25, seed=3)) == list(range(1, 13))
    found = study_results(bench.store, study)
    assert found.results.answers == 48
    assert {rate.group for rate in found.results.rates} == {"", "sunny", "nocturne"}
    assert {one.metric for one in found.metrics} >= {"oracle_alignment", "mutual_information"}
    assert found.unfiltered == found.results
    assert any("attention" in line for line in result_lines(found))
    exclude(bench.store, study, Rule("fast", 1500))
    after = study_results(bench.store, study)
    assert 0 < len(after.results.excluded) < 12
    assert after.unfiltered == found.results
    assert study_results(bench.store, study, "sunny").results.answers < after.results.answers
    pairs = pairs_from_votes(bench.store, study)
    assert pairs and all(pair.win_key and pair.lose_key for pair in pairs)


@pytest.mark.slow
def test_simulated_raters_of_one_taste_prefer_what_it_likes(bench: Workbench):
    """The same pictures, two tastes: the ones that the annotator's utility ranks higher win more often."""
    study = opened(bench, replace(DESIGN, title="Tastes", checks=0))
    list(simulate(bench, study, 60, tie=0.0))
    raters = bench.encoder("annotator-shapes")
    for group in DESIGN.groups:
        right = total = 0
        for pair in pairs_from_votes(bench.store, study, [group]):
            worth = raters.encode(_both(pair), pair.prompt)[f"taste_{group}"].tolist()
            right, total = right + (worth[0] > worth[1]), total + 1
        assert right / total >= 0.75, group


def _both(pair):
    import torch

    return torch.stack([pair.win, pair.lose])


@pytest.mark.slow
def test_metrics_are_compared_by_their_favourites(bench: Workbench):
    design = replace(
        DESIGN,
        title="Metrics",
        compare="metrics",
        contenders=tuple(Contender(m, guidance_scale=6.0, metric=m) for m in ("clip_score", "mutual_information")),
        answer=AnswerRule("select", "fits"),
        pictures=Pictures((0, 1, 2, 3), num_inference_steps=2),
        rounds=1,
        checks=0,
    )
    list(prepare(bench, design))
    manifest = draft_manifest(bench.store, design)
    for exhibit in manifest.exhibits:
        for name in exhibit.contenders:
            (score,) = [s for s in store.scores_of(bench.store, exhibit.cell, (0, 1, 2, 3)) if s.metric == name]
            assert exhibit.seeds == (int(score.values.argmax()),)
    with pytest.raises(InputError, match="no favourite"):
        draft_manifest(bench.store, replace(design, contenders=(*design.contenders, Contender("x", metric="ssim"))))


@pytest.mark.slow
def test_sets_are_shown_whole(bench: Workbench):
    design = replace(DESIGN, title="Sets", compare="sets", answer=AnswerRule("pick", "varied"), checks=1)
    study = opened(bench, design)
    list(simulate(bench, study, 8))
    assert {len(e.pictures) for vote in answers_of(bench.store, study) for e in vote.trial.shown} == {2}
    diversities = {one.metric for one in study_results(bench.store, study).metrics}
    assert diversities & {"lpips", "ssim", "factor_diversity"}


def test_a_follow_up_compares_a_checkpoint_with_its_parent(bench: Workbench):
    study = opened(bench, replace(DESIGN, title="Parent"))
    folder = bench.home / "checkpoints" / "from-votes"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"kind": "lora", "backbone": "shapes", "parents": ["base"]}')
    found = follow_up(bench, study, "from-votes")
    assert (found.state, found.parent) == ("draft", study)
    assert [contender.checkpoint for contender in found.design.contenders] == ["base", "from-votes"]
    with pytest.raises(InputError):
        follow_up(bench, study, "nonsense")


def test_raters_of_the_embedded_world_know_no_other(bench: Workbench):
    with pytest.raises(InputError, match="at least one survey"):
        list(simulate(bench, "any", 0))
    with pytest.raises(InputError, match="no study"):
        list(simulate(bench, "nonsense", 1))


def test_scores_of_part_of_a_batch():
    image = ScoreRecord((0, 1, 2), "taste", "1", "alignment", "image", (1.0, 2.0, 6.0), 3.0, 0, 0)
    assert score_of(image, (1, 2)) == 4.0
    pair = ScoreRecord((0, 1, 2), "psnr", "1", "diversity", "pair", (0.0, 1.0, 2.0, 0.0, 3.0, 0.0), 2.0, 0, 0)
    assert score_of(pair, (2, 0)) == 2.0
    batch = ScoreRecord((0, 1, 2), "vendi", "1", "diversity", "batch", (5.0,), 5.0, 0, 0)
    assert score_of(batch, (2, 1, 0)) == 5.0
    for record, seeds in ((image, (7,)), (pair, (1,)), (batch, (0, 1))):
        assert score_of(record, seeds) != score_of(record, seeds)  # NaN
