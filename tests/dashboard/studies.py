"""Studies over rendered scenes: the pictures of two or more checkpoints are stored, then the study is published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from t2ialign.dashboard.services import Services
from t2ialign.store.studies import Study, add_study
from t2ialign.study.design import AnswerRule, Contender, Pictures, StudyDesign
from t2ialign.types import Prompt
from t2ialign.use_cases.batches.requests import checked
from t2ialign.use_cases.batches.score_batch import config_of
from t2ialign.use_cases.studies.prepare import publish, requests_of
from tests.dashboard import fakes

PROMPTS = (
    Prompt("a red circle and a blue square", "color"),
    Prompt("a green star", "color"),
    Prompt("a yellow ring to the left of a white cross", "spatial"),
)
DESIGN = StudyDesign(
    "Which pictures fit?",
    (Contender("secret-method"), Contender("rival-method", "spo"), Contender("third-method", "mi-tune")),
    PROMPTS,
    instructions="Look at each picture.",
    pictures=Pictures(seeds=(0, 1)),
    rounds=4,
    checks=1,
)
PICK = replace(DESIGN, contenders=DESIGN.contenders[:2], answer=AnswerRule("pick", "better"))
SETS = replace(
    PICK, compare="sets", answer=AnswerRule("pick", "varied"), pictures=Pictures(seeds=(0, 1, 2, 3), set_size=2)
)


def draft(services: Services, design: StudyDesign = DESIGN, pictures: bool = True) -> Study:
    """A draft, with every picture it needs in the store."""
    if pictures:
        batches = []
        for request in requests_of(design):
            wanted = checked(request)
            config = config_of(services.bench, wanted)[1]
            batch = fakes.batch_of(wanted.prompt, config, wanted.seeds)
            shift = 100 * (1 + sorted(fakes.ADAPTERS).index(wanted.checkpoint)) if wanted.checkpoint != "base" else 0
            images = torch.stack([fakes.picture(wanted.prompt, config, seed + shift) for seed in wanted.seeds])
            batches.append(replace(batch, images=images))
        fakes.add_scored(services.store, *batches)
    return add_study(services.store, design)


def opened(services: Services, design: StudyDesign = DESIGN) -> Study:
    return publish(services.bench, draft(services, design).id)


def names_of(design: StudyDesign) -> Sequence[str]:
    """What no rater may ever read: the contenders' names and their checkpoints (base is too common a word)."""
    return [name for one in design.contenders for name in (one.name, one.checkpoint) if name != "base"]
