"""A store with a small study that some have answered."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from t2ialign.store import Store, open_store
from t2ialign.store.votes import begin_survey, record_answer
from t2ialign.study.answers import Answer
from tests.store.studying import opened_study


@dataclass(frozen=True)
class Answered:
    """An open study with the answers of three surveys."""

    store: Store
    study: str


@pytest.fixture(scope="session")
def answered_home(tmp_path_factory: pytest.TempPathFactory, new_store: Path) -> tuple[Path, str]:
    """The folder of a store with such a study, and the study's id."""
    home = shutil.copytree(new_store, tmp_path_factory.mktemp("answered") / "home")
    with open_store(home) as store:
        study = opened_study(store).id
        for number in range(3):
            survey = begin_survey(store, study, "xy"[number % 2]).survey
            for place, trial in enumerate(survey.trials):
                chosen = () if place == 2 else (place % 3,)
                record_answer(store, study, survey.id, trial.id, Answer(chosen), 1000 + place)
    return home, study


@pytest.fixture
def answered(tmp_path: Path, answered_home: tuple[Path, str]) -> Iterator[Answered]:
    home, study = answered_home
    with open_store(shutil.copytree(home, tmp_path / "home")) as store:
        yield Answered(store, study)
