"""Claims and free factors against hand-made readings; the shipped oracle against drawn truth."""

from __future__ import annotations

import pytest
import torch

from t2ialign import settings
from t2ialign.shapes import oracle
from t2ialign.shapes.evaluate import oracle_accuracy
from t2ialign.shapes.grammar import COLORS, SHAPES, SIZES, TEXTURES, parse, prompts
from t2ialign.shapes.oracle import claims_hold, from_factors, legible, scenes_of, truth
from t2ialign.shapes.reader import Reader, Reading
from t2ialign.shapes.render import render
from t2ialign.shapes.scene import draw_scenes
from t2ialign.types import Prompt


def seen(*things: tuple[str, str, str, str, float, float]) -> Reading:
    """One picture in which exactly these objects were seen: shape, colour, texture, size, x, y."""
    count = len(things)
    blank = torch.zeros(1, 3)
    fields = {
        "confidence": torch.tensor([[0.9 - 0.1 * i if i < count else 0.0 for i in range(3)]]),
        "center": torch.zeros(1, 3, 2),
        "radius": blank + 0.2,
        "tilt": blank * torch.nan,
        "rgb": torch.zeros(1, 3, 3),
        "background": torch.zeros(1, 3),
        "gradient": torch.zeros(1, 2),
    }
    for place, (name, words) in enumerate(
        {"shape": SHAPES, "color": COLORS, "texture": TEXTURES, "size": SIZES}.items()
    ):
        fields[name] = torch.tensor([[words.index(things[i][place]) if i < count else 0 for i in range(3)]])
    for i, thing in enumerate(things):
        fields["center"][0, i] = torch.tensor(thing[4:])
    return Reading(**fields)


RED_CIRCLE_LEFT = ("circle", "red", "solid", "big", 0.2, 0.5)
BLUE_SQUARE_RIGHT = ("square", "blue", "striped", "small", 0.8, 0.5)
GREEN_RING = ("ring", "green", "solid", "big", 0.5, 0.8)
RED_CIRCLE_BELOW = ("circle", "red", "solid", "big", 0.5, 0.8)


@pytest.mark.parametrize(
    ("prompt", "things", "held"),
    [
        ("a red circle", [RED_CIRCLE_LEFT], [1, 1, 1]),
        ("a red circle", [BLUE_SQUARE_RIGHT, RED_CIRCLE_LEFT], [1, 1, 0]),  # and a square that nobody asked for
        ("a blue circle", [RED_CIRCLE_LEFT], [1, 0, 1]),
        ("a red square", [RED_CIRCLE_LEFT], [0, 0, 0]),  # no credit for the right colour on the wrong shape
        ("a red circle and a blue square", [RED_CIRCLE_LEFT, BLUE_SQUARE_RIGHT], [1, 1, 1, 1, 1]),
        ("a blue circle and a red square", [RED_CIRCLE_LEFT, BLUE_SQUARE_RIGHT], [1, 0, 1, 0, 1]),
        ("a red circle and a blue square", [RED_CIRCLE_LEFT], [1, 1, 0, 0, 0]),
        ("a circle to the left of a square", [RED_CIRCLE_LEFT, BLUE_SQUARE_RIGHT], [1, 1, 1, 1]),
        ("a circle to the right of a square", [RED_CIRCLE_LEFT, BLUE_SQUARE_RIGHT], [1, 1, 0, 1]),
        ("a circle above a square", [RED_CIRCLE_LEFT, BLUE_SQUARE_RIGHT], [1, 1, 0, 1]),
        ("a star to the left of a square", [RED_CIRCLE_LEFT, BLUE_SQUARE_RIGHT], [0, 1, 0, 0]),
        ("a big circle and a striped square", [RED_CIRCLE_LEFT, BLUE_SQUARE_RIGHT], [1, 1, 1, 1, 1]),
        ("a circle and a square", [RED_CIRCLE_LEFT, BLUE_SQUARE_RIGHT, GREEN_RING], [1, 1, 0]),
        ("a circle", [], [0, 0]),  # an empty picture shows nothing else, and earns nothing by it
    ],
)
def test_claims_worked_out_by_hand(prompt: str, things: list, held: list[int]) -> None:
    table, _ = claims_hold(seen(*things), parse(prompt))
    assert table[0].tolist() == held


def test_two_of_one_kind_need_two_objects() -> None:
    spec = parse("a red circle and a red circle")
    assert claims_hold(seen(RED_CIRCLE_LEFT), spec)[0][0].tolist() == [1, 1, 0, 0, 0]


@pytest.mark.parametrize("prompt", [prompt.text for prompt in prompts("test", 2)])
def test_drawn_scenes_hold_every_claim_of_their_prompt(prompt: str) -> None:
    spec = parse(prompt)
    scenes = scenes_of(spec, 64, torch.Generator().manual_seed(0))
    held, slots = claims_hold(from_factors(scenes), spec)
    assert (held == 1).all()
    assert legible(from_factors(scenes), spec, held).all()


PAIR, BIG_PAIR = "a circle and a square", "a big circle and a square"


@pytest.mark.parametrize(
    ("prompt", "things", "seen_of"),
    [
        (PAIR, [RED_CIRCLE_LEFT, BLUE_SQUARE_RIGHT], [1, 1]),
        (PAIR, [RED_CIRCLE_LEFT, BLUE_SQUARE_RIGHT, GREEN_RING], [1, 1]),  # something else, in nobody's way
        (PAIR, [RED_CIRCLE_LEFT, BLUE_SQUARE_RIGHT, RED_CIRCLE_BELOW], [0, 1]),  # which circle is meant?
        (PAIR, [RED_CIRCLE_LEFT], [0, 0]),  # the square is missing, or both have merged
        (PAIR, [RED_CIRCLE_LEFT, GREEN_RING], [1, 0]),
        ("a green circle and a square", [RED_CIRCLE_LEFT, BLUE_SQUARE_RIGHT], [1, 1]),  # a wrong colour hides no place
        ("a small circle and a square", [RED_CIRCLE_LEFT, BLUE_SQUARE_RIGHT], [0, 1]),
        (BIG_PAIR, [RED_CIRCLE_LEFT, BLUE_SQUARE_RIGHT], [1, 1]),
        (
            "a red circle and a blue circle",
            [RED_CIRCLE_LEFT, RED_CIRCLE_BELOW],
            [1, 0],
        ),  # only colours tell which is which
    ],
)
def test_what_is_legible_worked_out_by_hand(prompt: str, things: list, seen_of: list[int]) -> None:
    spec, reading = parse(prompt), seen(*things)
    held, _ = claims_hold(reading, spec)
    assert legible(reading, spec, held)[0].tolist() == seen_of


def things_of(prompt: str) -> dict[str, int]:
    """How many things of each group a prompt leaves open."""
    found = truth(seen(RED_CIRCLE_LEFT, BLUE_SQUARE_RIGHT), parse(prompt))
    return {group: found[f"factors_{group}"].shape[1] for group in oracle.GROUPS}


@pytest.mark.slow
def test_what_is_named_is_not_free() -> None:
    free = {"background": 1, "gradient": 1, "place": 2, "size": 2, "tilt": 1}  # a circle has no tilt
    assert things_of(PAIR) == free
    assert things_of(BIG_PAIR) == free | {"size": 1}
    assert things_of("a big circle and a small square") == free | {"size": 0}
    assert things_of("a circle to the left of a square") == free | {"place": 1}
    assert things_of("a circle") == free | {"place": 1, "size": 1, "tilt": 0}


def test_the_place_of_a_pair_in_a_named_relation_by_hand() -> None:
    """The middle of (0.2, 0.5) and (0.8, 0.5), and 0.6 between them; the same when the two have changed places."""
    spec = parse("a circle to the left of a square")
    swapped = seen((*RED_CIRCLE_LEFT[:4], 0.8, 0.5), (*BLUE_SQUARE_RIGHT[:4], 0.2, 0.5))
    scale = oracle.world_scale(spec)["place"]
    for reading in (seen(RED_CIRCLE_LEFT, BLUE_SQUARE_RIGHT), swapped):
        place = truth(reading, spec)["factors_place"][0, 0] * scale
        torch.testing.assert_close(place, torch.tensor([0.5, 0.5, 0.6]))


def test_prompts_of_another_world_are_not_scored() -> None:
    blind = oracle.Oracle(Reader(), sha="")
    assert blind.encode(torch.zeros(2, 3, 64, 64, dtype=torch.uint8), Prompt("a whale at sea")) == {}


@pytest.mark.slow
def test_the_shipped_oracle_reads_held_out_renders() -> None:
    loaded = oracle.load(settings.CHECKPOINTS / "oracle-shapes", "cpu")
    accuracy = oracle_accuracy(loaded.reader, 500)
    for name, floor in (("shape", 0.98), ("color", 0.98), ("size", 0.98), ("texture", 0.94), ("objects", 0.97)):
        assert accuracy[name] >= floor, accuracy
    assert accuracy["center_error"] < 0.02 and accuracy["background_error"] < 0.03


@pytest.mark.slow
def test_the_shipped_oracle_reads_pictures_of_other_sizes() -> None:
    loaded = oracle.load(settings.CHECKPOINTS / "oracle-shapes", "cpu")
    scenes = draw_scenes(32, torch.Generator().manual_seed(3))
    alone = scenes[scenes.shape[:, 1] < 0]
    large = oracle.read(loaded.reader, render(alone, 256))
    assert (large.shape[:, 0] == alone.shape[:, 0]).float().mean() > 0.9


def test_what_a_picture_is_read_as_does_not_depend_on_the_others() -> None:
    """Bit for bit: a sweep that was killed reads its pictures in other groups than one that was not."""
    loaded, prompt = oracle.load(settings.CHECKPOINTS / "oracle-shapes", "cpu"), Prompt("a star")
    pictures = render(scenes_of(parse(prompt.text), 8, torch.Generator().manual_seed(0)))
    together = loaded.encode(pictures, prompt)
    for cut in (1, 4):
        parts = [loaded.encode(part, prompt) for part in pictures.split(cut)]
        assert all(torch.equal(torch.cat([one[name] for one in parts]), value) for name, value in together.items())
    assert {len(value) for value in loaded.encode(pictures[:0], prompt).values()} == {0}
