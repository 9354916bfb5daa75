"""Prompt, config and seeds to pictures: what is yielded when, what is refused, and that cancelling stops."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from t2ialign.diffusion.generate import SamplingProgress, generate
from t2ialign.guidance import GUIDANCE, needs_of
from t2ialign.guidance.other_checkpoint import uses_in
from t2ialign.seeds import batch_mark
from t2ialign.types import AdapterUse, GenerationConfig, InputError, Prompt, SeedBatch
from tests.tiny import SHAPES, SIDE, save_tiny_adapter, stock_pipeline

PROMPT = Prompt("a red circle above a blue star", "spatial")
CONFIG = GenerationConfig("tiny", num_inference_steps=4, height=SIDE, width=SIDE)


def run(backbone, config=CONFIG, seeds=(1, 2, 3), prompt=PROMPT, **options) -> list[SamplingProgress | SeedBatch]:
    return list(generate(backbone, prompt, config, seeds, **options))


def batches(events: list[SamplingProgress | SeedBatch]) -> list[SeedBatch]:
    return [event for event in events if isinstance(event, SeedBatch)]


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_pictures_are_stock_diffusers(shape, folders, backbones):
    expected = stock_pipeline(folders[shape], shape)
    config = dataclasses.replace(CONFIG, scheduler="euler" if shape == "sdxl" else "ddim", guidance_scale=6.0)
    pictures = expected(
        PROMPT.text,
        num_images_per_prompt=3,
        generator=[torch.Generator().manual_seed(seed) for seed in (1, 2, 3)],
        num_inference_steps=4,
        guidance_scale=6.0,
        height=SIDE,
        width=SIDE,
        output_type="np",
    ).images
    (batch,) = batches(run(backbones[shape], config))
    assert torch.equal(batch.images, torch.from_numpy((pictures * 255).round().astype("uint8")).movedim(-1, 1))


def test_what_is_yielded_when(backbones):
    events = run(backbones["sd-1.5"], seeds=(5, 1, 9), batch_size=2, preview_every=2)
    assert [type(event) for event in events] == [*[SamplingProgress] * 4, SeedBatch] * 2
    progress = [event for event in events if isinstance(event, SamplingProgress)]
    assert [event.done for event in progress] == list(range(1, 9))
    assert {event.total for event in progress} == {8}
    assert [event.seeds for event in progress] == [(5, 1)] * 4 + [(9,)] * 4
    assert [tuple(event.previews) for event in progress] == [(5, 1), (), (5, 1), (), (9,), (), (9,), ()]
    assert progress[0].previews[5].shape == (3, SIDE, SIDE)
    assert progress[0].previews[5].dtype == torch.uint8
    first, second = batches(events)
    assert (first.seeds, second.seeds) == ((5, 1), (9,))
    assert first.images.shape == (2, 3, SIDE, SIDE)
    assert (first.prompt, first.config) == (PROMPT, CONFIG)
    assert torch.isfinite(first.mutual_information).all()


@pytest.mark.parametrize("odd", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_no_black_picture(odd, backbones):
    """What an adapter of an enormous scale, or half precision, makes of latents."""
    with pytest.raises(InputError, match="tiny computed a picture whose numbers are not finite: lower the weights"):
        backbones["sd-1.5"].decode(torch.full((1, 4, SIDE // 8, SIDE // 8), odd))


def test_previews_are_of_their_seeds(backbones):
    together = run(backbones["sd-1.5"], seeds=(5, 1), preview_every=1)[0].previews
    alone = run(backbones["sd-1.5"], seeds=(1,), preview_every=1)[0].previews
    assert (together[1].int() - alone[1].int()).abs().max() <= 1
    assert not torch.equal(together[5], together[1])


@pytest.mark.slow
def test_previews_grow_into_the_picture(backbones):
    config = dataclasses.replace(CONFIG, num_inference_steps=20)
    events = run(backbones["sd-1.5"], config, (1,), preview_every=1)
    picture = batches(events)[0].images[0].float()
    gaps = [(event.previews[1].float() - picture).abs().mean() for event in events[:-2]]
    assert gaps[-1] < 0.25 * gaps[0]


def test_no_previews(backbones):
    events = run(backbones["sd-1.5"], preview_every=0)
    assert not any(event.previews for event in events if isinstance(event, SamplingProgress))


@pytest.mark.slow
def test_micro_batches_do_not_show(backbones):
    seeds = (4, 8, 15, 16, 23)
    whole = batches(run(backbones["sd-1.5"], seeds=seeds, batch_size=5))[0]
    parts = batches(run(backbones["sd-1.5"], seeds=seeds, batch_size=2))
    images = torch.cat([part.images for part in parts])
    assert (images.int() - whole.images.int()).abs().max() <= 1
    information = torch.cat([part.mutual_information for part in parts])
    torch.testing.assert_close(information, whole.mutual_information, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("steps_before", [0, 1, 3, 4, 5, 7])
def test_cancelling_stops_at_the_next_step(steps_before, backbones):
    """Steps are counted in evaluations: no further one after the flag, no half-made batch, whole ones stay."""
    count = 0
    forward = backbones["sd-1.5"].unet.forward

    def counting(*args, **kwargs):
        nonlocal count
        count += 1
        return forward(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backbones["sd-1.5"].unet, "forward", counting)
        events = run(backbones["sd-1.5"], seeds=(1, 2), batch_size=1, cancelled=lambda: count > steps_before)
    assert count == steps_before + 1
    assert len([event for event in events if isinstance(event, SamplingProgress)]) == steps_before
    assert len(batches(events)) == steps_before // 4


@pytest.mark.slow
def test_adapters_are_used_and_leave_no_trace(tmp_path, fresh):
    backbone = fresh()
    entry = save_tiny_adapter(tmp_path / "a", "dora")
    base = batches(run(backbone))[0].images

    def images(weight: float) -> torch.Tensor:
        config = dataclasses.replace(CONFIG, adapters=(AdapterUse("a", weight),))
        return batches(run(backbone, config, checkpoints={"a": entry}))[0].images

    assert not torch.equal(images(1.0), base)
    assert not torch.equal(images(0.5), images(1.0))
    assert torch.equal(images(0.0), base)
    assert torch.equal(batches(run(backbone))[0].images, base)


@pytest.mark.slow
def test_guidance_of_the_config_is_used(backbones):
    pictures = {
        (name, scale): batches(
            run(backbones["sd-1.5"], dataclasses.replace(CONFIG, guidance=name, guidance_scale=scale))
        )
        for name, scale in (("cfg", 2.0), ("cfg", 8.0), ("interval", 8.0), ("apg", 8.0))
    }
    images = [batch[0].images for batch in pictures.values()]
    assert all(not torch.equal(images[i], images[j]) for i in range(4) for j in range(i))


def test_with_a_negative_prompt_there_is_no_mutual_information(backbones):
    (batch,) = batches(run(backbones["sd-1.5"], dataclasses.replace(CONFIG, negative_prompt="a star")))
    assert batch.mutual_information.isnan().all()
    assert batch.mutual_information_released.isnan().all()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in GUIDANCE if needs_of(name).embedded != "both"])
def test_mutual_information_is_known_where_the_predictions_are_the_checkpoints_own(name, tmp_path, fresh):
    entry = save_tiny_adapter(tmp_path / "a")
    scale = 1.0 if name == "prompt_only" else CONFIG.guidance_scale
    config = dataclasses.replace(
        CONFIG, guidance=name, guidance_scale=scale, adapters=(AdapterUse("a"),), num_inference_steps=2
    )
    config = dataclasses.replace(
        config, guidance_params=(("batch", batch_mark(PROMPT, (1, 2, 3))),) * needs_of(name).whole_batch
    )
    (batch,) = batches(run(fresh(), config, checkpoints={"a": entry}))
    assert batch.mutual_information.isfinite().all() == needs_of(name).information
    assert (batch.mutual_information_map is not None) == needs_of(name).information


def test_a_batch_that_was_made_together_is_not_extended_or_made_in_parts(backbones):
    """However small the micro-batches; and other seeds are refused in one sentence."""
    seeds = (1, 2, 3)
    config = dataclasses.replace(
        CONFIG, guidance="latent_particle", guidance_params=(("batch", batch_mark(PROMPT, seeds)),)
    )
    (batch,) = batches(run(backbones["sd-1.5"], config, seeds, batch_size=1))
    assert batch.seeds == seeds
    for others in ((1, 2, 3, 4), (2, 3, 4)):
        with pytest.raises(InputError, match="a batch cannot be extended or made in parts"):
            run(backbones["sd-1.5"], config, others)
    with pytest.raises(InputError, match="ask for 3 seeds or more, not 2"):
        run(backbones["sd-1.5"], config, (1, 2))


def test_long_prompts_are_said(backbones):
    events = run(backbones["sd-1.5"], prompt=Prompt("a red circle and " * 600))
    assert "everything from 'circle and a red circle" in events[0].note
    assert run(backbones["sd-1.5"])[0].note == ""


@pytest.mark.parametrize(
    ("prompt", "change", "options", "says"),
    [
        ("", {}, {}, "prompt is empty"),
        ("a\x00", {}, {}, "control character"),
        ("a star", {"num_inference_steps": 0}, {}, "number of steps"),
        ("a star", {"guidance_scale": float("nan")}, {}, "guidance scale"),
        ("a star", {"scheduler": "eular"}, {}, "did you mean 'euler'"),
        ("a star", {"height": 33}, {}, "multiples of 8"),
        ("a star", {"backbone": "sdxl"}, {}, "for backbone 'sdxl', but 'tiny' is loaded"),
        ("a star", {"revision": "0" * 16}, {}, "for revision '0000000000000000', but"),
        ("a star", {"dtype": "float16"}, {}, "for dtype 'float16', but 'float32' is loaded"),
        ("a star", {"adapters": (AdapterUse("nobody"),)}, {"checkpoints": {}}, "no checkpoint called 'nobody'"),
        ("a star", {}, {"seeds": ()}, "at least one seed"),
        ("a star", {}, {"seeds": (1, 1)}, "stands twice"),
        ("a star", {}, {"batch_size": 0}, "batch size must be at least 1"),
    ],
)
def test_refusals_come_at_once(prompt, change, options, says, backbones):
    """Before the first step is even asked for."""
    options = {"seeds": (1,), **options}
    with pytest.raises(InputError, match=says):
        generate(backbones["sd-1.5"], Prompt(prompt), dataclasses.replace(CONFIG, **change), **options)


def test_the_right_revision_is_accepted(backbones):
    config = dataclasses.replace(CONFIG, revision=backbones["sd-1.5"].revision)
    assert batches(run(backbones["sd-1.5"], config))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_away_from_another_checkpoint(kind, fresh, tmp_path):
    """At scale 0 it is that one without guidance, at 1 the checkpoint itself; the checkpoint is as before when it is over."""
    backbone = fresh()
    entries = {
        name: save_tiny_adapter(tmp_path / name, seed=seed, name=name) for seed, name in enumerate(("late", "x"))
    }
    entries["early"] = save_tiny_adapter(tmp_path / "early", kind, seed=5, name="early")

    def drawn(name: str, scale: float = 1.0, weaker: str = "") -> torch.Tensor:
        params = (("weaker_checkpoint", weaker),) if weaker else ()
        config = dataclasses.replace(
            CONFIG,
            adapters=tuple(uses_in(name)),
            guidance="autoguidance" if weaker else "cfg",
            guidance_scale=scale,
            guidance_params=params,
        )
        (batch,) = batches(run(backbone, config, checkpoints=entries))
        return batch.images.int()

    plain, weak = drawn("late"), drawn("early@0.5")
    assert (drawn("late", 0.0, "early@0.5") - weak).abs().max() <= 1
    assert (drawn("late", 1.0, "early@0.5") - plain).abs().max() <= 1
    further = drawn("late", 3.0, "early@0.5")
    assert (further - plain).abs().max() > 5 and not torch.equal(further, drawn("late", 3.0, "early"))
    assert torch.equal(drawn("late"), plain)


def test_a_weaker_checkpoint_whose_file_changed_is_refused(fresh, tmp_path):
    entry = save_tiny_adapter(tmp_path / "early", seed=5, name="early")
    config = dataclasses.replace(
        CONFIG, guidance="autoguidance", guidance_params=(("weaker_checkpoint", "early#0123456789ab"),)
    )
    with pytest.raises(InputError, match="The adapter early has changed since"):
        run(fresh(), config, checkpoints={"early": entry})
