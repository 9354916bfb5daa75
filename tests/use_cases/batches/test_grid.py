"""What a grid is made of: its cells page by page, the requests that have their pictures, and its limits."""

import pytest

from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.batches.grid import GridAxis, plan_grid, requests_of
from t2ialign.use_cases.batches.requests import BatchRequest

REST = BatchRequest(Prompt("a red circle"), "base", (0, 1))
SCALES, NAMES = GridAxis("guidance_scale", ("1", "4", "8")), GridAxis("checkpoint", ("base", "spo"))


def test_without_a_third_axis_there_is_one_page():
    (page,) = plan_grid(REST, SCALES, NAMES)
    assert [[(cell.request.checkpoint, cell.request.guidance_scale) for cell in row] for row in page] == [
        [("base", 1), ("base", 4), ("base", 8)],
        [("spo", 1), ("spo", 4), ("spo", 8)],
    ]
    assert plan_grid(REST, SCALES, NAMES, GridAxis()) == (page,)


def test_every_page_is_the_grid_with_another_value():
    pages = plan_grid(REST, SCALES, NAMES, GridAxis("steps", ("5", "25")))
    for page, steps in zip(pages, (5, 25), strict=True):
        found = BatchRequest(REST.prompt, "base", (0, 1), num_inference_steps=steps)
        assert page == plan_grid(found, SCALES, NAMES)[0]


def test_a_weight_is_that_of_the_checkpoint_wherever_both_stand():
    weights, checkpoints = GridAxis("weight", ("0.5", "1")), GridAxis("checkpoint", ("spo", "mi-tune"))
    for axes, at in (((weights, GridAxis(), checkpoints), (1, 0, 0)), ((SCALES, checkpoints, weights), (0, 1, 1))):
        page, row, column = at
        assert plan_grid(REST, *axes)[page][row][column].request.checkpoint == "mi-tune@0.5"


def test_pages_of_seeds_share_their_requests():
    pages = plan_grid(REST, SCALES, NAMES, GridAxis("seed", ("0-1", "7")))
    assert [page[0][0].seeds for page in pages] == [(0, 1), (7,)]
    requests = requests_of(pages)
    assert len(requests) == 6 and {one.seeds for one in requests} == {(0, 1, 7)}


def test_one_checkpoint_stays_loaded_over_all_pages():
    pages = plan_grid(REST, NAMES, GridAxis(), GridAxis("steps", ("5", "25")))
    asked = [(one.checkpoint, one.num_inference_steps) for one in requests_of(pages)]
    assert asked == [("base", 5), ("base", 25), ("spo", 5), ("spo", 25)]


def numbers(count: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(count))


@pytest.mark.parametrize(
    ("axes", "sentence"),
    [
        (
            (GridAxis("seed", numbers(145)), GridAxis()),
            "^145 cells with 145 pictures in all are too many: a grid has at most ",
        ),
        ((SCALES, NAMES, GridAxis("seed", numbers(65))), "^65 pages of 6 cells with 390 pictures in all are too many"),
        ((SCALES, NAMES, GridAxis("seed", ("0-341", "9"))), "^2 pages of 6 cells with 2,058 pictures in all"),
        (
            (GridAxis("steps", ("5",) * 100), GridAxis(), GridAxis("prompt", ("a",) * 11)),
            "11 pages of 100 cells with 2,200",
        ),
        ((SCALES, NAMES, GridAxis("guidance_scale", ("2",))), "^Two axes are CFG: choose another setting"),
        ((SCALES, NAMES, GridAxis("steps", ())), "^The axis Steps is empty"),
    ],
)
def test_a_grid_that_is_too_large_or_says_one_thing_twice_is_refused_before_it_is_planned(axes, sentence):
    with pytest.raises(InputError, match=sentence):
        plan_grid(REST, *axes)


def test_the_largest_grid_is_planned():
    pages = plan_grid(REST, GridAxis("seed", numbers(128)), GridAxis(), GridAxis("guidance_scale", numbers(16)))
    assert sum(len(cell.seeds) for page in pages for row in page for cell in row) == 2048
