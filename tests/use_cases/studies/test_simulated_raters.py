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
from t2ialign.use_cases.studies.simulated_raters import simulate
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
    design = replace(DESIGN, answer=replace(DESIGN.answer, attribute=attribute))
    exhibits = []
    for number, prompt in enumerate(PROMPTS):
        scenes = scenes_of(parse(prompt.text), 2 * SIZE, torch.Generator().manual_seed(number))
        for start in (0, SIZE):
            wide = scenes[slice(start, start + SIZE)]
            narrow = replace(wide, background=wide.background[:1].expand(SIZE, -1).clone())
            for name, some in (("wide", wide), ("narrow", narrow)):
                shas = tuple(images.write(bench.home, images.encode(picture)) for picture in render(some))
                exhibits.append(Exhibit((name,), prompt.text, tuple(range(start, start + SIZE)), shas))
    study = add_study(bench.store, design).id
    open_study(bench.store, study, Manifest(design, tuple(exhibits)))
    list(simulate(bench, study, 12, seed=1, tie=0.2))
    (pair,) = results(answers_of(bench.store, study)).pairs
    wins = {pair.one: pair.wins, pair.other: pair.losses}
    return wins["wide"], wins["narrow"], pair.p


@pytest.mark.slow
def test_raters_find_the_attribute_that_varies_and_no_other(bench: Workbench):
    """The places are the same, picture by picture: there a coin decides. Who is shown what is drawn anew."""
    wide, narrow, p = asked(bench, "background")
    assert wide > 2 * narrow and p < 1e-4
    wide, narrow, p = asked(bench, "place")
    assert p > 1e-4


@pytest.mark.slow
def test_an_attribute_of_another_world_is_refused(bench: Workbench):
    with pytest.raises(InputError, match="no 'pose'"):
        asked(bench, "pose")
