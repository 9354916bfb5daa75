"""Checkpoints beside their parents on the same prompts and seeds, added up by DuckDB.

The numbers are those of ``tradeoff.comparison`` on ``paired_scores``, which stays the authority
(tests/store/test_aggregates.py). As for points, seeds' effects are read only where prompts share seeds.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from t2ialign.store.aggregates import INVERSE, MEETING, SETS, covariance_of, known
from t2ialign.store.benchmarks import prompts_shown
from t2ialign.store.connection import Cursor
from t2ialign.store.database import Store
from t2ialign.store.filters import ALL, CELLS, Filters
from t2ialign.store.records import config_json, config_of
from t2ialign.tradeoff.comparison import Comparison, PairedMoments, comparison_of, settings_of
from t2ialign.tradeoff.interval import Moments
from t2ialign.types import GenerationConfig, Metric

PLACES = 100  # a pair and a metric are one place: 100 pair + metric, both counted from 1
# ``ours`` is made first: where DuckDB knows no counts (Parquet), it might join every policy with every base of a prompt.
PAIR = f"""
    CREATE TEMP TABLE paired AS
    WITH {SETS},
    wanted AS (
        SELECT pair, ours.rowid AS policy, theirs.rowid AS base, judge
        FROM (
            SELECT generate_subscripts($policies, 1) AS pair, unnest($policies) AS one, unnest($bases) AS other,
                unnest($judges) AS judge
        ) JOIN configs ours ON ours.config = one JOIN configs theirs ON theirs.config = other
    ),
    scored AS MATERIALIZED (
        SELECT batch_scores.rowid AS score, configs.rowid AS config, prompts.rowid AS prompt, sets.id AS seed_set, rank, n,
            list_position($metrics, metric) AS metric, version, value
        FROM batch_scores JOIN sets USING (seed_set) JOIN {CELLS} USING (cell)
        WHERE NOT isnan(value) AND list_contains($metrics, metric)
            AND configs.rowid IN (SELECT policy FROM wanted UNION SELECT base FROM wanted) AND {{where}}
    ),
    ours AS MATERIALIZED (
        SELECT {PLACES} * pair + metric AS place, base, metric, prompt, version, rank, seed_set, n, score, value
        FROM wanted JOIN scored ON config = policy WHERE metric <= $shown OR metric = judge
    ),
    theirs AS MATERIALIZED (SELECT * FROM scored WHERE config IN (SELECT base FROM wanted)),
    met AS (
        SELECT place, prompt, version, rank, ours.seed_set, ours.n, ours.score, theirs.score AS base_score,
            ours.value, theirs.value AS base_value
        FROM ours JOIN theirs USING (prompt, rank, metric, version) WHERE theirs.config = ours.base
    ){{largest}}
"""
LARGEST = """,
    largest AS (SELECT place, prompt, version, max(rank) AS rank FROM met GROUP BY ALL)
    SELECT met.* EXCLUDE (prompt, rank) FROM met JOIN largest USING (place, prompt, version, rank)
"""
ONLY = "SELECT * EXCLUDE (prompt, rank) FROM met"  # where no prompt has two seed sets, a third of the time less
MOMENTS = """
    SELECT place, count(*), sum(n),
        avg({one}), var_samp({one}) FILTER (isfinite({one})), bool_and(isfinite({one})),
        avg({other}), var_samp({other}) FILTER (isfinite({other})), bool_and(isfinite({other})),
        avg({gap}), var_samp({gap}) FILTER (isfinite({gap})), bool_and(isfinite({gap}))
    FROM paired WHERE place % {places} = $metric GROUP BY place
"""
EFFECTS = """
    FROM paired JOIN batch_scores p ON p.rowid = score JOIN batch_scores b ON b.rowid = base_score
        JOIN seed_sets ON seed_sets.rowid = paired.seed_set
"""
NONE = "list_transform(seeds, lambda seed: 'nan'::DOUBLE)"
COVARIANCES = f"""
    WITH known AS (
        SELECT place, p.level = 'image' AS single, seeds,
            coalesce(p.effects, {NONE}) AS ours, coalesce(b.effects, {NONE}) AS theirs,
            CASE WHEN single THEN {known("ours")} ELSE paired.n END AS m,
            CASE WHEN single THEN {known("theirs")} ELSE paired.n END AS base_m
        {EFFECTS} SEMI JOIN meeting ON meeting.seed_set = paired.seed_set
    ),
    unfolded AS (
        SELECT place, single, unnest(seeds) AS seed, unnest(ours) AS us, unnest(theirs) AS them,
            CASE WHEN m > 1 THEN 1 / sqrt(m * (m - 1)) ELSE 'nan' END AS scale,
            CASE WHEN base_m > 1 THEN 1 / sqrt(base_m * (base_m - 1)) ELSE 'nan' END AS base_scale
        FROM known
    ),
    scaled AS (
        SELECT place, seed, CASE WHEN NOT (single AND isnan(us)) THEN scale * us END AS one,
            CASE WHEN NOT (single AND isnan(them)) THEN base_scale * them END AS other,
            CASE WHEN NOT (single AND isnan(us)) THEN scale * (us - them) END AS gap
        FROM unfolded
    ),
    seen AS (
        SELECT place,
            CASE WHEN count(one) > 1 THEN sum(one) ** 2 - sum(one * one) END AS one,
            CASE WHEN count(other) > 1 THEN sum(other) ** 2 - sum(other * other) END AS other,
            CASE WHEN count(gap) > 1 THEN sum(gap) ** 2 - sum(gap * gap) END AS gap
        FROM scaled GROUP BY place, seed
    )
    SELECT place, coalesce(sum(one), 0), count(one), coalesce(sum(other), 0), count(other), coalesce(sum(gap), 0), count(gap)
    FROM seen GROUP BY place
"""
# Equal as ``tradeoff.comparison`` has it: to within a millionth of the larger one, or of 1.
WINS = f"""
    WITH unfolded AS (
        SELECT paired.rowid AS id, place, p.value + unnest(p.effects) AS us, b.value + unnest(b.effects) AS them
        {EFFECTS} WHERE place % {PLACES} = $metric
    ),
    signs AS (
        SELECT id, place, CASE
            WHEN isnan(us - them) THEN NULL
            WHEN isfinite(us - them) AND abs(us - them) <= 1e-6 * greatest(abs(us), abs(them), 1) THEN 0
            ELSE sign(us - them) END AS sign
        FROM unfolded
    ),
    shares AS (
        SELECT any_value(place) AS place, 0.5 + 0.5 * $better * coalesce(avg(sign), 'nan'::DOUBLE) AS share
        FROM signs GROUP BY id
    )
    SELECT place, count(*), avg(share), var_samp(share) FILTER (isfinite(share)), bool_and(isfinite(share))
    FROM shares GROUP BY place
"""


@dataclass(frozen=True)
class Pair:
    """A config beside its parent's under the same settings; ``judge`` is one more metric to compare them by, or empty."""

    policy: GenerationConfig
    base: GenerationConfig
    judge: str = ""


def pairs_of(store: Store, policies: Iterable[GenerationConfig], parents: Mapping[str, str]) -> list[Pair]:
    """Each config of a checkpoint that has a parent ({checkpoint: parent}) with its parent's of the same settings.

    By parent and checkpoint in the order of ``parents``, then by guidance scale.
    """
    sql = "SELECT record FROM configs WHERE checkpoint = 'base' OR list_contains($names, checkpoint) ORDER BY record"
    bases: dict[tuple[str, GenerationConfig], list[GenerationConfig]] = defaultdict(list)
    for (record,) in store.rows(sql, {"names": list(set(parents.values()))}):
        base = config_of(record)
        bases[base.revision, settings_of(base)].append(base)
    families, names = list(dict.fromkeys(parents.values())), list(parents)
    pairs = [
        Pair(policy, base)
        for policy in policies
        if policy.checkpoint in parents
        for base in bases[policy.revision, settings_of(policy)]
        if _is_parent(base, policy, parents[policy.checkpoint])
    ]
    return sorted(
        pairs,
        key=lambda pair: (
            families.index(parents[pair.policy.checkpoint]),
            names.index(pair.policy.checkpoint),
            pair.policy.guidance_scale,
            config_json(pair.policy),
            config_json(pair.base),
        ),
    )


def _is_parent(base: GenerationConfig, policy: GenerationConfig, parent: str) -> bool:
    """``base`` is that of the policy's own backbone; that of another is asked for by the backbone's name."""
    if (base.checkpoint, base.backbone) == (policy.checkpoint, policy.backbone):
        return False
    if base.checkpoint != "base":
        return base.checkpoint == parent
    return parent == base.backbone or parent == "base" and base.backbone == policy.backbone


def scored_comparisons(
    store: Store,
    pairs: Sequence[Pair],
    metrics: Mapping[str, Metric],
    shown: Sequence[str],
    versions: Mapping[str, str],
    filters: Filters = ALL,
    with_wins: bool = True,
) -> list[Comparison]:
    """Each pair by the metrics ``shown`` and by its judge, on the largest seed set that both cells of a prompt have.

    One version of a metric counts: the one that ``versions`` names, else the last by name. Pairs without a shared prompt
    have no comparison. Without ``with_wins`` there are no win rates, for which every picture's effect is read.
    """
    if not pairs:
        return []
    measured = tuple(metrics[name] for name in dict.fromkeys((*shown, *(pair.judge for pair in pairs if pair.judge))))
    rules = tuple((one.name, one.level, one.higher_is_better, one.finish) for one in measured)
    question = ("comparisons", tuple(pairs), rules, tuple(shown), tuple(sorted(versions.items())), filters, with_wins)
    answer = partial(_scored_comparisons, store, pairs, metrics, shown, versions, filters, with_wins)
    return list(store.remembered(question, answer, prompts_shown(store, filters)))


def _scored_comparisons(
    store: Store,
    pairs: Sequence[Pair],
    metrics: Mapping[str, Metric],
    shown: Sequence[str],
    versions: Mapping[str, str],
    filters: Filters,
    with_wins: bool,
) -> list[Comparison]:
    judges = dict.fromkeys(pair.judge for pair in pairs if pair.judge)
    names = list(dict.fromkeys((*shown, *judges)))
    wanted = {
        "policies": [pair.policy.key for pair in pairs],
        "bases": [pair.base.key for pair in pairs],
        "judges": [names.index(pair.judge) + 1 if pair.judge else 0 for pair in pairs],
        "metrics": names,
        "shown": len(shown),
    }
    with store.snapshot() as cursor:
        sql = PAIR.format(where=filters.where_scores, largest=ONLY if filters.one_seed_set else LARGEST)
        cursor.execute(sql, filters.params() | wanted).fetchall()
        found = _last(cursor, names, versions)
        ((meeting,),) = cursor.execute(MEETING.format(cells="paired")).fetchall()
        shared = {place: rest for place, *rest in cursor.execute(COVARIANCES).fetchall()} if meeting else {}
        made = {
            place: one
            for index in found
            for place, one in _compared(cursor, pairs, index, metrics[names[index - 1]], shared, with_wins)
        }
    return [made[place] for place in sorted(made)]


def _last(cursor: Cursor, names: Sequence[str], versions: Mapping[str, str]) -> list[int]:
    """Leaves one version of each metric; returns which metrics there are, counted from 1."""
    sql = f"SELECT DISTINCT place % {PLACES} AS metric, version FROM paired ORDER BY metric, version"
    known: dict[int, list[str]] = defaultdict(list)
    for index, version in cursor.execute(sql).fetchall():
        known[index].append(version)
    for index, found in known.items():
        wanted = versions.get(names[index - 1], found[-1])
        if found != [wanted]:
            sql = f"DELETE FROM paired WHERE place % {PLACES} = ? AND version <> ?"
            cursor.execute(sql, [index, wanted]).fetchall()
    return list(known)


def _compared(
    cursor: Cursor,
    pairs: Sequence[Pair],
    index: int,
    metric: Metric,
    shared: Mapping[int, Sequence[float]],
    with_wins: bool,
) -> Iterator[tuple[int, Comparison]]:
    one, other = (INVERSE[metric.finish].format(value=value) for value in ("value", "base_value"))
    sql = MOMENTS.format(one=one, other=other, gap="(value - base_value)", places=PLACES)
    rows = cursor.execute(sql, {"metric": index}).fetchall()
    wins = _wins(cursor, index, metric) if with_wins else {}
    for place, count, seeds, *rest in rows:
        together = shared.get(place, (0.0, 0) * 3)
        sides = [
            _moments(count, *rest[3 * side : 3 * side + 3], *together[2 * side : 2 * side + 2]) for side in range(3)
        ]
        pair, gap = pairs[place // PLACES - 1], None if metric.finish else sides[2]
        found = PairedMoments(pair.policy, pair.base, count, seeds, sides[0], sides[1], gap, wins.get(place))
        yield place, comparison_of(found, metric)


def _moments(count: int, mean: float, variance: float | None, finite: bool, products: float, seeds: float) -> Moments:
    known = variance if finite and variance is not None else math.nan
    return Moments(count, mean, known, *covariance_of(products, int(seeds), count))


def _wins(cursor: Cursor, index: int, metric: Metric) -> dict[int, Moments]:
    """Of a metric of single pictures, moments over prompts of the share of seeds on which the policy's is better."""
    if metric.level != "image":
        return {}
    params = {"metric": index, "better": 1 if metric.higher_is_better else -1}
    return {
        place: Moments(count, mean, variance if finite and count > 1 else math.nan)
        for place, count, mean, variance, finite in cursor.execute(WINS, params).fetchall()
    }
