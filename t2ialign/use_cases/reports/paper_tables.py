"""Tables as papers print them, from stored runs: their columns, units and arrows, with what papers leave out.

Each number is the mean over prompts with its standard deviation over prompts, as the paper has it. Beside the paper's own:
how many prompts, and whether the paired difference to the first row stands after Holm over the whole table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from t2ialign import store
from t2ialign.metrics import METRICS
from t2ialign.names import unknown
from t2ialign.store import Filters
from t2ialign.tradeoff import families
from t2ialign.tradeoff.comparison import PairedScore
from t2ialign.tradeoff.interval import difference_of, paired_difference
from t2ialign.types import InputError
from t2ialign.use_cases.batches.requests import check_metrics
from t2ialign.use_cases.reports.text import newest


@dataclass(frozen=True)
class PaperColumn:
    """A metric under the paper's name; ``shown`` takes our value to the paper's, ``up``: higher is better there."""

    title: str
    metric: str
    up: bool = True
    shown: Callable[[float], float] = float
    digits: int = 3


def _similarity(distance: float) -> float:
    return 1 - distance


def _percent(share: float) -> float:
    return 100 * share


@dataclass(frozen=True)
class PaperTable:
    """One table of a paper."""

    caption: str
    columns: tuple[PaperColumn, ...]


PAPERS: dict[str, tuple[PaperTable, ...]] = {
    "f-divergence": (
        PaperTable(
            "Alignment (Sun et al. 2025, arXiv:2409.09774, table 2)",
            (
                PaperColumn("CLIPScore", "clip_score"),
                PaperColumn("VQAScore", "vqa_score"),
                PaperColumn("Aesthetics Score", "aesthetic"),
                PaperColumn("ImageReward", "image_reward"),
                PaperColumn("PickScore", "pick_score"),
                PaperColumn("HPS-V2", "hps_v20", shown=_percent),
            ),
        ),
        PaperTable(
            "Generation diversity (the same, table 3)",
            (
                PaperColumn("Image-Image CLIPScore", "clip_diversity", False, _similarity, 4),
                PaperColumn("Entropy 1D", "entropy_1d", digits=4),
                PaperColumn("Entropy 2D", "entropy_2d_paper", digits=4),
                PaperColumn("LPIPS", "lpips", digits=4),
                PaperColumn("RMSE", "rmse_paper", digits=4),
                PaperColumn("PSNR", "psnr_paper", False, digits=4),
                PaperColumn("SSIM", "ssim_paper", False, _similarity, 4),
                PaperColumn("FSIM", "fsim_paper", False, _similarity, 4),
            ),
        ),
    )
}


@dataclass(frozen=True)
class PaperCell:
    """Mean and standard deviation over prompts; ``p`` of the paired difference to the base, after Holm in ``adjusted``."""

    checkpoint: str
    metric: str
    mean: float
    sd: float
    prompts: int
    p: float = math.nan
    adjusted: float = math.nan


@dataclass(frozen=True)
class FilledTable:
    """A paper's table with our numbers, the base's row first; ``absent`` are the paper's metrics that nobody scored."""

    caption: str
    columns: tuple[PaperColumn, ...]
    rows: dict[str, dict[str, PaperCell]]
    absent: tuple[str, ...]
    family: int


def fill(
    opened: store.Store,
    paper: str,
    checkpoints: Sequence[str],
    against: str,
    guidance_scale: float,
    more: Sequence[str] = (),
) -> list[FilledTable]:
    """The tables of a paper for some checkpoints; ``more`` are metrics to append to the table of their axis.

    Raises:
        InputError: an unknown paper or metric, or no stored run that the checkpoints share with ``against`` at that CFG.
    """
    if paper not in PAPERS:
        raise unknown("paper", paper, PAPERS)
    check_metrics(tuple(more))
    return [_filled(opened, _extended(table, more), checkpoints, against, guidance_scale) for table in PAPERS[paper]]


def _extended(table: PaperTable, more: Sequence[str]) -> PaperTable:
    axis = METRICS[table.columns[0].metric].axis
    known = {column.metric for column in table.columns}
    ours = [METRICS[name] for name in more if METRICS[name].axis == axis and name not in known]
    extra = tuple(PaperColumn(metric.title, metric.name, metric.higher_is_better) for metric in ours)
    return PaperTable(table.caption, (*table.columns, *extra))


def _filled(
    opened: store.Store, table: PaperTable, checkpoints: Sequence[str], against: str, scale: float
) -> FilledTable:
    names = [column.metric for column in table.columns]
    found = newest(store.paired_scores(opened, checkpoints, against, names, Filters()))
    rows = [row for row in found if row.policy.guidance_scale == scale]
    if missing := [name for name in checkpoints if not any(row.policy.checkpoint == name for row in rows)]:
        raise InputError(
            f"{', '.join(missing)} and {against} share no run at CFG {scale:g} with a score by any of {', '.join(names)}: "
            "`sweep` both over the same prompts, with --metrics all."
        )
    cells: dict[str, dict[str, PaperCell]] = {against: {}, **{name: {} for name in checkpoints}}
    for column in table.columns:
        for name in checkpoints:
            both = [row for row in rows if (row.metric, row.policy.checkpoint) == (column.metric, name)]
            if both:
                cells[against].setdefault(column.metric, _cell(against, column, [row.base_value for row in both]))
                cells[name][column.metric] = _tested(name, column, both)
    cells, family = _corrected(cells)
    absent = tuple(column.title for column in table.columns if column.metric not in cells[against])
    columns = tuple(column for column in table.columns if column.metric in cells[against])
    return FilledTable(table.caption, columns, cells, absent, family)


def _cell(checkpoint: str, column: PaperColumn, values: Sequence[float], p: float = math.nan) -> PaperCell:
    shown = [column.shown(value) for value in values]
    sd = float(np.std(shown, ddof=1)) if len(shown) > 1 else math.nan
    return PaperCell(checkpoint, column.metric, float(np.mean(shown)), sd, len(shown), p)


def _tested(checkpoint: str, column: PaperColumn, rows: Sequence[PairedScore]) -> PaperCell:
    """With the paired test on the metric's own scale, which the paper's turns over or stretches at most."""
    if len({(row.policy, row.base) for row in rows}) > 1:
        raise InputError(f"{checkpoint} has stored runs of several settings at this CFG, which a table must not mix.")
    ours, theirs = {row.prompt: row.policy_value for row in rows}, {row.prompt: row.base_value for row in rows}
    effects = {row.prompt: difference_of(row.policy_effects, row.base_effects) for row in rows}
    return _cell(checkpoint, column, list(ours.values()), paired_difference(ours, theirs, effects).p)


def _corrected(cells: dict[str, dict[str, PaperCell]]) -> tuple[dict[str, dict[str, PaperCell]], int]:
    flat = [cell for row in cells.values() for cell in row.values()]
    adjusted = dict(zip(((one.checkpoint, one.metric) for one in flat), families.holm([one.p for one in flat])))
    done = {
        name: {metric: replace(one, adjusted=adjusted[name, metric]) for metric, one in row.items()}
        for name, row in cells.items()
    }
    return done, families.tests([one.p for one in flat])


def lines(tables: Sequence[FilledTable]) -> Iterator[str]:
    """Markdown; a bold number's difference to the first row stands in its table's family."""
    for table in tables:
        counts = sorted({cell.prompts for row in table.rows.values() for cell in row.values()})
        prompts = " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1]))) if counts else "0"
        yield from (f"**{table.caption}**: mean ± standard deviation over {prompts} prompts", "")
        arrows = [f"{column.title} {'↑' if column.up else '↓'}" for column in table.columns]
        yield f"| {' | '.join(['checkpoint', *arrows])} |"
        yield "|---" * (len(arrows) + 1) + "|"
        for name, row in table.rows.items():
            cells = [_said(row.get(column.metric), column) for column in table.columns]
            yield f"| {' | '.join([f'`{name}`', *cells])} |"
        yield from ("", families.legend(table.family))
        if table.absent:
            yield f"Not scored here: {', '.join(table.absent)}."
        yield ""


def _said(cell: PaperCell | None, column: PaperColumn) -> str:
    if cell is None or math.isnan(cell.mean):
        return ""
    spread = "" if math.isnan(cell.sd) else f" ± {cell.sd:.{column.digits}f}"
    said = f"{cell.mean:.{column.digits}f}{spread}"
    return f"**{said}**" if families.stands(cell.adjusted) else said
