"""The points of the chart, added up by DuckDB: a million scored pictures are points in a blink, no cell leaves the tables.

The numbers are those of ``tradeoff.points`` on ``cell_scores``, which stays the authority (tests/store/test_aggregates.py
holds the two together). Only means, variances and covariances are taken here; ``tradeoff.interval`` makes intervals of them.

Seeds cost time only where prompts share them: a seed set that meets no other one in any config adds no covariance, so its
effects are not even read.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from t2ialign.metrics.u_rke import effective_number
from t2ialign.store.benchmarks import prompts_shown
from t2ialign.store.connection import Cursor
from t2ialign.store.database import Store
from t2ialign.store.filters import ALL, Filters
from t2ialign.store.records import config_of
from t2ialign.tradeoff.interval import Moments, turned
from t2ialign.types import Interval, Metric, TradeoffPoint

INVERSE = {
    None: "{value}",
    effective_number: "CASE WHEN {value} > 0 THEN 1 / {value} ELSE 'inf'::DOUBLE END",
}
"""``Metric.finish``, its own inverse, as SQL."""

SETS = "sets AS (SELECT rowid AS id, seed_set, n, row_number() OVER (ORDER BY n, seed_set) AS rank FROM seed_sets)"
CHOOSE = f"""
    CREATE TEMP TABLE chosen AS
    WITH {SETS},
    scored AS (
        SELECT batch_scores.rowid AS score, cells.rowid AS cell, configs.rowid AS place, sets.id AS seed_set, rank, n,
            metric = $x AS first, version, value
        FROM batch_scores JOIN sets USING (seed_set) JOIN {{cells}} USING (cell)
        WHERE NOT isnan(value) AND metric IN ($x, $y) AND {{where}}
    ),
    shared AS (SELECT cell, rank FROM scored GROUP BY ALL HAVING bool_or(first) AND ($x = $y OR bool_or(NOT first))),
    largest AS ({{largest}})
    SELECT scored.* FROM scored JOIN largest USING (cell, rank)
"""
LARGEST, ONLY = "SELECT cell, max(rank) AS rank FROM shared GROUP BY cell", "FROM shared"  # of a cell's seed sets
# Seed sets of which some seed counts twice in one place: two of its cells have the set, or another set has the seed.
MEETING = """
    CREATE TEMP TABLE meeting AS
    WITH used AS (
        SELECT seed_set, max(cells) AS most
        FROM (SELECT seed_set, place, count(*) AS cells FROM {cells} GROUP BY ALL) GROUP BY seed_set
    ),
    unfolded AS (SELECT used.seed_set, unnest(seeds) AS seed FROM used JOIN seed_sets ON seed_sets.rowid = used.seed_set),
    crowded AS (SELECT seed FROM unfolded GROUP BY seed HAVING count(*) > 1)
    SELECT seed_set FROM used WHERE most > 1
    UNION SELECT seed_set FROM unfolded SEMI JOIN crowded USING (seed)
"""


def known(effects: str) -> str:
    """How many numbers of a list are not NaN, as SQL. One sum says whether any is; only then is each looked at."""
    each = f"len(list_filter({effects}, lambda effect: NOT isnan(effect)))"
    return f"CASE WHEN isnan(list_sum({effects})) THEN {each} ELSE list_count({effects}) END"


COVARIANCES = f"""
    WITH known AS (
        SELECT 2 * place + first::INTEGER AS side, level = 'image' AS single, seeds,
            coalesce(effects, list_transform(seeds, lambda seed: 'nan'::DOUBLE)) AS effects,
            CASE WHEN single THEN {known("effects")} ELSE chosen.n END AS m
        FROM chosen SEMI JOIN meeting USING (seed_set) JOIN batch_scores ON batch_scores.rowid = score
            JOIN seed_sets ON seed_sets.rowid = chosen.seed_set
    ),
    unfolded AS (
        SELECT side, single, CASE WHEN m > 1 THEN 1 / sqrt(m * (m - 1)) ELSE 'nan' END AS scale, unnest(seeds) AS seed,
            unnest(effects) AS effect
        FROM known
    ),
    shared AS (
        SELECT side, sum(scale * effect) AS total, sum(scale * scale * effect * effect) AS squares
        FROM unfolded WHERE NOT (single AND isnan(effect)) GROUP BY side, seed HAVING count(*) > 1
    )
    SELECT side // 2, side % 2 = 1, sum(total * total - squares), count(*) FROM shared GROUP BY side
"""
MOMENTS = """
    SELECT place, first, count(*), avg({value}), var_samp({value}) FILTER (isfinite({value})), bool_and(isfinite({value})),
        sum(n), any_value(score)
    FROM chosen GROUP BY place, first
"""
NOTES = """
    SELECT place, note, count(DISTINCT cells.cell) FROM cell_notes JOIN cells USING (cell)
        JOIN prompts USING (prompt) JOIN chosen ON chosen.cell = cells.rowid
    GROUP BY place, note ORDER BY place, min(text), note
"""


@dataclass(frozen=True)
class ScoredPoints:
    """The points of a chart, without their cells, and what was left out of them.

    ``versions``: which version of each metric counts; ``left_out``: how many cells have no such scores on both axes.
    ``size``: how many seeds all cells have, where a metric needs that (None: any), and ``other_sizes`` how many cells have
    another number and are no part of a point.
    """

    points: tuple[TradeoffPoint, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    left_out: int = 0
    size: int | None = None
    other_sizes: int = 0


@dataclass(frozen=True)
class Count:
    """How many cells have scores of one version, of one axis, of so many seeds."""

    first: bool
    version: str
    seeds: int
    cells: int


def scored_points(
    store: Store, x: Metric, y: Metric, filters: Filters = ALL, today: Callable[[Metric], str] = lambda metric: ""
) -> ScoredPoints:
    """One point per config that passes the filters, by checkpoint and guidance scale.

    A cell counts with its largest seed set that both metrics have scored. Of several versions of a metric the most frequent
    one counts; of equals, the one that ``today`` names, else the later name. With a metric that depends on the number of
    pictures, only cells with the usual number of seeds take part.
    """
    question = ("points", x.name, x.equal_n, y.name, y.equal_n, filters)
    answer = partial(_points_and_asked, store, x, y, filters, today)
    found, used = store.remembered(question, answer, prompts_shown(store, filters))
    if any(today(metric) != used[metric.name] for metric in (x, y) if metric.name in used):
        return _scored_points(store, x, y, filters, today)  # what is installed has changed, not what is stored
    return found


def _points_and_asked(
    store: Store, x: Metric, y: Metric, filters: Filters, today: Callable[[Metric], str]
) -> tuple[ScoredPoints, dict[str, str]]:
    """The points, and the versions of today that were asked for."""
    asked: dict[str, str] = {}

    def now(metric: Metric) -> str:
        asked[metric.name] = today(metric)
        return asked[metric.name]

    return _scored_points(store, x, y, filters, now), asked


def _scored_points(
    store: Store, x: Metric, y: Metric, filters: Filters, today: Callable[[Metric], str]
) -> ScoredPoints:
    with store.snapshot() as cursor:
        counts = _choose(cursor, x, y, filters)
        versions = {metric.name: _usual(counts, metric == x, metric, today) for metric in (y, x)}
        kept = [count for count in counts if count.version == versions[(x if count.first else y).name]]
        every = some = whole = _cells(cursor)
        if len(kept) < len(counts):
            names = {"x": versions[x.name], "y": versions[y.name]}
            some = whole = _drop(cursor, "version <> CASE WHEN first THEN $x ELSE $y END", names)
        if len(kept) < len(counts) and x != y:
            whole = _drop(cursor, "cell IN (SELECT cell FROM chosen GROUP BY cell HAVING count(*) < 2)")
        size = _size(kept, x, y)
        shown = whole if size is None else _drop(cursor, "n <> $size", {"size": size})
        return ScoredPoints(tuple(_points(cursor, x, y, versions)), versions, every - whole, size, some - shown)


def cells_left_out(
    store: Store, x: Metric, y: Metric, filters: Filters, versions: Mapping[str, str]
) -> tuple[str, ...]:
    """The keys of the cells that ``ScoredPoints.left_out`` counts."""
    with store.snapshot() as cursor:
        _choose(cursor, x, y, filters)
        sql = """
            SELECT cells.cell FROM chosen JOIN cells ON cells.rowid = chosen.cell GROUP BY cells.cell
            HAVING NOT (bool_or(first AND version = $x) AND bool_or(first = ($x_metric = $y_metric) AND version = $y))
            ORDER BY cells.cell
        """
        names = {"x": versions[x.name], "y": versions[y.name], "x_metric": x.name, "y_metric": y.name}
        return tuple(cell for (cell,) in cursor.execute(sql, names).fetchall())


def _choose(cursor: Cursor, x: Metric, y: Metric, filters: Filters) -> list[Count]:
    """Makes the table ``chosen``: a row for each cell that counts, metric and version; and counts them."""
    largest = ONLY if filters.one_seed_set else LARGEST
    sql = CHOOSE.format(cells=filters.tables, where=filters.where_scores, largest=largest)
    cursor.execute(sql, filters.params() | {"x": x.name, "y": y.name}).fetchall()
    sql = "SELECT first, version, n, count(*) FROM chosen GROUP BY ALL ORDER BY ALL"
    return [Count(*row) for row in cursor.execute(sql).fetchall()]


def _cells(cursor: Cursor) -> int:
    ((cells,),) = cursor.execute("SELECT count(DISTINCT cell) FROM chosen").fetchall()
    return int(cells)


def _drop(cursor: Cursor, condition: str, params: Mapping[str, object] | None = None) -> int:
    """Drops rows of ``chosen``; returns how many cells are left."""
    cursor.execute(f"DELETE FROM chosen WHERE {condition}", params or {}).fetchall()
    return _cells(cursor)


def _usual(counts: Sequence[Count], first: bool, metric: Metric, today: Callable[[Metric], str]) -> str:
    """The version that most cells of a metric were scored with; of equals, today's, else the later name."""
    cells: Counter[str] = Counter()
    for count in counts:
        if count.first == first:
            cells[count.version] += count.cells
    if len(cells) < 2:
        return next(iter(cells), "")
    now = today(metric)
    return max(cells, key=lambda version: (cells[version], version == now, version))


def _size(kept: Sequence[Count], x: Metric, y: Metric) -> int | None:
    """The usual number of seeds, the larger of equals, where one of the metrics asks for equal numbers."""
    needs = next((metric for metric in (x, y) if metric.equal_n), None)
    if needs is None:
        return None
    sizes: Counter[int] = Counter()
    for count in kept:
        if count.first == (needs == x):
            sizes[count.seeds] += count.cells
    return max(sizes, key=lambda seeds: (sizes[seeds], seeds), default=0)


def _points(cursor: Cursor, x: Metric, y: Metric, versions: Mapping[str, str]) -> list[TradeoffPoint]:
    found = _moments(cursor, x, y)
    sql = """
        SELECT configs.rowid, record FROM configs WHERE rowid IN (SELECT place FROM chosen)
        ORDER BY checkpoint, guidance_scale, record
    """
    notes: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for place, note, cells in cursor.execute(NOTES).fetchall():
        notes[place].append((note, cells))
    points = []
    for place, record in cursor.execute(sql).fetchall():
        sides = {metric.name: found[place, metric == x] for metric in (y, x)}
        points.append(
            TradeoffPoint(
                config_of(record),
                x.name,
                y.name,
                _interval(sides[x.name], x),
                _interval(sides[y.name], y),
                prompts=sides[x.name][0].n,
                seeds=sides[x.name][1],
                x_version=versions[x.name],
                y_version=versions[y.name],
                notes=tuple(notes[place]),
            )
        )
    return points


Side = tuple[Moments, int, Interval | None]
"""One axis of a config: moments over its prompts, pictures, and of a single prompt its own interval."""


def _moments(cursor: Cursor, x: Metric, y: Metric) -> dict[tuple[int, bool], Side]:
    """Both axes of each config, in the unit before ``finish``."""
    first, second = (INVERSE[metric.finish].format(value="value") for metric in (x, y))
    value = first if first == second else f"(CASE WHEN first THEN {first} ELSE {second} END)"
    rows = cursor.execute(MOMENTS.format(value=value)).fetchall()
    ((meeting,),) = cursor.execute(MEETING.format(cells="chosen WHERE first")).fetchall()
    covariances = cursor.execute(COVARIANCES).fetchall() if meeting else []
    shared = {(place, first): (products, met) for place, first, products, met in covariances}
    alone = "SELECT rowid, value, lo, hi FROM batch_scores WHERE rowid IN (SELECT unnest($scores))"
    single = [score for *_, count, _, _, _, _, score in rows if count < 2]
    own = {row[0]: Interval(*row[1:]) for row in cursor.execute(alone, {"scores": single}).fetchall() if single}
    found: dict[tuple[int, bool], Side] = {}
    for place, is_first, count, mean, variance, finite, seeds, score in rows:
        products, seeds_shared = shared.get((place, is_first), (0.0, 0))
        together = covariance_of(products, seeds_shared, count)
        moments = Moments(count, mean, variance if finite and count > 1 else math.nan, *together)
        found[place, is_first] = moments, seeds, own.get(score)
    return found


def covariance_of(products: float, seeds: int, prompts: int) -> tuple[float, int]:
    """The mean covariance of two prompts' values, at least 0, from the products' sum (``tradeoff.interval.covariance``)."""
    return (products if math.isnan(products) else max(products, 0.0)) / max(prompts * (prompts - 1), 1), seeds


def _interval(side: Side, metric: Metric) -> Interval:
    moments, _, own = side
    return (own or turned(moments.estimate.interval, metric.finish)).within(metric.bounds)
