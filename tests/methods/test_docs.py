"""docs/methods.md tells what the code does: its table of numbers is made from the methods' records."""

from __future__ import annotations

from pathlib import Path

from t2ialign.methods import METHODS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "methods.md"
SHARED = ("learning_rate", "batch_size", "adapter", "rank", "empty_prompts", "timestep_lo", "candidates")


def table() -> list[str]:
    """One row a field: published, and on a small model."""
    rows = ["| method | field | published | small |", "|---|---|---|---|"]
    for method in METHODS.values():
        rows.append(f"| `{method.name}` | `steps` | {method.published_steps} | {method.embedded_steps} |")
        for control in method.controls():
            if control.group == "method" or control.name in SHARED:
                values = [
                    value if isinstance(value, str) else f"{value:g}" for value in (control.published, control.embedded)
                ]
                if isinstance(control.published, bool):
                    values = ["on" if value else "off" for value in (control.published, control.embedded)]
                rows.append(f"| | `{control.name}` | {values[0]} | {values[1] or 'the backbone’s own'} |")
    return rows


def test_the_table_of_numbers_is_that_of_the_code() -> None:
    assert "\n".join(table()) in DOCS.read_text(encoding="utf-8"), (
        "put tests/methods/test_docs.py's table() into the page"
    )


def test_every_method_is_described_with_its_paper() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert all(f"| `{name}` | " in text and method.arxiv in text for name, method in METHODS.items())
