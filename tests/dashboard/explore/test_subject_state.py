import pytest

from t2ialign.dashboard.explore.progress_view import sentence
from t2ialign.dashboard.explore.subject_state import watch
from t2ialign.dashboard.shared.batch_view import group_of
from t2ialign.dashboard.shared.contact_sheet import sheet
from t2ialign.dashboard.shared.links import Subject
from t2ialign.metrics import METRICS
from t2ialign.store import set_status
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.run import open_run
from tests.dashboard import fakes


@pytest.fixture
def run(services):
    return open_run(services.bench, [BatchRequest(Prompt("a ring"), "base", (0, 1, 2))])


def test_nothing_is_watched_at_first(services):
    assert watch(services, Subject()).status == "none"


def test_a_cell_is_done(services, config):
    batch = fakes.add_cell(services.store, Prompt("a ring"), config(), (0, 2))
    watched = watch(services, Subject(cell=batch.cell))
    assert watched.status == "done" and list(watched.batches[0].images) == [0, 2] and not watched.working


@pytest.mark.parametrize("subject", [Subject(run="nonsense"), Subject(cell="nonsense"), Subject(run="' OR 1=1 --")])
def test_what_is_not_there_is_one_sentence(services, subject: Subject):
    with pytest.raises(InputError):
        watch(services, subject)


def test_a_run_of_another_process_comes_from_the_store(services, config, run):
    fakes.add_cell(services.store, Prompt("a ring"), config(), (0, 1))
    set_status(services.store, run.id, "cancelled")
    watched = watch(services, Subject(run=run.id))
    assert watched.status == "cancelled" and list(watched.batches[0].images) == [0, 1]


def test_a_run_at_work_comes_from_the_engine(services, run):
    services.engine.submit(run.id, lambda cancelled: iter(()))
    services.engine.wait(run.id, 10)
    watched = watch(services, Subject(run=run.id))
    assert watched.status == "done" and watched.batches[0].request.seeds == (0, 1, 2)


def test_a_failure_is_told(services, run):
    def fail(cancelled):
        raise InputError("The weights are gone; fetch them.")

    services.engine.submit(run.id, fail)
    services.engine.wait(run.id, 10)
    watched = watch(services, Subject(run=run.id))
    assert (watched.status, watched.error) == ("failed", "The weights are gone; fetch them.")


def test_the_mark_moves_with_the_work(services, config, run):
    before = watch(services, Subject(run=run.id)).mark
    assert watch(services, Subject(run=run.id)).mark == before
    fakes.add_cell(services.store, Prompt("a ring"), config(), (0,))
    assert watch(services, Subject(run=run.id)).mark != before


def test_scores_that_came_without_their_pictures_are_shown(services, config, tmp_path):
    """The numbers are there; the places of the pictures are empty, and it is said that they can be drawn again."""
    batch = fakes.add_scores_alone(services.store, Prompt("a ring"), config(), (0, 1), tmp_path)
    watched = watch(services, Subject(cell=batch.cell))
    (state,) = watched.batches
    assert not state.images and "oracle_alignment" in state.scores
    group = group_of(state, services.palette(), METRICS["oracle_alignment"])
    assert (
        group.scores_alone
        and [tile.scores[0][1] for tile in group.tiles] == state.scores["oracle_alignment"].values.tolist()
    )
    assert "Generate on the Explore page draws them again" in sheet([group])
    said = "The scores of 2 pictures are here without the pictures: Generate draws them again."
    assert sentence(watched.state, watched.status, 0) == said
    fakes.add_cell(services.store, Prompt("a ring"), config(), (0, 1))
    drawn = watch(services, Subject(cell=batch.cell))
    assert list(drawn.batches[0].images) == [0, 1] and drawn.batches[0].scores.keys() == state.scores.keys()
    assert not group_of(drawn.batches[0], services.palette(), METRICS["oracle_alignment"]).scores_alone
