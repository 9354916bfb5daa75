import pytest

from t2ialign.dashboard.shared.links import LONGEST, MOST, Subject, read_query


@pytest.mark.parametrize(
    "subject", [Subject(), Subject(run="0198-ab"), Subject(cell="0123456789abcdef"), Subject(cell="a,b")]
)
def test_a_subject_survives_its_link(subject: Subject):
    assert read_query(subject.href) == read_query(str(subject)) == subject


@pytest.mark.parametrize("query", ["", "?", "?__theme=dark", "?run=", "?cell=&run=", "%%%", "a=b&" * 2000])
def test_other_addresses_name_nothing(query: str):
    assert read_query(query) == Subject()


def test_a_run_wins_over_a_cell_and_long_texts_are_cut():
    assert read_query(f"?cell=c&run={'x' * 500}") == Subject(run="x" * LONGEST)


def test_what_is_written_into_a_link_stays_one_value():
    assert read_query(Subject(run="a&cell=b").href) == Subject(run="a&cell=b")


def test_a_link_has_a_few_cells_each_once():
    assert read_query("?cell=a,,b,a").cells == ("a", "b") and Subject().cells == ()
    assert read_query(f"?cell={','.join('0123456789abcdef' for _ in range(MOST))}").cells == ("0123456789abcdef",)
    assert LONGEST >= MOST * 17 - 1
