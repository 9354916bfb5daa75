from __future__ import annotations

from pathlib import Path

from t2ialign.tradeoff.research import Changes, Finding, Gap, Research, Section
from t2ialign.use_cases.reports.research_page import write_page

FIGURE = Finding("What is it", "It is so.", Changes("lpips", "what", ()), "t2ialign say")
FOUND = Research(
    "A title", ("On this.",), (Section("key", "Why?", (FIGURE,), (Gap("Nobody knows.", "t2ialign ask"),)),)
)
TEXT = """# A title

On this.

## 1. Why?

**What is it.** It is so.

    t2ialign say

What is not known:

- Nobody knows. `t2ialign ask`"""


def test_a_new_page_is_the_report_alone(tmp_path: Path) -> None:
    write_page(FOUND, tmp_path / "new" / "report.md")
    assert (tmp_path / "new" / "report.md").read_text() == f"{TEXT}\n"


def test_a_page_keeps_what_people_wrote_around_the_marks_and_shows_figures_beside_it(tmp_path: Path) -> None:
    page, figure = tmp_path / "report.md", tmp_path / "images" / "research" / "key-1.svg"
    figure.parent.mkdir(parents=True)
    figure.write_text("<svg/>")
    page.write_text("before\n<!-- report -->\nold\n<!-- /report -->\nafter\n")
    shown = TEXT.replace("    t2ialign say", "    t2ialign say\n\n![What is it](images/research/key-1.svg)")
    for _ in range(2):  # again changes nothing
        write_page(FOUND, page)
        assert page.read_text() == f"before\n<!-- report -->\n\n{shown}\n\n<!-- /report -->\nafter\n"
