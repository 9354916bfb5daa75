import pytest

from t2ialign.seeds import designed_seeds
from t2ialign.tradeoff.benchmark_set import benchmark_set, title_of
from t2ialign.types import InputError, Prompt

PROMPTS = (Prompt("a ring"), Prompt("a star", "single"), Prompt("a ring"))


def test_a_set_holds_each_prompt_once_with_its_seeds():
    found = benchmark_set(" my \n set ", PROMPTS, 4)
    assert found.title == "my set" and len(found.cells) == 2
    assert dict(found.cells)[PROMPTS[0]] == designed_seeds(PROMPTS[0], 4)
    assert {seeds for _, seeds in benchmark_set("s", PROMPTS, (0, 3)).cells} == {(0, 3)}


def test_a_set_is_its_prompts_and_seeds_in_any_order_and_by_any_name():
    first = benchmark_set("one", PROMPTS, 4)
    assert first.key == benchmark_set("two", PROMPTS[::-1], 4).key
    assert first.key != benchmark_set("one", PROMPTS, 5).key
    assert first.key != benchmark_set("one", PROMPTS[:1], 4).key


@pytest.mark.parametrize(("title", "prompts"), [("", PROMPTS), ("  ", PROMPTS), ("set", ())])
def test_nothing_is_no_set(title: str, prompts: tuple):
    with pytest.raises(InputError, match="a name and at least one prompt"):
        benchmark_set(title, prompts, 4)


def test_titles_say_the_seeds():
    assert title_of("shapes-test", 8) == "shapes-test, 8 seeds each"
    assert title_of("mine", (0, 1, 2)) == "mine, seeds 0-2"
