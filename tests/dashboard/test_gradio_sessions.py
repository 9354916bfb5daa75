"""A session of the page has no copy of its components."""

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from t2ialign.dashboard import gradio_sessions


def test_gradio_still_has_what_copies() -> None:
    """Or the module can go: then nothing is won by it any more."""
    assert all(callable(getattr(SessionState, name, None)) for name in gradio_sessions.COPIERS)


@pytest.mark.slow
def test_a_session_answers_the_same_and_keeps_nothing_of_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("__init__", *gradio_sessions.COPIERS):  # so that all of it is put back afterwards
        monkeypatch.setattr(SessionState, name, getattr(SessionState, name))
    with gr.Blocks() as blocks:
        told, state = gr.HTML("first"), gr.State(1)
        gr.Button().click(lambda one, number: (f"{one} {number}", number + 1), [told, state], [told, state])
    gradio_sessions.keep_no_copies()
    session = SessionState(blocks)
    assert not session.config_values and session[state._id] == 1
    assert told._id in session.blocks_config.blocks and len(session.blocks_config.fns) == len(blocks.fns)
    session._update_value_in_config(told._id, "much" * 1000)
    assert not list(session.components), "nothing for a link that brings it back, and no file for it"
    session[state._id] = 2
    assert session[state._id] == 2
