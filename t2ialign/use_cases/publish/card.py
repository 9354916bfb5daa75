"""A model card with the trade-off in it: a table and a chart of alignment and diversity, and the same as ``model-index``."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData
from jinja2 import Environment, StrictUndefined

from t2ialign import __version__
from t2ialign.metrics import METRICS
from t2ialign.registry import BackboneEntry, CheckpointEntry
from t2ialign.tradeoff import families
from t2ialign.tradeoff.arrows import Arrow, in_a_sentence
from t2ialign.tradeoff.comparison import Comparison
from t2ialign.types import Interval
from t2ialign.use_cases.align.command import command_of, differing, in_a_line
from t2ialign.use_cases.align.manifest import TrainingManifest
from t2ialign.use_cases.align.request import is_small, kind_of
from t2ialign.use_cases.publish.trade_off import TradeOff
from t2ialign.use_cases.reports.text import with_ends

TASK = "text-to-image"
MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~])")
LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]*")


@dataclass(frozen=True)
class PictureStrip:
    """A strip of pictures of a prompt, as the card shows it."""

    prompt: str
    file: str


@dataclass(frozen=True)
class About:
    """What a card says besides its measurements; ``licence`` is an identifier of the Hub's, "" where none was said."""

    entry: CheckpointEntry
    backbone: BackboneEntry
    manifest: TrainingManifest
    licence: str = ""


def card_text(about: About, found: TradeOff, examples: Sequence[PictureStrip]) -> str:
    """The whole README.md, with its header."""
    environment = Environment(
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.from_string(Path(__file__).with_name("card.md").read_text(encoding="utf-8"))
    body = template.render(_values(about, found, examples))
    return f"---\n{_header(about, found, examples).to_yaml()}\n---\n\n{body}"


def plain(text: str) -> str:
    """What people wrote, as one line of Markdown that shows it and nothing else."""
    return MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _header(about: About, found: TradeOff, examples: Sequence[PictureStrip]) -> ModelCardData:
    hub = about.backbone.source if isinstance(about.backbone.source, str) else None
    relation: dict[str, Any] = {"base_model_relation": "adapter"} if hub else {}
    return ModelCardData(
        base_model=hub,
        license=about.licence or None,
        library_name="diffusers",
        pipeline_tag=TASK,
        model_name=found.checkpoint,
        tags=[TASK, "diffusers", about.entry.kind or "lora", "alignment", "diversity", "t2ialign"],
        widget=[{"text": one.prompt, "output": {"url": one.file}} for one in examples] or None,
        eval_results=[_result(one, found) for one in _measured(found)],
        **relation,
    )


def _measured(found: TradeOff) -> list[tuple[str, str, Interval, Comparison]]:
    """(type, name, value, where from) for each CFG: the level on both axes, and the win rate where there is one."""
    results = []
    for arrow in found.arrows:
        at = f"at CFG {arrow.policy.guidance_scale:g}"
        for metric, one in ((found.x, arrow.x), (found.y, arrow.y)):
            results.append((metric.name, f"{metric.title} {at}", one.policy_mean, one))
        if arrow.judged is not None and arrow.win_rate is not None:
            results.append(("win_rate", f"Preferred over {found.parent} {at}", arrow.win_rate, arrow.judged))
    return [row for row in results if math.isfinite(row[2].mean)]


def _result(row: tuple[str, str, Interval, Comparison], found: TradeOff) -> EvalResult:
    kind, name, value, one = row
    known = math.isfinite(value.lo) and math.isfinite(value.hi)
    ends = f"95 % interval {value.lo:.4g} to {value.hi:.4g}, " if known else ""
    return EvalResult(
        task_type=TASK,
        dataset_type="t2ialign-benchmark-set",
        dataset_name=found.benchmark,
        metric_type=kind,
        metric_value=round(value.mean, 6),
        metric_name=f"{name} ({ends}{one.prompts} prompts, {one.seeds} pictures)",
    )


def _values(about: About, found: TradeOff, examples: Sequence[PictureStrip]) -> dict[str, Any]:
    usual, manifest = found.usual, about.manifest
    judged = next((arrow.judged.metric for arrow in found.arrows if arrow.judged is not None), "")
    tested = [one for arrow in found.arrows for one in dict.fromkeys((arrow.x, arrow.y))]
    return {
        "title": plain(manifest.title or about.entry.title or found.checkpoint),
        "intro": _intro(about),
        "sentence": plain(in_a_sentence(usual, found.x, found.y)),
        "checkpoint": plain(found.checkpoint),
        "parent": plain(found.parent),
        "benchmark": plain(found.benchmark),
        "prompts": found.of,
        "family": families.legend(families.tests([one.p for one in tested])),
        "x": found.x.title,
        "y": found.y.title,
        "x_says": found.x.summary,
        "y_says": found.y.summary,
        "judge": METRICS[judged].title if judged else "",
        "rows": [_row(arrow) for arrow in found.arrows],
        "usage": _usage(about),
        "made": _made(about),
        "command": _command(about),
        "examples": [(plain(one.prompt), one.file) for one in examples],
        "guidance_scale": f"{usual.policy.guidance_scale:g}",
        "version": __version__,
    }


def _command(about: About) -> str:
    request = about.manifest.request
    return (
        in_a_line(command_of(differing(request, is_small(about.backbone), kind_of(about.backbone)))) if request else ""
    )


def _row(arrow: Arrow) -> list[str]:
    rate = arrow.win_rate
    return [
        f"{arrow.policy.guidance_scale:g}",
        f"{arrow.x.prompts}, {arrow.x.seeds}",
        with_ends(rate) if rate is not None and math.isfinite(rate.mean) else "",
        _from_to(arrow.x),
        _change(arrow.x),
        _from_to(arrow.y),
        _change(arrow.y),
    ]


def _from_to(one: Comparison) -> str:
    return f"{one.base_mean.mean:.3g} → {one.policy_mean.mean:.3g}"


def _change(one: Comparison) -> str:
    if one.difference is None:
        return ""
    said = with_ends(one.difference, "+")
    return f"**{said}**" if one.stands else said


def _intro(about: About) -> str:
    base, source = about.backbone.title or about.backbone.name, about.backbone.source
    hub = f" ([{source}](https://huggingface.co/{source}))" if isinstance(source, str) else ""
    kind = {"dora": "A DoRA adapter", "lora": "A LoRA adapter"}.get(about.entry.kind or "", "An adapter")
    note = plain(about.manifest.note or about.entry.note)
    return " ".join(part for part in (f"{kind} of {plain(base)}{hub}.", note) if part)


def _usage(about: About) -> str:
    if isinstance(about.backbone.source, str):
        kind = about.backbone.family_traits.pipeline
        return (
            f'```python\nfrom diffusers import {kind}\n\npipe = {kind}.from_pretrained("{about.backbone.source}")\n'
            'pipe.load_lora_weights("FOLDER OR REPOSITORY")\n```'
        )
    return "Copy this folder into `checkpoints/` of a t2ialign store; it then appears in every menu."


def _made(about: About) -> list[tuple[str, str]]:
    manifest, data, effort = about.manifest, about.manifest.data, about.manifest.training
    rows = [
        ("method", f"{manifest.method}. {plain(manifest.citation)}".strip() if manifest.method else ""),
        ("from", ", ".join(map(plain, manifest.parents))),
        ("learned from", f"{plain(str(data.source)) or 'its own pictures'}, {data.examples} examples" if data else ""),
        ("data", f"SHA-256 {data.sha256}" if data and data.sha256 else ""),
        (
            "training",
            f"{effort.steps} steps in each of {effort.rounds} round(s), {effort.seconds:.0f} s" if effort else "",
        ),
        ("merged from", ", ".join(f"{plain(part.name)} at {part.weight:g}" for part in manifest.merge)),
        ("how close", plain(manifest.merge_error.words) if manifest.merge_error else ""),
        ("adapter", f"SHA-256 {manifest.sha256}" if manifest.sha256 else ""),
        ("date", manifest.created),
    ]
    return [(name, value) for name, value in rows if value]
