from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from t2ialign.metrics import pairwise
from t2ialign.metrics.pairwise import EachPair, Gram, begin, extend, squared_distances


def exact(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.cdist(a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist").square().float()


def test_squared_distances_equal_torch_cdist():
    draw = torch.Generator().manual_seed(0)
    a, b = torch.randn(9, 5000, generator=draw), torch.randn(5, 5000, generator=draw)
    torch.testing.assert_close(squared_distances(a, b), exact(a, b), rtol=1e-6, atol=0)


def test_a_common_offset_costs_no_digits():
    """Features of similar pictures share most of their length; without centring the products would drown the
    distances."""
    draw = torch.Generator().manual_seed(0)
    a = 100 + torch.randn(8, 20_000, generator=draw)
    off = ~torch.eye(8, dtype=torch.bool)
    torch.testing.assert_close(squared_distances(a, a)[off], exact(a, a)[off], rtol=1e-5, atol=0)


@pytest.mark.parametrize("nearness", [1e-1, 1e-3, 1e-5, 0.0])
def test_near_duplicates_are_computed_directly(nearness: float):
    draw = torch.Generator().manual_seed(1)
    a = torch.randn(6, 4000, generator=draw)
    a[3] = a[0] + nearness * torch.randn(4000, generator=draw)
    off = ~torch.eye(6, dtype=torch.bool)
    torch.testing.assert_close(squared_distances(a, a)[off], exact(a, a)[off], rtol=1e-5, atol=0)


@pytest.mark.parametrize("budget", [64, 4096, 1 << 22])
def test_memory_budget_does_not_change_the_result(budget: int, monkeypatch: pytest.MonkeyPatch):
    draw = torch.Generator().manual_seed(2)
    a, b = torch.randn(4, 777, generator=draw), torch.randn(3, 777, generator=draw)
    whole = squared_distances(a, b)
    monkeypatch.setattr(pairwise, "GRAM_BYTES", budget)
    torch.testing.assert_close(squared_distances(a, b), whole, rtol=1e-6, atol=0)


def absolute(one: dict, others: dict) -> torch.Tensor:
    return (one["x"] - others["x"]).abs().sum(1)


RULES = {
    "gram": Gram(lambda features: features["x"], lambda squared: squared),
    "each pair": EachPair(lambda features: {"x": features["x"]}, absolute),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("block", [1, 1 << 20])
def test_within_equals_cross(rule: pairwise.PairRule, block: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(pairwise.PAIR_BYTES, "cpu", block)
    prepared = rule.prepare({"x": torch.randn(6, 10)})
    within = rule.within(prepared)
    torch.testing.assert_close(within, rule.cross(prepared, prepared), rtol=1e-5, atol=1e-5)
    assert within.diagonal().abs().max() == 0


@given(sizes=st.lists(st.integers(1, 3), min_size=2, max_size=4), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_growing_in_any_steps_equals_the_whole(sizes: list[int], seed: int):
    parts = torch.randn(sum(sizes), 12, generator=torch.Generator().manual_seed(seed)).split(sizes)
    for rule in RULES.values():
        state = begin(rule, {"x": parts[0]})
        for part in parts[1:]:
            state = extend(rule, state, {"x": part})
        torch.testing.assert_close(state.matrix, rule({"x": torch.cat(parts)}), rtol=1e-4, atol=1e-5)


def test_a_new_picture_is_prepared_once():
    """The trunk pass is what costs: growing by one picture must not prepare the old ones again."""
    prepared: list[int] = []

    def start(features: dict) -> dict:
        prepared.append(len(features["x"]))
        return {"x": features["x"]}

    rule = EachPair(start, absolute)
    extend(rule, begin(rule, {"x": torch.randn(5, 3)}), {"x": torch.randn(1, 3)})
    assert prepared == [5, 1]


@pytest.mark.gpu
def test_cuda_equals_cpu():
    a = torch.randn(16, 300_000, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        squared_distances(a.cuda(), a.cuda()).cpu(), squared_distances(a, a), rtol=1e-5, atol=1e-2
    )
