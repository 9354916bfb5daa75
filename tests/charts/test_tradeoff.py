import json
import math
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from t2ialign.charts.tradeoff import EMPTY, labels, one_version, small, sweeps, tradeoff_figure
from t2ialign.tradeoff.arrows import Arrow
from t2ialign.tradeoff.comparison import Comparison
from t2ialign.types import AdapterUse, Interval, TradeoffPoint
from tests.charts.conftest import SPO, metric, point

BASE_SWEEP = [point(0.9, 0.3, 8), point(0.5, 0.8, 1), point(0.7, 0.6, 4)]
SPO_SWEEP = [point(0.6, 0.7, 1, SPO), point(0.65, 0.5, 4, SPO)]


def named(chart, name: str):
    return next(trace for trace in chart.data if trace.name == name)


def test_a_line_runs_along_the_guidance_scales(x_metric, y_metric):
    line = named(tradeoff_figure([*BASE_SWEEP, *SPO_SWEEP], x_metric, y_metric), "base")
    assert (line.x, line.y) == ((0.5, 0.7, 0.9), (0.8, 0.6, 0.3))
    assert line.text == ("CFG 1", "4", "8")


def test_interval_bars_reach_both_bounds(x_metric, y_metric):
    line = named(tradeoff_figure(BASE_SWEEP, x_metric, y_metric), "base")
    assert line.error_x.array == pytest.approx([0.2] * 3) and line.error_x.arrayminus == pytest.approx([0.1] * 3)
    assert line.error_y.array == pytest.approx([0.4] * 3) and line.error_y.arrayminus == pytest.approx([0.3] * 3)


def test_customdata_is_the_key_and_nothing_else(x_metric, y_metric):
    line = named(tradeoff_figure(BASE_SWEEP, x_metric, y_metric), "base")
    keys = [point.config.key for point in sorted(BASE_SWEEP, key=lambda point: point.config.guidance_scale)]
    assert [list(entry) for entry in line.customdata] == [[key] for key in keys]


@pytest.mark.parametrize(
    ("x_up", "y_up", "front", "shape"),
    [
        (True, True, [(0.5, 0.8), (0.6, 0.7), (0.7, 0.6), (0.9, 0.3)], "vh"),
        (True, False, [(0.9, 0.3)], "vh"),
        (False, True, [(0.5, 0.8)], "hv"),
        (False, False, [(0.5, 0.8), (0.6, 0.7), (0.65, 0.5), (0.9, 0.3)], "hv"),
    ],
)
def test_front_follows_the_directions_of_the_metrics(x_up, y_up, front, shape):
    x, y = metric("faith", "alignment", x_up), metric("variety", "diversity", y_up)
    trace = named(tradeoff_figure([*BASE_SWEEP, *SPO_SWEEP], x, y), "Pareto front")
    assert list(zip(trace.x, trace.y, strict=True)) == front and trace.line.shape == shape and trace.hoverinfo == "skip"


def test_no_front_where_none_is_asked_for(x_metric, y_metric):
    assert "Pareto front" not in [
        trace.name for trace in tradeoff_figure(BASE_SWEEP, x_metric, y_metric, pareto=False).data
    ]


def test_highlighted_points_are_ringed_and_let_clicks_through(x_metric, y_metric):
    chart = tradeoff_figure(BASE_SWEEP, x_metric, y_metric, highlight={BASE_SWEEP[2].config.key, "unknown"})
    rings = chart.data[-1]
    assert (rings.x, rings.y, rings.hoverinfo) == ((0.7,), (0.6,), "skip")
    assert named(chart, "base").text[1].strip() == "CFG 4"


def test_hover_has_the_numbers(x_metric, y_metric):
    words = named(tradeoff_figure(SPO_SWEEP, x_metric, y_metric), "spo").hovertext[0]
    assert (
        words == "<b>spo</b> at CFG 1<br>Faith: 0.6 (0.5 to 0.8)<br>Variety: 0.7 (0.4 to 1.1)<br>24 prompts, 16 seeds"
    )


def test_names_from_people_are_escaped(x_metric, y_metric):
    chart = tradeoff_figure([point(0.5, 0.5, adapters=(AdapterUse("<img src=x>"),))], x_metric, y_metric)
    assert "<img" not in chart.to_json().replace("\\u003c", "<")


def test_nothing_to_draw(x_metric, y_metric):
    for points in ([], [point(math.nan, 0.5)], [point(0.5, math.nan)]):
        chart = tradeoff_figure(points, x_metric, y_metric)
        assert chart.layout.annotations[0].text == EMPTY


def test_unknown_interval_draws_no_bar(x_metric, y_metric):

    from t2ialign.types import Interval

    lonely = replace(point(0.5, 0.5), x=Interval(0.5, math.nan, math.nan))
    line = named(tradeoff_figure([lonely], x_metric, y_metric), "base")
    assert (line.error_x.array, line.error_x.symmetric) == ((0.0,), True) and "Faith: 0.5<br>" in line.hovertext[0]


def test_versions_share_no_axis(x_metric, y_metric):
    points = [*BASE_SWEEP, point(0.1, 0.1, 2, version="2")]
    assert one_version(points) == BASE_SWEEP
    chart = tradeoff_figure(points, x_metric, y_metric)
    assert len(named(chart, "base").x) == 3 and "1 point of another metric version" in chart.layout.annotations[0].text


def test_sweeps_of_one_checkpoint_say_how_they_differ():
    points = [point(0.5, 0.5), point(0.5, 0.5, num_inference_steps=50), point(0.6, 0.6, adapters=SPO)]
    assert list(sweeps(points)) == ["base, 25 steps", "base, 50 steps", "spo"]
    points += [point(0.7, 0.7, guidance="cads", guidance_params=(("noise_scale", 0.1),))]
    assert list(sweeps(points[:1] + points[2:])) == ["base", "base, cads, noise_scale 0.1", "spo"]
    assert list(sweeps(points)) == ["base, 25 steps", "base, 25 steps, cads, noise_scale 0.1", "base, 50 steps", "spo"]


def test_what_earlier_versions_made_says_so():
    """They did not write down which file an adapter of the Hub was."""
    points = [point(0.5, 0.5, adapters=(AdapterUse("hubby", 1.0, sha),)) for sha in ("", "0123456789abcdef")]
    assert list(sweeps(points)) == ["hubby, 012345", "hubby, made before"]


def test_colours_survive_a_filter(x_metric, y_metric):
    order = ["base", "ddpo", "spo"]
    everything = tradeoff_figure([*BASE_SWEEP, *SPO_SWEEP], x_metric, y_metric, order=order)
    filtered = tradeoff_figure(SPO_SWEEP, x_metric, y_metric, order=order)
    assert named(everything, "spo").line.color == named(filtered, "spo").line.color


def test_crowded_lines_are_labelled_at_their_ends():
    crowd = [[point(0.1, 0.1, scale, num_inference_steps=steps) for scale in (1, 2, 4)] for steps in (1, 2, 3, 4)]
    text = labels(crowd, highlight=[])
    assert [text[point.config] for point in crowd[0]] == ["CFG 1", "", "4"]
    assert [text[point.config] for point in crowd[1]] == ["1", "", "4"]


def test_zoom_survives_new_points_but_not_new_axes(x_metric, y_metric):
    first, second = (tradeoff_figure(points, x_metric, y_metric) for points in (BASE_SWEEP, SPO_SWEEP))
    assert (
        first.layout.uirevision
        == second.layout.uirevision
        != tradeoff_figure(BASE_SWEEP, y_metric, x_metric).layout.uirevision
    )


def test_only_traces_that_old_and_new_plotly_know(x_metric, y_metric):
    chart = tradeoff_figure([*BASE_SWEEP, *SPO_SWEEP], x_metric, y_metric)
    assert {trace.type for trace in chart.data} == {"scatter"}


def test_plotly_finds_nothing_wrong_with_what_it_was_not_asked_to_check(x_metric, y_metric):
    """Whole and hollow points on one line, arrows, names, a ringed point: its own check of every value, by its JSON."""
    half = [replace(BASE_SWEEP[0], prompts=1), *BASE_SWEEP[1:]]
    for points, ringed in (([*half, *SPO_SWEEP], {SPO_SWEEP[0].config.key}), ([*BASE_SWEEP, SPO_SWEEP[0]], ())):
        found = [arrow(BASE_SWEEP[1], SPO_SWEEP[0])]
        chart = tradeoff_figure(points, x_metric, y_metric, ringed, arrows=found, named=True)
        said = json.loads(chart.to_json())
        assert json.loads(go.Figure(said).to_json()) == said


def test_no_digit_is_sent_that_nobody_sees(x_metric, y_metric):
    """Plotly's template and floats of seventeen digits were half of a chart of a thousand points."""
    third = [replace(one, x=Interval(one.x.mean / 3, one.x.lo / 3, one.x.hi / 3)) for one in BASE_SWEEP]
    line = named(tradeoff_figure(third, x_metric, y_metric), "base")
    assert line.x == (0.166667, 0.233333, 0.3) and line.error_x.array == pytest.approx([0.2 / 3] * 3, abs=1e-6)
    assert max(len(str(value)) for value in (*line.x, *line.error_x.array)) <= 8
    far = [replace(one, x=Interval(1e6 + one.x.mean, 1e6, 1e6 + 1)) for one in BASE_SWEEP]
    assert named(tradeoff_figure(far, x_metric, y_metric), "base").x == (1000000.5, 1000000.7, 1000000.9)


def test_points_on_few_prompts_are_hollow_and_outside_the_front(x_metric, y_metric):
    easy = replace(point(0.95, 0.95, 4, SPO), prompts=1)
    chart = tradeoff_figure([*BASE_SWEEP, easy], x_metric, y_metric)
    assert named(chart, "spo").marker.symbol.endswith("-open")
    assert not named(chart, "base").marker.symbol.endswith("-open")
    assert (0.95, 0.95) not in list(zip(named(chart, "Pareto front").x, named(chart, "Pareto front").y))
    assert "fewer than 4 prompts" in chart.layout.annotations[-1].text
    alone = tradeoff_figure([easy], x_metric, y_metric)
    assert list(named(alone, "Pareto front").x) == [0.95]


def test_a_point_on_few_prompts_stretches_no_axis(x_metric, y_metric):
    few = replace(SPO_SWEEP[0], prompts=1)
    bar = named(tradeoff_figure([*BASE_SWEEP, few], x_metric, y_metric), "spo").error_y.array
    assert list(bar) == [0.0]
    alone = named(tradeoff_figure([few], x_metric, y_metric), "spo").error_y.array
    assert alone[0] > 0


def test_a_crowd_labels_sweeps_but_no_single_points():
    crowd = [[point(0.1, 0.1, 4, num_inference_steps=steps)] for steps in (1, 2, 3, 4)]
    assert set(labels(crowd, highlight=[]).values()) == {""}


def test_a_narrow_chart_grows_with_its_legend(x_metric, y_metric):
    one, two = (
        small(tradeoff_figure(points, x_metric, y_metric)) for points in (BASE_SWEEP, [*BASE_SWEEP, *SPO_SWEEP])
    )
    assert two.layout.height > one.layout.height


def arrow(parent, policy) -> Arrow:
    def compared(metric: str, ours: float, theirs: float) -> Comparison:
        ends = [Interval(value, value - 0.1, value + 0.1) for value in (ours, theirs)]
        gap = Interval(ours - theirs, ours - theirs - 0.02, ours - theirs + 0.02)
        return Comparison(policy.config, parent.config, metric, 24, 192, *ends, gap)

    return Arrow(compared("faith", policy.x.mean, parent.x.mean), compared("variety", policy.y.mean, parent.y.mean))


def test_an_arrow_leads_from_the_parent_and_its_bars_are_those_of_the_change(x_metric, y_metric):
    base, spo = point(0.5, 0.8, 4), point(0.7, 0.6, 4, SPO)
    chart = tradeoff_figure([base, spo], x_metric, y_metric, arrows=[arrow(base, spo)], named=True)
    (drawn,) = (one for one in chart.layout.annotations if one.showarrow)
    assert (drawn.ax, drawn.ay, drawn.x, drawn.y) == (0.5, 0.8, 0.7, 0.6)
    line = named(chart, "spo")
    assert line.error_x.array == pytest.approx([0.02]) == line.error_y.array and line.error_y.symmetric
    assert "Beside base, on the same prompts and seeds" in line.hovertext[0] and "+0.2" in line.hovertext[0]
    assert {one.text for one in chart.layout.annotations} >= {"base", "spo"} and not line.showlegend
    far = tradeoff_figure([base], x_metric, y_metric, arrows=[arrow(base, spo)])
    assert not [one for one in far.layout.annotations if one.showarrow], "its point is not on the chart"


def test_a_note_breaks_into_lines_that_a_phone_has_room_for(x_metric, y_metric):
    base, spo = point(0.5, 0.8, 4), point(0.7, 0.6, 4, SPO)
    few, old = replace(spo, prompts=1, config=point(0.7, 0.6, 2).config), point(0.1, 0.1, 3, version="0")

    def note(*points: TradeoffPoint) -> tuple[list[str], float]:
        chart = tradeoff_figure(points, x_metric, y_metric, arrows=[arrow(base, spo)])
        said = [one.text for one in chart.layout.annotations if not one.showarrow]
        return said[0].split("<br>") if said else [], chart.layout.margin.t

    plain = ["Arrows: from the parent", "Bars: 95 % interval of the change", "Hollow: fewer than 4 prompts"]
    hidden = ["1 point of another metric version", "is hidden"]
    assert note(base)[0] == [] and note(base, few)[0] == plain[2:] and note(base, few)[1] == note(base)[1]
    assert note(base, spo, few) == (plain, pytest.approx(note(base)[1] + 2 * 14.3))
    assert note(base, spo, old) == (hidden, pytest.approx(note(base)[1] + 14.3))


def test_a_sweep_of_its_own_has_one_arrow_and_a_chosen_point_its_own(x_metric, y_metric):
    found = [
        arrow(base, spo) for base, spo in zip(sorted(BASE_SWEEP[1:], key=lambda p: p.config.guidance_scale), SPO_SWEEP)
    ]
    points = [*BASE_SWEEP, *SPO_SWEEP]

    def tips(highlight: set[str]) -> list[float]:
        chart = tradeoff_figure(points, x_metric, y_metric, highlight, arrows=found, named=True)
        return [one.x for one in chart.layout.annotations if one.showarrow]

    assert tips(set()) == [0.65] and tips({SPO_SWEEP[0].config.key}) == [0.6]


def test_what_is_not_chosen_fades(x_metric, y_metric):
    chart = tradeoff_figure([*BASE_SWEEP, *SPO_SWEEP], x_metric, y_metric, {SPO_SWEEP[0].config.key}, named=True)
    assert named(chart, "spo").opacity == 1 and named(chart, "base").opacity < 0.5
    assert named(tradeoff_figure([*BASE_SWEEP], x_metric, y_metric, named=True), "base").opacity == 1


def test_in_a_swarm_of_points_the_base_stands_out_and_arrows_are_faint(x_metric, y_metric):
    def drawn(checkpoints: int):
        spos = [
            point(0.5 + n / 500, 0.5, 4 + scale, (AdapterUse(f"a{n}"),))
            for n in range(checkpoints)
            for scale in range(3)
        ]
        chart = tradeoff_figure([*BASE_SWEEP, *spos], x_metric, y_metric, arrows=[arrow(BASE_SWEEP[2], spos[0])])
        arrows = [one for one in chart.layout.annotations if one.showarrow]
        return (
            chart.layout.meta["swarm"],
            named(chart, "a0").line.width,
            named(chart, "base").line.width,
            arrows[0].opacity,
        )

    assert drawn(5) == (False, 2, 2, 1)
    assert drawn(20) == (True, 1, 2, 0.3)


def test_a_title_stands_for_the_name(x_metric, y_metric):
    chart = tradeoff_figure([*BASE_SWEEP, *SPO_SWEEP], x_metric, y_metric, titles={"spo": "<mine>"}, named=True)
    assert "&lt;mine&gt;" in [trace.name for trace in chart.data]
    assert "<b>&lt;mine&gt;</b> at CFG 1" in named(chart, "&lt;mine&gt;").hovertext[0]


def test_in_a_crowd_further_training_seeds_are_faint_and_without_a_name(x_metric, y_metric):
    def drawn(runs: int, highlight=()):
        tips = [point(0.5 + n / 10, 0.4 + n % 2 / 3, 4, (AdapterUse(f"run{n}"),)) for n in range(runs)]
        tips += [point(0.55, 0.9, 4, (AdapterUse("run0-seed1-step150"),))]
        arrows = [arrow(BASE_SWEEP[2], tip) for tip in tips]
        chart = tradeoff_figure([*BASE_SWEEP, *tips], x_metric, y_metric, highlight, arrows=arrows, named=True)
        notes = chart.layout.annotations
        names = {note.text for note in notes if not note.showarrow}
        return [note.opacity for note in notes if note.showarrow], "run0-seed1-step150" in names, tips[-1].config.key

    few, crowd = drawn(3), drawn(14)
    assert set(few[0]) == {1} and few[1], "there is room for all"
    assert sorted(crowd[0])[:2] == [0.3, 1] and not crowd[1]
    assert drawn(14, {crowd[2]})[1], "but one that is ringed is named"
    tips = [point(0.5 + n / 10, 0.4, 4, (AdapterUse(f"run{n}{'-seed1' if n > 13 else ''}"),)) for n in range(20)]
    listed = [trace.name for trace in tradeoff_figure(tips, x_metric, y_metric).data if trace.showlegend is not False]
    assert "run13" in listed and "run14-seed1" not in listed


def test_names_are_placed_for_a_page_and_once_more_for_a_phone(x_metric, y_metric):
    notes = tradeoff_figure([*BASE_SWEEP, *SPO_SWEEP], x_metric, y_metric, named=True).layout.annotations
    seen = {name: {note.text for note in notes if note.name == name} for name in ("wide", "narrow")}
    assert seen["wide"] == {"base", "spo"} and seen["narrow"] <= seen["wide"]
    assert all((note.visible is False) == (note.name == "narrow") for note in notes), "the page chooses"
