"""The button that merges: what it writes and says, and what stands in the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from t2ialign import settings
from t2ialign.dashboard.align.merging import merge_panel, merge_them
from t2ialign.dashboard.shared.checkpoint_menu import story
from t2ialign.types import InputError
from t2ialign.use_cases.align.manifest import find_manifest
from tests.use_cases.aligning import opened


@pytest.mark.slow
def test_a_dora_is_merged_by_the_form(services, tmp_path, monkeypatch):
    """The shipped one: the answer, the manifest and the menus say how close it is, and it can be trained from at once."""
    monkeypatch.setattr(settings, "CHECKPOINTS", settings.ROOT / "checkpoints")
    with opened(tmp_path) as bench:
        mine = replace(services, bench=bench)
        shown = merge_them(mine, " mi_tune@0.5 + mi_tune_dora@0.5 ", " both ", 8, "base")
        error = find_manifest(tmp_path / "checkpoints" / "both").merge_error
        assert error.rank == 8 and f"both is merged from mi_tune and mi_tune_dora; {error.words}." in shown["merged"]
        assert error.words in story(bench.registry().checkpoints["both"])
        assert ("both", "both") in shown["parent"].choices and shown["parent"].value == "base"
        with pytest.raises(InputError, match="There is a checkpoint called both"):
            merge_them(mine, "mi_tune_dora", "both", None, "base")


@pytest.mark.parametrize(
    ("blend", "name", "rank", "said"),
    [
        (None, "x", 0, "Name the checkpoints to merge"),
        ("nobody@0.5", "x", 0, "no checkpoint called 'nobody'"),
        ("mi-tune", " ", 0, "needs a name"),
    ],
)
def test_what_is_missing_is_said(services, blend, name, rank, said):
    with pytest.raises(InputError, match=said):
        merge_them(services, blend, name, rank, None)


def test_the_form_is_the_owners(monkeypatch):
    import gradio as gr

    with gr.Blocks():
        assert merge_panel()["merge_fold"].visible
        monkeypatch.setattr(settings, "OWNER_TOKEN", "secret")
        assert not merge_panel()["merge_fold"].visible
