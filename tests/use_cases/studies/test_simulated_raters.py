"""Attribute-conditional diversity, held against truth: pictures are rendered with a spread that is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from t2ialign import store
from t2ialign.shapes.grammar import parse
from t2ialign.shapes.oracle import scenes_of
from t2ialign.shapes.render import render
from t2ialign.store import images
from t2ialign.store.studies import add_study, open_study
from t2ialign.store.vote_queries import answers_of
from t2ialign.study.design import AnswerRule, Contender, Pictures, StudyDesign
from t2ialign.study.manifest import Exhibit, Manifest
from t2ialign.study.results import results
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.studies.simulated_raters import kinds_in, simulate
from t2ialign.use_cases.workbench import Workbench

SIZE = 4
PROMPTS = tuple(Prompt(text) for text in ("a red circle", "a blue star", "a big green square", "a small white cross"))
DESIGN = StudyDesign(
    "Backgrounds",
    (Contender("wide"), Contender("narrow")),
    PROMPTS,
    "sets",
    answer=AnswerRule("pick", "varied", attribute="background"),
    pictures=Pictures(tuple(range(8)), SIZE),
    rounds=8,
    checks=0,
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Iterator[Workbench]:
    with store.open_store(tmp_path_factory.mktemp("attributes")) as opened:
        yield Workbench(StoreResults(opened), "cpu", "float32")


def asked(bench: Workbench, attribute: str) -> tuple[int, int, float]:
    """Answers for wide and for narrow, and the binomial test, of twelve raters asked for an attribute.

    Both show the same scenes, but for the backgrounds: each of ``narrow``'s sets has a single one.
    """
    study, _ = opened(bench, replace(DESIGN, answer=replace(DESIGN.answer, attribute=attribute)))
    list(simulate(bench, study, 12, seed=1, tie=0.2))
    (pair,) = results(answers_of(bench.store, study)).pairs
    wins = {pair.one: pair.wins, pair.other: pair.losses}
    return wins["wide"], wins["narrow"], pair.p


def opened(bench: Workbench, design: StudyDesign) -> tuple[str, list[tuple[Exhibit, int]]]:
    """The open study of such sets, and its sets with how many backgrounds were rendered in each, equal ones being one."""
    exhibits, truth = [], []
    for number, prompt in enumerate(PROMPTS):
        scenes = scenes_of(parse(prompt.text), 2 * SIZE, torch.Generator().manual_seed(number))
        for start in (0, SIZE):
            wide = scenes[slice(start, start + SIZE)]
            narrow = replace(wide, background=wide.background[:1].expand(SIZE, -1).clone())
            for name, some in (("wide", wide), ("narrow", narrow)):
                truth.append(len({tuple(color.tolist()) for color in some.background}))
                shas = tuple(images.write(bench.home, images.encode(picture)) for picture in render(some))
                exhibits.append(Exhibit((name,), prompt.text, tuple(range(start, start + SIZE)), shas))
    study = add_study(bench.store, design).id
    open_study(bench.store, study, Manifest(design, tuple(exhibits)))
    return study, list(zip(exhibits, truth))


@pytest.mark.slow
def test_raters_find_the_attribute_that_varies_and_no_other(bench: Workbench):
    """The places are the same, picture by picture: there a coin decides. Who is shown what is drawn anew."""
    wide, narrow, p = asked(bench, "background")
    assert wide > 2 * narrow and p < 1e-4
    wide, narrow, p = asked(bench, "place")
    assert p > 1e-4


COUNTED = replace(DESIGN, answer=replace(DESIGN.answer, counts=True, confidence=True), checks=1)


def test_kinds_are_groups_within_what_is_just_noticed():
    """On a line: 0.0 and 0.2 are alike, and so are 0.2 and 0.4, but 0.0 and 0.4 are not: two kinds, and 2.0 is a third."""
    line = torch.tensor([0.0, 0.2, 0.4, 2.0])[:, None, None]
    assert kinds_in(line) == 3 and kinds_in(line, 0.5) == 2 and kinds_in(line, 3.0) == 1
    assert kinds_in(torch.zeros(4, 1, 3)) == 1 and kinds_in(torch.zeros(4, 0, 3)) == 1
    assert kinds_in(torch.cat([line[[0, 3]], torch.full((1, 1, 1), torch.nan)])) == 2, (
        "what shows nothing is of no kind"
    )
    two = torch.stack([torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.0, torch.nan, 0.3])], 1)[:, :, None]
    assert kinds_in(two) == 2, "apart by 1 and by 0.15: the mean over what both show"


@pytest.mark.slow
def test_counts_and_confidence_from_pictures_to_results(bench: Workbench):
    """``narrow`` has one background a set, ``wide`` mostly four: the counts find both, and their difference.

    A study's id is new each time, and what raters draw follows it.
    """
    study, shown = opened(bench, COUNTED)
    list(simulate(bench, study, 12, careless=0.0, seed=1, tie=0.2))
    found = results(answers_of(bench.store, study)).counting
    assert {vote.answer.counts != () for vote in answers_of(bench.store, study)} == {True}
    means = {one.contender: one.mean.mean for one in found.means}
    assert 1 <= means["narrow"] < 1.5 and 3 < means["wide"] <= SIZE
    (pair,) = found.differences
    assert pair.one == "wide" and pair.stands and pair.difference.lo > 1
    assert found.pick.share.mean > 0.6 and found.alpha.alpha.lo > 0.5
    assert (found.checks, found.overcounted) == (12, 0)
    sure = found.sureness[-1].pairs[0]
    assert sure.wins > 3 * sure.losses
    truth = {(exhibit.contenders[0], kinds) for exhibit, kinds in shown}
    assert ("narrow", 1) in truth and not any(name == "narrow" and kinds > 1 for name, kinds in truth)


@pytest.mark.slow
def test_an_attribute_of_another_world_is_refused(bench: Workbench):
    with pytest.raises(InputError, match="no 'pose'"):
        asked(bench, "pose")
