"""Trade-off's handlers: plain functions of services and values that say what changes on the page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any
from urllib.parse import parse_qs

import gradio as gr

from t2ialign.charts import standalone_html
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import owner
from t2ialign.dashboard.shared.browser_events import DARK
from t2ialign.dashboard.shared.chart_points import (
    ChartChoice,
    ChartPoints,
    choose,
    in_a_sentence,
    load_arrows,
    load_points,
    metric_choices,
    usual_benchmark,
)
from t2ialign.dashboard.shared.html import explained, notice
from t2ialign.dashboard.shared.point_details import point_details
from t2ialign.dashboard.shared.point_details_view import all_points, back_to_all, point_details_html
from t2ialign.dashboard.shared.wiring import Updates, said
from t2ialign.dashboard.shared.words import counted, default_metric
from t2ialign.dashboard.tradeoff import comparing, reading
from t2ialign.dashboard.tradeoff.drawing import NO_REFERENCE, ChartLook, picture, references, rows_of
from t2ialign.dashboard.tradeoff.run_table import run_table
from t2ialign.names import NO_TITLES
from t2ialign.store import (
    Filters,
    Mark,
    choices,
    list_benchmarks,
    marks,
    rename_checkpoint,
    scored_metrics,
    set_mark,
    titles,
    write_table,
)
from t2ialign.tradeoff.arrows import Arrow, most_preferred
from t2ialign.tradeoff.arrows import in_a_sentence as in_a_sentence_of
from t2ialign.types import InputError
from t2ialign.use_cases.align.lineage import lineages
from t2ialign.use_cases.align.removal import remove, removed, restore
from t2ialign.use_cases.batches.benchmarks import make_set, set_of, stray_groups

NOTHING_HERE = (
    "Nothing is scored here yet: loosen the filters, choose another set, or run `t2ialign sweep` on its prompts."
)
EVERYTHING = "all"  # in place of a benchmark set: every stored prompt, which compares nothing
ADDRESS = ("set", "x", "y", "kinds", "only", "point", "against", "split", "band")
YES = "1"  # of a box that is ticked, in the address
BETWEEN = ","
_CHANGES = count(1)  # a number of its own for each change: two in a row both draw the chart anew


def show(services: Services, data: Mapping[str, Any], benchmark: str | None, x: str | None, *rest: Any) -> Updates:
    """The tab as the store is now: new choices, what was chosen stays, and the chart.

    The first time, what the address names is chosen.
    """
    theme = said(data, "theme")
    y, categories, checkpoints, pareto, point, *looked = rest
    if benchmark is None:
        asked = _asked(said(data, "query"))
        benchmark, x, y, point = asked["set"] or None, asked["x"] or None, asked["y"] or None, asked["point"]
        categories, checkpoints = _split(asked["kinds"]), _split(asked["only"])
        looked = [asked["against"], asked["split"] == YES, asked["band"] == YES]
    found = choices(services.store)
    known = set_choices(services)
    keys = [key for _, key in known]
    if benchmark not in keys:
        benchmark = next(key for key in (usual_benchmark(services), EVERYTHING) if key in keys)
    categories = [one for one in categories or () if one in found["categories"]]
    checkpoints = [one for one in checkpoints or () if one in found["checkpoints"]]
    chosen, metrics = chosen_of(services, benchmark, x, y, categories, checkpoints), metric_choices(services)
    names = (chosen.x.name, chosen.y.name)
    return {
        "benchmark": gr.Dropdown(known, value=benchmark),
        "x": gr.Dropdown(metrics, value=names[0] if metrics else None),
        "y": gr.Dropdown(metrics, value=names[1] if metrics else None),
        "categories": gr.Dropdown(found["categories"], value=categories),
        "checkpoints": gr.Dropdown(found["checkpoints"], value=checkpoints),
        **dict(zip(("split", "band"), looked[1:])),
        **draw(services, theme, benchmark, *names, categories, checkpoints, pareto, point, *looked),
    }


def set_choices(services: Services) -> list[tuple[str, str]]:
    """Benchmark sets as (label, key), those with most to compare first; then everything there is."""
    rows = list_benchmarks(services.store)
    sets = [(f"{row.title} ({counted(row.configs, 'point')})", row.key) for row in rows]
    return [*sets, ("Everything stored, not compared", EVERYTHING)]


def _asked(query: str) -> dict[str, str]:
    fields = parse_qs(query.removeprefix("?"), max_num_fields=100) if len(query) < 4096 else {}
    return {name: fields.get(name, [""])[0] for name in ADDRESS}


def _split(text: str) -> list[str]:
    return [part for part in text.split(BETWEEN) if part]


def draw(
    services: Services,
    theme: str,
    benchmark: str | None,
    x: str | None,
    y: str | None,
    categories: Sequence[str] | None,
    checkpoints: Sequence[str] | None,
    pareto: bool,
    point: str,
    against: str | None = "",
    split: bool = False,
    band: bool = False,
) -> Updates:
    """The chart with the clicked point ringed; a point that is no longer on it is no longer chosen, nor looked at from."""
    chosen = chosen_of(services, benchmark, x, y, categories, checkpoints)
    found = load_points(services, chosen)
    changed = load_arrows(services, chosen, found)
    opened = found.of(point)
    view = ChartLook(pareto, against if against and chosen.comparable and found.of(against) else "", split, band)
    shown = picture(services, chosen, found, view, theme == DARK, point if opened else "")
    where = dict(zip(ADDRESS, (benchmark, x, y, _joined(categories), _joined(checkpoints), point if opened else "")))
    where |= {"against": view.against, "split": YES * split, "band": YES * band}
    updates: Updates = {
        "chart": services.charts.ask(shown, shown.figure),
        "against": gr.Dropdown(references(services, found) if chosen.comparable else NO_REFERENCE, value=view.against),
        "headline": headline(changed, chosen, point, titles(services.store)),
        "table": run_table(services, chosen, found, changed, point),
        "address": json.dumps(where),
    }
    if opened is None:
        return {**updates, "point_details": _list(services, chosen, found), "point": ""}
    if said := _details(services, chosen, point):
        updates["point_details"] = said
    return updates


def _joined(names: Sequence[str] | None) -> str:
    return BETWEEN.join(names or ())


def headline(changed: Sequence[Arrow], chosen: ChartChoice, point: str, called: Mapping[str, str] = NO_TITLES) -> str:
    """What the opened run changed, in a sentence; with none opened, the one of its axis that is preferred most often."""
    best = most_preferred(changed, chosen.x, point)
    return "" if best is None else notice(in_a_sentence_of(best, chosen.x, chosen.y, called), "note")


def explain(services: Services, *controls: Any) -> Updates:
    """What the chart says, in words: an event of its own, because the bootstrap behind it takes its time.

    ``controls`` are those of the chart, then the opened point and how the chart is looked at.
    """
    chosen = chosen_of(services, *controls[:5])
    point, *looked = controls[5:] or ("",)
    found = load_points(services, chosen)
    which = explained({"Horizontal": chosen.x, "Vertical": chosen.y}, "axes")
    if found.points:
        words = in_a_sentence(found, chosen) + _unscored(services, chosen, found)
        more = reading.words(services, chosen, found, ChartLook(True, *looked), point)
        return {"sentence": notice(words, "hint") + more + which}
    scored = choices(services.store)["metrics"]
    return {"sentence": notice(NOTHING_HERE if scored else "", "hint")}


def _unscored(services: Services, chosen: ChartChoice, found: ChartPoints) -> str:
    """How many points of the benchmark set stand on another axis only."""
    rows = list_benchmarks(services.store, chosen.shown)
    there = next((row.configs for row in rows if (row.key,) == chosen.filters.benchmarks), 0)
    absent = there - len(found.points)
    if absent <= 0:
        return ""
    axes = " or ".join(dict.fromkeys((chosen.x.title, chosen.y.title)))
    return f" {absent} of {counted(there, 'point')} of this set are not drawn, for want of {axes}: another axis may show them."


def chosen_of(
    services: Services,
    benchmark: str | None,
    x: str | None,
    y: str | None,
    categories: Sequence[str] | None = None,
    checkpoints: Sequence[str] | None = None,
) -> ChartChoice:
    """The controls as metrics and filters; empty means all.

    No metric: one that is scored on the set, on the horizontal axis what most runs were trained for.
    """
    found = usual_benchmark(services) if benchmark is None else "" if benchmark == EVERYTHING else benchmark
    sets = (found,) if found else ()
    filters = Filters(categories=tuple(categories or ()), checkpoints=tuple(checkpoints or ()), benchmarks=sets)
    scored = choices(services.store)["metrics"]
    here = scored_metrics(services.store, filters) or scored
    x = x or trained_for(services, here) or default_metric("alignment", here).name
    chosen = choose(x, y or default_metric("diversity", here).name, scored, filters)
    hidden = [name for name, mark in marks(services.store).items() if mark.hidden]
    gone = set(removed(services.bench)) - set(services.checkpoints())
    return replace(chosen, hidden=tuple({*hidden, *gone}))


def trained_for(services: Services, scored: Collection[str]) -> str:
    """The scored metric that most checkpoints with points were trained for; empty where none was."""
    shown = set(choices(services.store)["checkpoints"])
    lines = lineages(services.checkpoints().values()).values()
    judges = Counter(line.judge for line in lines if line.checkpoint in shown and line.judge in scored)
    return max(judges, key=lambda name: (judges[name], name), default="")


def click_point(services: Services, data: Mapping[str, Any]) -> Updates:
    """A clicked point is opened: the chart is drawn anew with it ringed."""
    return {"point": said(data, "point")}


def choose_prompt(services: Services, data: Mapping[str, Any], *controls: Any) -> Updates:
    """A point of the list, another prompt of the same point, or (no point) the list of all."""
    point, cell = said(data, "point"), said(data, "cell")
    if not cell:
        return {"point": point}
    return {"point_details": _details(services, chosen_of(services, *controls), point, cell)}


def _details(services: Services, chosen: ChartChoice, point: str, cell: str = "") -> str:
    try:
        return back_to_all() + point_details_html(point_details(services, chosen, point, cell))
    except InputError as error:
        return notice(str(error))


def _list(services: Services, chosen: ChartChoice, found: ChartPoints) -> str:
    return all_points(found.points, chosen.x, chosen.y, services.palette(), titles(services.store))


def compare_runs(services: Services, ticked: str, theme: str, *controls: Any) -> Updates:
    """The runs that are ticked in the table, beside each other; ``ticked`` are their points' keys."""
    found = load_points(services, chosen_of(services, *controls))
    points = [found.of(key) for key in ticked.split()[: comparing.MOST]]
    return comparing.compare(services, [point for point in points if point is not None], theme == DARK)


def choose_run(services: Services, data: Mapping[str, Any], key: str) -> Updates:
    """What was done in the table: a run opened by anybody; marked, renamed, deleted or had back by the owner."""
    act, name = said(data, "act"), said(data, "checkpoint")
    if act == "open":
        return {"point": said(data, "point")}
    owner.check(key, "choose_run")
    if act in ("delete", "restore"):
        (remove if act == "delete" else restore)(services.bench, name)
        return {"drawn": next(_CHANGES)}
    mark = marks(services.store).get(name, Mark())
    changed = {
        "star": replace(mark, starred=not mark.starred),
        "hide": replace(mark, hidden=True),
        "show": replace(mark, hidden=False),
        "note": replace(mark, note=said(data, "note")),
    }.get(act)
    known = choices(services.store)["checkpoints"]
    if name not in known or (changed is None and act != "rename"):
        return {}
    if changed is None:
        rename_checkpoint(services.store, name, said(data, "title"), {*known, *services.checkpoints()})
    else:
        set_mark(services.store, name, changed)
    return {"drawn": next(_CHANGES)}


def offer_set(services: Services, key: str) -> Updates:
    """A button that makes a set of scored prompts that are in none, and how many there are."""
    groups = [] if owner.locked(key) else stray_groups(services.store)
    if not groups:
        return {"make_set": gr.Button(visible=False), "stray": ""}
    first = groups[0]
    label = f"Make a set of {counted(len(first.prompts), 'more prompt')} (seeds {first.seeds})"
    return {"make_set": gr.Button(label, visible=True), "stray": first.seeds}


def begin_set(services: Services, key: str, stray: str) -> Updates:
    """Makes that set and chooses it."""
    owner.check(key, "begin_set")
    found = make_set(services.store, stray)
    return {"benchmark": gr.Dropdown(set_choices(services), value=found.key)}


def offer_prompts(services: Services, key: str) -> Updates:
    """The prompt sets that a benchmark set could be made of."""
    owner.check(key)
    names = list(services.prompts)
    return {"set_prompts": gr.Dropdown(names, value=names[0])}


def set_of_prompts(services: Services, key: str, prompts: str | None, seeds: str) -> Updates:
    """Makes a benchmark set of a prompt set and chooses it; `sweep` on the same prompts and seeds fills it."""
    owner.check(key)
    if not prompts:
        raise InputError("Choose a prompt set first.")
    found = set_of(services.store, prompts, seeds)
    return {"benchmark": gr.Dropdown(set_choices(services), value=found.key)}


def opened(key: str) -> Updates:
    """The fold for new sets, where the key fits."""
    return {"new_set": gr.Accordion(visible=not owner.locked(key))}


def export(services: Services, suffix: str, theme: str, pareto: bool, *controls: Any) -> Updates:
    """The chart's points as ``.csv`` or ``.parquet``, or the chart as one ``.html`` file that needs no network.

    ``controls`` are those of the chart, then how it is looked at.
    """
    chosen = chosen_of(services, *controls[:5])
    view = ChartLook(pareto, *controls[5:])
    path = services.new_export() / f"tradeoff-{chosen.x.name}-{chosen.y.name}{suffix}"
    shown = picture(services, chosen, load_points(services, chosen), view, theme == DARK)
    try:
        if suffix == ".html":
            title = f"{chosen.x.title} against {chosen.y.title}"
            path.write_text(standalone_html(shown.figure(), title, shown.dark), encoding="utf-8")
        else:
            write_table(rows_of(shown), path)
    except InputError as error:
        return {"problem": notice(str(error)), "file": None}
    return {"problem": "", "file": str(path)}
