"""What checkpoints are usually drawn with: agreement, disagreement, makers' numbers of an adapter, and forms that follow."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from t2ialign.registry import Registry, load_registry
from t2ialign.samplers import UsualRun, usual_run
from t2ialign.types import InputError
from t2ialign.use_cases.batches.usual import (
    FORM_TIMES,
    begin_anew,
    beginnings,
    in_words,
    scales_around,
    usual_of,
    usual_of_all,
)


@pytest.fixture(scope="module")
def shipped() -> Registry:
    return load_registry()


def test_checkpoints_that_agree_begin_with_their_numbers(shipped: Registry) -> None:
    schnell = UsualRun("ddim", 4, 1.0)
    assert (
        usual_of_all(["flux.1-schnell", "flux.1-schnell"], shipped).run == schnell == usual_of("flux.1-schnell", None)
    )
    turbos = usual_of_all(["sd-turbo", "sdxl-turbo"], shipped)
    assert turbos.run == UsualRun("ddim", 1, 1.0) and turbos.differ == ("scheduler",), (
        "both draw one step without guidance"
    )
    assert usual_of_all(["base", "sd-1.5", "dpo-sd-1.5@0.5"], shipped).differ == ()
    assert usual_of_all([], shipped).run == usual_of_all(["nobody"], shipped).run == UsualRun()


def test_where_they_differ_is_said_of_what_was_asked(shipped: Registry) -> None:
    found = usual_of_all(["sd-1.5", "sd-2.1-base", "sana-1.6b"], shipped)
    assert found.run == UsualRun() and found.differ == ("scheduler", "steps", "guidance_scale")
    note = found.note()
    assert "(sd-1.5, sd-2.1-base: 25 steps of ddim at CFG 4; sana-1.6b: 20 steps of dpmsolver++ at CFG 4.5)" in note
    assert note.endswith("ask for them one at a time, or say the numbers.") and "\n" not in note
    assert found.note(["steps"]) == note and found.note(["guidance"]) == found.note([]) == ""
    assert "CFG 4 with guidance cfg_norm" in usual_of_all(["qwen-image", "sd-1.5"], shipped).note()
    assert in_words(UsualRun("euler", 1, 1.0)) == "1 step of euler at CFG 1"


def test_an_adapters_makers_come_before_its_backbones(shipped: Registry) -> None:
    """LCM-LoRA's own scheduler, alone, weighted and in a blend; numbers of its own where a registry states them."""
    for name in ("lcm-sd-1.5", "lcm-sd-1.5@0.8", "lcm-sd-1.5+spo-sd-1.5@0.5", "spo-sd-1.5+lcm-sd-1.5"):
        assert usual_of(name, None) == UsualRun("lcm", 4, 1.5), name
    assert usual_of("lcm-sd-1.5", None, "ddim") == usual_of("sd-1.5", None) == UsualRun()
    tuned = replace(shipped.checkpoints["spo-sd-1.5"], steps=8, guidance_scale=2.0, scheduler="euler")
    entry = replace(shipped.backbones["sd-1.5"], steps=30, guidance_scale=7.5, scheduler="unipc")
    assert usual_run(entry, "", tuned) == UsualRun("euler", 8, 2.0) and usual_run(entry) == UsualRun("unipc", 30, 7.5)
    assert usual_run(entry, "", replace(tuned, steps=0, scheduler="")) == UsualRun("unipc", 30, 2.0)
    assert usual_run(entry, "lcm", tuned) == UsualRun("lcm", 8, 2.0) and usual_run(entry, "lcm").steps == 4
    with pytest.raises(InputError, match="no scheduler"):
        usual_of("base", None, "magic")


def test_cfg_values_stand_around_the_usual_one() -> None:
    assert scales_around(4.0) == (1.0, 2.0, 4.0, 6.0, 8.0) and scales_around(4.0, FORM_TIMES) == (1.0, 2.0, 4.0, 8.0)
    assert scales_around(1.5) == (1.0, 1.5, 2.25, 3.0) and scales_around(4.5, FORM_TIMES) == (1.125, 2.25, 4.5, 9.0)
    assert scales_around(1.0) == (1.0,), "a model that is drawn without guidance"


def test_a_form_follows_unless_it_holds_somebodys_own_number(shipped: Registry) -> None:
    def form(run: UsualRun) -> dict:
        return asdict(run)

    schnell = asdict(UsualRun("ddim", 4, 1.0))
    assert begin_anew(["flux.1-schnell"], shipped, asdict(UsualRun()), form) == schnell
    assert begin_anew(["base"], shipped, schnell, form) == asdict(UsualRun())
    assert begin_anew(["flux.1-schnell"], shipped, {**asdict(UsualRun()), "steps": 26}, form) == {}
    assert begin_anew(["nobody"], shipped, asdict(UsualRun()), form) == {}
    together = usual_of_all(["sana-1.6b", "sd-3.5-medium"], shipped).run
    assert together == UsualRun("ddim", 25, 4.5) and together in beginnings(shipped), "a part on which two agree"
    assert begin_anew(["base"], shipped, asdict(together), form) == asdict(UsualRun())
