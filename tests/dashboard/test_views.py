"""The page's HTML: what a person wrote is text there, never markup."""

import math

import pytest
import torch

from t2ialign.dashboard.explore.example_prompts import chips
from t2ialign.dashboard.explore.progress_view import progress, sentence
from t2ialign.dashboard.shared.contact_sheet import Tile, TileGroup, empty_sheet, sheet
from t2ialign.dashboard.shared.headline import Headline, headlines, scale
from t2ialign.dashboard.shared.html import Look, about, notice, who
from t2ialign.dashboard.shared.links import Subject
from t2ialign.metrics import METRICS
from t2ialign.types import GenerationConfig, Interval, Metric, Prompt
from t2ialign.use_cases.batches.requests import BatchRequest
from t2ialign.use_cases.batches.run import RunState
from t2ialign.use_cases.batches.score_batch import BatchState
from tests.dashboard.outline import EVIL, Outline

BLANK = torch.zeros(3, 8, 8, dtype=torch.uint8)
LOOK = Look("#111111", "#eeeeee")
ORACLE, CLIP, VARIETY = METRICS["oracle_alignment"], METRICS["clip_score"], METRICS["factor_diversity"]


def batch(phase: str = "generating", pictures: int = 3, seeds: int = 8, **more) -> BatchState:
    request = BatchRequest(Prompt("a ring"), "base", tuple(range(seeds)))
    return BatchState(request, GenerationConfig("tiny"), phase, images=dict.fromkeys(range(pictures), BLANK), **more)


@pytest.mark.parametrize(
    "html",
    [
        notice(EVIL),
        who(EVIL, LOOK),
        chips([Prompt(EVIL, EVIL)]),
        sheet([TileGroup(EVIL, LOOK, (Tile(0, "a", "b", ((ORACLE, 0.5),)),), 64)] * 2),
        headlines([Headline(EVIL, LOOK, Interval(1, 1, 1), Interval(1, 1, 1), 1, 2)] * 2, ORACLE, VARIETY),
        progress(RunState("", (batch(),)), "running", 0, Subject(run=EVIL)),
    ],
)
def test_nothing_that_people_write_becomes_markup(html: str):
    outline = Outline(html)
    assert not [tag for tag, attrs in outline.tags if tag == "script" or any(name.startswith("on") for name in attrs)]
    assert "x" not in [attrs.get("src") for _, attrs in outline.tags]


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_every_metric_explains_itself(metric):
    card = Outline(about(metric, "here"))
    assert metric.summary in card.text and metric.reference in card.text
    button, popover = card.of("t2-ask")[0], card.of("t2-card")[0]
    assert button["popovertarget"] == popover["id"]


def test_no_notice_without_text():
    assert notice("") == ""
    assert Outline(notice("Mend it.")).tags[0][1]["role"] == "alert"


def test_the_same_seed_has_the_same_place_in_every_group():
    tiles = (Tile(4, "a", "b", ((ORACLE, 0.8), (CLIP, math.nan))), Tile(5, "data:x"), Tile(6))
    found = Outline(sheet([TileGroup("base", LOOK, tiles, 64), TileGroup("spo", LOOK, tiles, 512)]))
    assert [tile["data-seed"] for tile in found.of("t2-tile")] == ["4", "5", "6", "4", "5", "6"]
    assert [tile["class"].split()[1] for tile in found.of("t2-tile")][:3] == ["ready", "taking-shape", "waiting"]
    assert ["hard" in group["class"] for group in found.of("t2-group")] == [True, False]
    assert "0.80" in found.text and "not scored" not in found.text


def test_many_seeds_make_small_tiles():
    def side(n: int) -> str:
        return sheet([TileGroup("base", LOOK, tuple(Tile(i) for i in range(n)), 64)]).split("--tile:")[1].split("px")[0]

    assert float(side(64)) < float(side(32)) < float(side(16))


def test_an_empty_sheet_says_what_to_do():
    assert "Press Generate" in Outline(empty_sheet()).text


def test_headlines_speak_in_words_and_numbers():
    line = Headline("base", LOOK, Interval(0.8, 0.7, 0.9), Interval(0.5, math.nan, math.nan), 3, 8)
    text = Outline(headlines([line], ORACLE, VARIETY)).text
    assert "0.80" in text and "0.70 to 0.90" in text and "4 of 5 claims" in text and "50% as varied" in text
    assert "nan" not in text.lower()


def test_before_the_first_score_headlines_stand_still():
    unknown = Interval(math.nan, math.nan, math.nan)
    assert "–" in Outline(headlines([Headline("base", LOOK, unknown, unknown, 0, 8)], ORACLE, VARIETY)).text


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_bar_has_two_ends_before_there_is_any_value(metric: Metric):
    """A number of kinds begins at 1: from 1 to 1 there is no share of the way."""
    nothing = Interval(math.nan, math.nan, math.nan)
    low, high = scale(metric, [nothing])
    assert low < high and "t2-number" in headlines([Headline("a", LOOK, nothing, nothing, 0, 4)], metric, metric)


def test_bars_of_one_metric_share_their_scale():
    assert scale(ORACLE, [Interval(0.5, 0.4, 0.6)]) == (0, 1)
    assert scale(VARIETY, [Interval(0.5, 0.4, 0.6), Interval(1.4, 1.2, 1.6)]) == (0, 1.6)


@pytest.mark.parametrize(
    ("states", "status", "ahead", "words"),
    [
        ([batch()], "queued", 2, "Waiting: 2 runs ahead of yours."),
        ([batch("waiting", 0)], "running", 0, "Starting."),
        ([batch("loading", 0)], "running", 0, "Loading the model."),
        ([batch(remaining=12.0, fraction=0.5)], "running", 0, "Generating: 3 of 8 pictures, about 12 s left."),
        ([batch("done", 8), batch(pictures=1)], "running", 0, "Generating base: 9 of 16 pictures."),
        ([batch(pictures=8)], "running", 0, "Scoring."),
        ([batch("done", 8, generated=8, seconds=3.2)], "done", 0, "8 pictures in 3 s."),
        ([batch("done", 8, generated=2, seconds=1)], "done", 0, "2 pictures in 1 s, 6 were there already."),
        ([batch("done", 8)], "done", 0, "8 pictures from the store: nothing was computed."),
        ([batch()], "cancelled", 0, "Cancelled. 3 of 8 pictures are kept; Generate makes the rest."),
        (
            [batch()],
            "interrupted",
            0,
            "Interrupted: the program was stopped while this ran. 3 of 8 pictures are kept; Generate makes the rest.",
        ),
        ([batch(pictures=0)], "failed", 0, "Stopped by a problem."),
    ],
)
def test_a_sentence_says_where_a_run_stands(states, status, ahead, words):
    assert sentence(RunState("", tuple(states)), status, ahead) == words


def test_the_bar_tells_its_value_and_the_link():
    found = Outline(progress(RunState("", (batch(fraction=0.25),)), "running", 0, Subject(run="abc")))
    assert found.of("t2-progress")[0]["aria-valuenow"] == "25" and found.of("t2-link")[0]["href"] == "?run=abc"


def test_chips_open_one_category():
    found = Outline(chips([Prompt("a ring", "single"), Prompt("a red ring and a star", "color"), Prompt("a cat")]))
    assert [row.get("hidden", "no") for row in found.of("t2-chip-row")] == ["no", None, None]
    assert [chip["data-prompt"] for chip in found.of("t2-chip")] == ["a ring", "a red ring and a star", "a cat"]


def test_a_long_seed_is_shown_by_its_last_digits_and_told_in_full():
    tiles = (Tile(7, "a", "a"), Tile(124_801_003, "b", "b"))
    drawn = sheet([TileGroup("base", Look("#000", "#fff"), tiles, 64)])
    assert '<span class="t2-seed">7</span>' in drawn
    assert '<span class="t2-seed" title="Seed 124801003">\N{HORIZONTAL ELLIPSIS}003</span>' in drawn
    assert 'data-seed="124801003"' in drawn
