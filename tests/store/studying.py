"""A small study with pictures of its own in a store, open or not."""

from __future__ import annotations

from dataclasses import replace

import torch

from t2ialign.store import Store, images
from t2ialign.store.studies import Study, add_study, open_study
from t2ialign.study.design import AnswerRule, Contender, StudyDesign
from t2ialign.study.manifest import Exhibit, Manifest, merged
from t2ialign.types import Prompt

PROMPTS = (Prompt("=1+1", "color"), Prompt("<script>alert(1)</script>", "color"), Prompt("a star", "shape"))


def picture(store: Store, number: int) -> str:
    """The SHA-256 of a picture of noise, kept as a file."""
    draw = torch.Generator().manual_seed(number)
    return images.write(store.home, images.encode(torch.randint(0, 256, (3, 8, 8), generator=draw).byte()))


def manifest_of_noise(store: Store, size: int = 1, **fields: object) -> Manifest:
    design = StudyDesign("Which?", tuple(Contender(name) for name in "abc"), PROMPTS, rounds=4, groups=("x", "y"))
    design = replace(design, **fields)
    exhibits = [
        Exhibit(
            (contender.name,),
            prompt.text,
            tuple(range(seed * size, seed * size + size)),
            tuple(picture(store, 1 + c + 10 * p + 100 * seed + 1000 * i) for i in range(size)),
            f"cell {contender.name} {p}",
        )
        for p, prompt in enumerate(design.prompts)
        for c, contender in enumerate(design.contenders)
        for seed in range(2)
    ]
    return Manifest(design, merged(exhibits), (picture(store, 0),))


def opened_study(store: Store, size: int = 1, **fields: object) -> Study:
    manifest = manifest_of_noise(store, size, **fields)
    return open_study(store, add_study(store, manifest.design).id, manifest)


PICK = AnswerRule("pick")
RANK = AnswerRule("rank")
