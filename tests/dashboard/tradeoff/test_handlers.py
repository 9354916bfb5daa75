"""Trade-off's handlers as functions."""

import json
import shutil
from dataclasses import replace
from urllib.parse import urlencode

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from t2ialign import settings
from t2ialign.dashboard.shared.chart_points import load_points
from t2ialign.dashboard.shared.point_details import strip_of
from t2ialign.dashboard.tradeoff import comparing, handlers, reading
from t2ialign.store import add_batch, add_benchmark, add_scores, marks
from t2ialign.tradeoff.benchmark_set import BenchmarkSet
from t2ialign.types import AdapterUse, GenerationConfig, InputError, Prompt
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.score_batch import config_of
from tests.dashboard import fakes
from tests.dashboard.trainings import add_training

ALL = (None, "oracle_alignment", "factor_diversity", [], [])
FRESH = {"theme": "light", "query": ""}


def names(chart) -> list[str]:
    return [trace.name for trace in chart.data if trace.name]


@pytest.mark.slow
def test_showing_the_tab_offers_what_is_scored(stocked):
    updates = handlers.show(stocked, FRESH, None, None, None, [], [], True, "")
    assert [name for _, name in updates["x"].choices] == ["clip_score", "oracle_alignment", "factor_diversity", "lpips"]
    assert (updates["x"].value, updates["y"].value) == ("oracle_alignment", "factor_diversity")
    assert [value for _, value in updates["categories"].choices] == ["color", "single"]
    assert names(updates["chart"]) == ["Pareto front", "base", "spo"]


@pytest.mark.slow
def test_what_was_chosen_stays(stocked):
    updates = handlers.show(stocked, FRESH, "all", "clip_score", "lpips", [], [], True, "")
    assert (updates["x"].value, updates["y"].value) == ("clip_score", "lpips")


def test_an_empty_store_says_what_to_do(services):
    updates = handlers.show(services, FRESH, None, None, None, [], [], True, "")
    assert "Generate" in updates["chart"].layout.annotations[0].text and updates["x"].value is None
    assert handlers.explain(services, *ALL) == {"sentence": ""}


@pytest.mark.slow
def test_filters_do_not_change_colours(stocked):
    def color(checkpoints) -> str:
        chart = handlers.draw(stocked, "light", *ALL[:4], checkpoints, False, "")["chart"]
        return next(trace.line.color for trace in chart.data if trace.name == "spo")

    assert color([]) == color(["spo"])


@pytest.mark.slow
def test_filters_that_leave_nothing_say_so(stocked):
    assert "loosen" in handlers.explain(stocked, *ALL[:3], ["color"], ["spo"])["sentence"]


@pytest.mark.slow
def test_the_front_can_be_hidden_and_the_chosen_point_is_ringed(stocked, config):
    point = config("base", 4).key
    updates = handlers.draw(stocked, "light", *ALL, False, point)
    assert names(updates["chart"]) == ["base", "spo"] and len(updates["chart"].data[-1].x) == 1
    assert "All points" in updates["point_details"] and "point" not in updates


@pytest.mark.slow
def test_a_point_that_the_filters_hide_is_no_longer_chosen(stocked, config):
    updates = handlers.draw(stocked, "light", *ALL[:3], [], ["spo"], False, config("base", 4).key)
    assert updates["point"] == "" and "Click a point" in updates["point_details"]


@pytest.mark.slow
def test_the_axes_in_words(stocked):
    assert "3 points" in handlers.explain(stocked, *ALL[:4], ["base"])["sentence"]


@pytest.mark.slow
def test_a_click_opens_a_point_whose_prompts_are_those_of_the_filters(stocked, config):
    point = config("base", 4).key
    assert handlers.click_point(stocked, {"point": point}) == {"point": point}
    updates = handlers.draw(stocked, "light", *ALL, True, point)
    assert "point" not in updates and "2 prompts" in updates["point_details"]
    only = handlers.draw(stocked, "light", *ALL[:3], ["color"], [], True, point)
    assert "1 prompt, 4 pictures" in only["point_details"]
    assert handlers.draw(stocked, "light", *ALL, True, "gone")["point"] == ""


@pytest.mark.slow
def test_the_points_stand_beside_the_chart_as_a_list(stocked, config):
    listed = handlers.draw(stocked, "light", *ALL, False, "")["point_details"]
    assert listed.count("<button") == 4 and f'data-point="{config("base", 8).key}"' in listed
    only = handlers.draw(stocked, "light", *ALL[:4], ["spo"], False, "")["point_details"]
    assert only.count("<button") == 1
    point = config("spo", 4).key
    assert handlers.choose_prompt(stocked, {"point": point, "cell": ""}, *ALL) == {"point": point}
    opened = handlers.draw(stocked, "light", *ALL, False, point)["point_details"]
    cell = opened.partition('data-cell="')[2].partition('"')[0]
    assert "All points" in handlers.choose_prompt(stocked, {"point": point, "cell": cell}, *ALL)["point_details"]
    assert handlers.choose_prompt(stocked, {"point": "", "cell": ""}, *ALL) == {"point": ""}


@pytest.mark.slow
def test_an_adapters_point_says_what_it_changed_prompt_by_prompt(stocked, config):
    def details(checkpoint: str, *chosen) -> str:
        point = config(checkpoint, 4).key
        return handlers.draw(stocked, "light", *chosen, True, point)["point_details"]

    assert "Against base, on the same seeds of 1 prompt: Oracle alignment <b>" in details("spo", *ALL)
    assert "Against base" in details("spo", *ALL[:4], ["spo"])  # the filter hides the base's points, not its scores
    assert "Against" not in details("base", *ALL)


@pytest.mark.slow
def test_a_point_on_half_of_the_set_is_hollow_and_off_the_front(stocked):
    chart = handlers.draw(stocked, "light", *ALL, True, "")["chart"]
    half, front = (next(trace for trace in chart.data if trace.name == name) for name in ("spo", "Pareto front"))
    assert half.marker.symbol.endswith("-open") and half.x[0] not in front.x


@pytest.mark.slow
def test_a_stray_prompt_moves_no_point_of_the_set(stocked, config):
    def base(benchmark):
        chart = handlers.draw(stocked, "light", benchmark, *ALL[1:], True, "")["chart"]
        return next(trace for trace in chart.data if trace.name == "base").x

    before = base(None)
    fakes.add_cell(stocked.store, Prompt("a green ring", "single"), config("base", 4))
    fakes.add_cell(stocked.store, Prompt("a red circle", "single"), config("base", 4), range(7))
    assert base(None) == before and base(handlers.EVERYTHING) != before


@pytest.mark.slow
def test_everything_stored_has_neither_front_nor_correlation(stocked):
    assert names(handlers.draw(stocked, "light", "all", *ALL[1:], True, "")["chart"]) == ["base", "spo"]
    assert "not compared" in handlers.explain(stocked, "all", *ALL[1:])["sentence"]


@pytest.mark.slow
def test_stray_prompts_become_a_set_with_one_click(stocked, config):
    assert handlers.offer_set(stocked, "")["stray"] == ""
    for text in ("a green ring", "two stars", "a white cross"):
        fakes.add_cell(stocked.store, Prompt(text), config("base", 4), range(8))
    offered = handlers.offer_set(stocked, "")
    assert offered["make_set"].value == "Make a set of 3 more prompts (seeds 0-7)" and offered["make_set"].visible
    made = handlers.begin_set(stocked, "", offered["stray"])
    chart = handlers.draw(stocked, "light", made["benchmark"].value, *ALL[1:], True, "")["chart"]
    assert len(next(trace for trace in chart.data if trace.name == "base").x) == 1
    assert handlers.offer_set(stocked, "")["stray"] == ""


@pytest.mark.slow
def test_a_trained_checkpoint_is_an_arrow_from_its_parent_at_the_same_guidance(stocked, config):
    fakes.add_cell(stocked.store, Prompt("a blue star and a green ring", "color"), config("spo", 4))
    updates = handlers.draw(stocked, "light", *ALL, True, "")
    arrow = next(one for one in updates["chart"].layout.annotations if one.showarrow)
    base, spo = (next(trace for trace in updates["chart"].data if trace.name == name) for name in ("base", "spo"))
    assert (arrow.x, arrow.y) == (spo.x[0], spo.y[0]) and (arrow.ax, arrow.ay) == (base.x[1], base.y[1])
    assert "spo at CFG 4 beside base, on 2 prompts" in updates["headline"]


@pytest.mark.slow
def test_the_table_lists_every_point_with_what_it_changed(stocked):
    table = handlers.draw(stocked, "light", *ALL, True, "")["table"]
    assert table.count("<tr data-point") == 4 and "1 of 2 prompts" in table


@pytest.mark.slow
def test_marks_are_kept_and_hidden_checkpoints_leave_the_chart(stocked):
    def act(act: str, **more) -> dict:
        return handlers.choose_run(stocked, {"act": act, "checkpoint": "spo", **more}, "")

    def table() -> str:
        return handlers.draw(stocked, "light", *ALL, True, "")["table"]

    assert act("star")["drawn"] > 0 and 'aria-label="Star spo">★' in table()
    assert table().index('data-checkpoint="spo"') < table().index('data-checkpoint="base"')
    assert act("note", note=" <b>keep</b> ")["drawn"] > 0 and 'value="&lt;b&gt;keep&lt;/b&gt;"' in table()
    act("hide")
    assert names(handlers.draw(stocked, "light", *ALL, True, "")["chart"]) == ["Pareto front", "base"]
    assert 'title="Show spo again"' in table()
    act("show")
    assert "<tr data-point" in table() and "Hidden" not in table() and "★" in table()
    assert handlers.choose_run(stocked, {"act": "star", "checkpoint": "nobody"}, "") == {}
    assert handlers.choose_run(stocked, {"act": "explode", "checkpoint": "spo"}, "") == {}


@pytest.mark.slow
def test_a_deleted_checkpoint_leaves_the_chart_and_comes_back(stocked, registry, monkeypatch):
    mine = stocked.bench.home / "checkpoints" / "dpo_js"
    shutil.copytree(registry / "spo", mine)
    monkeypatch.setattr(settings, "HOME", stocked.bench.home)
    named = BatchRequest(Prompt("a red circle", "single"), "dpo_js", (0, 1, 2, 3), 4.0)
    fakes.add_cell(stocked.store, named.prompt, config_of(stocked.bench, named)[1])

    def act(act: str, name: str = "dpo_js") -> dict:
        return handlers.choose_run(stocked, {"act": act, "checkpoint": name}, "")

    def drawn() -> dict:
        return handlers.draw(stocked, "light", *ALL, False, "")

    assert names(drawn()["chart"]) == ["base", "dpo_js", "spo"] and "Delete dpo_js;" in drawn()["table"]
    assert "Delete spo" not in drawn()["table"], "what ships stays"
    assert act("delete")["drawn"] > 0 and not mine.exists()
    assert names(drawn()["chart"]) == ["base", "spo"] and "Bring dpo_js back" in drawn()["table"]
    assert act("restore")["drawn"] > 0 and mine.is_dir() and names(drawn()["chart"]) == ["base", "dpo_js", "spo"]
    with pytest.raises(InputError, match="spo is not a checkpoint of this store"):
        act("delete", "spo")
    with pytest.raises(InputError, match="No checkpoint called dpo_js was deleted"):
        act("restore")


def test_strangers_mark_nothing(stocked, monkeypatch):
    monkeypatch.setattr(settings, "OWNER_TOKEN", "secret")
    for act in ("star", "hide", "show", "note", "rename", "delete", "restore"):
        with pytest.raises(InputError, match="owner"):
            handlers.choose_run(stocked, {"act": act, "checkpoint": "spo"}, "guess")
    with pytest.raises(InputError, match="owner"):
        handlers.begin_set(stocked, "guess", "0-7")
    assert handlers.offer_set(stocked, "guess")["stray"] == ""


@pytest.mark.slow
def test_ticked_runs_are_told_apart(stocked, config):
    def compare(*points: str) -> dict:
        return handlers.compare_runs(stocked, " ".join(points), "light", *ALL)

    two = [config("base", 4).key, config("base", 8).key]
    told = compare(*two)["differences"]
    assert "sampling.guidance_scale" in told and "<td>4.0</td><td>8.0</td>" in told and "scheduler" not in told
    assert "Tick another" in compare(two[0])["differences"] and compare()["differences"] == ""
    three = compare(*two, config("spo", 4).key, "gone")
    assert "<td>4.0</td><td>8.0</td><td>4.0</td>" in three["differences"]
    assert not three["curves"].visible and "No training curves are kept here of base, spo." in three["curve_names"]


@pytest.mark.slow
def test_training_curves_of_ticked_runs_lie_over_each_other(stocked, config):
    add_training(stocked.store, "align-1", steps=60, title="spo", command=named("spo"))
    add_training(stocked.store, "align-2", steps=90, title="mi-tune", command=named("mi-tune"))
    points = [config(name, 4).key for name in ("base", "spo")]
    found = [load_points(stocked, handlers.chosen_of(stocked, *ALL)).of(key) for key in points]
    other = replace(found[1], config=replace(found[1].config, adapters=(AdapterUse("mi-tune"),)))
    shown = comparing.compare(stocked, [*found, other], dark=False)
    assert shown["curves"].visible and "kept here of base." in shown["curve_names"]
    for name in ("curve_loss", "curve_accuracy"):
        lines = {line.name: line for line in shown[name].data}
        assert set(lines) == {"spo", "mi-tune"} and (max(lines["spo"].x), max(lines["mi-tune"].x)) == (60, 90)
        assert lines["spo"].line.color == stocked.palette()["spo"].light
    assert not shown["curve_diversity"].data


def named(name: str) -> tuple[str, ...]:
    return ("align", "f_dpo", "--divergence", "js", "--beta", "2", "--name", name)


@pytest.mark.slow
def test_a_run_is_called_otherwise_wherever_its_name_stands(stocked, config):
    def act(title: str, checkpoint: str = "spo") -> dict:
        data = {"act": "rename", "checkpoint": checkpoint, "title": title}
        return handlers.choose_run(stocked, data, "")

    def drawn() -> dict:
        return handlers.draw(stocked, "light", *ALL, False, config("spo", 4).key)

    assert act("  The   sunny one ")["drawn"] > 0
    assert names(drawn()["chart"]) == ["base", "The sunny one"]
    assert "The sunny one" in drawn()["table"] and "<small>spo</small>" in drawn()["table"]
    assert drawn()["headline"] == "" or "The sunny one" in drawn()["headline"]
    listed = handlers.draw(stocked, "light", *ALL, False, "")["point_details"]
    assert "The sunny one" in listed and ">spo<" not in listed
    with pytest.raises(InputError, match="spo is called The sunny one already"):
        act("The sunny one", "base")
    with pytest.raises(InputError, match="base is called base already"):
        act("base")
    with pytest.raises(InputError, match="40 at most"):
        act("x" * 41)
    assert act("", "gone") == {}
    act("")
    assert names(drawn()["chart"]) == ["base", "spo"] and marks(stocked.store)["spo"].title == ""


@pytest.mark.slow
def test_the_address_holds_what_is_on_show_and_brings_it_back(stocked, config):
    point = config("base", 4).key
    drawn = handlers.draw(stocked, "light", None, "clip_score", "lpips", ["color"], ["base", "spo"], True, point)
    said = json.loads(drawn["address"])
    assert said["kinds"] == "color" and said["only"] == "base,spo" and said["point"] == point
    fresh = {"theme": "light", "query": "?tab=tradeoff&" + urlencode({k: v for k, v in said.items() if v})}
    updates = handlers.show(stocked, fresh, None, None, None, [], [], True, "")
    assert [updates[name].value for name in ("x", "y", "categories", "checkpoints")] == [
        "clip_score",
        "lpips",
        ["color"],
        ["base", "spo"],
    ]
    assert "base" in updates["point_details"]
    nonsense = {"theme": "light", "query": "?set=x&x=nope&y=%00&kinds=a,b&only=c&point=d"}
    assert handlers.show(stocked, nonsense, None, None, None, [], [], True, "")["x"].value == "oracle_alignment"


@pytest.mark.slow
def test_pictures_beside_the_pointer(stocked, config):
    chosen = handlers.chosen_of(stocked, None, None, None)
    strip = strip_of(stocked, chosen, config("base", 4).key)
    assert len(strip) == 2 and all(address.endswith("/0.webp?small") for address in strip)
    assert strip_of(stocked, chosen, "gone") == []


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_exports_hold_the_points(stocked, suffix: str):
    updates = handlers.export(stocked, suffix, "light", True, *ALL)
    read = pyarrow.csv.read_csv if suffix == ".csv" else pq.read_table
    rows = read(updates["file"]).to_pylist()
    assert [(row["checkpoint"], row["guidance_scale"]) for row in rows] == [
        ("base", 1),
        ("base", 4),
        ("base", 8),
        ("spo", 4),
    ]
    assert updates["problem"] == ""


@pytest.mark.slow
def test_the_exported_page_needs_no_network(stocked):
    with open(handlers.export(stocked, ".html", "dark", True, *ALL)["file"], encoding="utf-8") as file:
        page = file.read()
    assert "Oracle alignment against Factor diversity" in page and '<script src="http' not in page and len(page) > 10**6


def test_there_is_nothing_to_export_from_nothing(services):
    updates = handlers.export(services, ".csv", "light", True, *ALL)
    assert updates["file"] is None and "nothing to export" in updates["problem"]


@pytest.mark.slow
def test_the_axes_begin_with_what_is_scored_on_the_set(stocked):
    """Scores of one more set, of metrics that nothing else has: its chart is not empty at first."""
    prompt = Prompt("a set of its own")
    batch = fakes.batch_of(prompt, GenerationConfig("shapes", "r"), range(4))
    add_batch(stocked.store, batch)
    scores = [replace(score, metric=name) for score, name in zip(fakes.scores_of(batch), ("hps_v21", "ssim"))]
    add_scores(stocked.store, batch, scores)
    own = BenchmarkSet("own", ((prompt, (0, 1, 2, 3)),))
    add_benchmark(stocked.store, own)
    chosen = handlers.chosen_of(stocked, own.key, None, None)
    assert (chosen.x.name, chosen.y.name) == ("hps_v21", "ssim")


@pytest.mark.slow
def test_points_that_the_axes_leave_out_are_counted(stocked):
    """One of two points of a set has but one of the two scores: it is not on the chart, and the page says so."""
    prompt, known = Prompt("a set of its own"), {}
    for scale in (1.0, 2.0):
        batch = fakes.batch_of(prompt, GenerationConfig("shapes", "r", guidance_scale=scale), range(4))
        add_batch(stocked.store, batch)
        known[scale] = [score for score in fakes.scores_of(batch) if scale == 1.0 or score.metric != "factor_diversity"]
        add_scores(stocked.store, batch, known[scale])
    own = BenchmarkSet("own", ((prompt, (0, 1, 2, 3)),))
    add_benchmark(stocked.store, own)
    said = handlers.explain(stocked, own.key, *ALL[1:])["sentence"]
    assert "1 of 2 points of this set are not drawn, for want of" in said
    assert "not drawn" not in handlers.explain(stocked, own.key, "oracle_alignment", "lpips", [], [])["sentence"]


def chosen_against(stocked, config, **controls) -> dict:
    """The chart as changes from the base at CFG 4."""
    return handlers.draw(stocked, "light", *ALL, True, "", config("base", 4).key, **controls)


@pytest.mark.slow
def test_points_are_changes_from_a_chosen_point(stocked, config):
    offered = handlers.draw(stocked, "light", *ALL, True, "")["against"]
    assert offered.value == "" and [label for label, _ in offered.choices] == [
        "The values themselves",
        *(f"Change from base at CFG {scale}" for scale in (1, 4, 8)),
        "Change from spo at CFG 4",
    ]
    updates = chosen_against(stocked, config)
    line = next(trace for trace in updates["chart"].data if trace.name == "base")
    assert (line.x[1], line.y[1]) == (0, 0) and "Change of" in updates["chart"].layout.xaxis.title.text
    plain = next(t for t in handlers.draw(stocked, "light", *ALL, True, "")["chart"].data if t.name == "base")
    assert line.x[2] == pytest.approx(plain.x[2] - plain.x[1], abs=1e-5), "the same prompts: the means' difference"
    assert json.loads(updates["address"])["against"] == updates["against"].value == config("base", 4).key
    assert handlers.draw(stocked, "light", *ALL, True, "", "gone")["against"].value == "", "a point that is not there"
    everything = handlers.draw(stocked, "light", "all", *ALL[1:], True, "", config("base", 4).key)
    assert everything["against"].value == "" and len(everything["against"].choices) == 1, "nothing is compared there"


@pytest.mark.slow
def test_changes_are_told_and_exported(stocked, config):
    key = config("base", 4).key
    said = handlers.explain(stocked, *ALL, "", key, False, False)["sentence"]
    assert "Every point less base at CFG 4" in said and "not drawn" not in said
    path = handlers.export(stocked, ".csv", "light", True, *ALL, key, False, False)["file"]
    rows = pyarrow.csv.read_csv(path).to_pylist()
    assert {row["less"] for row in rows} == {"base at CFG 4"} and {row["less_config"] for row in rows} == {key}
    assert next(row for row in rows if row["config"] == key)["x"] == 0
    with open(
        handlers.export(stocked, ".html", "light", True, *ALL, key, False, False)["file"], encoding="utf-8"
    ) as file:
        assert "Change from base at CFG 4" in file.read()


@pytest.mark.slow
def test_the_chart_is_split_by_kinds_of_prompts(stocked, config):
    updates = handlers.draw(stocked, "light", *ALL, True, "", "", True)
    chart = updates["chart"]
    titles = [note.text for note in chart.layout.annotations if note.text.startswith("<b>")]
    assert titles == ["<b>color</b>", "<b>single</b>"] and chart.layout.meta["panels"] == 2
    spo = [trace for trace in chart.data if trace.name == "spo"]
    assert [trace.xaxis for trace in spo] == ["x2"], "it has pictures of one kind alone"
    alone = handlers.draw(stocked, "light", *ALL[:3], ["color"], [], True, "")["chart"]
    left = next(trace for trace in chart.data if trace.name == "base" and trace.xaxis == "x")
    assert list(left.x) == list(next(trace for trace in alone.data if trace.name == "base").x)
    rows = pyarrow.csv.read_csv(handlers.export(stocked, ".csv", "light", True, *ALL, "", True, False)["file"])
    assert rows.column("category").to_pylist().count("color") == 3
    both = chosen_against(stocked, config, split=True)["chart"]
    assert both.layout.meta["panels"] == 2 and "Change of" in both.layout.yaxis.title.text


@pytest.mark.slow
def test_the_band_of_the_front_is_drawn_and_explained_where_it_is_asked_for(stocked):
    updates = handlers.draw(stocked, "light", *ALL, True, "", "", False, True)
    assert "The best at this alignment" in names(updates["chart"])
    assert json.loads(updates["address"])["band"] == "1"
    said = handlers.explain(stocked, *ALL, "", "", False, True)["sentence"]
    assert "The dotted line is the best" in said and "Of 2 prompts there is no band: 8 are the least" in said
    assert "How much each checkpoint dominates" in said
    split = handlers.explain(stocked, *ALL, "", "", True, True)["sentence"]
    assert "belongs to the values themselves" in split
    assert "The best at this alignment" not in names(
        handlers.draw(stocked, "light", *ALL, True, "", "", True, True)["chart"]
    )


@pytest.mark.slow
def test_a_trained_point_stands_beside_the_cfg_that_is_as_aligned(stocked, config, monkeypatch):
    fakes.add_cell(stocked.store, Prompt("a blue star and a green ring", "color"), config("spo", 4))
    said = handlers.explain(stocked, *ALL, config("spo", 4).key, "", False, False)["sentence"]
    assert "spo at CFG 4" in said and "as aligned as base at CFG" in said or "than base anywhere on its sweep" in said
    assert "At the same alignment: who is more varied" in said
    assert "same alignment" not in handlers.explain(stocked, "all", *ALL[1:], "", "", False, False)["sentence"]
    monkeypatch.setattr(reading, "MOST_MATCHES", 0)
    alone = handlers.explain(stocked, *ALL, config("spo", 4).key, "", False, False)["sentence"]
    assert "spo at CFG 4" in alone and "At the same alignment" not in alone, "of many, the opened one alone"


@pytest.mark.slow
def test_a_link_brings_back_how_the_chart_was_looked_at(stocked, config):
    key = config("base", 4).key
    fresh = {"theme": "light", "query": f"?tab=tradeoff&against={key}&split=1&band=1"}
    updates = handlers.show(stocked, fresh, None, None, None, [], [], True, "", "", False, False)
    assert updates["against"].value == key and updates["split"] is updates["band"] is True
    assert updates["chart"].layout.meta["panels"] == 2
