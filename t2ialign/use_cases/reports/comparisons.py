"""Stored runs of checkpoints beside those of another one, prompt by prompt, and what the command line says of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from t2ialign import store
from t2ialign.metrics import METRICS
from t2ialign.names import PLAIN, guided, unknown
from t2ialign.tradeoff import families
from t2ialign.tradeoff.comparison import Comparison, comparisons, corrected, settings_of
from t2ialign.tradeoff.strategies import plainly
from t2ialign.types import GenerationConfig, InputError, Interval
from t2ialign.use_cases.batches.requests import check_metrics
from t2ialign.use_cases.reports.text import benchmark_keys, difference_text, newest, with_ends


@dataclass(frozen=True)
class Narrowed:
    """Which stored cells are compared: an empty field restricts nothing.

    ``benchmark``: a benchmark set by title or key, of which alone prompts and seeds then count. ``guidance_scale`` is the
    policies' CFG, ``against_scale`` the other side's (None: the policy's own); with it, policies of any guidance strategy meet
    the other side's plain guidance, and a checkpoint itself at another CFG.
    """

    categories: tuple[str, ...] = ()
    benchmark: str = ""
    guidance_scale: float | None = None
    against_scale: float | None = None


EVERYTHING = Narrowed()


def check_stored(opened: store.Store, checkpoints: Sequence[str]) -> None:
    """Refuses names of checkpoints or blends of which a store has no picture.

    Raises:
        InputError: the first of them, with the nearest name that there is.
    """
    known = store.choices(opened)["checkpoints"]
    for name in checkpoints:
        if name not in known:
            raise unknown("checkpoint", name, known)


def stored_comparisons(
    opened: store.Store, policies: Sequence[str], base: str, metrics: Sequence[str], narrowed: Narrowed = EVERYTHING
) -> list[Comparison]:
    """Checkpoints against a base on the prompts and seeds that both have, from what is stored: one family of differences.

    Raises:
        InputError: no such metric or benchmark set, a checkpoint against itself under the same settings, or several versions
            of one metric.
    """
    check_metrics(metrics)
    if policies and set(policies) == {base} and narrowed.against_scale is None:
        raise InputError(
            f"{base} is not compared with itself: name another checkpoint, another one with --against, or another CFG with "
            "--against-guidance-scale."
        )
    sets = benchmark_keys(opened, narrowed.benchmark)
    filters = store.Filters(categories=narrowed.categories, benchmarks=sets)
    scales = narrowed.guidance_scale, narrowed.against_scale
    rows = newest(store.paired_scores(opened, policies, base, metrics, filters, scales))
    if narrowed.against_scale is not None:
        rows = [row for row in rows if row.base.guidance == PLAIN]
    same = settings_of if narrowed.against_scale is None else plainly
    return corrected(list(comparisons(rows, METRICS, same)))


def notes_on_comparisons(
    opened: store.Store, found: Sequence[Comparison], categories: Sequence[str] = ()
) -> list[tuple[str, tuple[str, ...]]]:
    """What people should know of the cells that were compared, each sentence with its prompts."""
    configs = tuple({config.key: None for one in found for config in (one.policy, one.base)})
    return store.notes_on(opened, store.Filters(configs=configs, categories=tuple(categories))) if configs else []


def comparison_lines(found: Sequence[Comparison]) -> Iterator[str]:
    """A line a comparison: both means, the difference, also as a share of the base's mean, and what it says about zero."""
    if not found:
        yield "No stored run has these checkpoints on the same prompts and seeds: `sweep` them with equal settings first."
    for one in found:
        share = "" if one.relative is None else percent(one.relative)
        yield (
            f"{_named(one.policy):<16} CFG {_scales(one.policy, one.base):<5} {one.metric:<20} "
            f"{one.base_mean.mean:.3f} -> {one.policy_mean.mean:.3f}  {difference_text(one) if one.difference else '':<24} "
            f"{share:<20}{_wins(one)}  ({one.prompts} prompts, {one.seeds} pictures each)  {one.in_words}".rstrip()
        )


def _named(config: GenerationConfig) -> str:
    """The checkpoint, and its guidance strategy where that is not plain guidance."""
    return f"{config.checkpoint}{guided(config)}"


def _scales(policy: GenerationConfig, base: GenerationConfig) -> str:
    ours, theirs = policy.guidance_scale, base.guidance_scale
    return f"{ours:g}" if ours == theirs else f"{ours:g} less {theirs:g}"


def comparison_table(found: Sequence[Comparison]) -> Iterator[str]:
    """The same as a Markdown table: a row for each checkpoint and its settings, a column for each metric.

    Where the numbers of steps differ, they stand beside the names. Differences that exclude zero also after Holm are bold, and
    the last line says so.
    """
    metrics = list(dict.fromkeys(one.metric for one in found))
    rows: dict[tuple[GenerationConfig, GenerationConfig], dict[str, str]] = {}
    for one in found:
        said = f"**{difference_text(one)}**" if one.stands else difference_text(one)
        rows.setdefault((one.policy, one.base), {})[one.metric] = said
    several = len({config.num_inference_steps for config, _ in rows}) > 1
    yield " | ".join(["| checkpoint | CFG", *(f"`{name}`" for name in metrics)]) + " |"
    yield "|---" * (len(metrics) + 2) + "|"
    for (config, base), cells in rows.items():
        steps = f", {config.num_inference_steps} steps" if several else ""
        head = f"| `{_named(config)}`{steps} | {_scales(config, base)}"
        yield " | ".join([head, *(cells.get(name, "") for name in metrics)]) + " |"
    yield from ("", families.legend(found[0].family)) if found else ()


def percent(found: Interval) -> str:
    """``-12 % (-17 to -7)``, or the mean alone where the ends are unknown."""
    mean, lo, hi = (f"{100 * end:+.0f}" for end in (found.mean, found.lo, found.hi))
    return f"{mean} %" if math.isnan(found.lo) else f"{mean} % ({lo} to {hi})"


def _wins(one: Comparison) -> str:
    return "" if one.win_rate is None else f"  better in {with_ends(one.win_rate)}"
