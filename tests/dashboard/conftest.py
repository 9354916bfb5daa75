"""A page's services without a model: a fake registry, a store of rendered scenes, and runs that only pretend."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from t2ialign import settings
from t2ialign.dashboard.explore import handlers
from t2ialign.dashboard.services import Services
from t2ialign.store import Store, add_benchmark, open_store
from t2ialign.tradeoff.benchmark_set import benchmark_set
from t2ialign.types import GenerationConfig, Prompt
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import config_of
from tests.dashboard import fakes


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fakes.write_registry(tmp_path_factory.mktemp("registry") / "checkpoints")


@pytest.fixture
def store(tmp_path: Path, new_store: Path) -> Iterator[Store]:
    with open_store(shutil.copytree(new_store, tmp_path / "home")) as store:
        yield store


@pytest.fixture
def services(store: Store, registry: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    """An empty store; ``run_batches`` renders scenes."""
    monkeypatch.setattr(settings, "CHECKPOINTS", registry)
    monkeypatch.setattr(handlers, "run_batches", fakes.fake_batches())
    return fakes.services_of(store)


@pytest.fixture
def config(services: Services):
    """A config of the fake registry by checkpoint and guidance scale."""

    def build(checkpoint: str = "base", scale: float = 4.0, **more) -> GenerationConfig:
        return config_of(services.bench, BatchRequest(Prompt("a"), checkpoint, (0,), scale, **more))[1]

    return build


@pytest.fixture
def stocked(services: Services, config) -> Services:
    """The same with a sweep of the base over two prompts, and one point of an adapter."""
    prompts = (Prompt("a red circle", "single"), Prompt("a blue star and a green ring", "color"))
    places = [(prompt, config("base", scale)) for scale in (1, 4, 8) for prompt in prompts]
    places.append((prompts[0], config("spo", 4)))
    fakes.add_scored(services.store, *(fakes.batch_of(prompt, of, (0, 1, 2, 3)) for prompt, of in places))
    add_benchmark(services.store, benchmark_set("two prompts", prompts, (0, 1, 2, 3)))
    return services
