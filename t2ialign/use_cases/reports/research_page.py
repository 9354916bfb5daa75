"""A report as a Markdown page: a file of its own, or what stands between the marks of one that people wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from t2ialign.tradeoff.research import Finding, Research
from t2ialign.use_cases.audit.files import write_text
from t2ialign.use_cases.reports.research import lines

BEGIN, END = "<!-- report -->", "<!-- /report -->"
FIGURES = Path("images", "research")  # beside the page; docs/research_figures.py draws them


def figures_of(found: Research) -> Iterator[tuple[str, Finding]]:
    """Every figure under the name of its file."""
    for section in found.sections:
        for number, exhibit in enumerate(section.exhibits, 1):
            yield f"{section.key}-{number}.svg", exhibit


def page_text(found: Research, path: Path) -> str:
    """What the file will hold; figures are shown that lie beside it."""
    pictures = {
        id(exhibit): (FIGURES / name).as_posix()
        for name, exhibit in figures_of(found)
        if (path.parent / FIGURES / name).is_file()
    }
    said = "\n".join(lines(found, pictures))
    known = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, begun, rest = known.partition(BEGIN)
    _, ended, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{said}\n\n{END}{after}" if begun and ended else f"{said}\n"


def write_page(found: Research, path: Path) -> None:
    """Brings the page up to date, or makes it."""
    write_text(path, page_text(found, path))
