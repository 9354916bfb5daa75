"""Where a token is set, nothing of the owner's answers a raw request: every endpoint of the whole page is looked at."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from t2ialign import settings
from t2ialign.dashboard import build_dashboard, launch_options
from t2ialign.dashboard.api import pictures
from t2ialign.dashboard.api.endpoint import NOT_YOURS
from t2ialign.dashboard.api.endpoints import ENDPOINTS
from t2ialign.dashboard.explore import handlers
from t2ialign.dashboard.rate.handlers import look
from t2ialign.dashboard.rate.routes import QUESTIONS
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.headers import HEADERS
from t2ialign.dashboard.shared.owner_lock import KEY
from t2ialign.store import list_runs, open_store
from t2ialign.store.jobs import list_jobs
from t2ialign.store.studies import list_studies, study_log
from t2ialign.types import InputError
from t2ialign.use_cases.shipped import ShippedReading
from tests.dashboard import fakes
from tests.dashboard.studies import PICK, draft, opened

TOKEN = "a token of the owner's"
# Everybody may look, generate pictures, and say what they like; whatever else there is asks for the key.
PUBLIC = {
    *(
        "compare",
        "repaint",
        "pick_example",
        "show_examples",
        "follow_checkpoints",
        "follow_choice",
        "offer_sets",
        "choose_guidance",
        "usual_of",
        "restore",
    ),  # Explore
    *("change_axis", "price", "reorder", "turn"),  # Grid
    *("show", "draw", "explain", "click_point", "choose_prompt", "compare_runs", "show_audit"),  # Trade-off
    *("draw_more", "arrive_more", "follow_more", "close_more", "open_mark"),  # Trade-off: the charts beside it
    *("refresh", "looking"),  # Align: the form
    *("choose_job", "open_job", "_confirming", "pulse", "look_again"),  # Align: watching a run
    *("arrive", "draw_theory", "follow_run", "offer_checkpoints"),  # Theory and Explore
    *("open_page", "tick", "look_at_reading"),
    "open_arenas",  # Study: where anybody may vote
    "open_sweep",  # Sweep: another one is to be shown; all else there asks for the key
}
# For everybody, as far as the limits for strangers go: these look at the key to know whom they apply to.
LIMITED = {"open_explore", "generate", "cancel", "make", "stop", "unlock", "vote", "take_away"}
# These show or hide things by the key, and hold nothing else.
HARMLESS = {
    "opened",
    "_shown",
    "_shown_sweeps",
    "offer_to",
    "offer_set",
    "unlisted_checkpoints",
    "unlisted_sets",
    "opened_own",
}


@dataclass(frozen=True)
class Page:
    """The served page."""

    address: str
    blocks: gr.Blocks

    def handlers(self) -> dict[int, Any]:
        """The private events that run something on the server."""
        return {index: fn for index, fn in self.blocks.fns.items() if fn.fn and fn.api_visibility == "private"}

    def post(self, index: int, data: list, session: str) -> str:
        """What the queue answers to a raw request, as text."""
        body = json.dumps({"fn_index": index, "data": data, "session_hash": session}).encode()
        kind = {"Content-Type": "application/json"}
        joining = urllib.request.Request(f"{self.address}gradio_api/queue/join", body, kind)
        urllib.request.urlopen(joining, timeout=20).read()
        told = []
        with urllib.request.urlopen(
            f"{self.address}gradio_api/queue/data?session_hash={session}", timeout=60
        ) as stream:
            for line in stream:
                told.append(line.decode())
                if "process_completed" in told[-1] or "close_stream" in told[-1]:
                    break
        return "".join(told)

    def call(self, name: str, data: list) -> str:
        """What a named endpoint answers to a raw request, as text."""
        body = json.dumps({"data": data}).encode()
        kind = {"Content-Type": "application/json"}
        try:
            asking = urllib.request.Request(f"{self.address}gradio_api/run{name}", body, kind)
            return urllib.request.urlopen(asking, timeout=60).read().decode()
        except urllib.error.HTTPError as error:
            return error.read().decode()


@contextmanager
def served(services: Services) -> Iterator[Page]:
    """The whole page, served."""
    reading = ShippedReading(files=2)
    blocks = build_dashboard(replace(services, shipped=reading))
    reading.taken = reading.files
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options(services))
    yield Page(address, blocks)
    blocks.close(verbose=False)


@pytest.fixture(scope="module")
def shared(tmp_path_factory, new_store, registry) -> Iterator[Services]:
    """Services for all tests that only ask: they leave studies behind, and use up nothing that others count on."""
    with pytest.MonkeyPatch.context() as patched, open_store(copied(new_store, tmp_path_factory)) as store:
        patched.setattr(settings, "CHECKPOINTS", registry)
        patched.setattr(settings, "OWNER_TOKEN", TOKEN)
        for module in (handlers, pictures):
            patched.setattr(module, "run_batches", fakes.fake_batches())
        yield fakes.services_of(store)


def copied(home: Path, factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(home, factory.mktemp("shared") / "home")


@pytest.fixture(scope="module")
def page(shared) -> Iterator[Page]:
    with served(shared) as page:
        yield page


@pytest.fixture
def own_page(services, monkeypatch) -> Iterator[Page]:
    """A page of one test's own, where it counts what a stranger may still do."""
    monkeypatch.setattr(settings, "OWNER_TOKEN", TOKEN)
    monkeypatch.setattr(pictures, "run_batches", fakes.fake_batches())
    with served(services) as page:
        yield page


def needs_key(fn: Any) -> bool:
    return any(getattr(one, "elem_id", None) == KEY for one in fn.inputs)


def forged(fn: Any) -> list:
    """Values that the components take as they are; where the key stands, a stranger's guess."""
    return [TOKEN[:5] if isinstance(one, gr.State) else _value(one) for one in fn.inputs]


def _value(component: Any) -> Any:
    if isinstance(component, gr.Dropdown) and not component.choices:
        return [] if component.multiselect else None
    value = component.value
    return value if isinstance(value, (str, int, float, bool, list)) else None


@pytest.mark.slow
def test_every_handler_asks_for_the_key_or_is_known_to_be_for_everybody(page):
    strangers = {fn.name for fn in page.handlers().values() if not needs_key(fn)}
    assert strangers == PUBLIC
    watching = [fn for fn in page.handlers().values() if fn.name in ("tick", "open_page")]
    assert all(not any(one.elem_id == "t2-study" for one in fn.inputs) for fn in watching if not needs_key(fn))
    api = {fn.name for fn in page.blocks.fns.values() if fn.fn and fn.api_visibility == "public"}
    assert api == {"rate_look", "rate_join", "rate_survey", "rate_answer", "rate_withdraw"} | {
        one.name for one in ENDPOINTS
    }


@pytest.mark.slow
def test_every_endpoint_of_the_owners_refuses_a_stranger(shared, page):
    """All named endpoints as the app itself lists them, called raw with what they take for granted; rating has its own test."""
    study = opened(shared, PICK)
    before = (study_log(shared.store, study.id), list_jobs(shared.store))
    told = json.loads(urllib.request.urlopen(f"{page.address}gradio_api/info", timeout=20).read())["named_endpoints"]
    owned = {f"/{one.name}" for one in ENDPOINTS if one.access == "owner"}
    assert owned < set(told)
    for name, said in told.items():
        if name.startswith("/rate_"):
            continue
        usual = [
            one.get("parameter_default", [] if one["type"].get("type") == "array" else "x")
            for one in said["parameters"]
        ]
        answer = page.call(name, usual)
        assert (NOT_YOURS[:30] in answer) is (name in owned), (name, answer)
        assert PICK.title not in answer and study.hash not in answer and TOKEN not in answer, name
    assert (study_log(shared.store, study.id), list_jobs(shared.store)) == before


@pytest.mark.slow
def test_every_handler_of_the_owners_refuses_a_stranger(shared, page):
    study = opened(shared, PICK)
    before = (study_log(shared.store, study.id), list_studies(shared.store), list_jobs(shared.store))
    mine = {index: fn for index, fn in page.handlers().items() if needs_key(fn) and fn.name not in HARMLESS | LIMITED}
    assert len(mine) > 35
    for index, fn in mine.items():
        answer = page.post(index, forged(fn), uuid.uuid4().hex)
        assert owner.REFUSAL[:30] in answer, (fn.name, answer[-400:])
        assert PICK.title not in answer and "secret-method" not in answer and study.hash not in answer, fn.name
    assert (study_log(shared.store, study.id), list_studies(shared.store), list_jobs(shared.store)) == before


@pytest.mark.slow
def test_what_only_shows_and_hides_tells_a_stranger_nothing(shared, page):
    study = opened(shared, PICK)
    for index, fn in page.handlers().items():
        if fn.name in HARMLESS:
            answer = page.post(index, forged(fn), uuid.uuid4().hex)
            assert PICK.title not in answer and study.id not in answer
            assert '"visible":true' not in answer or fn.name == "opened"


@pytest.mark.slow
def test_the_page_as_it_is_sent_holds_nothing_of_a_study(shared, page):
    opened(shared, PICK)
    told = urllib.request.urlopen(f"{page.address}config", timeout=20)
    config = told.read().decode()
    assert "secret-method" not in config and TOKEN not in config
    assert {name: told.headers[name] for name in HEADERS} == HEADERS


@pytest.mark.slow
def test_the_token_unlocks_one_session_on_every_tab(shared, page):
    study, mine = opened(shared, PICK), uuid.uuid4().hex
    unlocking = next(index for index, fn in page.handlers().items() if fn.name == "unlock")
    assert owner.WRONG[:20] in page.post(unlocking, ["", "wrong"], mine)
    page.post(unlocking, ["", TOKEN], mine)
    drawing = next(
        index
        for index, fn in page.handlers().items()
        if needs_key(fn) and len(fn.inputs) == 3 and len(fn.outputs) > 20 and isinstance(fn.inputs[1], gr.Dropdown)
    )
    assert study.title in page.post(drawing, [None, None, ""], mine)
    assert owner.REFUSAL[:30] in page.post(drawing, [None, None, ""], uuid.uuid4().hex)


@pytest.mark.slow
def test_raters_need_no_token(shared, page):
    from gradio_client import Client

    study = opened(shared, PICK).id
    client = Client(page.address, verbose=False, analytics_enabled=False)
    joined = client.predict(study, "", True, api_name="/rate_join")
    trial = joined["rounds"][0]["trial"]
    answer = {"chosen": [0], "verdict": ""}
    saved = client.predict(study, joined["survey"], trial, answer, 800, 0, api_name="/rate_answer")
    assert saved == {"saved": True}
    with pytest.raises(Exception, match="no study"):
        client.predict("nothing", api_name="/rate_look")


@pytest.mark.slow
def test_a_stranger_gets_no_further_with_what_is_limited(services, own_page, monkeypatch):
    monkeypatch.setattr(handlers, "run_batches", lambda *_: iter(()))
    named = {fn.name: (index, fn) for index, fn in own_page.handlers().items() if fn.name in LIMITED}
    assert set(named) == LIMITED
    index, fn = named["cancel"]
    services.engine.submit("study abc", lambda cancelled: iter(()))
    assert "no run" in own_page.post(index, ["", "run=study%20abc"], uuid.uuid4().hex)
    index, fn = named["generate"]
    asked = [
        "",
        "",
        "light",
        "a red circle",
        ["base", "spo", "mi-tune", "diffusion-dpo"],
        4,
        0,
        64,
        100,
        "ddim",
        "cfg",
        "",
        "",
        0,
        0,
    ]
    own_page.post(index, asked, uuid.uuid4().hex)
    told = own_page.post(index, [*asked[:3], "a ring", *asked[4:]], uuid.uuid4().hex)
    assert "This takes 25,600 picture steps, and of 40,000 an hour your address has 14,400 left" in told
    assert len(list_runs(services.store)) == 1
    index, fn = named["unlock"]
    told = [own_page.post(index, ["", "guess"], uuid.uuid4().hex) for _ in range(owner.FREE_GUESSES + 1)]
    assert owner.WRONG[:20] in told[-2] and "5 wrong tokens: wait" in told[-1]


@pytest.mark.slow
def test_a_stranger_draws_no_more_on_the_grid_than_anywhere(services, own_page):
    make = next(index for index, fn in own_page.handlers().items() if fn.name == "make")
    scales = [f"{1 + half / 2:g}" for half in range(26)]
    one_cell = ["base", 4, "cfg", 0, 16, 100, "", "ddim", "", []]
    told = own_page.post(
        make, ["", None, "", "", "", "0", "guidance_scale", scales, "", [], "a ring", *one_cell], uuid.uuid4().hex
    )
    assert "This takes 41,600 picture steps, and of 40,000 an hour your address has 40,000 left" in told
    assert services.engine.unfinished() == ()


@pytest.mark.slow
def test_every_address_of_the_server_is_known(shared, page):
    """Gradio's own, and ours: a new one of ours comes with a decision about who may ask there."""
    paths = {getattr(route, "path", "") for route in page.blocks.app.routes}
    assert {path for path in paths if path.startswith(("/rate", "/pictures", "/healthz", "/metrics"))} == {
        "/healthz",
        "/metrics",
        "/pictures/previews/{name:str}.webp",
        "/pictures/{cell:str}/{seed:int}.json",
        "/pictures/{cell:str}/{seed:int}.png",
        "/pictures/{cell:str}/{seed:int}.webp",
        "/rate/{name:str}",
        "/rate/{study:str}/{survey:str}/{name:str}.webp",
        "/rate/{study:str}/{question:str}",
    }
    closed = opened(shared, PICK)
    drafted = draft(shared, replace(PICK, title="A secret draft"))
    for path in ("config", "gradio_api/info", f"rate/{drafted.id}", "monitoring", "gradio_api/startup-events"):
        try:
            told = urllib.request.urlopen(f"{page.address}{path}", timeout=20).read().decode()
        except urllib.error.HTTPError as error:
            told = error.read().decode()
        assert not any(secret in told for secret in ("A secret draft", "secret-method", closed.hash, TOKEN)), path


@pytest.mark.slow
def test_no_endpoint_for_raters_tells_of_a_draft(shared, page):
    secret = draft(shared, replace(PICK, title="A secret draft")).id
    for study in (5, True, ["x"], None, "\ud800", "\0", secret):
        values = {
            "rate_look": [study],
            "rate_join": [study, "", True],
            "rate_survey": [study, "preview-x"],
            "rate_answer": [study, "s", "t", {"chosen": [0]}, 5, 0],
            "rate_withdraw": [study, "ABC"],
        }
        named = {fn.api_name: index for index, fn in page.blocks.fns.items() if fn.api_name in values}
        assert set(named) == set(values)
        for name, index in named.items():
            answer = page.post(index, values[name], uuid.uuid4().hex)
            assert '"success":false' in answer and "A secret draft" not in answer, (name, answer)
            assert study == secret or secret not in answer, (name, answer)


@pytest.mark.slow
def test_no_deed_of_the_raters_page_tells_of_a_draft(shared, page):
    """The same by the addresses that the participants' page asks, an arena's among them: each that the table lists."""
    secret = draft(shared, replace(PICK, title="A secret draft")).id
    assert {"more", "standings"} < set(QUESTIONS)
    for question, (_, fields) in QUESTIONS.items():
        body = json.dumps({name: {"chosen": [0]} if name == "answer" else "x" for name in fields}).encode()
        asking = urllib.request.Request(
            f"{page.address}rate/{secret}/{question}", body, {"Content-Type": "application/json"}
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asking, timeout=20)
        said = refused.value.read().decode()
        assert refused.value.code == 422 and json.loads(said)["error"] and "A secret draft" not in said, (
            question,
            said,
        )


@pytest.mark.slow
def test_files_that_are_uploaded_have_a_largest_size(shared, page):
    assert page.blocks.max_file_size == shared.visits.limits.upload_mb * 2**20


@pytest.mark.slow
def test_a_space_without_a_token_is_closed_and_says_how_to_open_it(services, monkeypatch):
    monkeypatch.setattr(settings, "SPACE", "someone/space")
    monkeypatch.setattr(settings, "OWNER_TOKEN", "")
    config = json.dumps(build_dashboard(services).get_config_file(), default=str)
    assert "set the secret T2IALIGN_OWNER_TOKEN" in config
    study = draft(services)
    with pytest.raises(InputError, match="not been opened"):
        look(services.store, study.id)
