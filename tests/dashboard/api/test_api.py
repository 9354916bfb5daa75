"""The endpoints for programs, called as programs call them: gradio_client, plain HTTP, and by name in docs/api.md."""

from __future__ import annotations

import base64
import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client
from PIL import Image

from t2ialign import settings
from t2ialign.dashboard import build_dashboard, launch_options
from t2ialign.dashboard.api import pictures, sweeps
from t2ialign.dashboard.api.endpoint import NOT_YOURS, Call, answered
from t2ialign.dashboard.api.endpoints import ENDPOINTS
from t2ialign.dashboard.api.reference import lines
from t2ialign.dashboard.shared.visitors import TOKEN_HEADER, Visitor
from t2ialign.store import add_benchmark
from t2ialign.store.jobs import list_jobs
from t2ialign.tradeoff.benchmark_set import benchmark_set
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.sweeps.job import spec_of
from t2ialign.use_cases.sweeps.spec import SweepSpec
from tests.dashboard import fakes
from tests.dashboard.studies import PICK, opened

TOKEN = "a token of the owner's"
BY_NAME = {one.name: one for one in ENDPOINTS}
STRANGER = Visitor("", "1.2.3.4", owner=False)


@pytest.fixture
def api(services, monkeypatch):
    """The endpoints as functions: ``api(name, visitor, **values)``."""
    monkeypatch.setattr(pictures, "run_batches", fakes.fake_batches())

    def ask(name: str, visitor: Visitor | None = None, /, **values):
        return answered(BY_NAME[name], Call(services, visitor or Visitor()), values)

    return ask


@pytest.fixture
def address(services, monkeypatch) -> Iterator[str]:
    """The served page, with a token set."""
    monkeypatch.setattr(settings, "OWNER_TOKEN", TOKEN)
    monkeypatch.setattr(pictures, "run_batches", fakes.fake_batches())
    blocks = build_dashboard(services)
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options(services))
    yield address
    blocks.close(verbose=False)


def client(address: str, token: str = "") -> Client:
    headers = {TOKEN_HEADER: token} if token else {}
    return Client(address, verbose=False, analytics_enabled=False, headers=headers)


def png(size: tuple[int, int] = (32, 32), color: str = "red") -> str:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.slow
def test_a_program_draws_looks_and_reads_the_chart(services, address):
    """The examples of docs/api.md, as a stranger."""
    page = client(address)
    work = page.predict("a red circle", seeds="0-3", wait=30, api_name="/generate")
    assert work["status"] == "done" and work["ticket"]
    [batch] = work["batches"]
    assert [one["seed"] for one in batch["pictures"]] == [0, 1, 2, 3]
    file = urllib.request.urlopen(address + batch["pictures"][0]["address"], timeout=20).read()
    assert Image.open(io.BytesIO(file)).size == (64, 64)
    again = page.predict(work["id"], api_name="/work")
    assert again["batches"] == work["batches"] and not again["ticket"]
    add_benchmark(services.store, benchmark_set("one prompt", (Prompt("a red circle"),), (0, 1, 2, 3)))
    chart = page.predict(x="oracle_alignment", y="factor_diversity", api_name="/points")
    [point] = chart["points"]
    mean = next(one["mean"] for one in batch["scores"] if one["metric"] == "oracle_alignment")
    assert point["checkpoint"] == "base" and point["x"]["mean"] == pytest.approx(mean)
    assert {one["name"] for one in page.predict(api_name="/checkpoints")["checkpoints"]} >= {"base", "spo"}


@pytest.mark.slow
def test_the_owner_says_so_in_a_header(services, address):
    assert client(address, TOKEN).predict(api_name="/study")["studies"] == []
    with pytest.raises(Exception, match="not the owner's token"):
        client(address, "a guess").predict(api_name="/study")
    with pytest.raises(Exception, match="belongs to the owner"):
        client(address).predict(api_name="/study")


@pytest.mark.slow
def test_every_endpoint_is_typed_and_described(address):
    """What Gradio tells of itself holds the words and the types of every parameter."""
    told = json.loads(urllib.request.urlopen(f"{address}gradio_api/info", timeout=20).read())["named_endpoints"]
    for endpoint in ENDPOINTS:
        said = told[f"/{endpoint.name}"]
        assert endpoint.says in said["description"]
        assert [one["parameter_name"] for one in said["parameters"]] == [one.name for one in endpoint.parameters]
        for one, known in zip(said["parameters"], endpoint.parameters):
            assert one["type"] and known.says, (endpoint.name, known.name)
            assert one["parameter_has_default"] is not known.needed
        [answer] = said["returns"]
        assert answer["type"]["properties"]


@pytest.mark.slow
def test_plain_http_needs_no_client(address):
    """As docs/api.md shows it with curl."""
    body = json.dumps({"data": []}).encode()
    asking = urllib.request.Request(f"{address}gradio_api/run/checkpoints", body, {"Content-Type": "application/json"})
    [found] = json.loads(urllib.request.urlopen(asking, timeout=20).read())["data"]
    assert "base" in [one["name"] for one in found["checkpoints"]]


@pytest.mark.slow
def test_a_stranger_is_refused_by_everything_of_the_owners(services, api, monkeypatch):
    monkeypatch.setattr(settings, "OWNER_TOKEN", TOKEN)
    study = opened(services, PICK)
    asked = {
        "sweep": {},
        "align": {"method": "diffusion_dpo", "name": "mine"},
        "job": {"id": "x", "action": "discard"},
        "study": {"id": study.id},
    }
    assert set(asked) == {one.name for one in ENDPOINTS if one.access == "owner"}
    for name, values in asked.items():
        with pytest.raises(InputError, match="belongs to the owner"):
            api(name, STRANGER, **values)
    assert services.engine.unfinished() == () and list_jobs(services.store) == []
    assert api("study", id=study.id).answers == 0
    assert [one.id for one in api("study").studies] == [study.id]


def test_work_is_stopped_by_its_ticket_only(services, api, monkeypatch):
    monkeypatch.setattr(pictures, "run_batches", fakes.fake_batches(pause=0.2))
    work = api("generate", STRANGER, prompt="a ring", seeds="0-3")
    for ticket in ("", "a guess"):
        with pytest.raises(InputError, match="Only the ticket"):
            api("stop", STRANGER, id=work.id, ticket=ticket)
    api("stop", STRANGER, id=work.id, ticket=work.ticket)
    assert services.engine.wait(work.id, 20).status == "cancelled"
    services.engine.submit("study abc", lambda cancelled: iter(()))
    with pytest.raises(InputError, match="no run"):
        api("stop", id="study abc")


@pytest.mark.slow
def test_visitors_have_limits_and_hear_them(api, services):
    with pytest.raises(InputError, match="at most 64 seeds, not 65"):
        api("generate", STRANGER, prompt="a ring", seeds="0-64")
    with pytest.raises(InputError, match="at most 100 steps, not 101"):
        api("generate", STRANGER, prompt="a ring", steps=101)
    with pytest.raises(InputError, match="only the owner draws in other sizes"):
        api("generate", STRANGER, prompt="a ring", height=128)
    with pytest.raises(InputError, match="Send 1 to 64 pictures"):
        api("score", STRANGER, pictures=[png()] * 65)
    with pytest.raises(InputError, match="only the owner names scorers"):
        api("score", STRANGER, pictures=[png()], scorers=["clip-vit-b-32"])
    for _ in range(services.visits.limits.requests):
        try:
            api("jobs", STRANGER)
        except InputError as error:
            assert "may ask 120 times a minute: wait" in str(error)
            break
    else:
        pytest.fail("a hundred and twenty more were answered")
    assert api("jobs", Visitor("", "5.6.7.8", owner=False)).jobs == ()


def test_what_is_no_value_of_a_parameter_is_one_sentence(api):
    for values in ({"prompt": 5}, {"prompt": "a ring", "steps": "many"}, {"prompt": "a ring", "seeds": "x"}, {}):
        with pytest.raises(InputError):
            api("generate", **values)
    for picture in ("no base64!", base64.b64encode(b"no picture").decode()):
        with pytest.raises(InputError, match="Picture 1"):
            api("score", pictures=[picture])
    for size, why in (((4200, 4000), "more than 16,777,216 pixels"), ((4097, 20), "a side of more than 4,096 pixels")):
        with pytest.raises(InputError, match=f"Picture 1 .*{why}"):
            api("score", pictures=[png(size=size)])
    with pytest.raises(InputError, match="more than 100,000 letters"):
        api("points", checkpoints=["x" * 1000] * 100)  # and the parameter's own name
    with pytest.raises(InputError, match="An axis is"):
        api("grid", x="weather", x_values=["1"])
    with pytest.raises(InputError, match="no prompt set"):
        api("sweep", prompts="/etc/passwd")


def test_scores_of_pictures_from_anywhere(services, api):
    work = api("score", pictures=[png(color="red"), png(color="blue")], metrics=["rmse", "entropy_1d"])
    assert services.engine.wait(work.id, 60).status == "done"
    found = {one.metric: one.mean for one in api("work", id=work.id).scores}
    assert found["entropy_1d"] == 0.0  # a plain picture has one level
    assert found["rmse"] > 0


@pytest.mark.slow
def test_a_grid_is_found_again_by_what_it_is(stocked, api):
    asked = {"x": "guidance_scale", "x_values": ["1", "4"], "prompt": "a red circle"}
    work = api("grid", **asked)
    assert work.status == "done" and work.ticket == "" and [one.guidance_scale for one in work.batches] == [1, 4]
    assert repr(api("grid", **asked)) == repr(work), "what is too small for an interval has NaN for ends"
    with pytest.raises(InputError, match="no work called"):
        api("work", id="grid 123")
    paged = api("grid", **asked, z="steps", z_values=["25"])
    assert repr(paged) == repr(work), "one page of what is so anyway"
    with pytest.raises(InputError, match="Two axes are CFG"):
        api("grid", **asked, z="guidance_scale", z_values=["2"])
    with pytest.raises(InputError, match="The values 5, 25 are of nothing: say in x, y or z what changes"):
        api("grid", **asked, z_values=["5", "25"])


def test_a_training_run_is_queued_watched_and_discarded(services, api):
    made = api("align", method="diffusion_dpo", name="mine", pairs="metric:clip_score", steps=3, options=["beta=100"])
    assert made.status == "queued" and "--steps 3 --beta=100" in made.command
    assert [one.id for one in api("jobs").jobs] == [made.id]
    assert api("jobs", STRANGER).jobs[0].command == ""
    assert api("job", id=made.id, action="cancel").status == "cancelled"
    api("job", id=made.id, action="discard")
    assert api("jobs").jobs == ()
    assert NOT_YOURS not in made.message


def test_a_sweep_is_the_job_of_the_page_and_is_found_again(services, api):
    asked = {"sample": 2, "guidance_scales": [1, 4], "seeds": "own:2", "weights": [0.5], "height": 128, "width": 64}
    made = api("sweep", **asked)
    [job] = list_jobs(services.store)
    spec = spec_of(job)
    assert (made.id, made.status, job.kind) == (job.id, "queued", "sweep")
    assert (spec.prompts.sample, spec.weights, spec.height, spec.width) == (2, (0.5,), 128, 64)
    assert api("sweep", **asked).id == job.id and len(list_jobs(services.store)) == 1
    other = api("sweep", **(asked | {"seeds": "own:4"}))
    assert other.id != made.id and other.ahead == 1
    with pytest.raises(InputError, match="belongs to the owner"):
        api("work", STRANGER, id=made.id)
    assert api("stop", id=made.id).status == "cancelled"
    assert api("stop", id=made.id).status == "cancelled", "what has ended stays as it is"
    assert api("sweep", **asked).status == "queued", "asked for again it goes on"
    with pytest.raises(InputError, match="no job"):
        api("work", id="sweep-nothing")
    with pytest.raises(InputError, match="number of steps"):
        api("sweep", steps=0)


@pytest.mark.slow
def test_the_queue_is_said_with_its_time(services, api, monkeypatch):
    monkeypatch.setattr(pictures, "run_batches", fakes.fake_batches(pause=0.3))
    first = api("generate", prompt="a ring", seeds="0-3")
    second = api("generate", prompt="a star", seeds="0-3")
    while services.engine.look(first.id).record is None or not services.engine.look(first.id).record.fraction:
        pass
    found = api("work", id=second.id)
    assert (found.status, found.ahead) == ("queued", 1)
    running = services.engine.look(first.id).record
    assert found.begins_in is None or found.begins_in >= running.remaining - 1
    for one in (second, first):
        services.engine.cancel(one.id)


@pytest.mark.slow
def test_metrics_are_what_prometheus_reads(services, address):
    from prometheus_client.parser import text_string_to_metric_families

    text = urllib.request.urlopen(f"{address}metrics", timeout=20).read().decode()
    found = {sample.name: sample.value for family in text_string_to_metric_families(text) for sample in family.samples}
    assert found["t2ialign_up"] == 1 and found["t2ialign_queue_runs"] == 0
    assert found["t2ialign_memory_bytes"] > 10**7
    services.store.close()
    text = urllib.request.urlopen(f"{address}metrics", timeout=20).read().decode()
    assert "t2ialign_up 0.0" in text


def test_the_document_lists_every_endpoint_as_it_is():
    """docs/api.md is made by `t2ialign api`; another parameter or answer is a change of what was promised."""
    text = (Path(__file__).parents[3] / "docs/api.md").read_text(encoding="utf-8")
    assert text.endswith("\n".join(lines()).rstrip() + "\n")
    for address in ("/gradio_api/run/checkpoints", "/gradio_api/mcp/", "/healthz", "/metrics", TOKEN_HEADER.title()):
        assert address.lower() in text.lower(), address


def test_what_nobody_says_is_as_the_checkpoints_are_drawn_and_a_note_says_where_they_differ(
    api, services, monkeypatch
) -> None:
    fakes.with_numbers(monkeypatch, "spo", steps=4, guidance_scale=1.0, scheduler="lcm")
    asked: list[tuple[BatchRequest, ...]] = []
    real = pictures.open_run
    monkeypatch.setattr(
        pictures, "open_run", lambda bench, requests: (asked.append(requests), real(bench, requests))[1]
    )

    def drawn(request: BatchRequest) -> tuple:
        return request.num_inference_steps, request.guidance_scale, request.scheduler, request.guidance

    for said, expected in (
        ({"checkpoints": ["spo"]}, (4, 1.0, "lcm", "cfg")),
        ({"checkpoints": ["spo"], "steps": 6, "guidance_scale": 2.0}, (6, 2.0, "lcm", "cfg")),
        ({"checkpoints": ["spo"], "scheduler": "ddim", "guidance": "apg"}, (4, 1.0, "ddim", "apg")),
        ({}, (25, 4.0, "ddim", "cfg")),
        ({"checkpoints": ["base", "spo"]}, (25, 4.0, "ddim", "cfg")),
    ):
        api("generate", prompt="a red circle", seeds="0-3", **said)
        assert {drawn(request) for request in asked[-1]} == {expected}, said
    assert all("spo: 4 steps of lcm at CFG 1" in request.notes[0] for request in asked[-1])
    assert not any(request.notes for requests in asked[:-1] for request in requests)
    call, notes = Call(services, Visitor()), []
    spec = sweeps._spec(call, sweeps.AskSweep(checkpoints=("spo",)), notes)
    assert (spec.num_inference_steps, spec.scheduler, spec.guidance_scales) == (4, "lcm", (1.0,)) and not notes
    assert sweeps._spec(call, sweeps.AskSweep(), notes) == SweepSpec() and not notes
    sweeps._spec(call, sweeps.AskSweep(checkpoints=("base", "spo"), guidance_scales=(1.0,)), notes)
    assert len(notes) == 1 and "usually drawn with different numbers" in notes[0]
    request = pictures._begun(call, pictures.AskGrid("scheduler", ("ddim",), checkpoint="spo"), ["spo"], ["scheduler"])
    assert drawn(request) == (4, 1.0, "lcm", "cfg") and not request.notes
