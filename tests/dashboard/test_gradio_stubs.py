"""Gradio is imported without writing its stubs for editors."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from t2ialign.dashboard import gradio_stubs

LOOK = """
import {}gradio, inspect
from gradio import component_meta
print(sorted(map(str, gradio.Textbox.EVENTS)), inspect.signature(gradio.Textbox))
print(component_meta.{}.__module__)
"""


def test_gradio_still_has_the_function_that_writes_them() -> None:
    """Or the module can go: then nothing is won by it any more."""
    spec = importlib.util.find_spec(gradio_stubs.MODULE)
    assert spec is not None and spec.origin is not None
    assert f"def {gradio_stubs.WRITER}(" in Path(spec.origin).read_text()


@pytest.mark.slow
def test_components_are_the_same_without() -> None:
    """Their events and signatures do not come from their stubs."""
    own, ours = (_seen(first) for first in ("", "t2ialign.dashboard.gradio_stubs, "))
    assert own[:-1] == ours[:-1]
    assert own[-1] == gradio_stubs.MODULE and ours[-1] == gradio_stubs.__name__


def _seen(first: str) -> list[str]:
    program = LOOK.format(first, gradio_stubs.WRITER)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
