"""The report: what a store says about each research question, in figures and sentences, and what it does not say.

The questions are those of the project: what alignment does to diversity, whether a regulariser helps, how the two are related,
whether a regime has both, what follows, and which metric can be trusted. Every sentence is made from numbers by the same rules
for any store. A question that the data do not answer says so, with the command that would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from t2ialign import store
from t2ialign.tradeoff.research import Finding, Gap, Research, Section
from t2ialign.use_cases.reports import research_answers as answers
from t2ialign.use_cases.reports import research_pressure as pressure
from t2ialign.use_cases.reports.research_material import Material, ReportSubject, gather
from t2ialign.use_cases.workbench import Workbench

TITLE = "Alignment and diversity: what these runs say"
FIRST_RUN = "python -m t2ialign sweep --checkpoint base --guidance-scales 1,2,4,8 --seeds own:8"
NO_PICTURES: Mapping[int, str] = MappingProxyType({})
QUESTIONS: tuple[tuple[str, str, Callable[[Material], Iterator[Finding | Gap]]], ...] = (
    ("pressure", "What does alignment do to diversity?", pressure.of_pressure),
    ("regularisers", "Which method, which regulariser wastes least?", pressure.of_regularisers),
    ("relation", "How are alignment and diversity related?", answers.of_relation),
    ("regime", "Is there a regime with both?", answers.of_regime),
    ("advice", "What follows for training and use?", answers.of_advice),
    ("metrics", "Which diversity metric can be trusted?", answers.of_metrics),
)


def research(bench: Workbench, wanted: ReportSubject) -> Research:
    """The whole report; of a store without scores on a benchmark set, every section says what is missing."""
    found = gather(bench, wanted)
    if found is None:
        nothing = Gap(_nothing(bench), FIRST_RUN)
        sections = tuple(Section(key, question, unknown=(nothing,)) for key, question, _ in QUESTIONS)
        return Research(TITLE, ("This store holds no scored runs that could be compared.",), sections)
    sections = tuple(_section(key, question, list(ask(found))) for key, question, ask in QUESTIONS)
    return Research(TITLE, tuple(_scope(found)), sections)


def _nothing(bench: Workbench) -> str:
    stray = len(store.stray_prompts(bench.store))
    if not stray:
        return "Nothing is scored yet, so nothing can be compared."
    prompts = "1 prompt has" if stray == 1 else f"{stray} prompts have"
    return (
        f"{prompts} scores, but no benchmark set has scores of alignment and of diversity, so nothing can be compared."
    )


def _section(key: str, question: str, found: Sequence[Finding | Gap]) -> Section:
    exhibits = tuple(one for one in found if isinstance(one, Finding))
    return Section(key, question, exhibits, tuple(one for one in found if isinstance(one, Gap)))


def _scope(found: Material) -> Iterator[str]:
    row, points = found.benchmark, found.points
    checkpoints = len({point.config.checkpoint for point in points})
    models = "1 checkpoint" if checkpoints == 1 else f"{checkpoints} checkpoints"
    settings = "1 setting" if len(points) == 1 else f"{len(points)} settings"
    pictures = sum(point.seeds for point in points)
    yield (
        f"Benchmark set: {row.title} (`{row.key}`), {row.prompts} prompts; {models} of {found.backbone} in {settings}, "
        f"{pictures} pictures."
    )
    yield f"Alignment is {found.x.title} (`{found.x.name}`), diversity {found.y.title} (`{found.y.name}`)."
    yield (
        "Intervals are 95 %. They count prompts; of a checkpoint they say nothing of how another training run would end. "
        "Several differences, slopes or rank correlations that one sentence counts are one family of tests (Holm)."
    )
    if found.cells.share_seeds:
        yield "Prompts share seeds here: slopes, bands and rank correlations count prompts alone, so they promise too much."
    partial = [point for point in points if point.prompts < row.prompts]
    if partial:
        yield f"{len(partial)} of the settings lack some of the prompts: they are hollow in figures, and in no front."
    if found.scored.left_out:
        yield f"{found.scored.left_out} cells scored by other versions of the metrics are left out."
    if found.others:
        yield f"Other backbones on this set are left out: {', '.join(found.others)}; --backbone reports on one of them."


def lines(found: Research, pictures: Mapping[int, str] = NO_PICTURES) -> Iterator[str]:
    """The report's sentences as Markdown; ``pictures`` are those of some exhibits, by ``id``."""
    yield f"# {found.title}"
    for sentence in found.scope:
        yield from ("", sentence)
    for number, section in enumerate(found.sections, 1):
        yield from ("", f"## {number}. {section.question}")
        for exhibit in section.exhibits:
            commands = (f"    {command}" for command in exhibit.command.splitlines())
            yield from ("", f"**{_ended(exhibit.title)}** {exhibit.sentence}", "", *commands)
            if id(exhibit) in pictures:
                yield from ("", f"![{exhibit.title}]({pictures[id(exhibit)]})")
        if section.unknown:
            yield from ("", "What is not known:", "")
        for gap in section.unknown:
            yield f"- {gap.sentence}" + (f" `{gap.command}`" if gap.command else "")


def _ended(title: str) -> str:
    return title if title.endswith("?") else f"{title}."
