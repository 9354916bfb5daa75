"""How often the 95 % intervals of this program hold the truth, in simulations whose truth is known.

    python -m benchmarks.coverage > data/coverage.md    # the tables of docs/metrics.md, a few minutes
    python -m benchmarks.coverage --quick               # a fifth of the draws, in less than a minute

Over prompts: values are a prompt's effect, a seed's effect and the cell's own, with the standard deviations named. Single
batches: pictures of a few kinds, 1 apart and nearly alike within, or scores between 0 and 1. The same draws give the same
tables. Those of studies: ``benchmarks/study_intervals.py``.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from scipy import stats

from t2ialign.metrics.scoring import FEWEST, batch_interval, mean_interval, pair_effects, pair_interval
from t2ialign.metrics.vendi import cosine_kernel, hill_number
from t2ialign.tradeoff.families import holm
from t2ialign.tradeoff.interval import estimate, moments, share_interval
from t2ialign.tradeoff.training_seeds import change_cells, cost_cells, crossed
from t2ialign.types import Interval

SPREADS = {
    "prompts alone": (1.0, 0.0, 0.5),
    "prompts and seeds": (1.0, 0.5, 1.0),
    "seeds above all": (0.2, 1.0, 0.5),
    "nothing in common": (0.0, 0.0, 1.0),
}
SIZES = ((24, 8), (24, 16), (8, 8), (24, 4))
KINDS = {
    "8 alike in number": [1 / 8] * 8,
    "50 : 50": [0.5, 0.5],
    "70 : 30": [0.7, 0.3],
    "80 : 20": [0.8, 0.2],
    "60 : 30 : 10": [0.6, 0.3, 0.1],
    "90 : 10": [0.9, 0.1],
}
SCORES = {
    "80 % faithful": (0.8, 1),
    "90 % faithful": (0.9, 1),
    "95 % faithful": (0.95, 1),
    "three claims, 95 % hold": (0.95, 3),
}


def holds(found: Interval, truth: float) -> bool:
    """Whether the truth lies inside; an interval without ends claims nothing and counts as one that does not hold it."""
    return found.lo <= truth <= found.hi


def percent(hits: Sequence[bool]) -> str:
    return f"{100 * np.mean(hits):.1f} %"


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def head(*columns: str) -> Iterator[str]:
    yield ""
    yield line(columns)
    yield "|---" * len(columns) + "|"


def over_prompts(draws: int) -> Iterator[str]:
    yield from head(
        "what varies", "prompts x seeds", "prompts alone as clusters", "prompts x seeds as clusters", "own seeds"
    )
    for name, (prompt, seed, own) in SPREADS.items():
        for prompts, n in SIZES:
            chance, hits = np.random.default_rng(0), []
            for _ in range(draws):
                table = prompt * chance.normal(size=(prompts, 1)) + own * chance.normal(size=(prompts, n))
                shared = table + seed * chance.normal(size=(1, n))
                nested = table + seed * chance.normal(size=(prompts, n))
                effects = [dict(enumerate((row - row.mean()).tolist())) for row in shared]
                values = shared.mean(1).tolist()
                found = (estimate(values), estimate(values, effects), estimate(nested.mean(1).tolist()))
                hits.append([holds(one.interval, 0.0) for one in found])
            yield line([name, f"{prompts} x {n}", *(percent(column) for column in zip(*hits))])


def jackknife(pairs: torch.Tensor) -> Interval:
    """What stood here before: the delete-one jackknife alone."""
    effects, n = pair_effects(pairs), len(pairs)
    mean = float(pairs.sum()) / (n * (n - 1))
    margin = stats.t.ppf(0.975, n - 1) * math.sqrt(float(effects.square().sum()) / (n * (n - 1)))
    return Interval(mean, mean - margin, mean + margin)


def batches(draws: int) -> Iterator[str]:
    """Fewer seeds than have ends are lines too: what the interval would hold there is why they have none."""
    yield from head(
        "kinds of pictures", "seeds", "jackknife alone", "jackknife or bootstrap", "a kind is missing", "ends"
    )
    for name, shares in KINDS.items():
        truth = 1 - sum(share**2 for share in shares) + 0.05
        for n in (8, 16, 32):
            chance = torch.Generator().manual_seed(0)
            hits, missing = [], []
            for _ in range(draws):
                kinds = torch.multinomial(torch.tensor(shares), n, replacement=True, generator=chance)
                noise = 0.05 * torch.rand(n, n, generator=chance, dtype=torch.float64)
                pairs = ((kinds[:, None] != kinds[None]) + noise + noise.T).fill_diagonal_(0)
                hits.append([holds(found, truth) for found in (jackknife(pairs), pair_interval(pairs, fewest=3))])
                missing.append(len(set(kinds.tolist())) < len(shares))
            yield line([name, str(n), *(percent(column) for column in zip(*hits)), percent(missing), said("pair", n)])


def said(level: str, seeds: int) -> str:
    """Whether such a batch is shown with ends."""
    return "yes" if seeds >= FEWEST[level] else "no"


def scores(draws: int) -> Iterator[str]:
    yield from head("scores between 0 and 1", "seeds", "Student's t", "Wilson's form")
    for name, (share, claims) in SCORES.items():
        for n in (8, 16, 32):
            drawn = np.random.default_rng(0).binomial(claims, share, (draws, n)) / claims
            both = ((mean_interval(torch.tensor(row)), mean_interval(torch.tensor(row), (0.0, 1.0))) for row in drawn)
            hits = [[holds(found, share) for found in pair] for pair in both]
            yield line([name, str(n), *(percent(column) for column in zip(*hits))])


def effective_numbers(draws: int) -> Iterator[str]:
    yield from head("kinds of pictures", "seeds", "Vendi's jackknife holds its mean at that number of seeds", "ends")
    for name, shares in KINDS.items():
        for n in (16, 32, 48, 64):
            chance = torch.Generator().manual_seed(0)
            truth = float(np.mean([vendi(embedded(shares, n, chance)) for _ in range(10 * draws)]))
            hits = [holds(jackknifed(embedded(shares, n, chance)), truth) for _ in range(draws)]
            yield line([name, str(n), percent(hits), said("batch", n)])


def embedded(shares: Sequence[float], n: int, chance: torch.Generator) -> torch.Tensor:
    """Unit rows of pictures of those kinds, [n, 6]."""
    centres = torch.nn.functional.normalize(torch.randn(8, 6, generator=torch.Generator().manual_seed(5)), dim=1)
    kinds = torch.multinomial(torch.tensor(shares), n, replacement=True, generator=chance)
    return torch.nn.functional.normalize(centres[kinds] + 0.15 * torch.randn(n, 6, generator=chance), dim=1)


def families(draws: int) -> Iterator[str]:
    yield from head("true nulls", "a claim is made by plain intervals", "after Holm")
    chance = np.random.default_rng(0)
    for size in (5, 20, 88):
        ps = chance.uniform(size=(10 * draws, size))
        plain = [bool((family < 0.05).any()) for family in ps]
        yield line([str(size), percent(plain), percent([min(holm(family.tolist())) < 0.05 for family in ps])])


def training_runs(draws: int) -> Iterator[str]:
    """What a win rate costs, of methods whose runs differ: 24 prompts, every run at a win rate of about 0.7."""
    yield from head(
        "runs differ by", "training seeds", "one run, prompts alone", "all runs, prompts alone", "prompts x runs"
    )
    for luck in (0.0, 0.02, 0.05):
        for seeds in (2, 3, 5):
            chance, hits = np.random.default_rng(0), []
            for _ in range(draws):
                run, prompt = luck * chance.normal(size=(seeds, 1)), 0.1 * chance.normal(size=24)
                wins = 0.7 + 0.3 * run + 0.03 * chance.normal(size=(seeds, 24))
                diversity = 1 + prompt
                change = change_cells(
                    diversity * (0.9 + run + 0.05 * chance.normal(size=(seeds, 24))), diversity + 0 * wins
                )
                cells = cost_cells(wins[None], change[None], 0.65)
                assert cells is not None, "every path reaches it"
                found = (crossed(cells[:1]), estimate(cells.mean(0).tolist()), crossed(cells))
                hits.append([holds(one.interval, -0.075) for one in found])
            yield line([f"{luck:g}", str(seeds), *(percent(column) for column in zip(*hits))])


def win_rates(draws: int) -> Iterator[str]:
    """Shares of prompts whose own rates are Beta distributed; pictures of a prompt are alike by the correlation named."""
    yield from head("win rate", "alike within a prompt", "prompts x seeds", "Student's t", "of shares", "all alike")
    for rate, alike in ((0.7, 0.1), (0.7, 0.5), (0.9, 0.1), (0.9, 0.5), (0.97, 0.1), (0.97, 0.5)):
        for prompts, n in ((6, 4), (12, 8), (24, 8)):
            chance, hits, same = np.random.default_rng(0), [], []
            for _ in range(draws):
                own = chance.beta(rate * (1 / alike - 1), (1 - rate) * (1 / alike - 1), size=prompts)
                found = moments((chance.binomial(n, own) / n).tolist())
                plain = found.estimate.interval.within((0.0, 1.0))
                hits.append([holds(one, rate) for one in (plain, share_interval(found))])
                same.append(found.variance == 0)
            cells = [f"{rate:g}", f"{alike:g}", f"{prompts} x {n}", *(percent(column) for column in zip(*hits))]
            yield line([*cells, percent(same)])


def vendi(rows: torch.Tensor) -> float:
    return float(hill_number(cosine_kernel(rows), 1))


def jackknifed(rows: torch.Tensor) -> Interval:
    everyone = torch.arange(len(rows))
    return batch_interval(vendi(rows), len(rows), lambda seed: vendi(rows[everyone != seed]), fewest=3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a fifth of the draws")
    draws = 200 if parser.parse_args().quick else 1000
    torch.set_num_threads(1)
    for table in (over_prompts, batches, scores, effective_numbers, families, training_runs, win_rates):
        for row in table(draws if table is not effective_numbers else draws // 4):
            print(row, flush=True)


if __name__ == "__main__":
    main()
