"""What a method that draws is asked for and cannot have, known before anything is drawn: a lambda, or a judge of steps."""

from __future__ import annotations

from t2ialign import settings
from t2ialign.methods.method import Method, Settings
from t2ialign.methods.options import MMD
from t2ialign.registry import BackboneEntry
from t2ialign.shapes import step_scorer
from t2ialign.training.experience import Branches, Collector
from t2ialign.training.on_policy import Recipe
from t2ialign.types import Encoder, InputError
from t2ialign.use_cases.workbench import Workbench

TASTE = "taste"
STEP_SCORER = step_scorer.FOLDER


def check_drawing(bench: Workbench, method: Method, asked: Settings, entry: BackboneEntry) -> None:
    """Refuses a lambda that counts for nothing, and a step-aware judge that is not here. ``InputError`` says what to do."""
    if method.recipe is None:
        return
    recipe = method.recipe_of(asked)
    if not isinstance(recipe, Recipe):
        return
    _check_lambda(method, recipe.collector, asked)
    if isinstance(recipe.collector, Branches) and recipe.collector.step_aware:
        _check_step_judge(bench, entry)


def _check_lambda(method: Method, collector: Collector, asked: Settings) -> None:
    """A picture's share is the set's diversity less that of the set without it, and one picture has any by mmd alone."""
    together, rollouts = collector.together, asked.rollouts
    if not rollouts.diversity_weight or together > 2 or (together == 2 and rollouts.diversity_metric == MMD):
        return
    why = (
        "Of two pictures neither adds more to diversity than the other"
        if together == 2
        else "One picture has no diversity"
    )
    more = "" if "candidates" in method.hidden else "draw at least three of a prompt (--candidates 3), "
    nearness = f"take nearness to the base (--diversity-metric {MMD}), " if together == 2 else ""
    raise InputError(f"{why}, so lambda counts for nothing in {method.title} here: {more}{nearness}or set lambda to 0.")


def _check_step_judge(bench: Workbench, entry: BackboneEntry) -> None:
    if raters_of(bench, entry.scorers) is None:
        raise InputError(
            f"No step-aware preference model of {entry.name} is known here: switch step_aware off, and the reward judges "
            "what each step sees."
        )
    step_scorer.weights_in(settings.CHECKPOINTS / STEP_SCORER)


def raters_of(bench: Workbench, scorers: tuple[str, ...]) -> Encoder | None:
    """The first of the scorers that is here and knows what raters feel."""
    for name in scorers:
        try:
            encoder = bench.encoder(name)
        except InputError:  # weights out of reach: some other scorer
            continue
        if TASTE in encoder.provides:
            return encoder
    return None
