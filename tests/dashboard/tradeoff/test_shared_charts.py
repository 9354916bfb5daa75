"""A chart is drawn once for all who look at the same, and anew when something about it was stored."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from t2ialign.dashboard.tradeoff import drawing, handlers
from t2ialign.remembering import Memory
from t2ialign.store import add_batch, add_run, add_scores, aggregates, open_store, set_status
from t2ialign.types import GenerationConfig, Prompt
from tests.dashboard import fakes

ALL = (None, "oracle_alignment", "factor_diversity", [], [])


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that grows with every chart that is drawn and every question about points that the tables are asked."""
    done: list[str] = []

    def noted(module, name: str) -> None:
        own = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *values, **more: (done.append(name), own(*values, **more))[1])

    noted(drawing, "tradeoff_figure")
    noted(aggregates, "_scored_points")
    return done


def keep(services, prompt: Prompt, config: GenerationConfig) -> None:
    """A cell as a run keeps it: its pictures, then its scores."""
    batch = fakes.batch_of(prompt, config, (0, 1, 2, 3))
    add_batch(services.store, batch)
    add_scores(services.store, batch, fakes.scores_of(batch))


@pytest.mark.slow
def test_a_new_run_changes_the_chart_at_once_and_one_of_another_prompt_asks_for_nothing(stocked, config, monkeypatch):
    """What is on the chart is that of a page that remembers nothing."""
    done = counted(monkeypatch)

    def drawn(services=stocked) -> str:
        return handlers.draw(services, "light", *ALL, True, "")["chart"].to_json()

    before = drawn()
    assert drawn() == before and done == ["_scored_points", "tradeoff_figure"]
    run = add_run(stocked.store, Prompt("a stray one"), [config("base", 4)], [0])
    keep(stocked, Prompt("a stray one"), config("base", 4))
    set_status(stocked.store, run.id, "done")
    assert drawn() == before and len(done) == 2
    keep(stocked, Prompt("a blue star and a green ring", "color"), config("spo", 4))
    after = drawn()
    assert after != before and len(done) == 4
    with open_store(stocked.store.home) as beside:
        assert drawn(replace(stocked, store=beside, charts=Memory(1))) == after and len(done) == 6


@pytest.mark.slow
def test_many_who_ask_for_one_chart_at_once_have_it_drawn_once(stocked, monkeypatch):
    done, all_here = counted(monkeypatch), threading.Barrier(6)

    def ask(_: int) -> str:
        all_here.wait(10)
        return handlers.draw(stocked, "light", *ALL, True, "")["chart"].to_json()

    with ThreadPoolExecutor(6) as pool:
        charts = list(pool.map(ask, range(6)))
    assert done == ["_scored_points", "tradeoff_figure"] and len(set(charts)) == 1


@pytest.mark.slow
def test_the_table_names_a_guidance_strategy_and_says_nothing_of_plain_guidance(stocked, config):
    keep(stocked, Prompt("a blue star and a green ring", "color"), replace(config("base", 4), guidance="cads"))
    table = handlers.draw(stocked, "light", *ALL, True, "")["table"]
    assert table.count("<small>with cads</small>") == 1 and "Compare base with cads at CFG 4" in table
    assert "with cfg" not in table
