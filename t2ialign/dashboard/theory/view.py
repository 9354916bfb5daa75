"""The Theory page's components, with what each chart says in plain words beside it."""

from __future__ import annotations

import gradio as gr

from t2ialign.dashboard.shared.html import heading, paragraph
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.wiring import asset
from t2ialign.dashboard.shared.words import DIVERGENCE_TITLES
from t2ialign.dashboard.theory.handlers import ABOVE, BETAS, LOGARITHMS, ORDER, PLOT, RATIOS, SPACE, TheoryForm

Components = dict[str, gr.blocks.Block]
CONTROLS = ("shown", "alpha", "beta", "matched", "seen_from", "axes", "run")

CURVE_WORDS = {
    "f": (
        "β f: what it costs to move away",
        "Nothing at X = 1. Towards the left a picture disappears: only forward KL charges without end for that. Towards the "
        "right a picture is repeated: reverse KL charges most.",
    ),
    "f_prime": (
        "β f′: the reward it takes",
        "To hold a picture at X, its reward must be β f′(X), up to a constant. Where the curve flattens on the right, a little "
        "more reward makes a picture very much likelier.",
    ),
    "f_second": (
        "β f″: how stiff it is",
        "The slope of β f′. At X = 1, where training starts, it is β for all of them except Jensen-Shannon, where it is β/2: "
        "there the same β holds half as hard.",
    ),
}


def controls_panel() -> Components:
    """Which divergences, how strong, and whether strengths are matched."""
    first = TheoryForm()
    gr.HTML(render("theory/intro.html"), apply_default_css=False, elem_classes="t2-prose")
    with gr.Row(elem_id="t2-theory-controls"):
        components = {
            "shown": gr.CheckboxGroup(
                [(DIVERGENCE_TITLES[name], name) for name in ORDER],
                value=list(first.shown),
                label="Side by side",
                min_width=280,
                elem_id="t2-shown",
            ),
            "beta": gr.Slider(*BETAS, first.beta, step=0.1, label="β", buttons=[], elem_id="t2-beta"),
            "alpha": gr.Slider(0.05, 0.95, first.alpha, step=0.05, label="α", buttons=[], elem_id="t2-alpha"),
            "matched": gr.Checkbox(
                first.matched,
                label="Match strength: β · f″(1)",
                info="What still differs is the shape.",
                elem_id="t2-matched",
            ),
        }
    return components | {"family": gr.HTML("", apply_default_css=False)}


def curves_panel() -> Components:
    """Three curves, each with its sentence."""
    plots: Components = {}
    with gr.Row(elem_classes="t2-three"):
        for name, (title, words) in CURVE_WORDS.items():
            with gr.Column(min_width=280):
                gr.HTML(heading(title), apply_default_css=False, elem_classes="t2-title")
                plots[name] = gr.Plot(show_label=False, container=False, elem_id=f"t2-curve-{name}")
                gr.HTML(paragraph(words), apply_default_css=False, elem_classes="t2-prose")
    return plots


def landscapes_panel() -> Components:
    """A landscape for each divergence, and the run whose pairs move over them."""
    first = TheoryForm()
    gr.HTML(render("theory/landscape.html"), apply_default_css=False, elem_classes="t2-prose")
    with gr.Row(elem_id="t2-landscape-controls"):
        components: Components = {
            "run": gr.Dropdown(
                [], label="Pairs of a training run", scale=2, min_width=240, filterable=False, elem_id="t2-run"
            ),
            "seen_from": gr.Radio(
                [("In space", SPACE), ("From above", ABOVE)], value=first.seen_from, label="Seen", min_width=180
            ),
            "axes": gr.Radio(
                [("Logarithmic", LOGARITHMS), ("Plain, as in the paper", RATIOS)],
                value=first.axes,
                label="Axes",
                min_width=240,
            ),
        }
    components["followed"] = gr.HTML("", apply_default_css=False, elem_id="t2-followed")
    components["player"] = gr.HTML(
        "", js_on_load=asset("theory/theory.js"), apply_default_css=False, elem_id="t2-theory-player"
    )
    components["near"] = gr.HTML(
        "far", js_on_load=asset("theory/near.js"), elem_classes="t2-hidden", apply_default_css=False
    )
    with gr.Column(elem_id="t2-landscape-area"):
        with gr.Row(elem_id="t2-landscapes"):
            for name in ORDER:
                with gr.Column(visible=name in first.shown, min_width=280) as box:
                    components[f"title_{name}"] = gr.HTML("", apply_default_css=False)
                    components[f"plot_{name}"] = gr.Plot(
                        show_label=False, container=False, elem_id=PLOT.format(name=name), elem_classes="t2-landscape"
                    )
                components[f"box_{name}"] = box
        gr.HTML(render("theory/landscape_words.html"), apply_default_css=False, elem_classes="t2-prose")
    return components


def ratio_panel() -> Components:
    """Theorem 4 with its words beside it."""
    with gr.Row(elem_id="t2-ratio-row"):
        with gr.Column(scale=3, min_width=300):
            ratio = gr.Plot(show_label=False, container=False, elem_id="t2-ratio")
        with gr.Column(scale=2, min_width=280):
            gr.HTML(render("theory/ratio.html"), apply_default_css=False, elem_classes="t2-prose")
    gr.HTML(render("theory/source.html"), apply_default_css=False, elem_classes="t2-prose")
    return {"ratio": ratio}
