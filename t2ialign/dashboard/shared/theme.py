"""How the page looks: Gradio's theme in our colours, on system fonts, and the style sheet over it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import gradio as gr
from markupsafe import Markup

from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.wiring import asset, style_sheets

HEAVY = ":root:root:root"  # our rules are nested in this: three classes heavier than they look
# What means nothing inside another rule: the variables, and the steps of animations.
STANDS_ALONE = re.compile(r"^(?::root|@keyframes [\w-]+) \{(?:[^{}]|\{[^{}]*\})*\}", re.MULTILINE)

# One accent, a petrol blue; every other hue on the page belongs to data.
ACCENT = gr.themes.Color(
    name="petrol",
    c50="#EEF7F9",
    c100="#D6ECF1",
    c200="#AFD9E3",
    c300="#7EC0D0",
    c400="#48A2B8",
    c500="#1F849C",
    c600="#0F6B82",
    c700="#0D5668",
    c800="#0E4655",
    c900="#0F3A47",
    c950="#06252F",
)
FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "Arial", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

# Hairlines instead of boxes, quiet labels.
COLORS = {
    "body_background_fill": "#FBFBFA",
    "body_background_fill_dark": "#0E1318",
    "background_fill_primary": "#FFFFFF",
    "background_fill_primary_dark": "#161D24",
    "background_fill_secondary": "#F6F7F7",
    "background_fill_secondary_dark": "#131A20",
    "body_text_color": "#1F2937",
    "body_text_color_dark": "#E5E7EB",
    "body_text_color_subdued": "#5B6472",
    "body_text_color_subdued_dark": "#9CA3AF",
    "border_color_primary": "#E4E7EA",
    "border_color_primary_dark": "#2A343D",
    "block_background_fill": "transparent",
    "block_background_fill_dark": "transparent",
    "block_border_width": "0px",
    "block_shadow": "none",
    "block_padding": "0px",
    "block_label_text_size": "*text_sm",
    "block_title_text_size": "*text_sm",
    "block_title_text_weight": "500",
    "block_title_text_color": "*body_text_color",
    "block_title_text_color_dark": "*body_text_color",
    "block_info_text_size": "12px",
    "block_info_text_color": "*body_text_color_subdued",
    "block_info_text_color_dark": "*body_text_color_subdued",
    "input_background_fill": "#FFFFFF",
    "input_background_fill_dark": "#131A20",
    "input_border_color": "#D3D8DD",
    "input_border_color_dark": "#34404A",
    "input_border_width": "1px",
    "input_shadow": "none",
    "input_shadow_focus": "0 0 0 3px rgba(31,132,156,0.22)",
    "slider_color": "*primary_600",
    "slider_color_dark": "*primary_400",
    "button_primary_background_fill": "*primary_600",
    "button_primary_background_fill_hover": "*primary_700",
    "button_primary_background_fill_dark": "*primary_600",
    "button_primary_background_fill_hover_dark": "*primary_700",
    "button_primary_text_color": "#FFFFFF",
    "button_primary_text_color_dark": "#FFFFFF",
    "button_primary_shadow": "none",
    "button_secondary_background_fill": "#FFFFFF",
    "button_secondary_background_fill_dark": "#1B232B",
    "button_secondary_background_fill_hover": "#F3F5F6",
    "button_secondary_background_fill_hover_dark": "#222C35",
    "button_secondary_text_color": "*body_text_color",
    "button_secondary_text_color_dark": "*body_text_color",
    "button_secondary_border_color": "#D3D8DD",
    "button_secondary_border_color_dark": "#34404A",
    "button_secondary_shadow": "none",
    "checkbox_background_color_selected": "*primary_600",
    "checkbox_border_color_selected": "*primary_600",
    "form_gap_width": "0px",
    "layout_gap": "20px",
    "panel_border_width": "0px",
}


def theme() -> gr.themes.Base:
    """Hairlines instead of boxes, quiet labels, one accent."""
    base = gr.themes.Base(
        primary_hue=ACCENT,
        secondary_hue=ACCENT,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_md,
        spacing_size=gr.themes.sizes.spacing_md,
        text_size=gr.themes.sizes.text_md,
        font=FONT,
        font_mono=MONO,
    )
    return base.set(**COLORS)


def css() -> str:
    """Every style sheet of the page in one, the shared one first, heavy enough to win against Gradio's own rules."""
    sheets = "\n".join(asset(name) for name in style_sheets())
    lifted = "\n".join(STANDS_ALONE.findall(sheets))
    return f"{lifted}\n{HEAVY} {{\n{STANDS_ALONE.sub('', sheets)}\n}}"


def head(addresses: Mapping[str, Mapping[str, str]]) -> str:
    """What the page needs before it is drawn: the style sheets, the chosen theme, Escape for Cancel, and Plotly on its way.

    ``addresses`` says which tabs stand open for ``?tab=NAME``, by the element that holds them. ``launch(css=...)`` would
    confine the rules to Gradio's container; large views and cards stand outside of it.
    """
    script = asset("shared/head.js").replace("__TABS__", json.dumps(addresses))
    return str(render("shared/head.html", css=Markup(css()), script=Markup(script), early=chart_library()))


def chart_library() -> list[str]:
    """The file with Plotly among Gradio's, the largest of the page: a browser that knows it early need not wait for it."""
    folder = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
    return sorted(file.name for file in folder.glob("PlotlyPlot-*.js"))
