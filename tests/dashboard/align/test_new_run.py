from dataclasses import replace

import gradio as gr
import pytest

from t2ialign.dashboard.align import new_run, pair_preview
from t2ialign.dashboard.align.cost import TrainingCosts
from t2ialign.dashboard.align.fields import ASKED, all_fields
from t2ialign.dashboard.shared import paces
from t2ialign.dashboard.shared.paces import Paces
from t2ialign.store.jobs import job_of, list_jobs
from t2ialign.types import InputError
from t2ialign.use_cases.align.request import AlignRequest, controls
from tests.dashboard.trainings import add_training

OFFERED = [("annotator", "raters of every taste"), ("metric:clip_score", "the higher CLIP score wins")]


@pytest.fixture(autouse=True)
def _light(monkeypatch: pytest.MonkeyPatch):
    """No scorer is loaded to say which sources there are, and no model to say how fast it is."""
    monkeypatch.setattr(new_run, "sources", lambda bench, backbone, populations: iter(OFFERED))
    monkeypatch.setattr(new_run, "has_slope", lambda bench, entry, source: str(source) == "metric:clip_score")
    monkeypatch.setattr(TrainingCosts, "_pace", lambda self, found: 0.01)


def form(method: str = "f_dpo", **changes) -> tuple:
    """The form's values in their order, as the page sends them."""
    values = {"name": "mine", "parent": "base", "pairs": "style:minimal", "steps": 10, "seed": 0}
    values |= {one.name: one.default(True) for one in controls(method)} | changes
    return (method, *(values.get(name) for name in (*ASKED, *all_fields())))


def test_a_card_fills_the_form(services):
    updates = new_run.pick_card(services, {"method": "mi_tune"}, "base")
    assert updates["method"] == updates["name"] == "mi_tune"
    assert updates["steps"]["value"] == 150 and "300" in updates["steps"]["info"]
    assert updates["top_k"]["visible"] and not updates["beta"]["visible"]
    assert 'data-method="mi_tune" aria-pressed="true"' in updates["cards"]
    assert updates["pairs"]["value"] == ""


def test_what_a_method_that_draws_cannot_have_stands_where_its_cost_would(services):
    for method, changes, sentence in (
        ("d3po", {"diversity_weight": 1.0}, "lambda counts for nothing in D3PO here"),
        ("spo", {"step_aware": True}, "step-aware preference model"),
        ("spo", {"step_aware": True, "diversity_weight": 1.0, "abreast": 4}, "knows no lambda"),
    ):
        updates = new_run.price(services, TrainingCosts(Paces(services.bench)), *form(method, **changes))
        assert sentence in updates["cost"] and f"align {method}" in updates["command"]


def test_a_forged_card_changes_nothing(services):
    assert new_run.pick_card(services, {"method": "nonsense"}, "base") == {}
    assert new_run.pick_card(services, {"method": ["f_dpo"]}, "base") == {}


def test_sources_suit_the_backbone(services):
    offered = new_run.pick_method(services, "ipo", "base")["pairs"]
    assert offered["value"] == "annotator" and [name for _, name in offered["choices"]] == [
        "annotator",
        "metric:clip_score",
    ]


def test_a_method_that_follows_a_slope_is_offered_what_has_one(services):
    offered = new_run.pick_method(services, "draft", "base")["pairs"]
    assert [name for _, name in offered["choices"]] == ["metric:clip_score"]
    drawn = new_run.pick_method(services, "ddpo", "base")["pairs"]
    assert len(drawn["choices"]) == len(OFFERED)


def test_only_a_method_of_rounds_speaks_of_rounds(services):
    assert "round" in new_run.pick_method(services, "mi_tune", "base")["steps"]["info"]
    assert new_run.pick_method(services, "draft", "base")["steps"]["info"] == "Published: 50."


def test_the_parents_are_those_there_are_now(services):
    offered = new_run.refresh(services, "gone")["parent"]
    assert ("spo", "spo") in offered.choices and offered.value == "base"


def test_the_price_and_the_very_command(services):
    updates = new_run.price(services, TrainingCosts(Paces(services.bench)), *form(beta=2.0))
    assert updates["command"] == "python -m t2ialign align f_dpo --name mine --steps 10 --beta=2.0"
    assert "on this CPU" in updates["cost"] and "training" in updates["cost"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": "spo"}, "already"),
        ({"name": "../x"}, "needs a name"),
        ({"name": ""}, "needs a name"),
        ({"parent": "nonsense"}, "nonsense"),
        ({"beta": None}, "Beta is empty"),
        ({"pairs": "metric:"}, "after the colon"),
        ({"pairs": "parquet:/nowhere.parquet"}, "There is no Parquet file"),
        ({"pairs": f"parquet:{__file__}"}, "cannot be read as a Parquet file"),
        ({"prompts": "nonsense"}, "nonsense"),
    ],
)
def test_a_problem_is_said_before_anything_starts(services, changes: dict, complaint: str):
    said = new_run.price(services, TrainingCosts(Paces(services.bench)), *form(**changes))
    assert complaint in said["cost"]
    assert "command" in said  # the one of an earlier form would be copied for this one's
    with pytest.warns(UserWarning, match=complaint):
        assert new_run.train(services, *form(**changes)) == {}
    assert list_jobs(services.store) == []


def test_a_study_without_votes_starts_nothing(services):
    with pytest.warns(UserWarning, match="nobody"):
        assert new_run.train(services, *form(pairs="votes:nobody")) == {}
    assert list_jobs(services.store) == []


def test_train_submits_the_line_that_was_shown(services):
    line = new_run.price(services, TrainingCosts(Paces(services.bench)), *form(beta=2.0))["command"]
    updates = new_run.train(services, *form(beta=2.0))
    job = job_of(services.store, updates["job"])
    assert "python -m t2ialign " + " ".join(job.command) == line
    assert (job.title, job.kind, job.status, job.parent) == ("mine", "align", "queued", "")
    assert updates["fold"].open is False


def test_a_name_is_spoken_for_while_its_run_may_finish(services):
    new_run.train(services, *form())
    with pytest.warns(UserWarning, match="queued already"):
        assert new_run.train(services, *form()) == {}
    assert new_run.free_name(services, "mine") == "mine-2"


def test_a_run_from_a_trained_checkpoint_is_the_child_of_its_run(services):
    add_training(services.store, "align-1", steps=0, command=("align", "ipo", "--name", "spo"))
    job = new_run.train(services, *form(parent="spo"))["job"]
    assert job_of(services.store, job).parent == "align-1"


def test_pairs_are_shown_winner_first(services, monkeypatch: pytest.MonkeyPatch):
    import torch

    from t2ialign.types import PreferencePair, Prompt

    win, lose = (torch.full((3, 64, 64), value, dtype=torch.uint8) for value in (250, 5))
    pairs = [PreferencePair(Prompt("a <b>red</b> circle"), win, lose, "annotator")] * 3
    monkeypatch.setattr(pair_preview, "judge_of", lambda bench, plan: None)
    monkeypatch.setattr(pair_preview, "ready_pairs", lambda bench, plan, say: pairs)
    shown = new_run.look_at_source(services, *form())["source_preview"]
    assert shown.count('class="win"') == 3 and "a &lt;b&gt;red" in shown
    monkeypatch.setattr(pair_preview, "ready_pairs", lambda bench, plan, say: [])
    with pytest.warns(UserWarning, match="all ties"):
        updates = new_run.look_at_source(services, *form())
    assert updates["look"].interactive and "source_preview" not in updates


def test_what_a_run_would_leave_out_is_said_over_the_pairs(services, monkeypatch: pytest.MonkeyPatch):
    import torch

    from t2ialign.types import PreferencePair, Prompt

    picture = torch.zeros(3, 64, 64, dtype=torch.uint8)
    long, marked = Prompt("a red circle " * 20), Prompt("a (red:1.3) circle")
    ready = [PreferencePair(prompt, picture, picture, "x") for prompt in (long, marked, Prompt("a red circle"))]

    def some(bench, plan, say):
        say("2 of the rows have no preference.")
        return ready

    monkeypatch.setattr(pair_preview, "judge_of", lambda bench, plan: None)
    monkeypatch.setattr(pair_preview, "ready_pairs", some)
    monkeypatch.setattr(pair_preview, "unread_words", lambda folder, text: text[80:])  # no tokenizer is here
    shown = new_run.look_at_source(services, *form())["source_preview"]
    said = (
        "2 of the rows have no preference.",
        "1 of 3 examples have prompts that are longer",
        "1 of 3 examples have other",
    )
    assert [shown.count(note) for note in said] == [1, 1, 1] and "plain letters" in shown
    monkeypatch.setattr(pair_preview, "ready_pairs", lambda bench, plan, say: ready[2:])
    assert "examples" not in new_run.look_at_source(services, *form())["source_preview"]


def test_a_changed_parent_keeps_the_name(services):
    assert "name" not in new_run.change_parent(services, "f_dpo", "spo")
    assert new_run.change_parent(services, "", "spo") == {}


def test_costs_of_a_model_never_timed_need_it_to_be_free(services, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    monkeypatch.setattr(paces, "PATIENCE", 0.01)
    monkeypatch.setattr(type(services.bench), "backbone", lambda self, entry: None)
    costing = TrainingCosts(Paces(services.bench))
    with services.bench.sampling, pytest.raises(InputError, match="drawing pictures now"):
        costing.words(replace(AlignRequest("ipo", "x"), steps=5))
    with services.bench.sampling:
        said = new_run.price(services, costing, *form(beta=2.0))
    assert "drawing pictures now" in said["cost"] and said["command"].endswith("--beta=2.0")


def test_while_a_model_is_busy_its_last_timing_serves(services, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    timings = iter([0.25, 0.5])
    monkeypatch.setattr(paces, "evaluation_seconds", lambda backbone: next(timings))
    monkeypatch.setattr(paces, "PATIENCE", 0.01)
    monkeypatch.setattr(type(services.bench), "backbone", lambda self, entry: None)
    entry, known = services.bench.registry().backbones["shapes"], Paces(services.bench)
    assert known.of(entry) == 0.25
    assert known.of(entry) == 0.25  # remembered
    monkeypatch.setattr(paces, "FRESH", 0.0)
    with services.bench.sampling:
        assert known.of(entry) == 0.25
    assert known.of(entry) == 0.5


def test_look_says_that_it_draws():
    assert new_run.looking()["look"].interactive is False
    assert isinstance(new_run.looking()["look"], gr.Button)
