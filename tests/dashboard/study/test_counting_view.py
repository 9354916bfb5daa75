from __future__ import annotations

from t2ialign.dashboard.study.counting_view import counting_lines, counting_tables
from t2ialign.study.counting import counting
from tests.study.test_counting import said


def test_nothing_is_drawn_where_nothing_was_asked():
    assert counting_tables(None) == [] and list(counting_lines(None)) == []


def test_counts_and_confidence_in_tables_and_lines():
    votes = [
        said("ab", (4, 1), (0,), "sure", "r", "p"),
        said("ba", (2, 5), (1,), "sure", "s", "p"),
        said("ab", (3, 3), (1,), "guessing", "r", "q"),
        said("ab", (5, 2), (0,), "fairly sure", "s", "q"),
    ]
    found = counting(votes)
    means, differences, sure = counting_tables(found)
    assert "<td>4.25 (" in means and "<td>2.00 (" in means
    assert "a over b" in differences and "<td>2.25 (" in differences and "after Holm" not in differences
    assert all(level in sure for level in ("guessing", "fairly sure", "sure")) and "100 %" in sure and "0 %" in sure
    lines = list(counting_lines(found))
    assert lines[0].startswith("Raters count alike at Krippendorff") and "4 sets" in lines[0]
    assert "100 %" in lines[1] and "3 rounds with both; 1 other round had even counts or no pick" in lines[1]
    assert len(lines) == 2


def test_confidence_alone_has_one_table():
    means, differences, sure = counting_tables(counting([said("ab", (), (0,), "sure", "r")]))
    assert means == differences == "" and "Preferred, by how sure" in sure
