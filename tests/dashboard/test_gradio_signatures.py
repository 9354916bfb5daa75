"""Each component class has its own signature, worked out once."""

import inspect

import gradio as gr

from t2ialign.dashboard.gradio_signatures import keep_signatures, kinds


def test_what_is_kept_is_what_inspect_finds() -> None:
    """By ``inspect`` itself, of functions that carry nothing."""
    keep_signatures()
    found = {kind: inspect.signature(kind.__init__) for kind in kinds() if "__init__" in vars(kind)}
    assert len(found) > 50 and gr.Textbox in found
    for kind, kept in found.items():
        function = inspect.unwrap(kind.__init__)
        carried = function.__dict__.pop("__signature__")
        try:
            assert inspect.signature(function) == kept == carried, kind
        finally:
            function.__signature__ = carried


def test_a_class_of_its_own_parameters_is_described_by_them() -> None:
    keep_signatures()

    class Mine(gr.HTML):
        def __init__(self, value: str = "", mine: int = 3) -> None:
            self.mine = mine
            super().__init__(value)

    keep_signatures()
    assert Mine(mine=4).get_config()["mine"] == 4 and "mine" not in gr.HTML("").get_config()
