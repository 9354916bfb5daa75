"""Adapters merged into a new checkpoint, as ``t2ialign merge`` does it: a blend, a name, and a limit to its rank."""

from __future__ import annotations

from functools import partial

import gradio as gr

from t2ialign.dashboard.align.new_run import refresh
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.wiring import Updates, Wires
from t2ialign.types import InputError
from t2ialign.use_cases.align.merge import merge, merged_words


def merge_panel() -> dict[str, gr.blocks.Block]:
    """Folded away, below the form of a new run; the owner's."""
    with gr.Accordion("Merge checkpoints", open=False, visible=not owner.locked(""), elem_id="t2-merge-fold") as fold:
        with gr.Row():
            blend = gr.Textbox(
                label="Checkpoints with weights",
                info="Of a DoRA the weight multiplies what it adds to the base's weights.",
                placeholder="a@0.5+b@0.5",
                max_lines=1,
                elem_id="t2-merge-blend",
            )
            name = gr.Textbox(label="Name", info="Of the new checkpoint.", max_lines=1, elem_id="t2-merge-name")
            rank = gr.Number(
                0,
                label="Rank at most",
                info="0: as high as it takes to be exact.",
                precision=0,
                minimum=0,
                elem_id="t2-merge-rank",
            )
            button = gr.Button("Merge", scale=0, min_width=110, elem_id="t2-merge")
        answer = gr.HTML("", apply_default_css=False, elem_id="t2-merged")
    return {
        "merge_fold": fold,
        "merge_blend": blend,
        "merge_name": name,
        "merge_rank": rank,
        "merge": button,
        "merged": answer,
    }


def wire_merge(wires: Wires, services: Services) -> None:
    """The button is the owner's."""
    handler = owner.owned(partial(merge_them, services), lambda sentence: {"merged": notice(sentence)})
    wires.on(
        wires.components["merge"].click,
        handler,
        ("key", "merge_blend", "merge_name", "merge_rank", "parent"),
        ("merged", "parent"),
        trigger_mode="once",
    )


def merge_them(
    services: Services, blend: str | None, name: str | None, rank: int | None, parent: str | None
) -> Updates:
    """Writes the checkpoint, and says how close it is; ``InputError`` for what stands in the way."""
    named = (name or "").strip()
    if not (blend or "").strip():
        raise InputError("Name the checkpoints to merge, e.g. a@0.5+b@0.5.")
    said = merged_words(named, merge(services.bench, blend or "", named, rank=int(rank or 0)))
    return {"merged": notice(f"{said} It can be chosen everywhere.", "note"), **refresh(services, parent)}
