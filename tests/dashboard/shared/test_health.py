"""What watches over the page asks whether it can answer."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.testclient import TestClient

from t2ialign import __version__
from t2ialign.dashboard.shared.health import health_route
from t2ialign.store import open_store


def test_it_is_well_until_its_store_is_gone(tmp_path: Path):
    with open_store(tmp_path / "home") as store:
        client = TestClient(Starlette(routes=[health_route(store)]))
        found = client.get("/healthz")
        assert (found.status_code, found.json()) == (200, {"status": "ok", "version": __version__})
    found = client.get("/healthz")
    assert found.status_code == 503 and str(tmp_path) not in found.text
