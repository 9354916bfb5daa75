"""The Study page's handlers for what people said: live results, exclusions, exports, and votes that become an adapter."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from t2ialign.charts.study import metrics_figure, rates_figure, strengths_figure
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.browser_events import DARK
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.pictures import preview_uri
from t2ialign.dashboard.shared.wiring import Updates
from t2ialign.dashboard.study import results_view as tables
from t2ialign.dashboard.study import verdict_view as verdict
from t2ialign.dashboard.study.counting_view import counting_lines, counting_tables
from t2ialign.hub import study_folder, votes_dataset
from t2ialign.store import images
from t2ialign.store.studies import exclude, exclusions, include, picture_of, study_of
from t2ialign.study.exclusion import Rule, checked_rule
from t2ialign.types import InputError
from t2ialign.use_cases.studies.results import study_results

EVERYBODY = ("Everybody", "")
FORMS: dict[str, Callable[[Any, str, Path], Any]] = {
    "csv": study_folder.export_csv,
    "votes": study_folder.export_parquet,
    "pairs": study_folder.export_pairs,
    "all": study_folder.export_folder,
}
FILES = {"votes": "votes.parquet", "pairs": "pairs.parquet"}


def draw(services: Services, study: str, theme: str, group: str) -> Updates:
    """The results as they are now, of all raters or of one group."""
    asked = study_of(services.store, study) if study else None
    if asked is None or asked.state == "draft":
        return _nothing()
    groups = asked.design.groups if asked.design else ()
    chosen = group if group in groups else ""
    found, dark = study_results(services.store, study, chosen), theme == DARK
    kept = found.results
    choices = [EVERYBODY, *((name, name) for name in groups)] if len(groups) > 1 else [EVERYBODY]
    drawn = [
        tables.pairs_table(kept.pairs),
        *counting_tables(kept.counting),
        tables.rates_table(kept.rates),
        tables.groups_table(kept.rates),
        tables.patterns_table(kept.patterns, " > " if asked.design and asked.design.answer.kind == "rank" else " + "),
        tables.positions_table(kept),
        tables.with_and_without(kept, found.unfiltered),
    ]
    rules = exclusions(services.store, study)
    return {
        "found": gr.Column(visible=found.unfiltered.answers > 0),
        "group": gr.Dropdown(choices, value=chosen, visible=len(choices) > 1),
        "votes_of": gr.Dropdown(choices),
        "headline": verdict.headline(kept, asked.design),
        "contested": verdict.contested_panel(kept.contested, partial(_small, services)),
        "sentences": tables.sentences(kept, counting_lines(kept.counting)),
        "rates": rates_figure(kept.rates, dark=dark),
        "strengths": strengths_figure(kept.strengths, dark),
        "metrics": metrics_figure(found.metrics, dark),
        "tables": tables.tables(drawn),
        "inforce": gr.Dropdown([(rule.describe(), str(place)) for place, rule in enumerate(rules)], value=None),
    }


def _small(services: Services, sha: str) -> str:
    """A study's picture, small and in the page itself: a study from elsewhere has no cells that it could lie in."""
    return preview_uri(images.decode(picture_of(services.store, sha)))


def _nothing() -> Updates:
    hint = notice("Results appear here once the study is open and people answer.", "hint")
    return {"headline": hint, "found": gr.Column(visible=False), "group": gr.Dropdown(visible=False)}


def leave_out(services: Services, study: str, theme: str, group: str, rule: str, limit: Any, reason: str) -> Updates:
    """Put an exclusion rule in force and show what it does."""
    exclude(services.store, _chosen(study), checked_rule(rule, float(limit or 0)), (reason or "").strip()[:200])
    return draw(services, study, theme, group)


def take_back(services: Services, study: str, theme: str, group: str, place: str | None, reason: str) -> Updates:
    """Let a rule go."""
    include(services.store, study, _in_force(services, study, place), (reason or "").strip()[:200])
    return draw(services, study, theme, group)


def export(services: Services, form: str, study: str) -> Updates:
    """The votes as a file: one file as it is, a folder as a zip."""
    folder = services.new_export()
    target = folder / FILES.get(form, f"{_chosen(study)}-{form}")
    FORMS[form](services.store, study, target)
    path = target if target.is_file() else Path(shutil.make_archive(str(target), "zip", target))
    return {"export_file": gr.File(str(path), visible=True)}


def push(services: Services, study: str, repo: str) -> Updates:
    """Everything as a private dataset on the Hub."""
    if not (repo or "").strip():
        raise InputError("Name the dataset on the Hub, as your-name/your-study.")
    address = votes_dataset.push_study(services.store, _chosen(study), repo.strip())
    return {"study_notice": notice(f"Uploaded: {address}", "note")}


def _chosen(study: str) -> str:
    if not study:
        raise InputError("Choose a study first.")
    return study


def _in_force(services: Services, study: str, place: str | None) -> Rule:
    rules = exclusions(services.store, _chosen(study))
    if place is None or not place.isdecimal() or int(place) >= len(rules):
        raise InputError("Choose the rule that is to be taken back.")
    return rules[int(place)]
