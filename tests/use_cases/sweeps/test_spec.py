"""Specs: their TOML, the command line that says the same, what no sweep can have, and extensions."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from t2ialign.codec import decode, encode
from t2ialign.metrics import listed
from t2ialign.store import open_store
from t2ialign.types import InputError
from t2ialign.use_cases.batches import prompt_sets
from t2ialign.use_cases.results import StoreResults
from t2ialign.use_cases.sweeps.plan import plan_sweep
from t2ialign.use_cases.sweeps.spec import (
    PromptChoice,
    SweepSpec,
    checked,
    extended,
    from_toml,
    prompts_of,
    read_spec,
    to_toml,
)
from t2ialign.use_cases.workbench import Workbench, workbench_on


@pytest.fixture
def bench(tmp_path: Path, new_store: Path) -> Iterator[Workbench]:
    with open_store(shutil.copytree(new_store, tmp_path / "home")) as opened:
        yield workbench_on(StoreResults(opened))


FULL = SweepSpec(
    'Two "scales"',
    PromptChoice(texts=("a red circle", "a ring, and a star")),
    ("base", "dpo@0.5"),
    (0.5, 1.0),
    (1.0, 2.5),
    ("cfg", "cads:noise_scale=0.1", "cads:noise_scale=0.3"),
    (0, 1, 2, 9),
    12,
    ("lpips",),
)


def test_a_toml_says_everything_and_what_it_leaves_out_is_usual():
    assert from_toml(to_toml(FULL)) == FULL and from_toml("") == SweepSpec()
    assert from_toml('seeds = "0-3"').seeds == (0, 1, 2, 3) and from_toml('seeds = "own:4"').seeds == 4
    assert from_toml("guidance_scales = [1, 1.0, 4]").guidance_scales == (1.0, 4.0)
    assert decode(SweepSpec, encode(FULL)) == FULL
    drawn = replace(FULL, scheduler="euler")
    assert from_toml(to_toml(drawn)) == drawn and 'scheduler = "ddim"' in to_toml(FULL)


def test_what_nobody_says_is_as_the_checkpoints_are_usually_drawn():
    notes: list[str] = []
    sana = from_toml('checkpoints = ["sana-1.6b"]\nnum_inference_steps = 9', notes.append)
    assert (sana.scheduler, sana.num_inference_steps, sana.strategies) == ("dpmsolver++", 9, ("cfg",)) and not notes
    assert sana.guidance_scales == (1.125, 2.25, 4.5, 6.75, 9.0) and from_toml(to_toml(sana), notes.append) == sana
    schnell = from_toml('checkpoints = ["flux.1-schnell"]')
    assert (schnell.num_inference_steps, schnell.guidance_scales) == (4, (1.0,))
    qwen = from_toml('checkpoints = ["qwen-image"]')
    assert qwen.strategies == ("cfg_norm",) and qwen.num_inference_steps == 50
    assert from_toml('scheduler = "lcm"').num_inference_steps == 4, "a scheduler for few steps brings them"
    assert not notes
    both = from_toml('checkpoints = ["sd-1.5", "flux.1-schnell"]', notes.append)
    assert both.num_inference_steps == 25 and both.guidance_scales == SweepSpec().guidance_scales
    assert len(notes) == 1 and "flux.1-schnell: 4 steps of ddim at CFG 1" in notes[0]
    from_toml(
        'checkpoints = ["sd-1.5", "flux.1-schnell"]\nnum_inference_steps = 9\nguidance_scales = [1]', notes.append
    )
    assert len(notes) == 1, "nothing is left on which they differ"


def test_a_scheduler_is_a_part_of_what_is_asked_for(bench: Workbench):
    """Of the identity of a sweep and of its cells; a sweep of older versions is the same as it was."""
    spec = SweepSpec(prompts=PromptChoice(texts=("a ring",)), guidance_scales=(4.0,), seeds=2)
    euler = replace(spec, scheduler="euler")
    assert spec.key != euler.key and "scheduler" not in encode(spec)
    [ours], [other] = plan_sweep(bench, spec).cells, plan_sweep(bench, euler).cells
    assert ours.cell != other.cell and (ours.config.scheduler, other.config.scheduler) == ("ddim", "euler")
    with pytest.raises(InputError, match="drawn by ddim cannot be extended with pictures of euler"):
        extended(spec, euler)


def test_a_file_that_is_none_says_so(tmp_path):
    with pytest.raises(InputError, match="no file"):
        read_spec(tmp_path / "none.toml")
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="a.toml"):
        read_spec(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("= 3", "not valid TOML"),
        ("colour = 3", "no 'colour'"),
        ('checkpoints = "base"', "'checkpoints' is a list"),
        ("checkpoints = []", "grid is empty"),
        ("guidance_scales = [99]", "from 0 to 50"),
        ("weights = [nan]", "weight of an adapter"),
        ('strategies = ["magic"]', "magic"),
        ('strategies = ["cads:power=2"]', "power"),
        ("seeds = 0", "1 to 1000"),
        ('seeds = "9-2"', "write 2-9"),
        ("num_inference_steps = 0", "number of steps"),
        ('scheduler = "eulr"', "euler"),
        ('scheduler = "lcm"\nnum_inference_steps = 60', "lcm takes at most 50 steps"),
        ('metrics = ["beauty"]', "beauty"),
        ("[prompts]\nsample = -1", "from 0"),
        ('[prompts]\ntexts = [" "]', "prompt is empty"),
    ],
)
def test_what_no_sweep_can_have_is_one_sentence(toml: str, sentence: str):
    with pytest.raises(InputError, match=sentence) as told:
        from_toml(toml)
    assert "\n" not in str(told.value).strip() or "TOML" in str(told.value)


def test_prompts_are_a_set_some_of_its_categories_a_sample_or_ones_own():
    known = prompt_sets.load("shapes-test")
    assert prompts_of(PromptChoice()) == known
    category = known[0].category
    some = prompts_of(PromptChoice(categories=(category,)))
    assert {prompt.category for prompt in some} == {category} and len(some) < len(known)
    assert len(prompts_of(PromptChoice(sample=5))) == 5
    assert [prompt.text for prompt in prompts_of(PromptChoice(texts=("a", "b"), sample=1))] == ["a"]
    with pytest.raises(InputError, match="there are"):
        prompts_of(PromptChoice(categories=("magic",)))


def test_an_extension_joins_both_and_keeps_what_was_done():
    old = SweepSpec(guidance_scales=(1.0, 4.0), seeds=16, prompts=PromptChoice(sample=8))
    more = replace(old, guidance_scales=(2.0, 6.0), seeds=32, prompts=PromptChoice(sample=16))
    both = extended(old, more)
    assert both.guidance_scales == (1.0, 2.0, 4.0, 6.0) and both.seeds == 32 and both.prompts.sample == 16
    assert extended(both, old) == both
    assert extended(replace(old, seeds=(0, 1)), replace(old, seeds=(1, 5))).seeds == (0, 1, 5)
    for other, sentence in (
        (replace(old, prompts=PromptChoice(sample=12)), "grows to 16, 24"),
        (replace(old, num_inference_steps=9), "steps"),
        (replace(old, seeds=(0, 1)), "do not join"),
        (replace(old, prompts=PromptChoice("everyday")), "keeps the set"),
    ):
        with pytest.raises(InputError, match=sentence):
            extended(old, other)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (SweepSpec(), SweepSpec(weights=(0.5,))),
        (SweepSpec(weights=(0.5,)), SweepSpec()),
        (SweepSpec(prompts=PromptChoice(sample=8)), SweepSpec(prompts=PromptChoice(sample=16))),
        (SweepSpec(prompts=PromptChoice(sample=9)), SweepSpec(prompts=PromptChoice(sample=3))),
        (SweepSpec(prompts=PromptChoice(sample=7)), SweepSpec()),
        (SweepSpec(), SweepSpec(metrics=("lpips",))),
        (SweepSpec(metrics=("fsim",)), SweepSpec()),
        (SweepSpec(metrics=("fsim",)), SweepSpec(metrics=("all",))),
        (SweepSpec(strategies=("interval",)), SweepSpec(guidance_scales=(3.0,))),
    ],
)
def test_an_extension_has_every_cell_and_every_metric_of_both(bench, old: SweepSpec, new: SweepSpec):
    old, new = (replace(spec, checkpoints=("base", "sunny_dpo"), seeds=2) for spec in (old, new))
    both = plan_sweep(bench, extended(old, new))
    assert {cell.cell for spec in (old, new) for cell in plan_sweep(bench, spec).cells} <= {
        cell.cell for cell in both.cells
    }
    assert set(listed(old.metrics)) | set(listed(new.metrics)) <= set(listed(both.spec.metrics))


def test_the_hash_is_of_what_is_asked_for_and_not_of_its_title():
    assert checked(FULL).key == replace(FULL, title="other").key != replace(FULL, seeds=(0,)).key
