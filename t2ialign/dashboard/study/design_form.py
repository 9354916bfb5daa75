"""The design form in and out: what stands in its boxes as a ``StudyDesign``, and back.

What is compared are rows with pickers (``contender_rows``); the prompts are lines of text, which a person can paste and
edit: ``category | prompt``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from t2ialign.dashboard.study.contender_rows import contenders_of, rows_of
from t2ialign.seeds import parse_plan, plan_text
from t2ialign.study.design import AnswerRule, Pictures, StudyDesign, checked
from t2ialign.types import InputError, Prompt

FIELDS = (
    "title",
    "instructions",
    "consent",
    "compare",
    "kind",
    "aspect",
    "attribute",
    "also",
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

ALSO = ("counts", "confidence")  # what two sets of one attribute may be asked besides, as the answer rule names it


def design_of(values: Sequence[Any]) -> StudyDesign:
    """The form's values, in the order of ``FIELDS``, as a checked design; ``InputError`` for the first bad one."""
    said = dict(zip(FIELDS, values, strict=True))
    return checked(
        StudyDesign(
            title=(said["title"] or "").strip(),
            instructions=(said["instructions"] or "").strip(),
            consent=(said["consent"] or "").strip(),
            compare=said["compare"],
            contenders=contenders_of(said["contenders"]),
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
        "attribute": answer.attribute,
        "also": [name for name in ALSO if getattr(answer, name)],
        "question": answer.question,
        "shown": answer.shown,
        "most": answer.most,
        "contenders": rows_of(design.contenders),
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


def read_prompts(text: str) -> tuple[Prompt, ...]:
    """One prompt a line, its category before it: ``category | prompt``."""
    found = []
    for line in _lines(text):
        category, bar, prompt = line.partition("|")
        found.append(Prompt(prompt.strip(), category.strip()) if bar else Prompt(line.strip()))
    return tuple(found)


def prompt_line(prompt: Prompt) -> str:
    return f"{prompt.category} | {prompt.text}" if prompt.category or "|" in prompt.text else prompt.text


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
    """What is asked besides counts only where its boxes stand: of an attribute of two sets."""
    attribute = (said["attribute"] or "").strip() if said["aspect"] == "varied" else ""
    also = said["also"] or () if attribute and said["kind"] == "pick" and said["compare"] == "sets" else ()
    return AnswerRule(
        kind=said["kind"],
        aspect=said["aspect"],
        attribute=attribute,
        counts="counts" in also,
        confidence="confidence" in also,
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


def _lines(text: str) -> Iterable[str]:
    return (line.strip() for line in text.splitlines() if line.strip())
