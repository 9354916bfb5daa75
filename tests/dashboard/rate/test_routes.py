"""The participants' page over HTTP: blind, without cookies, and deaf to what is not a short JSON object."""

import errno
import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from t2ialign.dashboard.rate import handlers
from t2ialign.dashboard.rate.routes import FILES, TROUBLE, rate_routes
from t2ialign.dashboard.shared.pictures import address, picture_routes
from t2ialign.store import list_cells
from t2ialign.store.errors import in_plain_words
from t2ialign.store.images import decode, digest
from tests.dashboard.studies import DESIGN, SETS, names_of, opened

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def client(services):
    return TestClient(Starlette(routes=rate_routes(services.store)))


def ask(client, study: str, question: str, **body):
    return client.post(f"/rate/{study}/{question}", json=body)


def test_the_page_is_one_file_for_every_study(client):
    page = client.get("/rate/any-study")
    assert page.headers["content-type"].startswith("text/html") and "any-study" not in page.text
    for name, kind in FILES.items():
        assert client.get(f"/rate/{name}").headers["content-type"].startswith(kind)
    wanted = re.findall(r'(?:href|src)="(rate[^"]+)"', page.text)
    assert wanted and all(name in FILES for name in wanted)


def test_nothing_leaves_the_machine_and_no_script_of_others_runs(client):
    page = client.get("/rate/any")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    told = "".join(client.get(f"/rate/{name}").text for name in FILES) + page.text
    assert "http" not in told.replace("https: or", "").replace("over https", "") and "cookie" not in told.lower()
    assert "innerHTML" not in told and "insertAdjacentHTML" not in told


@pytest.mark.slow
@pytest.mark.parametrize("design", [DESIGN, SETS], ids=["select", "sets"])
def test_all_the_traffic_of_a_survey_tells_nothing(services, client, design):
    study = opened(services, design).id
    heard = [client.get(f"/rate/{study}"), ask(client, study, "look")]
    heard.append(ask(client, study, "join", group="", consent=True))
    joined = heard[-1].json()
    for place, one in enumerate(joined["rounds"]):
        for source in (source for option in one["options"] for source in option):
            heard.append(client.get(f"/rate/{source}"))
            assert heard[-1].headers["content-type"] == "image/webp"
        said = {"survey": joined["survey"], "trial": one["trial"], "answer": {"chosen": [0]}, "milliseconds": 5}
        heard.append(ask(client, study, "answer", **said))
        assert heard[-1].json() == {"saved": True}, place
    heard.append(ask(client, study, "survey", survey=joined["survey"]))
    heard.append(ask(client, study, "withdraw", code=joined["code"]))
    assert {answer.status_code for answer in heard} == {200}
    for answer in heard:
        told = f"{answer.url} {dict(answer.headers)} {answer.content!r}"
        found = [name for name in names_of(design) if re.search(rf"\b{re.escape(name)}\b", told)]
        assert not found, f"{answer.url} tells {found}"
        assert "set-cookie" not in answer.headers and "etag" not in answer.headers


@pytest.mark.slow
def test_the_files_of_two_raters_have_different_addresses_and_plain_pixels(services, client):
    study = opened(services).id
    first, second = (ask(client, study, "join", consent=True).json() for _ in range(2))
    data = client.get(f"/rate/{first['rounds'][0]['options'][0][0]}").content
    assert b"EXIF" not in data and b"XMP " not in data
    own = first["rounds"][0]["options"][0][0].split("/")
    assert client.get(f"/rate/{own[0]}/{second['survey']}/{own[2]}").status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}),
        (b"{}", {"Content-Type": "text/plain"}),
        (b"not json", JSON),
        (b"[]", JSON),
        (b'{"survey": "' + b"x" * 20_000 + b'"}', JSON),
    ],
)
def test_what_is_not_understood_is_refused(services, client, content, headers):
    answer = client.post(f"/rate/{opened(services).id}/join", content=content, headers=headers)
    assert answer.status_code == 400 and "not understood" in answer.json()["error"]


@pytest.mark.slow
def test_a_missing_field_and_an_unknown_question_are_refused(services, client):
    study = opened(services).id
    assert ask(client, study, "answer", survey="x").status_code == 400
    assert ask(client, study, "results").status_code == 404
    assert client.get(f"/rate/{study}/look").status_code in (404, 405)


def test_a_refusal_is_a_sentence(client):
    answer = ask(client, "nothing", "look")
    assert answer.status_code == 422 and "no study" in answer.json()["error"]


@pytest.mark.slow
@pytest.mark.parametrize("question", ["look", "join", "survey", "answer", "withdraw"])
@pytest.mark.parametrize(
    "body",
    [
        '{"survey": "\\ud800", "code": "\\ud800", "key": "\\ud800", "group": "\\ud800", "consent": true, "trial": "t", '
        '"answer": {"chosen": [], "verdict": "\\ud800"}, "milliseconds": 1}',
        '{"answer": ' + "[" * 8000 + "]" * 8000 + "}",
        '{"survey": "x", "trial": "t", "answer": {"chosen": [1e400]}, "milliseconds": ' + "9" * 4000 + "}",
        '{"survey": 7, "code": 7, "key": 7, "consent": true, "group": 7}',
    ],
)
def test_odd_json_is_refused_and_not_an_error_of_the_server(services, client, question, body):
    study = opened(services, DESIGN).id
    answer = client.post(f"/rate/{study}/{question}", content=body, headers=JSON)
    assert 400 <= answer.status_code < 500 or (question == "look" and answer.status_code == 200), answer.text


@pytest.mark.parametrize("study", ["%ff", "%ed%a0%80", "%00", "a%2fb", "x" * 3000])
def test_odd_addresses_are_refused(client, study):
    for answer in (
        client.get(f"/rate/{study}/survey/name.webp"),
        ask(client, study, "look"),
        ask(client, study, "join", consent=True),
    ):
        assert 400 <= answer.status_code < 500


@pytest.mark.slow
def test_trouble_with_the_disk_shows_raters_no_path_of_the_server(services, client, monkeypatch):
    study = opened(services, DESIGN).id

    def full(*_, **__):
        with in_plain_words(services.store.home):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(handlers, "begin_survey", full)
    answer = ask(client, study, "join", group="", consent=True)
    assert (
        answer.status_code == 422
        and answer.json() == {"error": TROUBLE}
        and str(services.store.home) not in answer.text
    )


@pytest.mark.slow
def test_what_a_rater_sees_is_found_under_no_name(services, client):
    """By no hash, of the file or of the pixels; and to the eye nothing has changed."""
    study = opened(services, DESIGN).id
    others = TestClient(Starlette(routes=picture_routes(services.store)))
    cells = [(cell.key, seed) for cell in list_cells(services.store) for seed in cell.seeds]
    named = [others.get(f"/{address(cell, seed, small)}").content for cell, seed in cells for small in (False, True)]
    joined = ask(client, study, "join", group="", consent=True).json()
    sources = [source for one in joined["rounds"] for option in one["options"] for source in option]
    seen = [client.get(f"/rate/{source}").content for source in sources]
    assert len(seen) >= 13 and len(named) >= 18
    assert not {*map(digest, seen)} & {*map(digest, named)}
    pixels = [decode(one) for one in named]
    assert not {digest(decode(one).numpy().tobytes()) for one in seen} & {
        digest(one.numpy().tobytes()) for one in pixels
    }
    nearest = [min(int((decode(one).int() - other.int()).abs().max()) for other in pixels) for one in seen]
    assert 0 not in nearest and nearest.count(1) >= 13, "all but the decoys, which no cell has"
    assert client.get(f"/rate/{sources[0]}").content == seen[0]
