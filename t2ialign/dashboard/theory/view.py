"""The Theory page's components, with what each chart says in plain words beside it."""

from __future__ import annotations

import gradio as gr

from t2ialign.dashboard.shared.wiring import asset
from t2ialign.dashboard.shared.words import DIVERGENCE_TITLES
from t2ialign.dashboard.theory.handlers import ABOVE, BETAS, LOGARITHMS, ORDER, PLOT, RATIOS, SPACE, TheoryForm

Components = dict[str, gr.blocks.Block]
CONTROLS = ("shown", "alpha", "beta", "matched", "seen_from", "axes", "run")

INTRO = """
<h2>What holds a model near where it began</h2>
<p>Aligning pulls a model in two directions. Preferences pull it towards the pictures that people chose. A
<b>divergence</b> holds it near the model it was, which is where the variety of its pictures comes from. Below,
<b>X</b> is how much likelier a picture has become: its probability under the trained model over that under the reference.
X = 1 is unchanged, X = 2 twice as likely, X = 0.1 ten times less.</p>
"""
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
LANDSCAPE = """
<h3>The loss of one pair as a landscape</h3>
<p>Each place is a pair of pictures: how much likelier the preferred one has become (X1, winner) and the other (X2, loser).
The height is the loss, −log σ(β f′(X1) − β f′(X2)). Training starts in the middle, at X1 = X2 = 1, and
every step pushes along the arrows in the plane, longer where the push is stronger. Drag to turn; all landscapes turn
together. Heights above the scale are cut flat.</p>
"""
LANDSCAPE_WORDS = """
<p><b>What to look for.</b> Under reverse KL all arrows are parallel: winner and loser are moved by equal factors, wherever
they are. The others bend. On the left, where the winner is still unlikely, they lift the winner; below, where the loser
is already rare, they keep pushing the loser down and hardly lift the winner any more. That is how a loss can fall
while the preferred picture gains nothing.</p>
"""
RATIO = """
<h3>Who moves more, winner or loser?</h3>
<p>The gradient that lifts the winner's ratio, divided by the one that lowers the loser's: f″(X1) / f″(X2). As
training goes on X2/X1 falls, so one moves to the left. The lower the curve, the more a step goes into pushing the loser
down.</p>
<p>Forward KL is always lowest and reverse KL highest, with the others between them (theorem 4). Jensen-Shannon depends
on where the pair stands as well: its band holds all places, its line those with X1 = 1/X2.</p>
<p>These are gradients of the ratios themselves. In logarithms, as the landscape's arrows have it, divide by X2/X1: reverse
KL then moves both alike.</p>
"""
SOURCE = """
<p class="t2-source">After Sun, Xia, Chang and Wang, “Generalizing Alignment Paradigm of Text-to-Image Generation with
Preferences through f-divergence Minimization”: table 1, theorems 1, 3 and 4, figure 2 (drawn there with β = 10 on
plain axes).</p>
"""


def controls_panel() -> Components:
    """Which divergences, how strong, and whether strengths are matched."""
    first = TheoryForm()
    gr.HTML(INTRO, apply_default_css=False, elem_classes="t2-prose")
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
    plots = {}
    with gr.Row(elem_classes="t2-three"):
        for name, (title, words) in CURVE_WORDS.items():
            with gr.Column(min_width=280):
                gr.HTML(f"<h3>{title}</h3>", apply_default_css=False, elem_classes="t2-title")
                plots[name] = gr.Plot(show_label=False, container=False, elem_id=f"t2-curve-{name}")
                gr.HTML(f"<p>{words}</p>", apply_default_css=False, elem_classes="t2-prose")
    return plots


def landscapes_panel() -> Components:
    """A landscape for each divergence, and the run whose pairs move over them."""
    first = TheoryForm()
    gr.HTML(LANDSCAPE, apply_default_css=False, elem_classes="t2-prose")
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
    components["player"] = gr.HTML(
        "", js_on_load=asset("theory/theory.js"), apply_default_css=False, elem_id="t2-theory-player"
    )
    with gr.Row(elem_id="t2-landscapes"):
        for name in ORDER:
            with gr.Column(visible=name in first.shown, min_width=300) as box:
                components[f"title_{name}"] = gr.HTML("", apply_default_css=False)
                components[f"plot_{name}"] = gr.Plot(
                    show_label=False, container=False, elem_id=PLOT.format(name=name), elem_classes="t2-landscape"
                )
            components[f"box_{name}"] = box
    gr.HTML(LANDSCAPE_WORDS, apply_default_css=False, elem_classes="t2-prose")
    return components


def ratio_panel() -> Components:
    """Theorem 4 with its words beside it."""
    with gr.Row(elem_id="t2-ratio-row"):
        with gr.Column(scale=3, min_width=300):
            ratio = gr.Plot(show_label=False, container=False, elem_id="t2-ratio")
        with gr.Column(scale=2, min_width=280):
            gr.HTML(RATIO, apply_default_css=False, elem_classes="t2-prose")
    gr.HTML(SOURCE, apply_default_css=False, elem_classes="t2-prose")
    return {"ratio": ratio}
