"""What a study asks and of what: the frozen ``StudyDesign``, its TOML, and what makes one valid.

Four comparisons: ``metrics`` (the top-ranked picture of one pool under each metric: MI-TUNE, appendix B.1),
``methods`` (pictures of the same prompt and seed under each checkpoint or CFG value: B.2), ``sets`` (whole sets of
seeds, because diversity belongs to sets) and ``arena`` (as ``methods``, two at a time and without end; who made what is
told after each answer). Three answers: ``select`` (0..K that fit), ``pick`` (one of two, or a tie, or both bad) and
``rank`` (best to worst). Of sets one may ask for a single attribute: which varies more in its background? Where two sets are
compared in one, raters may first count its kinds in each, and last say how sure they are (Albuquerque et al., "Benchmarking
Diversity in Image Generation via Attribute-Conditional Human Evaluation", 2025).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from t2ialign.codec import IF_SAID, decode, encode
from t2ialign.files import foreign, text_of
from t2ialign.seeds import BLOCK, SeedPlan, count_of, parse_plan
from t2ialign.types import InputError, Prompt, content_key

Compare = Literal["metrics", "methods", "sets", "arena"]
AnswerKind = Literal["select", "pick", "rank"]
Aspect = Literal["fits", "better", "varied"]

MAX_SHOWN = 12
MAX_ROUNDS = 200
LONGEST_ATTRIBUTE = 40  # letters
UNREADABLE = "The study's TOML cannot be read"
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
OF_ATTRIBUTE = {
    "select": "Select every set that varies in its {}, or none.",
    "pick": "Which set varies more in its {}?",
    "rank": "Order the sets by how much they vary in their {}, the most varied first.",
}


KINDS_OF = "How many different kinds of {} does each set show?"
HOW_SURE = "How sure are you?"
ALSO_ASKED = "compare sets, have raters pick one of two, ask which is varied and name the attribute"


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
    """Where the pictures come from: the pool of seeds and how they are sampled; ``set_size`` seeds make a set.

    ``seeds`` are those of every prompt, or a number: so many of each prompt's own (``seeds.designed_seeds``).
    """

    seeds: SeedPlan = 8
    set_size: int = 4
    num_inference_steps: int = 25
    scheduler: str = "ddim"


@dataclass(frozen=True)
class AnswerRule:
    """What a rater may say in a round. ``shown``: contenders a round (0 = all); ``most``: at most so many (0 = all).

    ``aspect`` is what is asked for, ``attribute`` in what alone sets are to vary ("" = in anything), ``question`` its
    wording ("" = the usual one). ``counts``: raters also say how many kinds of the attribute each set shows, ``confidence``:
    and how sure they are.
    """

    kind: str = "select"
    aspect: str = "fits"
    question: str = ""
    shown: int = 0
    most: int = 0
    attribute: str = field(default="", metadata=IF_SAID)
    counts: bool = field(default=False, metadata=IF_SAID)
    confidence: bool = field(default=False, metadata=IF_SAID)


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
        said = self.answer
        usual = OF_ATTRIBUTE[said.kind].format(said.attribute) if said.attribute else QUESTIONS[said.kind, said.aspect]
        return said.question or usual

    @property
    def count_question(self) -> str:
        """What raters are to count, "" = nothing."""
        return KINDS_OF.format(self.answer.attribute) if self.answer.counts else ""

    @property
    def endless(self) -> bool:
        """Whether rounds go on for as long as somebody answers, each with who made what after its answer."""
        return self.compare == "arena"

    @property
    def categories(self) -> tuple[str, ...]:
        """The prompts' categories in the order of their first prompt."""
        return tuple(dict.fromkeys(prompt.category for prompt in self.prompts))

    @property
    def key(self) -> str:
        return content_key(encode(self))


@dataclass(frozen=True)
class _ByCategory:
    """Prompts as TOML has them."""

    prompts: Mapping[str, tuple[str, ...]]


def checked(design: StudyDesign) -> StudyDesign:
    """The design, known to be good; ``InputError`` names the first thing that is not."""
    for complaint in _complaints(design):
        raise InputError(complaint)
    return design


def read_design(path: Path) -> StudyDesign:
    """A checked design from a TOML file. ``InputError`` where there is none, or none in it."""
    if not path.is_file():
        raise InputError(f"There is no file {path}: check the path.")
    with foreign(f"{path.name} is no design in UTF-8", "mend it, or save it as one"):
        return from_toml(text_of(path.read_bytes()))


def from_toml(text: str) -> StudyDesign:
    """A checked design from its TOML: prompts are a list, or a table of lists by category; what is left out has its default."""
    try:
        record = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"The study is not valid TOML: {error}.") from error
    said = {
        name: {"": value} if isinstance(value, list) else value for name, value in record.items() if name == "prompts"
    }
    by_category = decode(_ByCategory, said, UNREADABLE).prompts
    record["prompts"] = [Prompt(text, category) for category, texts in by_category.items() for text in texts]
    pictures = record.get("pictures")
    if isinstance(pictures, dict) and isinstance(pictures.get("seeds"), str):
        pictures["seeds"] = parse_plan(pictures["seeds"])
    return checked(decode(StudyDesign, encode(record), UNREADABLE))


def to_toml(design: StudyDesign) -> str:
    """The design as TOML that ``from_toml`` reads back (prompt tags are left out)."""
    import tomlkit

    record = encode(design)
    by_category: dict[str, list[str]] = {}
    for prompt in design.prompts:
        by_category.setdefault(prompt.category, []).append(prompt.text)
    tables = {"answer": record.pop("answer"), "pictures": record.pop("pictures"), "prompts": by_category}
    contenders = record.pop("contenders")
    return tomlkit.dumps({**{k: v for k, v in record.items() if k != "prompts"}, **tables, "contenders": contenders})


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
    yield from _arena_complaints(design)
    yield from _attribute_complaints(design)
    if not design.groups or len(set(design.groups)) < len(design.groups) or not all(design.groups):
        yield "Name each group of raters once, or leave the one group 'everyone'."
    yield from _number_complaints(design)


def _choice_complaints(design: StudyDesign) -> Iterable[str]:
    allowed = {"compare": get_args(Compare), "kind": get_args(AnswerKind), "aspect": get_args(Aspect)}
    said = {"compare": design.compare, "kind": design.answer.kind, "aspect": design.answer.aspect}
    for name, options in allowed.items():
        if said[name] not in options:
            yield f"'{name}' is one of {', '.join(options)}, not {said[name]!r}."


def _arena_complaints(design: StudyDesign) -> Iterable[str]:
    if design.endless and design.answer.kind != "pick":
        yield "An arena shows two pictures at a time: have raters pick one of two."
    if design.endless and design.checks:
        yield "An arena tells who made what after each answer, so it has no attention checks: set them to 0."


def _attribute_complaints(design: StudyDesign) -> Iterable[str]:
    attribute = design.answer.attribute
    if attribute and design.answer.aspect != "varied":
        yield "An attribute says in what sets vary: ask which set is varied, or leave the attribute out."
    if attribute != attribute.strip() or len(attribute) > LONGEST_ATTRIBUTE:
        yield f"An attribute is a word or a few, at most {LONGEST_ATTRIBUTE} letters, as 'background'."
    asked = design.answer.kind == "pick" and design.answer.aspect == "varied" and design.compare == "sets"
    if design.answer.counts and not (asked and attribute):
        yield f"Raters count kinds of one attribute in two sets: {ALSO_ASKED}, or leave the counts out."
    if design.answer.confidence and not (asked and attribute):
        yield f"Raters say how sure they are of which set varies more in one attribute: {ALSO_ASKED}, or leave it out."


def _number_complaints(design: StudyDesign) -> Iterable[str]:
    n, seeds, size = len(design.contenders), design.pictures.seeds, count_of(design.pictures.seeds)
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
    if isinstance(seeds, int) and not 1 <= seeds <= BLOCK:
        yield f"Each prompt has 1 to {BLOCK} seeds of its own, not {seeds}."
    if isinstance(seeds, tuple) and (not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0):
        yield "The pictures need seeds, each once and none below 0."
    if design.compare == "sets" and not 2 <= design.pictures.set_size <= size:
        yield f"A set has between 2 pictures and the {size} of the pool, not {design.pictures.set_size}."
