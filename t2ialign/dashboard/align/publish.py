"""A finished run's checkpoint as a repository of the Hub, with its card: the button beside ``t2ialign push``."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import gradio as gr

from t2ialign.dashboard.align.job_state import Watch
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.wiring import Updates, Wires
from t2ialign.hub.checkpoint_repo import push_checkpoint
from t2ialign.tradeoff.arrows import in_a_sentence
from t2ialign.types import InputError
from t2ialign.use_cases.publish.folder import write_folder


def publish_panel() -> dict[str, gr.blocks.Block]:
    """Folded away, below a run's result; the owner's."""
    with gr.Accordion(
        "Publish the checkpoint", open=False, visible=not owner.locked(""), elem_id="t2-publish-fold"
    ) as fold:
        with gr.Row():
            repo = gr.Textbox(label="Repository on the Hub", placeholder="your-name/its-name", max_lines=1)
            licence = gr.Textbox(label="Licence", placeholder="as the base's allows, e.g. openrail++", max_lines=1)
            push = gr.Button("Push", scale=0, min_width=110, elem_id="t2-push-checkpoint")
        answer = gr.HTML("", apply_default_css=False)
    return {"publish_fold": fold, "repo": repo, "licence": licence, "push": push, "pushed": answer}


def wire_publish(wires: Wires, services: Services, watch: Watch) -> None:
    """The button is the owner's."""
    handler = owner.owned(partial(publish, services, watch), lambda sentence: {"pushed": notice(sentence)})
    wires.on(
        wires.components["push"].click, handler, ("key", "job", "repo", "licence"), ("pushed",), trigger_mode="once"
    )


def publish(services: Services, watch: Watch, job: str, repo: str | None, licence: str | None) -> Updates:
    """Writes the folder with its card and sends it, private; ``InputError`` for what stands in the way."""
    named = (repo or "").strip()
    if named.count("/") != 1 or not all(named.split("/")):
        raise InputError("Name the repository on the Hub, as your-name/its-name.")
    if not job:
        raise InputError("Open a finished run first.")
    name = watch.look(job).request.name
    with tempfile.TemporaryDirectory(prefix="t2ialign-push-") as place:
        folder = Path(place) / name
        found = write_folder(services.bench, name, folder, (licence or "").strip())
        address = push_checkpoint(folder, named)
    said = f"Published, private: {address}. {in_a_sentence(found.usual, found.x, found.y)}"
    unlicensed = "" if licence else " The card names no licence, so nobody may use it yet."
    return {"pushed": notice(said + unlicensed, "note")}
