"""A picture that was dropped on the page fills the form with the settings that its file carries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from t2ialign.dashboard.explore.form import LAST_SEED, Form, all_params, requests_of
from t2ialign.dashboard.explore.handlers import read_form
from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared.html import notice
from t2ialign.dashboard.shared.wiring import Updates
from t2ialign.guidance import GUIDANCE, spelled_params
from t2ialign.names import BATCH, names_in
from t2ialign.pictures import PictureSettings, ReadSettings, read_settings
from t2ialign.types import GenerationConfig, InputError
from t2ialign.use_cases.batches.score_batch import config_of

SCALES, STEPS = (0.0, 20.0), (1, 100)  # what the form's sliders reach


def restore(services: Services, file: str | None, *fields: Any) -> Updates:
    """The form as the picture's settings have it, and in sentences what it does not say or cannot be had here."""
    if not file:
        return {}
    try:
        path = Path(file)
        found = read_settings(path.read_bytes(), path.name)
    except InputError as error:
        return {"picture": None, "notice": notice(str(error))}
    form, said = filled(services, read_form(fields), found)
    notes = Markup().join(notice(one, "note") for one in said)
    return {"picture": None, "notice": notes, **form.values()}


def filled(services: Services, form: Form, found: ReadSettings) -> tuple[Form, list[str]]:
    """The form with everything that it can take over, and what it could not."""
    said = list(found.unread)
    changed: dict[str, Any] = {
        name: value
        for name, value in (
            ("prompt", found.prompt),
            ("negative_prompt", found.negative_prompt),
            ("scheduler", found.scheduler),
            ("guidance_scale", _within(found.guidance_scale, SCALES, "CFG", said)),
            ("steps", _within(found.steps, STEPS, "Steps", said)),
            ("first_seed", _within(found.seed, (0, LAST_SEED - int(form.seed_count or 16)), "Seed", said)),
            ("guidance", _known(found.guidance, GUIDANCE, "guidance strategy", said)),
        )
        if value is not None
    }
    name = _checkpoint(services, found)
    if name and set(names_in(name)) <= set(services.checkpoints()):
        changed["checkpoints"] = (name,)
    elif name:
        said.append(f"There is no checkpoint {name[:60]!r} here, so the checkpoints stay as they were.")
    if found.made:
        config = found.made.config
        changed["guidance_params"] = (
            all_params(config.guidance, spelled_params(config.guidance, _own(config)))
            if config.guidance in GUIDANCE
            else ""
        )
        backbone = services.bench.registry().backbones.get(config.backbone)
        usual = backbone.size if backbone else 0
        for side in ("height", "width"):
            changed[side] = 0 if getattr(config, side) == usual else getattr(config, side)
    filled = replace(form, **changed)
    if found.made:
        said += _difference(services, filled, found.made)
    return filled, [f"The settings of this picture are in the form. {' '.join(said)}".strip()]


def _checkpoint(services: Services, found: ReadSettings) -> str:
    """Its checkpoint as this registry calls it: a plain backbone goes by the name of the checkpoint that it is."""
    entries = services.checkpoints().values()
    backbone = found.made.config.backbone if found.made and not found.made.config.adapters else found.checkpoint
    plain = next((one.name for one in entries if one.backbone == backbone and one.adapter is None), "")
    return plain or found.checkpoint or ""


def _difference(services: Services, form: Form, made: PictureSettings) -> Iterator[str]:
    """What of a picture of ours the form cannot say, or is not the same here."""
    if len(_own(made.config)) < len(made.config.guidance_params):
        yield f"Guidance {made.config.guidance} made it together with the other seeds of its batch, which a picture cannot say."
        return
    try:
        here = config_of(services.bench, requests_of(form, services)[0])[1]
    except InputError as error:
        yield str(error)
        return
    if here.key != made.config.key:
        yield "Its weights or its size are not those that are here, so the picture will differ."


def _own(config: GenerationConfig) -> tuple[tuple[str, float | str], ...]:
    """The strategy's own parameters, without the mark of a batch."""
    return tuple(one for one in config.guidance_params if one[0] != BATCH)


def _within(value: Any, bounds: tuple[float, float], name: str, said: list[str]) -> Any:
    if value is None or bounds[0] <= value <= bounds[1]:
        return value
    said.append(f"{name} {value:g} is beyond what this form takes ({bounds[0]:g} to {bounds[1]:g}).")
    return None


def _known(value: str | None, menu: Any, name: str, said: list[str]) -> str | None:
    if value is None or value in menu:
        return value
    said.append(f"There is no {name} {value[:40]!r} here.")
    return None
