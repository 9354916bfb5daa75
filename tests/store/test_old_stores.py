"""A store that an earlier version made opens, and everything in it is read back.

``store_m008.tar.xz`` was written by the version whose last migration was m008: five jobs and the folder of a sixth, three
steps and two probes, a picture, a study with answers (one of its numbers whole where decimals may stand) and a draft.
"""

from __future__ import annotations

import math
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from t2ialign.jobs import reconcile
from t2ialign.source import Source
from t2ialign.store import Store, job_of, list_cells, list_jobs, load_batch, open_store
from t2ialign.store.studies import list_studies, manifest_of
from t2ialign.store.votes import answers_of, list_surveys, pairs_from_votes
from t2ialign.types import Interval
from t2ialign.use_cases.align.job import probes_of, request_of, steps_of
from t2ialign.use_cases.align.request import AlignRequest

BEFORE = Path(__file__).with_name("store_m008.tar.xz")
FIRST = AlignRequest(
    "f_dpo",
    "first",
    pairs=Source("annotator", group="sunny"),
    steps=300,
    seed=4,
    options=(("divergence", "alpha=0.6"), ("beta", "2.0"), ("match_strength", "false")),
)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(BEFORE) as archive:
        archive.extractall(folder, filter="data")
    with open_store(folder / "home") as store:
        yield store


def test_jobs_of_command_lines_have_their_requests(old: Store):
    found = {job.title: request_of(job) for job in list_jobs(old)}
    assert found["first"] == FIRST
    assert found["second"] == AlignRequest(
        "diffusion_dpo",
        "second",
        parent="first",
        pairs=Source("votes", "which-abc123", "x"),
        steps=3,
        options=(("test_prompts", "0"),),
    )
    assert found["by hand"] == AlignRequest("mi_tune", "hand", options=(("rounds", "2"), ("safeguard", "true")))
    assert found["odd"] == AlignRequest("", "odd")
    assert {job.title: job.parent for job in list_jobs(old)}["second"] == "align-000001"
    assert job_of(old, "count-000005").request == {} and job_of(old, "count-000005").command == ("count", "3000", "2")


def test_a_job_of_which_only_the_folder_is_left_comes_back(old: Store):
    reconcile.reconcile(old)
    lost = job_of(old, "align-000006")
    assert request_of(lost) == AlignRequest("ipo", "lost", parent="first")
    assert reconcile.folder(old, lost).spec() == lost


def test_steps_and_probes_are_what_they_were(old: Store):
    first, _, third = steps_of(old, "align-000001")
    assert (first.step, len(first.log_ratios[0]), len(first.log_ratio_quantiles[0])) == (1, 2, 5)
    assert math.isnan(third.accuracy) and math.isnan(third.log_ratios[0][0]) and third.log_ratios[1] == (0.5,)
    assert [step.step for step in steps_of(old, "align-000001", after=1)] == [2, 3]
    begun, ended = probes_of(old, "align-000001")
    assert begun.reward is None and ended.reward == Interval(1.5, 1.0, 2.0)
    assert begun.alignment == Interval(0.5, 0.4, 0.6) and math.isnan(begun.diversity.lo)
    assert (begun.step, begun.pictures[0].prompt, len(begun.pictures[0].sha)) == (0, "a ring", 64)


def test_studies_keep_their_hash_and_their_answers(old: Store):
    study = next(study for study in list_studies(old) if study.state == "open")
    manifest = manifest_of(old, study.id)  # refuses what is not what was frozen
    assert manifest.hash == study.hash and type(manifest.design.contenders[0].guidance_scale) is int
    assert {study.title for study in list_studies(old)} == {"Which?", "A draft"}
    (survey,) = list_surveys(old, study.id)
    assert len(survey.trials) == 5 and sum(trial.check == "decoy" for trial in survey.trials) == 1
    votes = answers_of(old, study.id)
    assert [vote.revision for vote in votes] == [1, 0, 0, 0] and votes[0].answer.verdict == "tie"
    assert len(pairs_from_votes(old, study.id)) == 2


def test_cells_keep_their_identity(old: Store):
    (cell,) = list_cells(old)
    assert cell.config.key == "fe1103bde5b23882" and cell.config.guidance_params[0] == ("eta", 0.5)
    assert load_batch(old, cell.config, cell.prompt, cell.seeds).seeds == cell.seeds == (0, 1)
