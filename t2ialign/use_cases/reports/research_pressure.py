"""The report's first two questions: what pressure costs, by guidance and by training, and whether a regulariser saves some."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from t2ialign import store
from t2ialign.metrics import METRICS
from t2ialign.names import PLAIN, setting_name
from t2ialign.store import Pair
from t2ialign.tradeoff import families
from t2ialign.tradeoff.arrows import Arrow
from t2ialign.tradeoff.comparison import Comparison, corrected
from t2ialign.tradeoff.doses import FEWEST_DOSES, PRESSURES, Response, responses
from t2ialign.tradeoff.frontier import PathCost
from t2ialign.tradeoff.research import Change, Changes, Costs, Doses, Finding, Gap, Plane
from t2ialign.types import GenerationConfig, InputError, Metric
from t2ialign.use_cases.align.lineage import BASE, steps_of
from t2ialign.use_cases.reports import frontier
from t2ialign.use_cases.reports.comparisons import percent
from t2ialign.use_cases.reports.research_material import Material, said

MOST_LINES = 8  # of a dose figure: more cannot be told apart
MOST_ROWS = 30
RUN = re.compile(r"(.+?)(?:-seed[0-9]{1,9})?(?:-step[0-9]{1,9})?")


def of_pressure(found: Material) -> Iterator[Finding | Gap]:
    """Guidance, then training."""
    yield from _plane(found)
    yield from _guidance(found)
    yield from _training(found)


def _plane(found: Material) -> Iterator[Finding | Gap]:
    scales = found.guided
    plane = Plane(found.x.name, found.y.name, found.points, found.arrows, whole=found.benchmark.prompts)
    command = points_of(found)
    if len(scales) < 2:
        sentence = (
            f"{_counted(len(found.points), 'setting')} on the chart; none of the base at two CFG values to compare."
        )
        yield Finding("The chart", sentence, plane, command)
        yield Gap("What guidance does was not seen: the base was not swept at two CFG values.", _sweep_base(found))
        return
    pair = Pair(scales[-1], scales[0])
    command = across_guidance(found, scales[0], f"{found.base_name} --guidance-scale {scales[-1].guidance_scale:g} ")
    made = {one.metric: one for one in compared(found, [pair], [found.x, found.y])}
    parts = [_changed(made[metric.name], metric) for metric in (found.x, found.y) if metric.name in made]
    prompts = next((one.prompts for one in made.values()), 0)
    sentence = (
        f"From CFG {scales[0].guidance_scale:g} to {scales[-1].guidance_scale:g} of {scales[0].checkpoint}, on the same "
        f"{prompts} prompts and seeds: {'; '.join(parts)}."
    )
    yield Finding("Guidance and training on one chart", sentence, plane, command)


def points_of(found: Material) -> str:
    """The command that prints the chart's points."""
    return f"python -m t2ialign points --x {found.x.name} --y {found.y.name} {found.on_this_set}"


def across_guidance(found: Material, base: GenerationConfig, policies: str = "") -> str:
    """The command that compares some configs, or all there are, with the base at one CFG."""
    return (
        f"python -m t2ialign compare {policies}--against {found.base_name} --against-guidance-scale "
        f"{base.guidance_scale:g} --metrics {found.x.name},{found.y.name} {found.on_this_set}"
    )


def compared(found: Material, pairs: Sequence[Pair], metrics: Sequence[Metric]) -> list[Comparison]:
    """Pairs of configs on what both have, as one family of tests."""
    names = list(dict.fromkeys(metric.name for metric in metrics))
    made = store.scored_comparisons(found.bench.store, pairs, METRICS, names, found.scored.versions, found.filters)
    return corrected(made)


def _changed(one: Comparison, metric: Metric) -> str:
    if one.difference is None:
        return f"{metric.title} from {said(one.base_mean)} to {said(one.policy_mean)}"
    clear = "" if one.stands else ", which may be none"
    return f"{metric.title} {said(one.difference, '+')}{clear}"


def _guidance(found: Material) -> Iterator[Finding | Gap]:
    """Dose and response along CFG, of the base or of whatever was swept, and along the other pressures."""
    ends = steps_of(found.lines)
    for pressure in PRESSURES:
        every = [one for metric in _doses_of(found) for one in responses(found.cells, metric, pressure, ends)]
        made = [one for one in every if one.line.guidance == PLAIN]
        lines = list(dict.fromkeys(one.line for one in made))
        base = [one for one in made if one.line.checkpoint == "base"]
        shown = (base or [one for one in made if one.line == lines[0]])[:MOST_LINES] if made else []
        if pressure.name != "CFG":
            shown = [one for one in made if one.metric in (found.x.name, found.y.name)][:MOST_LINES]
        if not shown:
            yield Gap(*_no_doses(pressure.name, found))
            continue
        yield Finding(
            f"Dose and response: {pressure.name}",
            slopes_in_words(shown, (found.x.name, found.y.name)),
            Doses(tuple(shown)),
            found.report,
        )


def _doses_of(found: Material) -> list[Metric]:
    return [found.x, *found.on("diversity")][:MOST_LINES]


def _no_doses(pressure: str, found: Material) -> tuple[str, str]:
    """The sentence and the command for a pressure without three doses."""
    if pressure == "CFG":
        return f"How steep the response to CFG is: no model was swept at {FEWEST_DOSES} CFG values.", _sweep_base(found)
    name = next((arrow.policy.checkpoint for arrow in found.arrows), "NAME").partition("@")[0]
    if pressure == "adapter weight":
        command = f"python -m t2ialign sweep --checkpoint {name} --weights 0.25,0.5,0.75,1 --seeds own:8"
        return f"How the weight of an adapter acts: none was swept at {FEWEST_DOSES} weights.", command
    sentence = f"How the length of training acts: no run has {FEWEST_DOSES} scored steps, its end included"
    return f"{sentence}; `align --keep-steps` keeps them.", ""


def slopes_in_words(shown: Sequence[Response], axes: Sequence[str]) -> str:
    """The slopes of the chart's two metrics, and how many of the others rise and fall; all are one family of tests (Holm)."""
    ps = [one.p for one in shown]
    stand = [one for one, p in zip(shown, families.holm(ps)) if families.stands(p)]
    parts = [
        f"{METRICS[one.metric].title}{_of(one)} {said(one.slope, '+')}{'' if one in stand else ', which may be none'}"
        for one in shown
        if one.metric in axes
    ]
    others = [one for one in shown if one.metric not in axes]
    falls = [METRICS[one.metric].title for one in others if one in stand and one.slope.mean < 0]
    rises = [METRICS[one.metric].title for one in others if one in stand and one.slope.mean > 0]
    more = (
        f" Of {len(others)} other diversity metrics {_some(falls)} fall and {_some(rises)} rise beyond chance."
        if others
        else ""
    )
    family = families.tests(ps)
    by = f" Chance is judged after Holm over the {family} slopes." if family > 1 else ""
    turned = [f"{METRICS[one.metric].title}{_of(one)}" for one in shown if one.turns]
    bent = f" A slope says little of a curve that goes both ways: {', '.join(turned)}." if turned else ""
    return f"Per {shown[0].per}, on {shown[0].prompts} prompts: {'; '.join(parts)}.{more}{by}{bent}"


def _of(one: Response) -> str:
    return "" if one.line.checkpoint == "base" else f" of {one.line.checkpoint}"


def _some(names: Sequence[str]) -> str:
    return f"{len(names)} ({', '.join(names)})" if names else "none"


def _training(found: Material) -> Iterator[Finding | Gap]:
    arrows = [arrow for arrow in found.arrows if arrow.y.difference is not None]
    if not arrows:
        yield Gap(
            "What training does to diversity: no trained checkpoint has runs on the same prompts and seeds as its parent.",
            "python -m t2ialign sweep --checkpoint base,dpo --guidance-scales 4 --seeds own:8",
        )
        return
    for parent in dict.fromkeys(arrow.parent.checkpoint for arrow in arrows):
        yield from _trained(found, _in_one_family([arrow for arrow in arrows if arrow.parent.checkpoint == parent]))
    yield Gap(_runs(arrows), "")


def _in_one_family(arrows: Sequence[Arrow]) -> list[Arrow]:
    """The same with both axes' differences as one family of tests, as the command prints them."""
    made = iter(corrected([side for arrow in arrows for side in (arrow.x, arrow.y)]))
    return [replace(arrow, x=next(made), y=next(made)) for arrow in arrows]


def _trained(found: Material, arrows: Sequence[Arrow]) -> Iterator[Finding | Gap]:
    """What was trained from one parent."""
    rows = sorted(arrows, key=lambda arrow: arrow.y.difference.mean if arrow.y.difference else 0.0)
    losses = [arrow for arrow in arrows if arrow.y.stands and _worse(arrow, found.y)]
    gains = [arrow for arrow in arrows if arrow.y.stands and not _worse(arrow, found.y)]
    worst = (rows if found.y.higher_is_better else rows[::-1])[0]
    share = f" ({percent(worst.relative)} of its parent's diversity)" if worst.relative else ""
    parent = worst.parent.checkpoint
    sentence = (
        f"Of {_counted(len(arrows), 'setting')} of checkpoints that were trained from {parent}, each beside it, "
        f"{len(losses) or 'none'} lost diversity and {len(gains) or 'none'} gained some beyond chance, after Holm over "
        f"{_counted(families.tests(_ps(arrows)), 'difference')}; lowest is {setting_name(worst.policy)}{share}."
    )
    names = [f"{setting_name(arrow.policy)} less {arrow.parent.checkpoint}" for arrow in rows]
    drawn = Changes(
        found.y.name,
        "change beside the parent",
        tuple(
            Change(name, arrow.y.difference, arrow.y.stands) for name, arrow in zip(names, rows) if arrow.y.difference
        )[:MOST_ROWS],
    )
    checkpoints = " ".join(dict.fromkeys(arrow.policy.checkpoint for arrow in rows))
    against = found.base_name if parent == BASE else parent
    command = (
        f"python -m t2ialign compare {checkpoints} --against {against} --metrics {found.x.name},{found.y.name} "
        f"{found.on_this_set}"
    )
    yield Finding(f"What training changed beside {parent}", sentence, drawn, command)
    if len(rows) > MOST_ROWS:
        yield Gap(f"{len(rows) - MOST_ROWS} more differences are not drawn; the command prints all of them.", command)


def _ps(arrows: Sequence[Arrow]) -> list[float]:
    return [side.p for arrow in arrows for side in (arrow.x, arrow.y)]


def _worse(arrow: Arrow, metric: Metric) -> bool:
    return arrow.y.difference is not None and (arrow.y.difference.mean < 0) == metric.higher_is_better


def _runs(arrows: Sequence[Arrow]) -> str:
    """How many training runs stand behind each checkpoint."""
    runs = Counter(_path(name) for name in {re.sub(r"-step[0-9]+$", "", arrow.policy.checkpoint) for arrow in arrows})
    several = sorted(name for name, count in runs.items() if count > 1)
    kept = f" Several runs were seen of {', '.join(several)} alone." if several else ""
    return f"How another training run of the same method would end: one run a checkpoint says nothing of that.{kept}"


def _path(checkpoint: str) -> str:
    """The method's path that a checkpoint is a dose or another seed of."""
    said = RUN.fullmatch(checkpoint)
    return said[1] if said else checkpoint


def of_regularisers(found: Material) -> Iterator[Finding | Gap]:
    """Methods compared where they win equally often."""
    judged = [arrow for arrow in found.arrows if arrow.judged is not None and arrow.parent.checkpoint == "base"]
    sets = Counter((arrow.judged.metric, arrow.policy.guidance_scale) for arrow in judged if arrow.judged)
    again = "python -m t2ialign align diffusion_dpo --name mine --pairs style:minimal --keep-steps 50,150"
    if not sets:
        yield Gap(
            "Methods can be compared at matched strength only by what they were trained for: no checkpoint here has runs "
            "that its own judge scored.",
            again,
        )
        return
    (judge, scale), _ = max(sets.items(), key=lambda one: (one[1], one[0]))
    names = list(dict.fromkeys(_path(a.policy.checkpoint) for a in judged if a.judged and a.judged.metric == judge))
    try:
        yield from _costs(found, sorted(names), judge, scale)
    except InputError as error:
        yield Gap(f"What equal winning costs: {error}", "")
    methods = sorted({found.lines[arrow.policy.checkpoint].method for arrow in judged} - {""})
    yield Gap(
        f"Other methods, regularisers and strengths: seen here are {', '.join(methods) or 'none by name'}.", again
    )


def _costs(found: Material, names: Sequence[str], judge: str, scale: float) -> Iterator[Finding | Gap]:
    """At the highest win rate, in steps of 0.01, that two thirds of the paths reach, and at least two."""
    stored = found.bench.store
    first = frontier.report(stored, names, "base", judge, found.y.name, scale, 0.6)
    reach = sorted((max(dose.win_rate.mean for dose in path.doses) for path in first.paths), reverse=True)
    most = max(math.ceil(2 * len(reach) / 3), min(2, len(reach)))
    rate = math.floor(100 * min(reach[most - 1], 0.95)) / 100
    if rate <= 0.5:
        yield Gap(f"What winning costs: no checkpoint is preferred to its parent by {METRICS[judge].title}.", "")
        return
    report = frontier.report(stored, names, "base", judge, found.y.name, scale, rate)
    known = [path for path in report.paths if math.isfinite(path.cost.mean)]
    parts = [f"{path.name} {percent(path.cost)}" for path in known]
    short = ", ".join(path.name for path in report.paths if path not in known)
    sentence = (
        f"Where {METRICS[judge].title} prefers them to the parent in {rate:.0%} of cases, diversity changes by "
        f"{'; '.join(parts)}. {f'Not reached by {short}. ' if short else ''}"
        f"{_apart(known)} {frontier.counted(report.paths)}"
    )
    for ideal in report.ideals:
        least = ideal.change_at(rate)
        sentence += f" {ideal.about}" + (f" At {rate:.0%} that line pays {least:+.1%}." if math.isfinite(least) else "")
    drawn = Costs(judge, found.y.name, report.paths, rate, report.ideals)
    command = (
        f"python -m t2ialign frontier {' '.join(names)} --judge {judge} --diversity {found.y.name} --win-rate {rate:g}"
    )
    command += "" if scale == 4 else f" --guidance-scale {scale:g}"
    yield Finding("What winning costs", sentence, drawn, command)


def _apart(paths: Sequence[PathCost]) -> str:
    """Which paths differ from the first one, as far as that is known, after correction over all of them."""
    told = [path for path in paths if path.beyond is not None and math.isfinite(path.beyond.lo)]
    apart = [path.name for path in told if path.stands]
    if not told:
        return "Whether they differ cannot be told from so few runs."
    over = f" after Holm over the {len(told)} that can be told" if len(told) > 1 else ""
    if apart:
        return f"{', '.join(apart)} differ from {paths[0].name} beyond chance{over}."
    return f"That {', '.join(path.name for path in told)} differ from {paths[0].name} was not seen{over}."


def _sweep_base(found: Material) -> str:
    return f"python -m t2ialign sweep --checkpoint {found.base_name} --guidance-scales 1,2,4,8 --seeds own:8"


def _counted(number: int, thing: str) -> str:
    return f"1 {thing}" if number == 1 else f"{number} {thing}s"
