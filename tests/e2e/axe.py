"""axe-core in a page: what keeps people out who see, hear or move otherwise than most."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

SCRIPT = Path(axe_playwright_python.__file__).with_name("axe.min.js")
BAD = ("serious", "critical")
LOOK = """async (only) => (await axe.run(document, {
  resultTypes: ['violations'], ...(only.length ? { runOnly: only } : {}),
})).violations.map((rule) => ({
  rule: rule.id, impact: rule.impact, places: rule.nodes.map((node) => `${node.target} ${node.html.slice(0, 160)}`),
}))"""

STILL = """() => document.getAnimations().every(
  (one) => one.playState !== 'running' || one.effect?.getTiming().iterations === Infinity)"""


def findings(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """The serious and the critical ones, with the places where they are; ``rules`` instead of all."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(SCRIPT.read_text(encoding="utf-8"))
    page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    page.wait_for_function(STILL)  # colours that fade are not those that stay
    found = page.evaluate(LOOK, list(rules))
    return [
        f"{one['impact']} {one['rule']}: {place}" for one in found if one["impact"] in BAD for place in one["places"]
    ]
