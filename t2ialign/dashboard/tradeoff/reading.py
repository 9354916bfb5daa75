"""What the Trade-off chart says beyond its points, in words: its front, its match of alignment, and how it is looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

from markupsafe import Markup

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.chart_points import ChartChoice, ChartPoints, load_arrows, load_cells, load_differences
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.templates import render
from t2ialign.dashboard.shared.words import counted
from t2ialign.dashboard.tradeoff.drawing import MOST_PANELS, ChartLook, Front, categories, front_of
from t2ialign.names import setting_name
from t2ialign.store import titles
from t2ialign.tradeoff.arrows import most_preferred
from t2ialign.tradeoff.differences import Differences
from t2ialign.tradeoff.front_band import FEWEST_PROMPTS
from t2ialign.tradeoff.matching import AsAligned, as_aligned, in_a_sentence
from t2ialign.types import GenerationConfig
from t2ialign.use_cases.reports.research_material import bend_in_words

MOST_MATCHES = 60  # checkpoints of which the page lists who is more varied at the same alignment
BAND = (
    "The dotted line is the best that is reached at a required alignment or better, the band its 95 % interval (prompts "
    "resampled, all settings alike)."
)
ON_PLAIN_AXES = "The band belongs to the values themselves in one panel: choose these to see it."


def words(services: Services, chosen: ChartChoice, found: ChartPoints, view: ChartLook, point: str) -> Markup:
    """Sentences under the chart, as HTML; nothing where points are not compared."""
    if not chosen.comparable:
        return Markup("")
    looked = _looked(services, chosen, found, view)
    text = _matched(services, chosen, found, point) + (notice(looked, "hint") if looked else "")
    if not view.band:
        return text
    if not view.plain:
        return text + notice(ON_PLAIN_AXES, "hint")
    return text + _front(front_of(services, chosen, found))


def _matched(services: Services, chosen: ChartChoice, found: ChartPoints, point: str) -> Markup:
    """The opened point, or the one that the headline is about, beside its parent's sweep where that is as aligned; then all."""
    arrows = load_arrows(services, chosen, found)
    best = most_preferred(arrows, chosen.x, point)
    if best is None or chosen.x == chosen.y:
        return Markup("")
    asked = arrows if len(arrows) <= MOST_MATCHES else [best]  # of more, a bootstrap each would take too long
    pairs = {arrow.policy: arrow.parent.checkpoint for arrow in asked}
    question = ("as aligned", found.points, tuple(pairs))
    matches = services.charts.ask(question, partial(matches_of, services, chosen, pairs))
    picked = [one for one in matches if one.policy == best.policy]
    called = titles(services.store)
    said = notice(in_a_sentence(picked[0], chosen.x, chosen.y, called), "hint") if picked else Markup("")
    rows = matches if len(arrows) <= MOST_MATCHES else ()
    return said + render("tradeoff/matches.html", matches=rows, x=chosen.x, y=chosen.y, titles=called)


def matches_of(services: Services, chosen: ChartChoice, pairs: Mapping[GenerationConfig, str]) -> tuple[AsAligned, ...]:
    """Each config beside the sweep of its parent's name, those that keep most first and those without a match last."""
    cells = load_cells(services, chosen)
    made = [as_aligned(cells, policy, parent, chosen.x, chosen.y) for policy, parent in pairs.items()]
    sign = -1 if chosen.y.higher_is_better else 1
    known = [one for one in made if one is not None]
    return tuple(sorted(known, key=lambda one: (math.isnan(one.gain.mean), sign * one.gain.mean)))


def _looked(services: Services, chosen: ChartChoice, found: ChartPoints, view: ChartLook) -> str:
    """What must be said of differences and of panels."""
    said = []
    reference = found.of(view.against)
    if reference is not None:
        less = load_differences(services, chosen, found, reference)
        said.append(_less(less, dict(titles(services.store)), chosen))
    if view.split and len(left := categories(services, chosen)[MOST_PANELS:]):
        said.append(f"{counted(len(left), 'kind')} of prompts more are not drawn: choose some above.")
    return " ".join(said)


def _less(less: Differences, called: dict[str, str], chosen: ChartChoice) -> str:
    who = setting_name(less.reference, called)
    text = f"Every point less {who}, prompt by prompt on the same seeds: what both have alike is in no interval."
    if less.missing:
        text += f" {counted(less.missing, 'point')} share no scored prompt and seeds with it and are not drawn."
    turned = [metric.title for metric in dict.fromkeys((chosen.x, chosen.y)) if metric.finish]
    if turned:
        text += (
            f" {' and '.join(turned)} counts effectively: its mean is no mean of differences, so it has no bars here."
        )
    return text


def _front(front: Front) -> Markup:
    """The band, the knee and the hypervolumes in words."""
    if front.edge is None:
        return notice("One setting has no front: sweep several CFG values on this set.", "hint")
    knee = "The front has no knee." if front.knee is None else bend_in_words(front.knee)
    few = front.edge.prompts < FEWEST_PROMPTS
    note = (
        f" Of {counted(front.edge.prompts, 'prompt')} there is no band: {FEWEST_PROMPTS} are the least." if few else ""
    )
    shared = " Prompts share seeds, so it is too narrow." if front.edge.share_seeds and not few else ""
    return notice(f"{BAND}{note}{shared} {knee}", "hint") + render("tradeoff/volumes.html", volumes=front.volumes)
