import base64
import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from t2ialign.dashboard.shared.pictures import address, picture_routes, preview_uri
from t2ialign.pictures import read_settings
from t2ialign.store import add_batch
from t2ialign.store.images import decode
from t2ialign.types import Prompt
from tests.dashboard import fakes


@pytest.fixture
def client(services):
    return TestClient(Starlette(routes=picture_routes(services.store)))


def test_a_stored_picture_is_served_losslessly(services, config, client):
    batch = fakes.add_cell(services.store, Prompt("a ring"), config(), (3,))
    answer = client.get("/" + address(batch.cell, 3))
    assert answer.headers["content-type"] == "image/webp" and "max-age" in answer.headers["cache-control"]
    assert torch.equal(decode(answer.content), batch.images[0])


def test_a_small_one_is_a_thumbnail(services, config, client):
    batch = fakes.add_cell(services.store, Prompt("a ring"), config(), (3,))
    small = client.get("/" + address(batch.cell, 3, small=True))
    assert max(Image.open(io.BytesIO(small.content)).size) <= 128 and len(small.content) <= 8192


def test_an_address_tells_nothing_about_its_picture(services, config):
    batch = fakes.add_cell(services.store, Prompt("a ring"), config("spo"), (3,))
    assert "spo" not in address(batch.cell, 3) and "ring" not in address(batch.cell, 3)


@pytest.mark.parametrize(
    "path", ["/pictures/nothing/0.webp", "/pictures/..%2f..%2fetc/0.webp", "/pictures/x/-1.webp", "/pictures/x/y.webp"]
)
def test_what_is_not_stored_is_not_there(client, path: str):
    assert client.get(path).status_code == 404


def test_previews_travel_inside_the_page():
    assert preview_uri(torch.zeros(3, 512, 512, dtype=torch.uint8)).startswith("data:image/webp;base64,")


def test_twenty_who_watch_cost_one_preview(monkeypatch):
    image = torch.randint(0, 256, (3, 48, 64), generator=torch.Generator().manual_seed(7), dtype=torch.uint8)
    made, save = [], Image.Image.save
    monkeypatch.setattr(Image.Image, "save", lambda *values, **options: made.append(1) or save(*values, **options))
    found = {preview_uri(image.clone()) for _ in range(20)}
    assert len(found) == len(made) == 1
    shown = Image.open(io.BytesIO(base64.b64decode(found.pop().partition(",")[2])))
    assert shown.size == (64, 48)
    assert preview_uri(255 - image) not in found and len(made) == 2


def test_where_the_prompt_speaks_is_served_as_an_overlay(services, config, client):
    """Opaque where the information is densest, and a sentence where none was kept."""
    batch = fakes.batch_of(Prompt("a star"), config(), (1, 2))
    share = torch.zeros(2, 4, 4)
    share[:, 1, 2], share[:, 3, 0] = 3.0, 1.5
    add_batch(services.store, replace(batch, mutual_information_map=share))
    answer = client.get("/" + address(batch.cell, 1) + "?map")
    overlay = Image.open(io.BytesIO(answer.content))
    assert answer.headers["content-type"] == "image/png" and overlay.mode == "RGBA" and overlay.size == (4, 4)
    alpha = torch.from_numpy(np.array(overlay))[..., 3]
    assert alpha.argmax() == 1 * 4 + 2 and alpha[0, 0] == 0 and 0 < alpha[3, 0] < alpha[1, 2]
    bare = fakes.add_cell(services.store, Prompt("a ring"), config(), (3,))
    missing = client.get("/" + address(bare.cell, 3) + "?map")
    assert missing.status_code == 404 and "No map was kept" in missing.text


@pytest.mark.slow
def test_a_png_carries_its_settings_and_the_large_view_is_told(services, config, client):
    batch = fakes.add_cell(services.store, Prompt("a ring"), config("spo", guidance="interval"), (3, 4))
    address_of = "/" + address(batch.cell, 3)
    answer = client.get(address_of.replace(".webp", ".png"))
    made = read_settings(answer.content, "it").made
    assert (made.prompt, made.config, made.seed) == ("a ring", batch.config, 3) and "clip_score" in made.scores
    assert (
        torch.equal(decode(answer.content), batch.images[0]) and "attachment" in answer.headers["content-disposition"]
    )
    told = client.get(address_of.replace(".webp", ".json")).json()
    assert ["CFG", "4"] in told["rows"] and ["Guidance", "interval"] in told["rows"]
    assert told["parameters"] == made.parameters
    assert {client.get(f"/pictures/{batch.cell}/9.{ending}").status_code for ending in ("png", "json")} == {404}


def test_a_picture_of_which_only_scores_came_is_not_there(services, config, client, tmp_path):
    batch = fakes.add_scores_alone(services.store, Prompt("a ring"), config(), (3,), tmp_path)
    for small in (True, False):
        assert client.get("/" + address(batch.cell, 3, small=small)).status_code == 404
    assert client.get(f"/pictures/{batch.cell}/3.png").status_code == 404
