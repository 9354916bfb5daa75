"""Every template on disk, rendered: what people wrote stays text, tags close, and no id is there twice.

A page's ``tests/dashboard/<page>/template_samples.py`` has ``SAMPLES``: a template's name -> the view that renders it.
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from html import unescape
from importlib import import_module
from pathlib import Path

import gradio as gr
import pytest
from jinja2 import UndefinedError

import t2ialign
from t2ialign import settings
from t2ialign.dashboard import build_dashboard
from t2ialign.dashboard.shared import templates
from t2ialign.store import open_store
from tests.dashboard import fakes
from tests.dashboard.outline import EVIL, Outline

PACKAGE = Path(t2ialign.__file__).parent
PLOTLY = ("b", "br", "span", "extra")
NO_HTML = ("w", "na")  # the end of a word to CLIP's tokenizer; what some CSV files write for nothing
FORMS = (EVIL, json.dumps(EVIL)[1:-1], str(templates.css_string(EVIL)))  # as text, as JSON, as CSS
PAGES = sorted(path.parent.name for path in Path(__file__).parent.glob("*/template_samples.py"))
SAMPLES: dict[str, Callable[[], str]] = {
    name: sample
    for page in PAGES
    for name, sample in import_module(f"tests.dashboard.{page}.template_samples").SAMPLES.items()
}


def source(name: str) -> str:
    return templates.ENVIRONMENT.loader.get_source(templates.ENVIRONMENT, name)[0]


def test_every_template_has_a_sample():
    assert sorted(SAMPLES) == templates.template_names()


@pytest.mark.parametrize("name", SAMPLES)
def test_hostile_text_stays_text(name: str, monkeypatch: pytest.MonkeyPatch):
    rendered = set()
    load = templates.ENVIRONMENT.get_template
    monkeypatch.setattr(
        templates.ENVIRONMENT, "get_template", lambda name, *rest: rendered.add(name) or load(name, *rest)
    )
    html = SAMPLES[name]()
    assert name in rendered, "the sample renders another template"
    found = Outline(html)
    assert not [tag for tag, attrs in found.tags if any(key.startswith("on") for key in attrs)]
    assert html.count("<script") == source(name).count("<script")
    assert "x" not in [attrs.get("src") for _, attrs in found.tags]
    assert "49" not in html
    if "{{" in source(name):
        assert any(form in said for said in map(unescape, found.said) for form in FORMS), (
            "the sample has no hostile text"
        )


@pytest.mark.parametrize("name", templates.template_names())
def test_no_template_trusts_what_it_prints(name: str):
    """What is markup says so in Python, where it is made."""
    assert "safe" not in source(name) and "autoescape" not in source(name)


def literals(path: Path) -> Iterator[str]:
    """The strings of a module, without docstrings and what is declared as Markup."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Markup")
    prose = (node for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    apart = {id(inner) for node in (*calls, *prose) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in apart:
            yield node.value


@pytest.mark.slow
def test_python_writes_no_tags():
    """But for the few that plotly.js reads in a figure's texts (it makes no elements of others)."""
    modules = list(PACKAGE.rglob("*.py"))
    found = {
        f"{path.relative_to(PACKAGE)}: {tag}"
        for path in modules
        for text in literals(path)
        for tag in re.findall(r"<!?/?([a-z]+[1-6]?)[\s/>]", text)
        if tag not in (*NO_HTML, *(PLOTLY if path.parent == PACKAGE / "charts" else ()))
    }
    assert len(modules) > 500 and found == set()


@pytest.mark.slow
def test_ids_are_unique_in_the_document(tmp_path: Path, registry: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settings, "CHECKPOINTS", registry)
    with open_store(tmp_path) as store:
        blocks = build_dashboard(fakes.services_of(store)).blocks.values()
    ids = Counter(block.elem_id for block in blocks if block.elem_id)
    shown = [block.value for block in blocks if isinstance(block, gr.HTML)]
    for html in [*shown, *(sample() for sample in SAMPLES.values())]:
        ids.update(Outline(html or "").ids)
    assert len(ids) > 20
    assert [name for name, times in ids.items() if times > 1] == []


def test_a_forgotten_value_is_an_error():
    with pytest.raises(UndefinedError, match="'look' is undefined"):
        templates.ENVIRONMENT.from_string("{{ look }}").render()


def test_a_line_break_between_tags_prints_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "some/templates").mkdir(parents=True)
    (tmp_path / "some/templates/list.html").write_text(
        "<p>\n  {% for word in words %}\n  <b>{{ word }}</b>\n  <i>of two\n    lines</i>\n  {% endfor %}\n</p>\n"
    )
    monkeypatch.setattr(templates, "PAGES", tmp_path)
    text = templates.ENVIRONMENT.overlay(cache_size=0).get_template("some/list.html").render(words=["a", "<"])
    assert text == "<p><b>a</b><i>of two\n    lines</i><b>&lt;</b><i>of two\n    lines</i></p>"
