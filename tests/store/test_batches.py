from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from t2ialign.store import (
    Filters,
    Store,
    add_batch,
    add_scores,
    count_pictures,
    covers,
    find_cell,
    images,
    list_cells,
    load_batch,
    load_picture,
    missing_seeds,
    open_store,
    pictures,
    scores_of,
)
from t2ialign.types import AdapterUse, InputError, Score, SeedBatch

Build = Callable[..., SeedBatch]
Judge = Callable[..., Score]


def files(store: Store) -> list[Path]:
    return sorted((store.home / "images").rglob("*.webp"))


def test_a_batch_comes_back_as_it_was(store: Store, batch_of: Build):
    batch = batch_of(seeds=(3, 1, 2), pixels=16)
    add_batch(store, batch, seconds=1.5)
    loaded = load_batch(store, batch.config, batch.prompt, batch.seeds)
    assert (loaded.seeds, loaded.prompt, loaded.config) == (batch.seeds, batch.prompt, batch.config)
    assert torch.equal(loaded.images, batch.images)
    assert torch.equal(loaded.mutual_information, batch.mutual_information)
    assert loaded.mutual_information_released.isnan().all()
    assert [picture.seconds for picture in pictures(store, batch.cell)] == [0.5] * 3


def test_a_second_store_on_the_same_folder_sees_it(home: Path, batch_of: Build):
    batch = batch_of(seeds=(0, 1))
    with open_store(home) as store:
        add_batch(store, batch)
    with open_store(home) as store:
        assert missing_seeds(store, batch.config, batch.prompt, (0, 1)) == ()


def test_thirty_two_seeds_after_sixteen_compute_sixteen(store: Store, batch_of: Build):
    batch = batch_of(seeds=range(16))
    add_batch(store, batch)
    assert missing_seeds(store, batch.config, batch.prompt, range(32)) == tuple(range(16, 32))
    assert count_pictures(store, dict.fromkeys((batch.cell, "another"), range(8, 32))) == 8
    assert count_pictures(store, {batch.cell: [0, 1], "another": [2]}) == 2 and count_pictures(store, {}) == 0
    add_batch(store, batch_of(seeds=range(16, 32)))
    assert missing_seeds(store, batch.config, batch.prompt, range(32)) == ()
    assert torch.equal(
        load_batch(store, batch.config, batch.prompt, range(32)).images, batch_of(seeds=range(32)).images
    )


def test_a_batch_loads_in_the_order_asked_and_only_what_is_stored(store: Store, batch_of: Build):
    batch = batch_of(seeds=(0, 1, 2))
    add_batch(store, batch)
    loaded = load_batch(store, batch.config, batch.prompt, (2, 9, 0))
    assert loaded.seeds == (2, 0)
    assert torch.equal(loaded.images, batch.images[[2, 0]])
    empty = load_batch(store, batch.config, batch.prompt, (9,))
    assert (empty.seeds, empty.images.shape) == ((), (0, 3, 8, 8))


@pytest.mark.parametrize(
    "other",
    [
        {"revision": "retrained"},
        {"guidance_scale": 5.0},
        {"adapters": (AdapterUse("a", 0.5),)},
        {"adapters": (AdapterUse("a", 1.0, "another file"),)},
        {"dtype": "float16"},
    ],
)
def test_another_config_never_answers(store: Store, batch_of: Build, other: dict):
    batch = batch_of()
    add_batch(store, batch)
    assert missing_seeds(store, replace(batch.config, **other), batch.prompt, (0,)) == (0,)
    assert missing_seeds(store, batch.config, batch_of("a blue circle").prompt, (0,)) == (0,)
    assert missing_seeds(store, batch.config, batch.prompt, (0,)) == ()


def test_adding_again_changes_nothing(store: Store, batch_of: Build):
    batch = batch_of(seeds=(0, 1))
    for _ in range(3):
        add_batch(store, batch)
    assert store.rows("SELECT count(*) FROM images") == [(2,)]
    assert store.rows("SELECT count(*) FROM thumbnails") == [(2,)]
    assert len(files(store)) == 2


@pytest.mark.parametrize("damage", [b"", b"not a picture", None])
def test_a_changed_or_missing_picture_counts_as_not_stored(store: Store, batch_of: Build, damage: bytes | None):
    batch = batch_of(seeds=(0, 1), pixels=64)  # noise of 64 pixels: its thumbnail is lossy
    add_batch(store, batch)
    lost = images.path_of(store.home, pictures(store, batch.cell)[0].sha)
    lost.unlink() if damage is None else lost.write_bytes(damage)
    assert missing_seeds(store, batch.config, batch.prompt, (0, 1)) == (0,)
    assert load_batch(store, batch.config, batch.prompt, (0, 1)).seeds == (1,)
    assert load_picture(store, batch.cell, 0) is None
    add_batch(store, batch)
    assert torch.equal(load_batch(store, batch.config, batch.prompt, (0, 1)).images, batch.images)


def test_a_lost_picture_that_is_its_own_thumbnail_is_not_lost(store: Store, batch_of: Build):
    batch = batch_of(seeds=(0, 1), pixels=8)
    add_batch(store, batch)
    for file in files(store):
        file.unlink()
    assert missing_seeds(store, batch.config, batch.prompt, (0, 1)) == ()
    assert torch.equal(load_batch(store, batch.config, batch.prompt, (0, 1)).images, batch.images)


def test_an_intact_picture_stays_when_another_device_makes_it_slightly_differently(store: Store, batch_of: Build):
    first = batch_of(pixels=64)
    add_batch(store, first)
    add_batch(store, batch_of(pixels=64, salt=1))
    assert torch.equal(load_batch(store, first.config, first.prompt, (0,)).images, first.images)


@pytest.mark.slow
@pytest.mark.parametrize(("salt", "scores"), [(0, 1), (1, 0)])
def test_a_lost_picture_takes_its_scores_along_if_the_new_one_differs(
    store: Store, batch_of: Build, score_of: Judge, salt: int, scores: int
):
    batch = batch_of(seeds=(0, 1), pixels=64)
    add_batch(store, batch)
    add_scores(store, batch, [score_of("clip_score", torch.tensor([0.1, 0.2]))])
    add_scores(store, batch_of(seeds=(1,), pixels=64), [score_of("clip_score", torch.tensor([0.2]))])
    images.path_of(store.home, pictures(store, batch.cell)[0].sha).unlink()
    again = batch_of(seeds=(0, 1), pixels=64, salt=salt)
    add_batch(store, again)
    assert torch.equal(load_batch(store, batch.config, batch.prompt, (0,)).images, again.images[:1])
    assert len(scores_of(store, batch.cell, (0, 1))) == scores
    assert len(scores_of(store, batch.cell, (1,))) == 1  # seed 0 had no part in it
    assert store.rows("SELECT count(*) FROM image_scores") == [(1 + scores,)]


@pytest.mark.slow
def test_cells_and_their_pictures(store: Store, batch_of: Build):
    red = batch_of("a red circle", seeds=(1, 0), category="color")
    blue = batch_of("a blue circle", seeds=(5,), category="color", adapters=(AdapterUse("a", 0.5),))
    add_batch(store, red)
    add_batch(store, blue)
    assert [(cell.prompt.text, cell.seeds) for cell in list_cells(store)] == [
        ("a blue circle", (5,)),
        ("a red circle", (0, 1)),
    ]
    assert [cell.key for cell in list_cells(store, Filters(checkpoints=("a@0.5",)))] == [blue.cell]
    assert [cell.key for cell in list_cells(store, Filters(categories=("color",), prompts=("a red circle",)))] == [
        red.cell
    ]
    assert list_cells(store, Filters(categories=("shape",))) == []
    assert find_cell(store, red.cell).config == red.config
    assert [picture.seed for picture in pictures(store, red.cell)] == [0, 1]
    assert covers(store, [red.cell, blue.cell, "nothing"]) == {
        red.cell: pictures(store, red.cell)[0].thumbnail,
        blue.cell: pictures(store, blue.cell)[0].thumbnail,
    }
    assert torch.equal(images.decode(load_picture(store, blue.cell, 5)), blue.images[0])
    with pytest.raises(InputError, match="No pictures are stored under"):
        find_cell(store, "'; DROP TABLE cells; --")


@pytest.mark.parametrize("text", ["", " ", "a\0b", "<b>'\"--;", "赤い丸 🔴", "x" * 10_000, "\u202e\r\n\t"])
def test_any_text_is_a_prompt(store: Store, batch_of: Build, text: str):
    batch = batch_of(text)
    add_batch(store, batch)
    assert find_cell(store, batch.cell).prompt.text == text
    assert list_cells(store, Filters(prompts=(text,)))[0].key == batch.cell


@pytest.mark.slow
def test_a_category_is_learnt_and_not_forgotten(store: Store, batch_of: Build):
    known = []
    for category in ("", "color", "", "shape"):
        add_batch(store, batch_of(category=category))
        known.append(list_cells(store)[0].prompt.category)
    assert known == ["", "color", "color", "shape"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_too_full_for_a_picture_is_a_sentence(
    store: Store, batch_of: Build, monkeypatch: pytest.MonkeyPatch, code: int
):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, "no room")

    add_batch(store, batch_of(seeds=(0,)))
    with monkeypatch.context() as patch:
        patch.setattr(images, "write_whole", refuse)
        with pytest.raises(InputError, match="is full: free some space"):
            add_batch(store, batch_of(seeds=(1,)))
    batch = batch_of(seeds=(0, 1))
    assert missing_seeds(store, batch.config, batch.prompt, (0, 1)) == (1,)


@pytest.mark.slow
def test_eight_threads_add_the_same_and_different_batches(store: Store, batch_of: Build):
    failures = []

    def work(number: int) -> None:
        try:
            for turn in range(4):
                add_batch(store, batch_of("shared", seeds=range(turn, turn + 4)))
                mine = batch_of(f"of {number}", seeds=(turn,))
                add_batch(store, mine)
                assert missing_seeds(store, mine.config, mine.prompt, (turn,)) == ()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {cell.prompt.text: cell.seeds for cell in list_cells(store)} == (
        {"shared": tuple(range(7))} | {f"of {number}": (0, 1, 2, 3) for number in range(8)}
    )
