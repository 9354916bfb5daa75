"""What preference methods learn from, by name: a judge of sampled pictures, stored votes, or a file of pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from huggingface_hub import HfApi, hf_hub_download
from jaxtyping import Float, Int
from torch import Tensor

from t2ialign import settings
from t2ialign.files import Say, split_of, unsaid
from t2ialign.metrics import METRICS
from t2ialign.metrics.marginal import marginals, set_value
from t2ialign.network import why_offline
from t2ialign.source import FILES, Source
from t2ialign.training.pair_files import read_pairs
from t2ialign.training.pairs import best_and_worst, checked_pairs, judged, ranked
from t2ialign.training.populations import varied_and_alike
from t2ialign.training.selection import checked_examples
from t2ialign.types import Encoder, Example, InputError, Metric, PreferencePair, SeedBatch
from t2ialign.use_cases.align.drawing import TASTE, raters_of
from t2ialign.use_cases.align.pictures import ONLY_PICTURES
from t2ialign.use_cases.align.request import Plan
from t2ialign.use_cases.batches.picture_folders import read_captions, read_pictures
from t2ialign.use_cases.batches.requests import BatchRequest, check_each, picture_files
from t2ialign.use_cases.batches.scoring import Scorer, features_of
from t2ialign.use_cases.workbench import Workbench

STYLE = "style"
SetValue = Callable[[Int[Tensor, " k"]], float]
DEFAULTS = {"alignment": ("oracle_alignment", "clip_score"), "diversity": ("factor_diversity", "lpips")}


@dataclass(frozen=True)
class Judge:
    """Marks pictures: a row a picture, a column a rater or measure. ``noisy`` judges differ from vote to vote.

    One that measures whole sets has ``of_sets``: the diversity of any pictures of a batch, by index; its marks are what each
    picture adds to it.
    """

    name: str
    marks: Callable[[SeedBatch], Float[Tensor, "n g"]]
    noisy: bool
    of_sets: Callable[[SeedBatch], SetValue] | None = None

    def mean(self, batch: SeedBatch) -> Float[Tensor, " n"]:
        return self.marks(batch).mean(1)

    def wins(self, policy: SeedBatch, base: SeedBatch) -> Float[Tensor, " n"]:
        """How often each picture of the policy is preferred to the base's of the same seed; ties count half."""
        gap = self.marks(policy) - self.marks(base)
        return (gap.sigmoid() if self.noisy else 0.5 + 0.5 * gap.sign()).mean(1)


def judge_of(bench: Workbench, plan: Plan) -> Judge | None:
    """The judge that a source names; None for sources that bring their preferences with them."""
    if plan.source.kind in ("annotator", "style"):
        return _annotator(bench, plan, plan.source.group)
    if plan.source.kind != "metric":
        return None
    name = plan.source.argument
    populations = plan.method.data in ("pairs", "unpaired") and name in METRICS and METRICS[name].level != "image"
    return _populations(bench, plan, METRICS[name]) if populations else _measure(bench, plan, name)


def witness_of(bench: Workbench, plan: Plan) -> Judge | None:
    """The judge of the win rate against the parent: the one that taught the checkpoint, else the world's raters, if any."""
    encoder = raters_of(bench, plan.entry.scorers)
    everyone = (
        None if encoder is None else Judge(str(Source("annotator")), _marks(encoder, _groups(encoder)), noisy=True)
    )
    judge = judge_of(bench, plan)
    return judge if judge is not None and judge.of_sets is None else everyone


def _annotator(bench: Workbench, plan: Plan, group: str) -> Judge:
    """The raters of this backbone's world: those of one group, or all groups in equal parts.

    A ``style`` is what a group likes about the free factors alone, faithfulness aside, and without the noise of votes.
    """
    encoder = raters_of(bench, plan.entry.scorers)
    if encoder is None:
        raise InputError(
            f"{plan.entry.name} has no annotator, because nobody's taste in its pictures is known: learn from "
            "metric:NAME, votes:STUDY, parquet:FILE or jsonl:FILE."
        )
    groups = _groups(encoder)
    if group and group not in groups:
        raise InputError(f"There is no group of raters called {group!r}: choose one of {', '.join(groups)}.")
    wanted = [group] if group else groups
    if plan.source.kind == "style":
        return Judge(str(plan.source), _marks(encoder, wanted, STYLE), noisy=False)
    return Judge(str(plan.source), _marks(encoder, wanted), noisy=True)


def _groups(encoder: Encoder) -> list[str]:
    return [part.removeprefix(f"{TASTE}_") for part in encoder.provides if part.startswith(f"{TASTE}_")]


def _marks(encoder: Encoder, groups: list[str], kind: str = TASTE) -> Callable[[SeedBatch], Float[Tensor, "n g"]]:
    def marks(batch: SeedBatch) -> Float[Tensor, "n g"]:
        found = encoder.encode(batch.images, batch.prompt)
        if not found:
            raise InputError(f"The raters cannot judge '{batch.prompt.text[:60]}': use prompts of their own world.")
        return torch.stack([found[f"{kind}_{group}"] for group in groups], 1)

    return marks


def _measure(bench: Workbench, plan: Plan, name: str) -> Judge:
    scored = measured(bench, plan, name)
    return Judge(str(plan.source), lambda batch: scored(batch)[:, None], noisy=False)


def _populations(bench: Workbench, plan: Plan, metric: Metric) -> Judge:
    """A judge of sets: the more varied one is preferred."""
    metrics, encoders = bench.scorers_for(plan.entry.scorers, (metric.name,), plan.entry.on_request)

    def of_sets(batch: SeedBatch) -> SetValue:
        return set_value(metrics[0], features_of(batch.images, batch.prompt, encoders))

    return Judge(str(plan.source), lambda batch: marginals(of_sets(batch), len(batch.images))[:, None], False, of_sets)


def measured(bench: Workbench, plan: Plan, name: str) -> Callable[[SeedBatch], Float[Tensor, " n"]]:
    """A metric of single pictures as a function of a batch, higher being better; "" is the backbone's own."""
    name = name or default_metric(bench, plan.entry.scorers, "alignment")
    check_each((name,))
    metric = METRICS[name]
    if metric.level != "image":
        raise InputError(f"{name} measures a whole set, not single pictures: choose a metric such as clip_score.")
    metrics, encoders = bench.scorers_for(plan.entry.scorers, (name,), plan.entry.on_request)
    sign = 1.0 if metric.higher_is_better else -1.0

    def values(batch: SeedBatch) -> Float[Tensor, " n"]:
        return sign * Scorer(batch.prompt, metrics, encoders).add(batch)[name].values.float()

    return values


def default_metric(bench: Workbench, scorers: tuple[str, ...], axis: str, of_sets: bool = False) -> str:
    """The first metric of an axis that these scorers can measure: the truth where it is known, else the field's habit.

    ``of_sets``: only one that measures several pictures at once.
    """
    known = bench.scorers_for(scorers, ("all",))[0]
    possible = {metric.name for metric in known if not of_sets or metric.level != "image"}
    found = [name for name in DEFAULTS[axis] if name in possible]
    other = [name for name in sorted(possible) if METRICS[name].axis == axis]
    return (found + other)[0]


def picture_requests(plan: Plan) -> list[BatchRequest]:
    """What is sampled from the parent: every prompt with the same number of seeds, others for another training seed."""
    pictures = plan.settings.pictures
    first = plan.request.seed * pictures.candidates
    seeds = tuple(range(first, first + pictures.candidates))
    return [
        BatchRequest(
            prompt,
            plan.parent.name,
            seeds,
            pictures.guidance_scale,
            pictures.sampling_steps,
            metrics=ONLY_PICTURES,
        )
        for prompt in plan.prompts
    ]


def pairs_of(plan: Plan, judge: Judge, batch: SeedBatch, rng: torch.Generator) -> list[PreferencePair]:
    """A prompt's pairs as the judge prefers; raters of several groups judge equal parts of them."""
    if judge.of_sets is not None:
        return varied_and_alike(batch, judge.of_sets(batch), judge.name, rng)
    pictures, marks = plan.settings.pictures, judge.marks(batch)
    if pictures.pairing == "best_worst":
        return best_and_worst(batch, marks.mean(1), judge.name, pictures.best_worst)
    if not judge.noisy:
        return ranked(batch, marks.mean(1), pictures.pairs_per_prompt, judge.name, rng)
    count = -(-pictures.pairs_per_prompt // marks.shape[1])
    return [pair for column in marks.unbind(1) for pair in judged(batch, column, count, judge.name, rng)]


def check_source(plan: Plan) -> None:
    """Refuses a file by its first pair, and a folder without pictures, before anything is loaded."""
    if plan.source.kind in FILES:
        read_pairs(path_of(plan), plan.entry.size, limit=1)
    if plan.source.kind == "pictures":
        picture_files(path_of(plan))


def ready_pairs(bench: Workbench, plan: Plan, say: Say = unsaid) -> list[PreferencePair]:
    """The pairs of a source that brings them; ``say`` hears what of it is not learned from."""
    limit = plan.settings.pictures.prompt_count * plan.settings.pictures.pairs_per_prompt
    if plan.source.kind == "votes":
        pairs = bench.results.vote_pairs(plan.source, plan.entry.size)
        return checked_pairs(pairs, plan.entry.size, "let people vote in this study first")
    if plan.source.kind in FILES:
        name, files = path_of(plan).name, iter([path_of(plan)])
    else:
        name, files = plan.source.argument, _from_hub(plan.source.argument, say)
    pairs = []
    while len(pairs) < limit and (file := next(files, None)) is not None:
        pairs += read_pairs(file, plan.entry.size, limit - len(pairs), say)
    return checked_pairs(pairs, plan.entry.size, f"'{name}' holds none")


def path_of(plan: Plan) -> Path:
    """The file or folder that a source names."""
    return settings.expanded(plan.source.argument)


def ready_examples(bench: Workbench, plan: Plan) -> list[Example]:
    """The liked and disliked pictures of a study, for methods that need no pairs."""
    found = bench.results.vote_examples(plan.source, plan.entry.size)
    return checked_examples(found, plan.entry.size, "let people vote in this study first")


def _from_hub(name: str, say: Say = unsaid) -> Iterator[Path]:
    """The files of a Hub dataset's train split (``org/name``), or the one named (``org/name/path.parquet``).

    Each is fetched when it is asked for; ``say`` hears which.
    """
    parts = name.split("/")
    repository, path = "/".join(parts[:2]), "/".join(parts[2:])
    with _reached(name):
        why_offline()  # without a network the Hub's library is told so, and tries nothing twice
        found = [path] if path else HfApi().list_repo_files(repository, repo_type="dataset")
    for file in [path] if path else train_files(repository, found):
        with _reached(name):
            fetched = Path(hf_hub_download(repository, file, repo_type="dataset"))
        say(f"Learned from {file} of the dataset {repository}.")
        yield fetched


@contextmanager
def _reached(name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # what a missing network raises is spread over several libraries
        raise InputError(
            f"The dataset {name} cannot be fetched from the Hub: check its name and the network, or download the file "
            "and use parquet:FILE or jsonl:FILE."
        ) from error


def train_files(repository: str, files: Iterable[str]) -> list[str]:
    """The Parquet files of the train split, in the order of their names, as the library ``datasets`` knows it.

    A path belongs to a split whose name is a word of it. Where no path names a split, all of them are for training. Files of
    JSONL count where there is no Parquet.

    Raises:
        InputError: no such file, no train split, or several configurations of it to choose from.
    """
    names = sorted(files)
    tables = [name for name in names if name.lower().endswith(".parquet")]
    tables = tables or [name for name in names if name.lower().endswith((".jsonl", ".ndjson"))]
    if not tables:
        raise InputError(f"The dataset {repository} on the Hub holds no Parquet or JSONL file: choose another.")
    splits = {file: split_of(file) for file in tables}
    train = [file for file in tables if splits[file] == "train"]
    if not train and not any(splits.values()):
        train = tables
    if not train:
        raise InputError(
            f"The dataset {repository} on the Hub has no train split, only {', '.join(tables[:4])}: say which file to learn "
            f"from, as hub:{repository}/{tables[0]}."
        )
    folders = {file.rpartition("/")[0] for file in train}
    if len(folders) > 1:
        raise InputError(
            f"The dataset {repository} on the Hub has several train splits ({', '.join(sorted(folders)[:4])}): say which "
            f"file to learn from, as hub:{repository}/{train[0]}."
        )
    return train


def given_examples(plan: Plan, say: Say = unsaid) -> list[Example]:
    """Pictures from ``pictures:FOLDER`` to mix in, each with the caption beside it (``read_captions``)."""
    if plan.source.kind != "pictures":
        return []
    files = picture_files(path_of(plan))
    return [Example(prompt, picture) for prompt, picture in zip(read_captions(files, say), read_pictures(files))]


def sources(bench: Workbench, backbone: str, populations: bool = False) -> Iterator[tuple[Source, str]]:
    """The sources to offer for a backbone, each with a few words: for menus; files and studies come on top.

    ``populations``: metrics of sets too, for methods that learn from preferences.
    """
    scorers = bench.registry().backbones[backbone].scorers
    encoder = raters_of(bench, scorers)
    if encoder is not None:
        yield Source("annotator"), "raters of every taste"
        yield from ((Source("annotator", group=group), f"raters of {group} taste") for group in _groups(encoder))
        yield from (
            (Source("style", group=group), f"{group} style alone, always the same way") for group in _groups(encoder)
        )
    for metric in bench.scorers_for(scorers, ("all",))[0]:
        if metric.level == "image" and metric.axis == "alignment":
            yield Source("metric", metric.name), f"the higher {metric.title} wins"
        if populations and metric.level != "image" and metric.axis == "diversity":
            yield Source("metric", metric.name), f"the half with the higher {metric.title} wins"
