"""What fields hold, whatever a raw request says."""

from __future__ import annotations

import gradio as gr
import pytest

from t2ialign.dashboard import build_dashboard
from t2ialign.dashboard.shared.fields import held
from t2ialign.types import InputError


@pytest.mark.slow
def test_every_field_of_the_page_holds_its_own_first_value(services):
    fields = {one._id: one for fn in build_dashboard(services).fns.values() if fn.fn for one in fn.inputs}
    kinds = {type(one) for one in fields.values()}
    assert {gr.Checkbox, gr.Slider, gr.Number, gr.Dropdown, gr.Radio, gr.CheckboxGroup, gr.HTML, gr.Textbox} <= kinds
    for one in fields.values():
        assert held(one, one.value) in (one.value, one.value or "")


@pytest.mark.parametrize(
    ("component", "value", "sentence"),
    [
        (gr.Checkbox(label="Pareto front"), {"a": 1}, "Pareto front is ticked or not"),
        (gr.Number(label="Seed"), True, "Seed holds a number, not 'True'"),
        (gr.Slider(label="CFG"), "4", "CFG holds a number"),
        (gr.Dropdown(["a"], label="Set"), ["a"], "Set offers no"),
        (gr.Dropdown(["a"], label="Sets", multiselect=True), "a", "Sets holds a list"),
        (gr.CheckboxGroup(["a"], label="Sets"), [["a"]], "Sets offers no"),
        (
            gr.Dropdown(["a"], label="Sets", multiselect=True),
            2 * ["x" * 50_001],
            "Sets holds more than 100,000 letters",
        ),
        (gr.HTML(), 5, "nothing of its kind"),
        (gr.HTML([{"name": "base"}]), "base", "nothing of its kind"),
        (gr.State(), {"deep": ["\ud800"]}, "half a letter"),
    ],
)
def test_nothing_else_is_taken(component, value, sentence: str):
    with pytest.raises(InputError, match=sentence):
        held(component, value)


def test_an_untouched_field_of_text_holds_no_text():
    assert held(gr.Textbox(), None) == ""
    for component in (gr.Dropdown(["a"]), gr.Radio(["a"]), gr.Number(), gr.Checkbox()):
        assert held(component, None) is None  # nothing is chosen yet
