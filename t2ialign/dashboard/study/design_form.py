"""The design form in and out: what stands in its boxes as a ``StudyDesign``, and back.

What is compared and the prompts are lines of text, which a person can paste and edit: ``name | checkpoint | CFG | metric``
and ``category | prompt``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from t2ialign.seeds import parse_plan, plan_text
from t2ialign.study.design import AnswerRule, Contender, Pictures, StudyDesign, checked
from t2ialign.types import InputError, Prompt

FIELDS = (
    "title",
    "instructions",
    "consent",
    "compare",
    "kind",
    "aspect",
    "question",
    "shown",
    "most",
    "contenders",
    "study_prompts",
    "rounds",
    "checks",
    "target",
    "groups",
    "seeds",
    "set_size",
    "steps",
    "scheduler",
)


def design_of(values: Sequence[Any]) -> StudyDesign:
    """The form's values, in the order of ``FIELDS``, as a checked design; ``InputError`` for the first bad one."""
    said = dict(zip(FIELDS, values, strict=True))
    return checked(
        StudyDesign(
            title=(said["title"] or "").strip(),
            instructions=(said["instructions"] or "").strip(),
            consent=(said["consent"] or "").strip(),
            compare=said["compare"],
            contenders=read_contenders(said["contenders"] or ""),
            prompts=read_prompts(said["study_prompts"] or ""),
            answer=_answer(said),
            pictures=_pictures(said),
            rounds=whole(said["rounds"], "The number of rounds"),
            checks=whole(said["checks"], "The number of attention checks"),
            target=whole(said["target"], "The number of answers"),
            groups=tuple(name.strip() for name in (said["groups"] or "").split(",") if name.strip()) or ("everyone",),
        )
    )


def values_of(design: StudyDesign) -> dict[str, Any]:
    """What the form shows of a design, by field."""
    answer, pictures = design.answer, design.pictures
    return {
        "title": design.title,
        "instructions": design.instructions,
        "consent": design.consent,
        "compare": design.compare,
        "kind": answer.kind,
        "aspect": answer.aspect,
        "question": answer.question,
        "shown": answer.shown,
        "most": answer.most,
        "contenders": "\n".join(contender_line(contender) for contender in design.contenders),
        "study_prompts": "\n".join(prompt_line(prompt) for prompt in design.prompts),
        "rounds": design.rounds,
        "checks": design.checks,
        "target": design.target,
        "groups": ", ".join(design.groups),
        "seeds": plan_text(pictures.seeds),
        "set_size": pictures.set_size,
        "steps": pictures.num_inference_steps,
        "scheduler": pictures.scheduler,
    }


def read_contenders(text: str) -> tuple[Contender, ...]:
    """One contender a line: its name, checkpoint, CFG and metric; what is left out at the end has its default."""
    found = []
    for line in _lines(text):
        name, *rest = (part.strip() for part in line.split("|"))
        checkpoint, scale, metric, *more = [*rest, "", "", ""][: max(3, len(rest))]
        if more:
            raise InputError(f"{line[:60]!r} has too many parts: write name | checkpoint | CFG | metric.")
        found.append(Contender(name, checkpoint or name, _scale(scale or "4", line), metric))
    return tuple(found)


def read_prompts(text: str) -> tuple[Prompt, ...]:
    """One prompt a line, its category before it: ``category | prompt``."""
    found = []
    for line in _lines(text):
        category, bar, prompt = line.partition("|")
        found.append(Prompt(prompt.strip(), category.strip()) if bar else Prompt(line.strip()))
    return tuple(found)


def contender_line(contender: Contender) -> str:
    parts = [contender.name, contender.checkpoint, f"{contender.guidance_scale:g}", contender.metric]
    return " | ".join(parts).removesuffix(" | ")


def prompt_line(prompt: Prompt) -> str:
    return f"{prompt.category} | {prompt.text}" if prompt.category or "|" in prompt.text else prompt.text


def more_contenders(text: str, checkpoints: Iterable[str], scales: str, metrics: Iterable[str]) -> str:
    """The lines with every combination of what was chosen added, each once."""
    lines = list(_lines(text))
    values = [_scale(scale, scale) for scale in (scales or "4").split(",") if scale.strip()]
    for checkpoint in checkpoints or ():
        for value in values:
            for metric in metrics or [""]:
                name = f"{checkpoint} CFG {value:g}" if len(values) > 1 else checkpoint
                name = (f"{metric}" if metric else name).replace("+", " & ")
                lines.append(contender_line(Contender(name, checkpoint, value, metric)))
    return "\n".join(dict.fromkeys(lines))


def more_prompts(text: str, known: Sequence[Prompt], categories: Iterable[str], each: Any) -> str:
    """The lines with the first ``each`` prompts of every chosen category added (all categories where none is chosen)."""
    count = whole(each, "The number of prompts a category")
    wanted = list(categories or ()) or list(dict.fromkeys(prompt.category for prompt in known))
    added = [prompt for name in wanted for prompt in [p for p in known if p.category == name][:count]]
    return "\n".join(dict.fromkeys([*_lines(text), *(prompt_line(prompt) for prompt in added)]))


def whole(value: Any, name: str) -> int:
    """A whole number from a box that may be empty."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or number != value:
        raise InputError(f"{name} is {value!r}; fill in a whole number.")
    return number


def _answer(said: Mapping[str, Any]) -> AnswerRule:
    return AnswerRule(
        kind=said["kind"],
        aspect=said["aspect"],
        question=(said["question"] or "").strip(),
        shown=whole(said["shown"], "The number shown"),
        most=whole(said["most"], "The number that may be chosen"),
    )


def _pictures(said: Mapping[str, Any]) -> Pictures:
    return Pictures(
        seeds=parse_plan(said["seeds"] or ""),
        set_size=whole(said["set_size"], "The size of a set"),
        num_inference_steps=whole(said["steps"], "The number of steps"),
        scheduler=said["scheduler"],
    )


def _scale(text: str, line: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{line[:60]!r} has no number for CFG: write name | checkpoint | CFG | metric.") from None


def _lines(text: str) -> Iterable[str]:
    return (line.strip() for line in text.splitlines() if line.strip())
