"""The report's later questions: how the axes are related, whether a regime has both, what follows, which metric to trust."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from t2ialign import store
from t2ialign.metrics import METRICS
from t2ialign.names import setting_name
from t2ialign.store import Pair
from t2ialign.tradeoff import families
from t2ialign.tradeoff.audit import MIXED, MetricAudit, contradicts, verdict
from t2ialign.tradeoff.audit_table import table
from t2ialign.tradeoff.comparison import Comparison
from t2ialign.tradeoff.front_band import edge, knee
from t2ialign.tradeoff.relations import FEWEST, QUESTIONS, Relations, over_checkpoints, over_prompts
from t2ialign.tradeoff.research import Finding, Gap, Plane
from t2ialign.tradeoff.strategies import plainly
from t2ialign.types import GenerationConfig, Metric
from t2ialign.use_cases.audit.audit import shipped_audit
from t2ialign.use_cases.reports.research_material import Material, bend_in_words, said
from t2ialign.use_cases.reports.research_pressure import across_guidance, compared, points_of

OF_SETS = "factor_diversity"  # the true diversity
TRUTH = "oracle_alignment"  # scored in the embedded world alone


def of_relation(found: Material) -> Iterator[Finding | Gap]:
    """Kendall's tau over settings, and over the prompts of the reference."""
    yield from _related(found, over_checkpoints(found.cells))
    if found.reference is None or found.reference not in found.cells.configs:
        yield Gap("Whether faithful prompts are drawn less variedly: the base has no scored runs on this set.")
    else:
        yield from _related(found, over_prompts(found.cells, found.reference))
    yield Gap("What causes what: these are correlations over the settings and prompts that somebody chose.")


def _related(found: Material, relations: Relations) -> Iterator[Finding | Gap]:
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
    yield Finding(question, sentence, relations, found.report)


def _over(relations: Relations, things: int) -> str:
    if relations.config is None:
        return f"Over {things} settings"
    return f"Over {things} prompts of {setting_name(relations.config)}"


def of_regime(found: Material) -> Iterator[Finding | Gap]:
    """The front with its band, and what has more of both than the reference."""
    best, corner = edge(found.cells, found.x, found.y), knee(found.cells, found.x, found.y)
    if best is None:
        yield Gap("Where the front lies: no setting has both metrics on all prompts.", "python -m t2ialign rescore")
        return
    sentence = _both(found)
    if corner is not None:
        sentence += f" {bend_in_words(corner)}"
    plane = Plane(found.x.name, found.y.name, found.points, edge=best, knee=corner, whole=found.benchmark.prompts)
    commands = [points_of(found)]
    if found.reference is not None:
        commands.append(across_guidance(found, found.reference))
    yield Finding("The front with its uncertainty", sentence, plane, "\n".join(commands))
    yield Gap(
        "Whether more prompts would move the front: the best of many is chosen on the prompts that it is judged by."
    )


def _both(found: Material) -> str:
    """Which settings have more of both than the reference, after correction over all of them and both axes.

    Settings are compared that differ from it in the model and in guidance alone.
    """
    reference = found.reference
    ours = [
        point.config
        for point in found.points
        if reference is not None and point.config != reference and plainly(point.config) == plainly(reference)
    ]
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
    more = ", ".join(map(setting_name, better)) if better else "none"
    of = f"{len(whole)} settings" if len(whole) != 1 else "1 setting"
    tests = families.tests([one.p for one in made])
    beside = setting_name(found.reference)
    return f"Of {of} beside {beside}, {more} has more of both beyond chance, after Holm over {tests} differences."


def _gains(one: Comparison, metric: Metric) -> bool:
    gap = one.difference
    return gap is not None and one.stands and (gap.mean > 0) == metric.higher_is_better


def of_advice(found: Material) -> Iterator[Finding | Gap]:
    """The most varied setting at a required alignment."""
    best = edge(found.cells, found.x, found.y)
    if best is not None and len(best.levels) > 1:
        places = [round(share * (len(best.levels) - 1)) for share in (0.25, 0.5, 0.75, 1)]
        parts = dict.fromkeys(
            f"{best.levels[place]:.3f} or better: {setting_name(best.by[place])}, {said(best.best[place])}"
            for place in places
        )
        sentence = (
            f"The most varied setting that is faithful enough ({found.x.title}, {found.y.title}): {'; '.join(parts)}."
        )
        yield Finding("The best diversity at a required alignment", sentence, best, found.report)
    else:
        yield Gap("What to choose: there is one setting only.", "python -m t2ialign sweep --guidance-scales 1,2,4,8")


def of_metrics(found: Material) -> Iterator[Finding | Gap]:
    """What the audit says of the metrics that are scored here, and which of them agree with each other."""
    spreads = [metric for metric in found.on("diversity") if metric.level != "image"]
    yield from _audited(found)
    if len(spreads) < 2:
        yield Gap("Whether diversity metrics agree: only one is scored.", "python -m t2ialign rescore --metrics all")
        return
    relations = over_checkpoints(found.narrowed(spreads))
    others = {metric.name: relations.between(found.y.name, metric.name)[0] for metric in spreads if metric != found.y}
    known = {name: tau for name, tau in others.items() if math.isfinite(tau.mean)}
    if not known:
        yield Gap(f"Whether diversity metrics rank settings alike: that needs {FEWEST} settings that have all of them.")
        return
    adjusted = dict(zip(known, relations.adjusted(found.y.name, list(known))))
    stand = {name: tau.mean for name, tau in known.items() if families.stands(adjusted[name])}
    same = [METRICS[name].title for name, mean in stand.items() if mean > 0]
    against = [METRICS[name].title for name, mean in stand.items() if mean < 0]
    over = f", after Holm over {len(known)} correlations" if len(known) > 1 else ""
    sentence = (
        f"Over settings, {_listed(same)} rank them as {found.y.title} does and {_listed(against)} the other "
        f"way round, beyond chance{over}; of {len(known) - len(stand) or 'none'} it cannot be told."
    )
    yield Finding("Do diversity metrics agree?", sentence, relations, found.report)


def _audited(found: Material) -> Iterator[Finding | Gap]:
    """What the shipped audit says of every metric of sets that the reference has scores of, in figures or not."""
    audit = shipped_audit()
    names = [name for name in _of_the_reference(found) if name in METRICS and METRICS[name].level != "image"]
    rows = table(audit, "diversity", names) if audit and names else None
    if audit is None or rows is None or not rows.rows:
        yield Gap(
            "Which metric tells the truth: no audit of these metrics is here.",
            "python -m t2ialign audit --save audit.json",
        )
        return
    entries = [entry for row in rows.rows if (entry := audit.of(row.metric)) is not None]
    command = (
        f"python -m t2ialign audit --shipped --metrics {','.join(row.metric for row in rows.rows)} --out audit.html"
    )
    yield Finding("Which metric tells the truth", _nearest(entries, audit.of(OF_SETS)), rows, command)
    if not any(metric.name == TRUTH for metric in found.metrics):
        yield Gap(
            "Whether that holds for these pictures: the audit is of the embedded world. A folder can be audited as far as "
            "possible without a truth.",
            "python -m t2ialign audit FOLDER --out audit.html",
        )


def _of_the_reference(found: Material) -> tuple[str, ...]:
    """The metrics that the reference has scores of on this set; those of any setting where there is no reference."""
    configs = (found.reference.key,) if found.reference is not None else ()
    return store.scored_metrics(found.bench.store, replace(found.filters, configs=configs))


def _nearest(entries: Sequence[MetricAudit], truth: MetricAudit | None) -> str:
    """Which of some metrics, in the order in which they follow the truth, is nearest to it and never says the opposite.

    The truth and its parts, ``factor_...``, are no candidates where there is another.
    """
    judged = [entry for entry in entries if not entry.metric.startswith("factor_")] or list(entries)
    honest = [entry for entry in judged if not any(map(contradicts, entry.power))]
    best = (honest or judged)[0]
    passed = judged[: judged.index(best)]
    many = "1 scored metric was" if len(judged) == 1 else f"{len(judged)} scored metrics were"
    told = f"In the embedded world, where the truth is known, {many} judged; the nearest to it"
    left = (
        f" Left out is what follows the spread of renders as closely or more closely, and yet says the opposite of the truth "
        f"about CFG, after Holm over the whole audit: {_listed([_with_tau(entry) for entry in passed])}."
        if passed
        else ""
    )
    which = " that never says its opposite" if passed else ""
    return f"{told}{which} is {METRICS[best.metric].title}. {verdict(best, truth)}{left}"


def _with_tau(entry: MetricAudit) -> str:
    tau = entry.truth.get(MIXED)
    return METRICS[entry.metric].title + (f" ({tau.mean:.2f})" if tau else "")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"
