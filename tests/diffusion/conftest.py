"""Tiny backbones for these tests: folders once a session, models anew wherever a test may change them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from t2ialign.diffusion.backbone import Backbone
from tests.tiny import SHAPES, Shape, load_tiny, save_tiny
from tests.tiny_flow import FLOW_SHAPES, FlowShape, load_tiny_flow, save_tiny_flow


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Shape, Path]:
    """A tiny pipeline of every shape, as stock diffusers saves it."""
    root = tmp_path_factory.mktemp("tiny")
    return {shape: save_tiny(root / shape, shape) for shape in SHAPES}


@pytest.fixture(scope="session")
def backbones(folders: dict[Shape, Path]) -> dict[Shape, Backbone]:
    """Loaded in float32, shared: for tests that only look."""
    return {shape: load_tiny(folder, shape) for shape, folder in folders.items()}


@pytest.fixture
def fresh(folders: dict[Shape, Path]) -> Callable[..., Backbone]:
    """Loads a backbone that the test may change: ``fresh(shape, dtype)``."""
    return lambda shape="sd-1.5", dtype="float32": load_tiny(folders[shape], shape, dtype)


@pytest.fixture(scope="session")
def flow_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[FlowShape, Path]:
    """A tiny flow model of every shape, as stock diffusers saves it."""
    root = tmp_path_factory.mktemp("flows")
    return {shape: save_tiny_flow(root / shape, shape) for shape in FLOW_SHAPES}


@pytest.fixture(scope="session")
def flows(flow_folders: dict[FlowShape, Path]) -> dict[FlowShape, Backbone]:
    """Loaded in float32, shared: for tests that only look."""
    return {shape: load_tiny_flow(folder, shape) for shape, folder in flow_folders.items()}
