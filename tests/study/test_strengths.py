from __future__ import annotations

import math
import random
from collections import defaultdict
from itertools import combinations

import choix
import numpy as np
import pytest
from statsmodels.discrete.conditional_models import ConditionalLogit

from t2ialign.study.answers import Answer
from t2ialign.study.strengths import Duel, _fitted, _scores, _sides, duels_of, strengths
from t2ialign.types import InputError
from tests.study.conftest import vote

# American League, Eastern division, 1987: row beat column (Agresti, Categorical Data Analysis, 2002, table 10.10), and
# the strengths against Baltimore with their standard errors as BradleyTerry2's vignette prints them.
TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
WINS = (
    (0, 7, 9, 7, 7, 9, 11),
    (6, 0, 7, 5, 11, 9, 9),
    (4, 6, 0, 7, 7, 8, 12),
    (6, 8, 6, 0, 6, 7, 10),
    (6, 2, 6, 7, 0, 7, 12),
    (4, 4, 5, 6, 6, 0, 6),
    (2, 4, 1, 3, 1, 7, 0),
)
PUBLISHED = {
    "Milwaukee": (1.5814, 0.3433),
    "Detroit": (1.4364, 0.3396),
    "Toronto": (1.2945, 0.3367),
    "New York": (1.2476, 0.3359),
    "Boston": (1.1077, 0.3339),
    "Cleveland": (0.6839, 0.3319),
}
TRUE = (-0.8, -0.1, 0.3, 0.6)


def games() -> list[tuple[int, int]]:
    return [(i, j) for i in range(7) for j in range(7) for _ in range(WINS[i][j])]


def simulated(seed: int, raters: int, each: int, tie: float, habit: float = 0.0) -> list[Duel]:
    """Davidson's model with known strengths; ``habit`` is how much raters differ."""
    chance, found = random.Random(seed), []
    for rater in range(raters):
        own = [value + chance.gauss(0, habit) for value in TRUE]
        for _ in range(each):
            i, j = chance.sample(range(len(TRUE)), 2)
            gap = own[j] - own[i]
            weights = [1, math.exp(gap), tie * math.exp(gap / 2)]
            found.append(Duel(str(i), str(j), chance.choices(["left", "right", "tie"], weights)[0], str(rater)))
    return found


def test_published_strengths_and_standard_errors():
    found = strengths(Duel(TEAMS[i], TEAMS[j], "left") for i, j in games())
    assert [one.name for one in found.contenders] == list(TEAMS)
    assert (found.model, found.votes) == ("Bradley-Terry", 21 * 13)
    assert found.note == (
        "Intervals take answers for independent of their raters, because no rater can be told apart. "
        "Intervals take answers for independent of their prompts, because no prompt can be told apart."
    )
    for team, (strength, error) in PUBLISHED.items():
        gap = found.difference(team, "Baltimore")
        assert gap.mean == pytest.approx(strength, abs=5e-5)
        assert (gap.hi - gap.mean) / found.quantile == pytest.approx(error, abs=5e-5)


def test_choix_agrees():
    found = strengths(Duel(TEAMS[i], TEAMS[j], "left") for i, j in games())
    known = choix.ilsr_pairwise(7, games())
    assert [one.strength.mean for one in found.contenders] == pytest.approx(
        sorted(known - known.mean(), reverse=True), abs=1e-6
    )


@pytest.mark.slow
def test_davidson_is_the_conditional_logit_over_three_alternatives():
    votes = simulated(3, 10, 30, 0.7)
    found = strengths([vote._replace(rater="") for vote in votes])
    rows, chosen, groups = [], [], []
    for number, duel in enumerate(votes):
        i, j = int(duel.left), int(duel.right)
        for outcome in ("left", "right", "tie"):
            row = np.zeros(5)
            row[i] += {"left": 1, "tie": 0.5}.get(outcome, 0)
            row[j] += {"right": 1, "tie": 0.5}.get(outcome, 0)
            row[4] = outcome == "tie"
            rows.append(row[[0, 1, 2, 4]])  # the last contender is zero
            chosen.append(float(duel.outcome == outcome))
            groups.append(number)
    known = ConditionalLogit(np.array(chosen), np.array(rows), groups=np.array(groups)).fit(disp=False)
    values = np.array([*known.params[:3], 0.0])
    ours = {one.name: one.strength.mean for one in found.contenders}
    assert [ours[str(i)] for i in range(4)] == pytest.approx(values - values.mean(), abs=1e-3)
    assert found.tie == pytest.approx(math.exp(known.params[3]), rel=1e-3)
    gap = found.difference("0", "3")
    assert (gap.hi - gap.mean) / found.quantile == pytest.approx(known.bse[0], rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("raters", "each", "tie", "habit"), [(20, 15, 0.0, 0.0), (20, 15, 0.6, 0.0), (30, 15, 0.5, 0.3), (5, 60, 0.5, 0.0)]
)
def test_known_strengths_lie_in_their_intervals_as_often_as_stated(raters: int, each: int, tie: float, habit: float):
    """95 % of 4 strengths in 60 studies; a binomial's 99.9 % range around that, strengths of one study correlated."""
    hits, estimates = [], []
    for seed in range(60):
        found = {one.name: one.strength for one in strengths(simulated(seed, raters, each, tie, habit)).contenders}
        hits += [found[str(i)].lo <= value <= found[str(i)].hi for i, value in enumerate(TRUE)]
        estimates.append([found[str(i)].mean for i in range(4)])
    assert 0.885 <= np.mean(hits) <= 0.995
    assert np.abs(np.mean(estimates, 0) - TRUE).max() < 0.08


def on_new_prompts(seed: int, raters: int, prompts: int, each: int, suits: float, habit: float) -> list[Duel]:
    """Bradley-Terry's model; a contender's worth differs by prompt (``suits``) and rater (``habit``), both drawn anew."""
    chance, found = np.random.default_rng(seed), []
    by_prompt, by_rater = suits * chance.normal(size=(prompts, 4)), habit * chance.normal(size=(raters, 4))
    for rater in range(raters):
        for prompt in chance.choice(prompts, size=each, replace=False):
            i, j = chance.choice(4, size=2, replace=False)
            worth = np.array(TRUE) + by_prompt[prompt] + by_rater[rater]
            left = chance.random() < 1 / (1 + math.exp(worth[j] - worth[i]))
            found.append(Duel(str(i), str(j), "left" if left else "right", str(rater), str(prompt)))
    return found


def over_all_prompts(spread: float) -> np.ndarray:
    """What is estimated: the strengths that fit the mean chances over everything that there could be (Gauss-Hermite)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    outcomes: dict[tuple[tuple[int, int], str], float] = {}
    for i, j in combinations(range(4), 2):
        gaps = TRUE[i] - TRUE[j] + math.sqrt(2) * spread * nodes
        share = float(weights @ (1 / (1 + np.exp(-gaps))) / weights.sum())
        outcomes |= {((i, j), "win"): 1000 * share, ((i, j), "loss"): 1000 * (1 - share)}
    return _fitted(defaultdict(float, outcomes), 4, ties=False)[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("raters", "prompts", "each", "suits", "habit"),
    [(20, 24, 15, 0.5, 0.0), (20, 12, 12, 0.5, 0.3), (20, 6, 6, 1.0, 0.0), (15, 24, 20, 0.7, 0.5)],
)
def test_new_prompts_lie_in_the_intervals_as_often_as_stated(
    raters: int, prompts: int, each: int, suits: float, habit: float
):
    """Of 80 studies, each with prompts and raters of its own; strengths of one study are correlated, so 95 % less 5."""
    truth, hits, alone = over_all_prompts(math.hypot(suits, habit)), [], []
    for seed in range(80):
        votes = on_new_prompts(seed, raters, prompts, each, suits, habit)
        found = {one.name: one.strength for one in strengths(votes).contenders}
        hits += [found[str(i)].lo <= value <= found[str(i)].hi for i, value in enumerate(truth)]
        if seed < 40:
            found = {one.name: one.strength for one in strengths(vote._replace(prompt="") for vote in votes).contenders}
            alone += [found[str(i)].lo <= value <= found[str(i)].hi for i, value in enumerate(truth)]
    assert np.mean(hits) >= 0.90
    assert suits < 1 or np.mean(alone) < 0.80, "with raters alone as clusters they would not be"


def test_raters_with_habits_widen_the_interval():
    votes = simulated(1, 20, 60, 0.0, habit=1.0)
    with_raters, without = strengths(votes), strengths([vote._replace(rater="") for vote in votes])
    assert (with_raters.raters, without.raters) == (20, 0)

    def width(found):
        gap = found.difference("0", "3")
        return gap.hi - gap.lo

    assert width(with_raters) > 1.5 * width(without)


def test_scores_are_the_gradients_of_the_likelihood():
    """Numerically, by moving one log-strength (and log v) at a time."""
    votes = simulated(2, 3, 5, 0.6)
    names, values = ["0", "1", "2", "3"], np.array([0.3, -0.2, 0.1, -0.2, -0.4])
    sides = _sides(votes, names)

    def likelihood(at: np.ndarray) -> np.ndarray:
        found = []
        for i, j, outcome in sides:
            weights = {"win": at[i], "loss": at[j], "tie": at[4] + (at[i] + at[j]) / 2}
            found.append(weights[outcome] - math.log(sum(map(math.exp, weights.values()))))
        return np.array(found)

    step = 1e-5 * np.eye(5)
    expected = [(likelihood(values + one) - likelihood(values - one)) / 2e-5 for one in step]
    assert _scores(sides, values, 4, True) == pytest.approx(np.stack(expected, 1), abs=1e-6)


def test_prompts_that_suit_a_contender_widen_the_interval():
    chance = random.Random(0)
    suits = {prompt: chance.gauss(0, 1.5) for prompt in range(8)}
    votes = []
    for rater, prompt in ((rater, prompt) for rater in range(20) for prompt in range(8) for _ in range(3)):
        left = chance.random() < 1 / (1 + math.exp(-suits[prompt]))
        votes.append(Duel("a", "b", "left" if left else "right", str(rater), str(prompt)))
    both, raters = strengths(votes), strengths([vote._replace(prompt="") for vote in votes])
    assert (both.raters, both.prompts, raters.prompts) == (20, 8, 0)
    assert [one.strength.mean for one in both.contenders] == [one.strength.mean for one in raters.contenders]
    assert both.difference("a", "b").hi - both.difference("a", "b").mean > 2.5 * (
        raters.difference("a", "b").hi - raters.difference("a", "b").mean
    )


def test_a_contender_who_always_wins_stays_finite_and_is_noted():
    found = strengths([Duel("a", "b", "left")] * 5 + [Duel("b", "c", "left"), Duel("c", "b", "left")])
    assert "no bound" in found.note
    assert found.contenders[0].name == "a"
    assert all(math.isfinite(one.strength.lo) for one in found.contenders)
    apart = strengths([Duel("a", "b", "left"), Duel("b", "a", "left"), Duel("c", "d", "left"), Duel("d", "c", "left")])
    assert "never met" in apart.note


def test_left_and_right_are_only_sides():
    votes = simulated(5, 10, 20, 0.5)
    turned = [Duel(v.right, v.left, {"left": "right", "right": "left"}.get(v.outcome, "tie"), v.rater) for v in votes]
    ours, theirs = strengths(votes), strengths(turned)
    assert [one.name for one in ours.contenders] == [one.name for one in theirs.contenders]
    assert [c.strength.mean for c in ours.contenders] == pytest.approx([c.strength.mean for c in theirs.contenders])


def test_votes_become_duels():
    votes = [
        vote(["a", "b"], Answer((1,)), "pick"),
        vote(["a", "b"], Answer((), "tie"), "pick"),
        vote(["a+b", "c"], Answer((0,)), "select"),
        vote(["decoy", "a"], Answer((1,)), "pick", check="decoy"),
    ]
    assert [duel[:3] for duel in duels_of(votes)] == [
        ("b", "a", "left"),
        ("a", "b", "tie"),
        ("a", "c", "left"),
        ("b", "c", "left"),
    ]


def test_nothing_and_nonsense_are_refused():
    with pytest.raises(InputError, match="no comparisons"):
        strengths([])
    with pytest.raises(InputError, match="itself"):
        strengths([Duel("a", "a", "tie")])


def test_one_rater_without_a_name_leaves_the_interval_as_wide():
    votes = simulated(3, 12, 16, 0.0, habit=1.0)
    blank = [votes[0]._replace(rater=""), *votes[1:]]
    one, other = strengths(votes), strengths(blank)
    assert (one.raters, other.raters) == (12, 13) and "1 of 192 answers name no rater" in other.note
    for named, unnamed in zip(one.contenders, other.contenders):
        wide, as_wide = (side.strength.hi - side.strength.lo for side in (named, unnamed))
        assert as_wide == pytest.approx(wide, rel=0.2)


def test_ties_alone_are_nothing_to_estimate():
    with pytest.raises(InputError, match="All 2 comparisons are ties"):
        strengths([Duel("a", "b", "tie"), Duel("a", "b", "tie")])
