import json
from dataclasses import replace

import pytest
import torch

from t2ialign.dashboard.align import runs
from t2ialign.dashboard.align.job_state import Watch
from t2ialign.dashboard.align.job_view import history, result, sentence, verdict
from t2ialign.dashboard.align.new_run import warned
from t2ialign.dashboard.shared.owner import owned
from t2ialign.job_record import JobProgress
from t2ialign.metrics import DEFAULT, METRICS
from t2ialign.registry import load_registry
from t2ialign.store import add_benchmark, images
from t2ialign.store.jobs import job_of, list_jobs, update_job
from t2ialign.tradeoff.benchmark_set import benchmark_set
from t2ialign.types import Interval, Prompt, cell_key
from t2ialign.use_cases.align.manifest import BeforeAfter, Difference, MetricChange, WinRate
from tests.dashboard import fakes
from tests.dashboard.trainings import COMMAND, add_records, add_training, train_step


@pytest.fixture
def watch(services) -> Watch:
    return Watch(services)


def probe(home, step: int) -> dict:
    picture = torch.full((3, 64, 64), step % 256, dtype=torch.uint8)
    sha = images.write(home, images.encode(picture))
    interval = {"mean": 0.5 + step / 1000, "lo": 0.4, "hi": 0.9}
    pictures = [{"prompt": prompt, "seed": seed, "sha": sha} for prompt in ("a ring", "a star") for seed in (0, 1)]
    return {"step": step, "alignment_metric": "oracle_alignment", "diversity_metric": "factor_diversity",
            "alignment": interval, "diversity": interval, "reward": None, "pictures": pictures}  # fmt: skip


def finished(services, name: str = "dpo_js", metrics: dict | None = None) -> None:
    """A checkpoint with its manifest and a scored cell, as a run leaves them."""
    interval = {"mean": 0.5, "lo": 0.4, "hi": 0.6}
    gap = {"mean": 0.1, "lo": 0.05, "hi": 0.15}
    loss = {**gap, "mean": -0.1, "lo": -0.2, "hi": -0.05}
    scores = {"prompts": 10, "seeds": 4, "win_rate": {"by": "annotator", "mean": 0.64, "lo": 0.58, "hi": 0.7},
              "metrics": {"oracle_alignment": {"before": interval, "after": interval, "difference": gap},
                          "factor_diversity": {"before": interval, "after": interval, "difference": loss}}}  # fmt: skip
    scores["metrics"] = metrics or scores["metrics"]
    folder = services.bench.home / "checkpoints" / name
    folder.mkdir(parents=True)
    (folder / "pytorch_lora_weights.safetensors").write_bytes(b"weights")
    (folder / "manifest.json").write_text(json.dumps({"kind": "lora", "backbone": "shapes", "scores": scores}))


@pytest.mark.slow
def test_a_running_job_is_drawn_once_until_something_moves(services, watch):
    add_training(services.store, "align-1", steps=12, status="paused")
    updates = runs.open_job(watch, "align-1", "light")
    assert updates["view"].visible and updates["resume"].visible and not updates["stop"].visible
    assert len(updates["loss"].data[0].x) == 12 and updates["bands"].data
    seen, measured, listed = updates["seen"], updates["measured"], updates["listed"]
    assert runs.tick(watch, "align-1", "light", seen, measured, listed) == {}
    add_records(services.store, "align-1", "train_steps", [{"step": 13, "loss": 0.5, "accuracy": 1.0}])
    moved = runs.tick(watch, "align-1", "light", seen, measured, listed)
    assert len(moved["loss"].data[0].x) == 13 and "history" not in moved


@pytest.mark.slow
def test_another_theme_is_drawn_anew(services, watch):
    add_training(services.store, "align-1", steps=3)
    updates = runs.open_job(watch, "align-1", "light")
    again = runs.tick(watch, "align-1", "dark", updates["seen"], updates["measured"], updates["listed"])
    assert again["loss"].layout.font.color != updates["loss"].layout.font.color


def test_samples_begin_at_step_0(services, watch):
    add_training(services.store, "align-1", steps=3)
    add_records(services.store, "align-1", "probes", [probe(services.store.home, step) for step in (0, 50)])
    updates = runs.open_job(watch, "align-1", "light")
    assert updates["samples"].count("<img") == 8 and updates["samples"].index("before") < updates["samples"].index(
        "step 50"
    )
    assert list(updates["alignment"].data[-1].x) == [0, 50] and "Oracle alignment" in updates["alignment_title"]


@pytest.mark.slow
def test_the_fixed_batch_shows_its_change_where_each_prompt_is_known(services, watch):
    add_training(services.store, "align-1", steps=3)
    records = [probe(services.store.home, step) for step in (0, 50)]
    for record, better in zip(records, (0.0, 0.1)):
        record["by_prompt"] = [
            {"prompt": name, "alignment": level + better, "diversity": 0.5}
            for name, level in (("a ring", 0.2), ("a star", 0.8))
        ]
    add_records(services.store, "align-1", "probes", records)
    updates = runs.open_job(watch, "align-1", "light")
    assert list(updates["alignment"].data[-1].y) == pytest.approx([0.0, 0.1])
    assert "change since the start" in updates["alignment_title"] and list(updates["diversity"].data[-1].y) == [
        0.0,
        0.0,
    ]


def test_a_run_that_draws_shows_reward_kl_and_diversity(services, watch):
    drawn = [{"step": step, "loss": 0.1, "accuracy": 1.0, "reward": step / 10, "kl": step / 100, "diversity": 1 / step}
             for step in (1, 2, 3)]  # fmt: skip
    add_training(services.store, "align-1", steps=0, status="paused", command=("align", "grpo", "--name", "drawn"))
    add_records(services.store, "align-1", "train_steps", drawn)
    updates = runs.open_job(watch, "align-1", "light")
    for plot, name in (("drawn_reward", "reward"), ("drawn_kl", "kl"), ("drawn_diversity", "diversity")):
        assert list(updates[plot].data[0].x) == [1, 2, 3]
        assert list(updates[plot].data[0].y) == pytest.approx([record[name] for record in drawn])
        assert updates[f"{plot}_box"].visible
    assert not any(updates[f"{name}_box"].visible for name in ("accuracy", "bands"))
    add_training(services.store, "align-2", steps=3, status="paused")
    paired = runs.open_job(watch, "align-2", "light")
    assert paired["accuracy_box"].visible and not paired["drawn_reward_box"].visible and not paired["drawn_reward"].data


def test_the_strip_of_a_long_run_goes_from_its_beginning_to_its_end():
    assert runs.evenly(range(4), 8) == [0, 1, 2, 3]
    chosen = runs.evenly(range(25), 8)
    assert len(set(chosen)) == 8 and (chosen[0], chosen[-1]) == (0, 24)


def test_a_lost_sample_leaves_its_place(services, watch):
    add_training(services.store, "align-1", steps=0)
    record = probe(services.store.home, 0)
    record["pictures"][0]["sha"] = "0" * 64
    add_records(services.store, "align-1", "probes", [record])
    assert runs.open_job(watch, "align-1", "light")["samples"].count("<i></i>") == 1


@pytest.mark.slow
def test_a_finished_run_shows_its_point_and_ways_on(services, watch, config):
    fakes.add_cell(services.store, Prompt("a red circle"), config("base"))
    add_training(services.store, "align-1", steps=3)
    finished(services)
    fakes.add_cell(services.store, Prompt("a red circle"), config("dpo_js"))
    add_benchmark(services.store, benchmark_set("one prompt", [Prompt("a red circle")], (0, 1, 2, 3)))
    updates = runs.open_job(watch, "align-1", "light")
    assert "64%" in updates["result"] and "?cell=" in updates["result"] and "?tab=tradeoff" in updates["result"]
    assert updates["point_box"].visible and {"base", "dpo_js"} <= {line.name for line in updates["point"].data}
    assert "can be chosen everywhere" in updates["status"]


def test_gains_and_losses_are_named_only_where_they_are_sure(services, watch):
    add_training(services.store, "align-1", steps=3)
    finished(services)
    drawn = result(watch.look("align-1"), "")
    assert drawn.count('class="better"') == 1 and drawn.count('class="worse"') == 1  # alignment up, diversity down
    (services.bench.home / "checkpoints" / "dpo_js" / "manifest.json").unlink()
    assert result(watch.look("align-1"), "") == "" and "no longer here" in sentence(watch.look("align-1"))


def scores_of(rate: WinRate | None, gap: tuple[float, float, float] | None = None) -> BeforeAfter:
    sides = Interval(2.0, 1.9, 2.1), Interval(1.8, 1.7, 1.9)
    change = MetricChange(*sides, Difference(*gap)) if gap else None
    return BeforeAfter(24, 8, 4.0, 25, {"factor_diversity": change} if change else {}, rate)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (
            scores_of(WinRate("style:minimal", 0.77, 0.71, 0.83), (-0.2, -0.3, -0.1)),
            "A clear gain: 77 % (71 to 83) of its pictures are preferred, "
            "at the price of 10 % (5 to 15) less Factor diversity.",
        ),
        (
            scores_of(WinRate("x", 0.52, 0.49, 0.56), (0.1, -0.3, 0.5)),
            "No clear gain and no clear loss: 52 % (49 to 56) of its pictures are preferred, "
            "Factor diversity not clearly changed.",
        ),
        (
            scores_of(WinRate("x", 0.4, 0.3, 0.45), (0.2, 0.1, 0.3)),
            "A clear loss: 40 % (30 to 45) of its pictures are preferred, and 10 % (5 to 15) more varied by Factor diversity.",
        ),
        (scores_of(WinRate("x", 0.6)), "60 % of its pictures are preferred, on too few prompts to say more."),
        (scores_of(None), ""),
    ],
)
def test_a_run_ends_with_a_verdict_that_its_intervals_allow(scores: BeforeAfter, said: str):
    assert verdict(scores) == said


def test_a_manifest_that_cannot_be_read_is_said(services, watch):
    add_training(services.store, "align-1", steps=3)
    finished(services, metrics={"lpips": 3})
    watched = watch.look("align-1")
    assert result(watched, "") == "" and "'scores.metrics.lpips' is a table" in sentence(watched)


@pytest.mark.parametrize("backbone", load_registry().backbones.values(), ids=lambda entry: entry.name)
def test_a_result_is_drawn_for_every_backbone(services, watch, backbone):
    """By the metrics that a run is scored by there; effective numbers (U-RKE) have no difference prompt by prompt."""
    truth = {"oracle_alignment", "oracle_exact", "taste", "factor_diversity"}
    scored = [name for name in DEFAULT if name not in truth or "oracle-shapes" in backbone.scorers]
    sides = {"before": {"mean": 2.0, "lo": 1.5, "hi": 2.5}, "after": {"mean": 3.0, "lo": 2.5, "hi": 3.5}}
    gap = {"difference": {"mean": 1.0, "lo": 0.5, "hi": 1.5}}
    metrics = {name: sides if METRICS[name].finish else {**sides, **gap} for name in scored}
    add_training(services.store, "align-1", steps=3)
    finished(services, metrics=metrics)
    drawn = runs.open_job(watch, "align-1", "light")["result"]
    effective = "oracle-shapes" not in backbone.scorers  # the truth comes first
    assert drawn.count("<tr>") == 1 + 4 and (METRICS["u_rke"].title in drawn) == effective
    assert drawn.count('class="unsure">+1 ') == effective


@pytest.mark.parametrize(
    ("status", "progress", "words"),
    [
        ("queued", JobProgress(), "Starting"),
        ("paused", JobProgress(step=3), "Stopped at step 3 of 150"),
        ("failed", JobProgress(), "The disk is full."),
        ("interrupted", JobProgress(), "Resume goes on"),
        ("cancelled", JobProgress(), "Cancelled"),
    ],
)
def test_every_state_has_its_sentence(services, watch, status: str, progress: JobProgress, words: str):
    job = add_training(services.store, "align-1", steps=3, status=status)
    update_job(services.store, replace(job, progress=progress, message="The disk is full."))
    assert words in sentence(watch.look("align-1"))


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        ("pictures", "1 of 3, drawing pictures to learn from: 40 of 384 pictures, about 30 s left in all."),
        ("training", "2 of 3, training: step 3 of 150, about 30 s left in all."),
        ("saving", "2 of 3, saving the checkpoint."),
    ],
)
def test_a_running_job_says_how_far_it_is(services, watch, phase: str, words: str):
    add_training(services.store, "align-1", steps=3, status="done")
    watched = watch.look("align-1")
    drawn = (40, 384) if phase == "pictures" else (0, 0)
    running = replace(watched.job, status="running", progress=JobProgress(phase, 0.5, 30.0, 3, pictures=drawn))
    assert sentence(replace(watched, job=running)) == words
    assert sentence(replace(watched, job=replace(running, asked="pause"))) == "Stopping after this step."


def test_jobs_wait_for_those_before_them(services, watch):
    first = services.supervisor.submit(COMMAND, "one", "align")
    second = services.supervisor.submit(COMMAND, "two", "align")
    assert watch.look(first).ahead == 0 and watch.look(second).ahead == 1
    assert "1 run before it" in sentence(watch.look(second))


def test_stop_resume_discard(services, watch):
    job = services.supervisor.submit(COMMAND, "one", "align")
    runs.stop(watch, job)
    assert job_of(services.store, job).status == "paused"
    assert runs.resume(watch, job)["timer"].value == runs.POLL_SECONDS
    assert job_of(services.store, job).status == "queued"
    updates = runs.discard(watch, job)
    assert updates["job"] == "" and not updates["view"].visible and list_jobs(services.store) == []


def test_what_cannot_be_done_is_a_warning(services, watch):
    add_training(services.store, "align-1", steps=3)
    with pytest.warns(UserWarning, match="cannot be resumed"):
        assert runs.resume(watch, "align-1") == {}


def test_only_the_owner_may_stop(services, watch, monkeypatch):
    monkeypatch.setattr("t2ialign.settings.OWNER_TOKEN", "secret")
    job = services.supervisor.submit(COMMAND, "one", "align")
    guarded = owned(lambda name: runs.stop(watch, name), warned)
    with pytest.warns(UserWarning, match="owner"):
        assert guarded("", job) == {}
    assert job_of(services.store, job).status == "queued"
    guarded("secret", job)
    assert job_of(services.store, job).status == "paused"


def test_the_list_shows_children_under_their_parents(services, watch):
    add_training(services.store, "align-1", steps=0, command=("align", "ipo", "--name", "first"))
    add_training(services.store, "align-2", steps=0, command=("align", "ipo", "--name", "other"), status="failed")
    add_training(services.store, "align-3", steps=0, command=("align", "ipo", "--name", "child"), parent="align-1")
    rows = runs.draw_history(watch, "align-3")
    assert rows.index("other") < rows.index("first") < rows.index("child")
    assert 'data-job="align-3" style="--depth:1" aria-pressed="true"' in rows
    assert "No training run yet" in history((), {}, "")


def test_a_link_opens_a_run(services, watch):
    add_training(services.store, "align-1", steps=3)
    assert runs.open_page(watch, {"query": "?tab=align&job=align-1"})["job"] == "align-1"
    assert runs.open_page(watch, {"query": "?run=x"}) == {}
    with pytest.warns(UserWarning, match="no job"):
        assert runs.open_page(watch, {"query": "?job=gone"}) == {}
    assert runs.job_in("?job=" + "x" * 9999) == ""


def test_a_run_that_is_gone_closes_its_view(services, watch):
    updates = runs.tick(watch, "gone", "light", "seen", "", "")
    assert updates["job"] == "" and not updates["view"].visible
    assert runs.choose_job({"job": 3}) == {} and runs.choose_job({"job": "align-1"}) == {"job": "align-1"}


def test_what_people_wrote_is_escaped(services, watch):
    add_training(services.store, "align-1", steps=3, command=("align", "ipo", "--name", "<script>"), status="failed")
    drawn = runs.open_job(watch, "align-1", "light")
    assert "<script>" not in drawn["status"] + drawn["history"]


def test_steps_are_read_once(services, watch, monkeypatch):
    add_training(services.store, "align-1", steps=5)
    watch.look("align-1")
    asked = []
    monkeypatch.setattr(
        "t2ialign.dashboard.align.job_state.steps_of", lambda store, job, after: asked.append(after) or []
    )
    assert len(watch.look("align-1").steps) == 5 and asked == [5]
    assert not any(watch.look("align-1").steps[0].log_ratios) and any(train_step(1).log_ratios)


@pytest.mark.slow
def test_trying_a_child_shows_it_beside_its_parent(services, config):
    prompt = Prompt("a red circle")
    for name, scale in (("base", 2), ("base", 4), ("spo", 4)):
        fakes.add_cell(services.store, prompt, config(name, scale))
    cells = [cell_key(config(name, 4), prompt) for name in ("base", "spo")]
    assert runs.pair_of(services, "spo", "base") == ",".join(cells)
    assert runs.pair_of(services, "spo", "mi-tune") == cells[1] and runs.pair_of(services, "mi-tune", "base") == ""


def test_one_looks_often_only_while_something_trains(services, watch):
    assert runs.look_again(watch)["timer"].value == runs.IDLE_SECONDS
    add_training(services.store, "align-1", steps=3, status="done")
    assert runs.tick(watch, "", "light", "", "", "")["timer"].value == runs.IDLE_SECONDS
    services.supervisor.submit(COMMAND, "one", "align")
    assert runs.open_job(watch, "align-1", "light")["timer"].value == runs.POLL_SECONDS


def test_the_pulse_changes_with_whatever_is_on_show(services, watch):
    add_training(services.store, "align-1", steps=3, status="paused")
    felt = runs.pulse(watch, "align-1", "light", "")["pulse"]
    assert runs.pulse(watch, "align-1", "light", felt) == {}
    job = watch.look("align-1").job
    update_job(services.store, replace(job, progress=JobProgress("training", 0.9, step=3)))
    assert runs.pulse(watch, "align-1", "light", felt)["pulse"] != felt
    assert runs.pulse(watch, "gone", "light", "")["pulse"]
