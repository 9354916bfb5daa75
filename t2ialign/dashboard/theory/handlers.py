"""Theory's handlers: plain functions of services and values that say what changes on the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from t2ialign.charts.landscape import Member, View
from t2ialign.charts.theory import (
    CURVES,
    contour_figure,
    curve_figure,
    looks,
    ratio_figure,
    rider_coordinates,
    surface_figure,
)
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.browser_events import DARK
from t2ialign.dashboard.shared.html import Look, notice
from t2ialign.dashboard.shared.wiring import Updates
from t2ialign.dashboard.shared.words import DIVERGENCE_TITLES
from t2ialign.dashboard.theory.family_view import DivergenceCard, family, heading
from t2ialign.dashboard.theory.film import Film, film_of, runs_with_steps
from t2ialign.dashboard.theory.player_view import FilmData, no_film, player
from t2ialign.divergences import DIVERGENCES, Alpha, Divergence, curvature, matched_beta, parse_divergence
from t2ialign.objectives.sigmoid import Sigmoid
from t2ialign.store import job_of
from t2ialign.training.losses import PairLoss
from t2ialign.types import InputError
from t2ialign.use_cases.align.job import request_of
from t2ialign.use_cases.align.request import plan

ORDER = tuple(DIVERGENCES)
FIRST = ("reverse_kl", "jensen_shannon")
SPACE, ABOVE = "surface", "above"
LOGARITHMS, RATIOS = "logarithms", "ratios"
BETAS = (0.1, 20.0)
NEAR, FAR = math.log(20), math.log(1000)  # how far the logarithmic view reaches without a run, and at most
PLAIN = (0.02, 2.0)  # the paper's axes
PLOT = "t2-landscape-{name}"
NEARBY = "near"
NO_RUNS = "No training run yet: start one on the Align page, and its pairs will move over these landscapes."
CHOOSE = "Choose a training run to watch its pairs move from X1 = X2 = 1 over the landscapes."
NOT_KNOWN = "How this run was made cannot be found here, so the divergences and β above stay as they are."
ANOTHER_LOSS = "This run's loss is none of those drawn here: the divergences and β above stay as they are."
NO_PAIRS = "This run has no pairs to show: its method learns from single pictures, or its first steps are on their way."


@dataclass(frozen=True)
class TheoryForm:
    """The controls as they stand."""

    shown: tuple[str, ...] = FIRST
    alpha: float = 0.4
    beta: float = 2.0
    matched: bool = False
    seen_from: str = SPACE
    axes: str = LOGARITHMS
    run: str = ""

    def divergence(self, name: str) -> Divergence:
        return parse_divergence(f"alpha={self.alpha}" if name == "alpha" else name)

    def member(self, name: str) -> Member:
        """A divergence with the beta that it is used with; matched, all start as strong as reverse KL at beta."""
        divergence = self.divergence(name)
        beta = matched_beta(divergence, self.beta) if self.matched else self.beta
        title = f"{DIVERGENCE_TITLES[name]}, α = {self.alpha:g}" if name == "alpha" else DIVERGENCE_TITLES[name]
        return Member(name, title, divergence, beta)

    def members(self) -> list[Member]:
        return [self.member(name) for name in ORDER if name in self.shown]


def form_of(values: Sequence[Any]) -> TheoryForm:
    """The controls' values in their order; what a browser leaves empty keeps its default."""
    shown, alpha, beta, matched, seen_from, axes, run = values
    names = tuple(name for name in ORDER if name in (shown or ()))
    return TheoryForm(
        names, alpha or 0.4, beta or 2.0, bool(matched), seen_from or SPACE, axes or LOGARITHMS, run or ""
    )


def arrive(services: Services, theme: str, near: str, *values: Any) -> Updates:
    """What is drawn when the page comes into view, with the runs that the store has now."""
    *others, run = values
    offered = offer_runs(services, run)
    kept = run if "player" not in offered else None
    return draw_theory(services, theme, near, *others, kept) | offered


def offer_runs(services: Services, run: str | None) -> Updates:
    """The runs that the store has now; a chosen one stays chosen."""
    runs = runs_with_steps(services.store)
    if run in [job for _, job in runs]:
        return {"run": gr.Dropdown(runs, value=run, visible=True)}
    waiting = no_film(CHOOSE if runs else NO_RUNS)
    return {"run": gr.Dropdown(runs, value=None, visible=bool(runs)), "player": waiting}


def follow_run(services: Services, run: str | None) -> Updates:
    """Choosing a run takes over its divergence and its beta, where its loss is the one drawn here, and says so."""
    if not run:
        return {"followed": ""}
    try:
        made = plan(services.bench, request_of(job_of(services.store, run)))
        loss = made.method.loss_of(made.settings) if made.method.loss else None
    except InputError:  # its parent is gone, say
        return {"followed": notice(NOT_KNOWN, "hint")}
    if not isinstance(loss, PairLoss) or not isinstance(loss.objective, Sigmoid):
        return {"followed": notice(ANOTHER_LOSS, "hint")}
    name = next(name for name, kind in DIVERGENCES.items() if isinstance(loss.divergence, kind))
    shown, beta = [one for one in ORDER if one in {FIRST[0], name}], loss.objective.beta
    drawn = min(max(beta, BETAS[0]), BETAS[1])
    taken: Updates = {"shown": shown, "beta": drawn, "matched": False}
    if isinstance(loss.divergence, Alpha):
        taken["alpha"] = loss.divergence.alpha
    far = f", drawn as {drawn:g}, the nearest on this page" if drawn != beta else ""
    said = f"Taken over from this run: {DIVERGENCE_TITLES[name]} with β = {beta:,g}{far}, matching off."
    return {**taken, "followed": notice(said, "note")}


def draw_theory(services: Services, theme: str, near: str, *values: Any) -> Updates:
    """The charts of the page; the landscapes, which take a browser longest, once somebody comes ``near`` them."""
    curves = draw_curves(theme, *values)
    return curves | draw_landscapes(services, theme, *values) if near == NEARBY else curves


def draw_curves(theme: str, *values: Any) -> Updates:
    """The cards, the three curves and theorem 4."""
    form, dark = form_of(values), theme == DARK
    members = form.members()
    curves: Updates = {curve: curve_figure(members, curve, ORDER, dark) for curve in CURVES}
    cards = family([_card_of(form, name) for name in ORDER])
    return {**curves, "family": cards, "ratio": ratio_figure(members, ORDER, dark)}


def draw_landscapes(services: Services, theme: str, *values: Any) -> Updates:
    """A landscape for each chosen divergence, with the chosen run's pairs on it."""
    form, dark = form_of(values), theme == DARK
    found = film_of(services.store, form.run) if form.run else None
    view = view_of(form, found)
    painted = surface_figure if form.seen_from == SPACE else contour_figure
    updates: Updates = {}
    for name in ORDER:
        shown = name in form.shown
        updates[f"box_{name}"] = gr.Column(visible=shown)
        if shown:
            updates[f"title_{name}"] = heading(_card_of(form, name))
            updates[f"plot_{name}"] = painted(form.member(name), view, found.last if found else None, dark)
    return updates | ({"player": _player(form, view, found)} if form.run else {})


def view_of(form: TheoryForm, found: Film | None) -> View:
    """Wide enough for nearly every pair of the run; cut at reverse KL's loss in the worst corner."""
    reach = min(max(NEAR, found.reach() * 1.1 if found else 0.0), FAR)
    low, high = (math.exp(-reach), math.exp(reach)) if form.axes == LOGARITHMS else PLAIN
    worst = form.beta * math.log(high / low)
    return View(low, high, form.axes == LOGARITHMS, worst + math.log1p(math.exp(-worst)))


def _player(form: TheoryForm, view: View, found: Film | None) -> str:
    if found is None:
        return no_film(NO_PAIRS)
    plots = {}
    for member in form.members():
        cloud = [rider_coordinates(member, view, frame.pairs) for frame in found.frames]
        plots[PLOT.format(name=member.name)] = {"cloud": cloud, "path": rider_coordinates(member, view, found.path)}
    frames = found.frames
    return player(FilmData([frame.step for frame in frames], [len(frame.pairs) for frame in frames], plots))


def _card_of(form: TheoryForm, name: str) -> DivergenceCard:
    member = form.member(name)
    light, dark = looks(ORDER, False)[name], looks(ORDER, True)[name]
    shown = name in form.shown
    return DivergenceCard(
        name, member.title, Look(light[0], dark[0]), light[1], curvature(member.divergence), member.beta, shown
    )
