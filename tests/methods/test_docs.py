"""docs/methods.md tells what the code does: its table of numbers is made from the methods' records."""

from __future__ import annotations

from pathlib import Path

from t2ialign.methods import METHODS
from t2ialign.methods.method import DRAWN
from t2ialign.methods.options import FLOW_FIELDS

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


def table_of_flows() -> list[str]:
    """What of the methods that draw is another number on a flow model: of all of them, and of some."""
    rows = [
        "| method | field | on a diffusion | on a flow | where the network is told its guidance |",
        "|---|---|---|---|---|",
    ]
    every = {"sde", *(name for numbers in DRAWN.values() for name in numbers)}
    for method in (METHODS["grpo"], *METHODS.values()):
        common = len(rows) == 2
        kinds = [{one.name: one.published for one in method.controls(kind)} for kind in (None, "flow", "told")]
        own = {name for numbers in method.on_flows.values() for name in numbers}
        for name in [name for name in kinds[0] if name in (every if common else own)]:
            said = [_said(kind[name]) for kind in kinds]
            said[0] = ("" if name in FLOW_FIELDS else "its own") if common else said[0]
            rows.append(f"| {'all' if common else f'`{method.name}`'} | `{name}` | {' | '.join(said)} |")
    return rows


def _said(value: object) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else value if isinstance(value, str) else f"{value:g}"


def test_the_table_of_flows_is_that_of_the_code() -> None:
    assert "\n".join(table_of_flows()) in DOCS.read_text(encoding="utf-8"), "put table_of_flows() into the page"


def test_every_method_is_described_with_its_paper() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert all(f"| `{name}` | " in text and method.arxiv in text for name, method in METHODS.items())
