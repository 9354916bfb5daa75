"""The page's HTML: jinja2 templates that lie beside their page, and the one environment that renders them.

What a template prints is text unless it is ``Markup``, so what people write never becomes a tag. A line break between two
tags prints nothing: templates may be indented, and buttons or numbers side by side keep their distance to the style sheet.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from t2ialign.charts.intervals import in_words, number, signed
from t2ialign.dashboard.shared.words import counted, duration, interval_text, metric_range, short

PAGES = Path(__file__).parent.parent
BETWEEN_TAGS = re.compile(r"(?:(?<=>)|(?<=[%#]\}))(\s*\n\s*)(?=<|\{[%#])")


def template_names() -> list[str]:
    """Every template by its page and file."""
    return sorted(f"{path.parent.parent.name}/{path.name}" for path in PAGES.glob("*/templates/*.html"))


def render(name: str, **values: Any) -> Markup:
    """A template with its values; a name that the template uses and nobody gave raises ``UndefinedError``."""
    return Markup(ENVIRONMENT.get_template(name).render(values))


def call(name: str, macro: str, *values: Any) -> Markup:
    """One macro of a template, for pieces too small for a file of their own."""
    found: Markup = getattr(ENVIRONMENT.get_template(name).module, macro)(*values)
    return found


def _source(name: str) -> str | None:
    """The text of ``explore/progress.html``, which is ``explore/templates/progress.html``."""
    page, _, file = name.partition("/")
    path = PAGES / page / "templates" / file
    # A comment prints nothing, and keeps the line break for the line numbers of errors.
    return BETWEEN_TAGS.sub(r"{#\1#}", path.read_text(encoding="utf-8")) if path.is_file() else None


def css_string(text: str) -> Markup:
    """A string of CSS that nothing can end early: all but letters, digits and blanks are written as code points."""
    return Markup('"' + "".join(c if c.isalnum() or c == " " else f"\\{ord(c):x} " for c in text) + '"')


ENVIRONMENT = Environment(
    loader=FunctionLoader(_source),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
    cache_size=-1,
)
ENVIRONMENT.filters |= {
    "number": number,  # 0.712
    "signed": signed,  # +0.012
    "short": short,  # 0.71
    "interval": in_words,  # 0.71 (0.66 to 0.75)
    "ends": interval_text,  # 0.66 to 0.75
    "range": metric_range,  # 0 to 1, share of claims. Higher is better.
    "counted": counted,  # 16 pictures
    "duration": duration,  # 2 min
    "css_string": css_string,  # "base"
}
ENVIRONMENT.tests["known"] = math.isfinite
