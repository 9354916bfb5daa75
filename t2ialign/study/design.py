"""What a study asks and of what: the frozen ``StudyDesign``, its TOML, and what makes one valid.

Three comparisons: ``metrics`` (the top-ranked picture of one pool under each metric: MI-TUNE, appendix B.1),
``methods`` (pictures of the same prompt and seed under each checkpoint or CFG value: B.2) and ``sets`` (whole sets of
seeds, because diversity belongs to sets). Three answers: ``select`` (0..K that fit), ``pick`` (one of two, or a tie,
or both bad) and ``rank`` (best to worst).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Literal, get_args

from t2ialign.types import InputError, Prompt, content_key

Compare = Literal["metrics", "methods", "sets"]
AnswerKind = Literal["select", "pick", "rank"]
Aspect = Literal["fits", "better", "varied"]

MAX_SHOWN = 12
MAX_ROUNDS = 200
PLAIN = {"str": (str, "a text"), "int": (int, "a whole number"), "float": ((int, float), "a number")}
QUESTIONS: dict[tuple[str, str], str] = {
    ("select", "fits"): "Select every picture that fits the text, or none.",
    ("select", "better"): "Select the pictures you like, or none.",
    ("select", "varied"): "Select every set whose pictures are varied, or none.",
    ("pick", "fits"): "Which one fits the text better?",
    ("pick", "better"): "Which one do you like better?",
    ("pick", "varied"): "Which set is more varied?",
    ("rank", "fits"): "Order them by how well they fit the text, the best first.",
    ("rank", "better"): "Order them by how much you like them, the best first.",
    ("rank", "varied"): "Order the sets by how varied they are, the most varied first.",
}


@dataclass(frozen=True)
class Contender:
    """One of the things compared; ``name`` is what the owner reads and what no rater ever sees.

    ``metric``: in a ``metrics`` study, the one whose favourite of the pool is shown.
    """

    name: str
    checkpoint: str = "base"
    guidance_scale: float = 4.0
    metric: str = ""


@dataclass(frozen=True)
class Pictures:
    """Where the pictures come from: the pool of seeds and how they are sampled; ``set_size`` seeds make a set."""

    seeds: tuple[int, ...] = tuple(range(8))
    set_size: int = 4
    num_inference_steps: int = 25
    scheduler: str = "ddim"


@dataclass(frozen=True)
class AnswerRule:
    """What a rater may say in a round. ``shown``: contenders a round (0 = all); ``most``: at most so many (0 = all).

    ``aspect`` is what is asked for, ``question`` its wording ("" = the usual one).
    """

    kind: str = "select"
    aspect: str = "fits"
    question: str = ""
    shown: int = 0
    most: int = 0


@dataclass(frozen=True)
class StudyDesign:
    """Everything that a study's owner decides. ``checks`` attention checks come on top of the ``rounds`` of a survey.

    ``target`` is the number of answers wanted in all. ``groups`` are the kinds of raters that choose theirs (one group:
    nobody is asked).
    """

    title: str
    contenders: tuple[Contender, ...]
    prompts: tuple[Prompt, ...]
    compare: str = "methods"
    instructions: str = ""
    consent: str = ""
    answer: AnswerRule = AnswerRule()
    pictures: Pictures = Pictures()
    rounds: int = 10
    groups: tuple[str, ...] = ("everyone",)
    checks: int = 1
    target: int = 200

    @property
    def shown(self) -> int:
        """How many contenders a round shows."""
        return 2 if self.answer.kind == "pick" else self.answer.shown or len(self.contenders)

    @property
    def most(self) -> int:
        """How many a rater may select, or must rank."""
        return self.answer.most or self.shown

    @property
    def question(self) -> str:
        return self.answer.question or QUESTIONS[self.answer.kind, self.answer.aspect]

    @property
    def categories(self) -> tuple[str, ...]:
        """The prompts' categories in the order of their first prompt."""
        return tuple(dict.fromkeys(prompt.category for prompt in self.prompts))

    @property
    def key(self) -> str:
        return content_key(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Plain values; ``from_json`` is its inverse, also after a trip through JSON text."""
        return json.loads(json.dumps(asdict(self)))

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> StudyDesign:
        """Raises ``InputError`` on anything that is not the design of a study."""
        try:
            parts = {
                "contenders": tuple(_made(Contender, contender) for contender in record["contenders"]),
                "prompts": tuple(Prompt(p["text"], p["category"], tuple(p["tags"])) for p in record["prompts"]),
                "answer": _made(AnswerRule, record["answer"]),
                "pictures": _pictures(record["pictures"]),
                "groups": tuple(_strings(record["groups"])),
            }
            return _made(cls, {**record, **parts})
        except (TypeError, KeyError, AttributeError) as error:
            raise InputError(f"This is not the design of a study ({error}).") from error


def checked(design: StudyDesign) -> StudyDesign:
    """The design, known to be good; ``InputError`` names the first thing that is not."""
    for complaint in _complaints(design):
        raise InputError(complaint)
    return design


def from_toml(text: str) -> StudyDesign:
    """A checked design from its TOML: prompts are a table of lists by category; what is left out has its default."""
    try:
        record = tomllib.loads(text)
        prompts = record.pop("prompts")
        parts = {
            "contenders": tuple(_made(Contender, contender) for contender in record["contenders"]),
            "prompts": tuple(Prompt(text, category) for category, texts in prompts.items() for text in _strings(texts)),
            "answer": _made(AnswerRule, record.get("answer", {})),
            "pictures": _pictures(record.get("pictures", {})),
            "groups": tuple(_strings(record.get("groups", ["everyone"]))),
        }
        design = _made(StudyDesign, {**record, **parts})
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"The study is not valid TOML: {error}.") from error
    except KeyError as error:
        raise InputError(f"The study's TOML has no {error.args[0]!r}.") from error
    except (TypeError, AttributeError) as error:
        raise InputError(f"The study's TOML cannot be read: {error}.") from error
    return checked(design)


def to_toml(design: StudyDesign) -> str:
    """The design as TOML that ``from_toml`` reads back (prompt tags are left out)."""
    import tomlkit

    record = design.to_json()
    by_category: dict[str, list[str]] = {}
    for prompt in design.prompts:
        by_category.setdefault(prompt.category, []).append(prompt.text)
    tables = {"answer": record.pop("answer"), "pictures": record.pop("pictures"), "prompts": by_category}
    contenders = record.pop("contenders")
    return tomlkit.dumps({**{k: v for k, v in record.items() if k != "prompts"}, **tables, "contenders": contenders})


def _pictures(record: Mapping[str, Any]) -> Pictures:
    """``seeds`` may be a list or written as people do: ``"0-7"``."""
    seeds = record.get("seeds", list(Pictures.seeds))
    if isinstance(seeds, str):
        from t2ialign.limits import parse_seeds

        seeds = parse_seeds(seeds)
    if not isinstance(seeds, list | tuple) or not all(type(seed) is int for seed in seeds):
        raise TypeError('seeds are whole numbers, as "0-7" or [1, 5, 9]')
    return _made(Pictures, {**record, "seeds": tuple(seeds)})


def _made(cls: type[Any], record: Mapping[str, Any]) -> Any:
    """A record's object. ``TypeError`` in plain words where a field is unknown, missing, or no text or number."""
    known = {field.name: field for field in fields(cls)}
    for name, value in record.items():
        if name not in known:
            raise TypeError(f"there is no {name!r}; known are {', '.join(known)}")
        types, words = PLAIN.get(str(known[name].type), (object, ""))
        if not isinstance(value, types) or (words and isinstance(value, bool)):
            raise TypeError(f"{name!r} is {words}, not {value!r}")
    missing = [name for name, field in known.items() if field.default is MISSING and name not in record]
    if missing:
        raise TypeError(f"{missing[0]!r} is missing")
    return cls(**record)


def _strings(values: Any) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError("prompts (by category) and groups are lists of texts")
    return values


def _complaints(design: StudyDesign) -> Iterable[str]:
    yield from _choice_complaints(design)
    names = [contender.name for contender in design.contenders]
    if not design.title.strip():
        yield "A study needs a title."
    if len(names) < 2 or len(set(names)) < len(names) or not all(name.strip() for name in names):
        yield "Compare at least two things, each with a name of its own."
    if any("+" in name for name in names) or "decoy" in names:
        yield "The names of what is compared may not contain a plus sign, nor be 'decoy'."
    texts = [prompt.text for prompt in design.prompts]
    if not texts or not all(text.strip() for text in texts) or len(set(texts)) < len(texts):
        yield "A study needs prompts, each with a text and each once."
    if design.compare == "metrics" and not all(contender.metric for contender in design.contenders):
        yield "To compare metrics, name the metric of each of them."
    if not design.groups or len(set(design.groups)) < len(design.groups) or not all(design.groups):
        yield "Name each group of raters once, or leave the one group 'everyone'."
    yield from _number_complaints(design)


def _choice_complaints(design: StudyDesign) -> Iterable[str]:
    allowed = {"compare": get_args(Compare), "kind": get_args(AnswerKind), "aspect": get_args(Aspect)}
    said = {"compare": design.compare, "kind": design.answer.kind, "aspect": design.answer.aspect}
    for field, options in allowed.items():
        if said[field] not in options:
            yield f"'{field}' is one of {', '.join(options)}, not {said[field]!r}."


def _number_complaints(design: StudyDesign) -> Iterable[str]:
    n, seeds = len(design.contenders), design.pictures.seeds
    if not 1 <= design.rounds <= MAX_ROUNDS:
        yield f"A survey has 1 to {MAX_ROUNDS} rounds, not {design.rounds}."
    if not 0 <= design.checks <= design.rounds:
        yield f"Between 0 and {design.rounds} attention checks fit this survey, not {design.checks}."
    if design.target < 1:
        yield f"The wished number of answers is at least 1, not {design.target}."
    if not 2 <= design.shown <= min(n, MAX_SHOWN):
        yield f"A round shows between 2 and {min(n, MAX_SHOWN)} of the {n} things compared, not {design.shown}."
    if design.answer.kind != "pick" and not 1 <= design.most <= design.shown:
        yield f"Raters choose at most 1 to {design.shown} of what is shown, not {design.most}."
    if design.answer.aspect == "varied" and design.compare != "sets":
        yield "Only sets of pictures can be varied: compare sets, or ask which fits better."
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        yield "The pictures need seeds, each once and none below 0."
    if design.compare == "sets" and not 2 <= design.pictures.set_size <= len(seeds):
        yield f"A set has between 2 pictures and the {len(seeds)} of the pool, not {design.pictures.set_size}."
