"""The report's later questions: how the axes are related, whether a regime has both, what follows, which metric to trust."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from t2ialign.metrics import METRICS
from t2ialign.store import Pair
from t2ialign.tradeoff.audit import verdict
from t2ialign.tradeoff.audit_table import table
from t2ialign.tradeoff.comparison import Comparison
from t2ialign.tradeoff.front_band import edge, knee
from t2ialign.tradeoff.relations import FEWEST, QUESTIONS, Relations, over_checkpoints, over_prompts
from t2ialign.tradeoff.research import Change, Changes, Exhibit, Gap, Plane
from t2ialign.types import GenerationConfig, Metric
from t2ialign.use_cases.audit.audit import shipped_audit
from t2ialign.use_cases.reports.research_material import Material, said, who
from t2ialign.use_cases.reports.research_pressure import MOST_ROWS, compared
from t2ialign.use_cases.reports.text import stored_strategies

REPORT = "python -m t2ialign report --out report.html"
TRUTH = "oracle_alignment"  # scored in the embedded world alone


def of_relation(found: Material) -> Iterator[Exhibit | Gap]:
    """Kendall's tau over settings, and over the prompts of the reference."""
    yield from _related(found, over_checkpoints(found.cells))
    if found.reference is None or found.reference not in found.cells.configs:
        yield Gap("Whether faithful prompts are drawn less variedly: the base has no scored runs on this set.")
    else:
        yield from _related(found, over_prompts(found.cells, found.reference))
    yield Gap("What causes what: these are correlations over the settings and prompts that somebody chose.")


def _related(found: Material, relations: Relations) -> Iterator[Exhibit | Gap]:
    tau, things = relations.between(found.x.name, found.y.name)
    question, level = QUESTIONS[relations.level], relations.level
    if math.isnan(tau.mean):
        said_ = f"{question} A rank correlation needs {FEWEST} {level} that have both metrics; here are {things}."
        yield Gap(said_, "python -m t2ialign rescore")
        return
    how = "together" if tau.lo > 0 else "against each other" if tau.hi < 0 else "in no order that chance would not give"
    axes = f"{found.x.title} and {found.y.title}"
    sentence = (
        f"{_over(relations, things)}, {axes} go {how}: Kendall's tau {said(tau, '+')}. Every metric is turned so that more "
        "is better."
    )
    yield Exhibit(question, sentence, relations, REPORT)


def _over(relations: Relations, things: int) -> str:
    if relations.config is None:
        return f"Over {things} settings"
    return f"Over {things} prompts of {who(relations.config)}"


def of_regime(found: Material) -> Iterator[Exhibit | Gap]:
    """The front with its band, and what has more of both than the reference."""
    best, corner = edge(found.cells, found.x, found.y), knee(found.cells, found.x, found.y)
    if best is None:
        yield Gap("Where the front lies: no setting has both metrics on all prompts.", "python -m t2ialign rescore")
        return
    sentence = _both(found)
    if corner is not None:
        sentence += (
            f" The front bends most at {who(corner.config)} ({corner.x:.3g}, {corner.y:.3g}), in {corner.share:.0%} of "
            "resamples of the prompts: beyond it more alignment costs more diversity than before it."
        )
    plane = Plane(found.x.name, found.y.name, found.points, edge=best, knee=corner, whole=found.benchmark.prompts)
    yield Exhibit(
        "The front with its uncertainty",
        sentence,
        plane,
        f"python -m t2ialign points --x {found.x.name} --y {found.y.name}",
    )
    yield Gap(
        "Whether more prompts would move the front: the best of many is chosen on the prompts that it is judged by."
    )


def _both(found: Material) -> str:
    """Which settings have more of both than the reference, after correction over all of them and both axes."""
    ours = [point.config for point in found.points if point.config != found.reference]
    if found.reference is None or not ours:
        return "There is no setting of the base to measure others against."
    made = compared(found, [Pair(config, found.reference) for config in ours], [found.x, found.y])
    sides: dict[GenerationConfig, dict[str, Comparison]] = {}
    for one in made:
        sides.setdefault(one.policy, {})[one.metric] = one
    whole = {config: pair for config, pair in sides.items() if {found.x.name, found.y.name} <= set(pair)}
    better = [
        config
        for config, pair in whole.items()
        if all(_gains(pair[metric.name], metric) for metric in (found.x, found.y))
    ]
    more = ", ".join(map(who, better)) if better else "none"
    of = f"{len(whole)} settings" if len(whole) != 1 else "1 setting"
    return f"Of {of} beside {who(found.reference)}, {more} has more of both beyond chance after correction."


def _gains(one: Comparison, metric: Metric) -> bool:
    gap = one.difference
    return gap is not None and one.stands and (gap.mean > 0) == metric.higher_is_better


def of_advice(found: Material) -> Iterator[Exhibit | Gap]:
    """The most varied setting at a required alignment, and guidance strategies beside plain guidance."""
    best = edge(found.cells, found.x, found.y)
    if best is not None and len(best.levels) > 1:
        places = [round(share * (len(best.levels) - 1)) for share in (0.25, 0.5, 0.75, 1)]
        parts = dict.fromkeys(
            f"{best.levels[place]:.3g} or better: {who(best.by[place])}, {said(best.best[place])}" for place in places
        )
        sentence = (
            f"The most varied setting that is faithful enough ({found.x.title}, {found.y.title}): {'; '.join(parts)}."
        )
        yield Exhibit("The best diversity at a required alignment", sentence, best, REPORT)
    else:
        yield Gap("What to choose: there is one setting only.", "python -m t2ialign sweep --guidance-scales 1,2,4,8")
    yield from _strategies(found)


def _strategies(found: Material) -> Iterator[Exhibit | Gap]:
    rows: list[Change] = []
    for name in dict.fromkeys(point.config.checkpoint for point in found.points):
        for one in stored_strategies(found.bench.store, name, found.x.name, found.y.name):
            if one.y.difference is not None and one.y.policy.backbone == found.backbone:
                label = f"{one.y.policy.guidance} of {who(one.y.policy)}"
                rows.append(Change(label, one.y.difference, one.y.stands))
    command = "python -m t2ialign sweep --guidance cfg,interval,cads,aig --guidance-scales 4 --seeds own:8"
    if not rows:
        yield Gap("Whether another guidance keeps more diversity at the same alignment: none was swept.", command)
        return
    gains = [row for row in rows if row.stands and (row.value.mean > 0) == found.y.higher_is_better]
    names = ", ".join(row.name for row in gains) or "none"
    sentence = (
        f"Beside plain guidance that is as well aligned, {names} of {len(rows)} keeps more diversity beyond chance after "
        "correction within its checkpoint."
    )
    drawn = Changes(found.y.name, "strategy less plain guidance", tuple(rows[:MOST_ROWS]))
    yield Exhibit("Guidance strategies", sentence, drawn, f"python -m t2ialign strategies --checkpoint {_first(found)}")


def _first(found: Material) -> str:
    return found.points[0].config.checkpoint


def of_metrics(found: Material) -> Iterator[Exhibit | Gap]:
    """What the audit says of the metrics that are scored here, and which of them agree with each other."""
    spreads = [metric for metric in found.on("diversity") if metric.level != "image"]
    yield from _audited(found, [metric.name for metric in spreads])
    if len(spreads) < 2:
        yield Gap("Whether diversity metrics agree: only one is scored.", "python -m t2ialign rescore --metrics all")
        return
    relations = over_checkpoints(found.narrowed(spreads))
    others = {metric.name: relations.between(found.y.name, metric.name)[0] for metric in spreads if metric != found.y}
    known = {name: tau for name, tau in others.items() if math.isfinite(tau.mean)}
    if not known:
        yield Gap(f"Whether diversity metrics rank settings alike: that needs {FEWEST} settings that have all of them.")
        return
    same = [METRICS[name].title for name, tau in known.items() if tau.lo > 0]
    against = [METRICS[name].title for name, tau in known.items() if tau.hi < 0]
    sentence = (
        f"Over settings, {_listed(same)} rank them as {found.y.title} does and {_listed(against)} the other "
        f"way round, beyond chance; of {len(known) - len(same) - len(against)} it cannot be told."
    )
    yield Exhibit("Do diversity metrics agree?", sentence, relations, REPORT)


def _audited(found: Material, names: Sequence[str]) -> Iterator[Exhibit | Gap]:
    audit = shipped_audit()
    rows = table(audit, "diversity", names) if audit else None
    world = any(metric.name == TRUTH for metric in found.metrics)
    if audit is None or rows is None or not rows.rows:
        yield Gap(
            "Which metric tells the truth: no audit of these metrics is here.",
            "python -m t2ialign audit --save audit.json",
        )
        return
    first = audit.of(rows.rows[0].metric)
    best = next((row.metric for row in rows.rows if not row.metric.startswith("factor_")), rows.rows[0].metric)
    entry = audit.of(best) or first
    sentence = (
        f"In the embedded world, where the truth is known, the scored metric nearest to it is {METRICS[best].title}. "
        f"{verdict(entry, audit.of('factor_diversity')) if entry else ''}"
    )
    yield Exhibit("Which metric tells the truth", sentence, rows, "python -m t2ialign audit --out audit.html")
    if not world:
        yield Gap(
            "Whether that holds for these pictures: the audit is of the embedded world. A folder can be audited as far as "
            "possible without a truth.",
            "python -m t2ialign audit FOLDER --out audit.html",
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"
