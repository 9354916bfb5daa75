import pytest
from hypothesis import given
from hypothesis import strategies as st

from t2ialign.charts.labels import Box, Label, _area, _overlap, place

BOX = Box(760, 430)


def test_a_label_alone_stands_right_of_its_point():
    (found,) = place([Label("base", 1.0, 1.0)], [(0.0, 0.0), (1.0, 1.0)], BOX)
    assert (found.xanchor, found.yanchor) == ("left", "middle") and found.xshift > 0


def test_a_neighbour_to_the_right_sends_it_elsewhere():
    points = [(0.0, 0.0), (0.5, 0.5), (0.53, 0.5), (1.0, 1.0)]
    (found,) = place([Label("base", 0.5, 0.5)], points, BOX)
    assert found.xanchor != "left" or found.yanchor != "middle"


def test_no_room_no_label():
    points = [(x / 60, y / 60) for x in range(61) for y in range(61)]
    assert place([Label("a long name of a run", 0.5, 0.5)], points, BOX) == []


def test_inside_the_box_a_long_name_goes_where_it_does_not_stick_out():
    narrow, points = Box(230, 380), [(0.0, 0.0), (1.0, 1.0)]
    label = Label("a run with a name", 1.0, 1.0)
    assert place([label], points, narrow)[0].xanchor == "left"
    assert place([label], points, narrow, inside=True)[0].xanchor == "right"
    assert place([Label("a name longer than all of the narrow box", 1.0, 1.0)], points, narrow, inside=True) == []


@pytest.mark.slow
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_labels_never_cover_each_other(points):
    labels = [Label(f"run number {i}", x, y) for i, (x, y) in enumerate(points)]
    found = place(labels, points, BOX)
    wide = (max(x for x, _ in points) - min(x for x, _ in points)) or 1.0
    high = (max(y for _, y in points) - min(y for _, y in points)) or 1.0
    left, bottom = min(x for x, _ in points), min(y for _, y in points)
    areas = [
        _area(
            one.label,
            (one.label.x - left) / wide * 684,
            (one.label.y - bottom) / high * 365.5,
            one.xanchor,
            one.yanchor,
        )
        for one in found
    ]
    assert len(found) >= 1 or len(points) > 1
    assert not any(_overlap(a, b) for i, a in enumerate(areas) for b in areas[:i])
