"""How the conditional and the unconditional prediction of a step are combined: one strategy a file.

``GUIDANCE`` is the menu: the key is the file's name, the test file's name and ``GenerationConfig.guidance``. A strategy
is a frozen dataclass whose fields are its parameters (``guidance_scale`` first), with

- ``needs``: what it asks of the loop, and so what a step costs (``needs.Needs``);
- ``begin()``: the strategy for one generation, which may carry memory from step to step (itself where it has none);
- ``__call__(noise_cond, noise_uncond, progress)``: the guided prediction of one step, or ``guide(step)`` where it needs
  more than these two (``needs.GuidanceStep``);
- and, where it does so, ``condition`` (changes the prompts' embeddings), ``adapter_share`` (turns the adapters down), ``move``
  (moves the latents before the predictions) or ``passes_on`` (changes what cross-attention passes on of the prompt).

Both predictions are always computed (but for ``prompt_only``), even where a strategy ignores one (a ``guidance_scale`` of
1, outside an interval): the mutual information of picture and prompt is read off their difference. Predictions are the
model's own outputs: noise for epsilon models, velocity for v-prediction and flow models; affine combinations mean the same
in all. A network that has the guidance scale for an input is asked for the prompt alone (``needs.embedded``).
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from t2ialign.guidance.adapter_ramp import AdapterRamp
from t2ialign.guidance.aig import Aig
from t2ialign.guidance.apg import Apg
from t2ialign.guidance.attend_excite import AttendExcite
from t2ialign.guidance.autoguidance import Autoguidance
from t2ialign.guidance.cads import Cads
from t2ialign.guidance.cfg import Cfg
from t2ialign.guidance.cfg_norm import CfgNorm
from t2ialign.guidance.cfg_rescale import CfgRescale
from t2ialign.guidance.cfg_zero import CfgZero
from t2ialign.guidance.dynamic_threshold import DynamicThreshold
from t2ialign.guidance.interval import LimitedInterval
from t2ialign.guidance.latent_particle import LatentParticle
from t2ialign.guidance.needs import Needs, StepGuidance
from t2ialign.guidance.other_checkpoint import named_by, uses_in
from t2ialign.guidance.prompt_only import PromptOnly
from t2ialign.guidance.s_cfg import SCfg
from t2ialign.guidance.structured import Structured
from t2ialign.guidance.true_cfg import TrueCfg
from t2ialign.limits import check_guidance_scale
from t2ialign.names import BATCH, BY_RULE, as_said, unknown
from t2ialign.types import Guidance, InputError

Params = tuple[tuple[str, float | str], ...]

GUIDANCE: dict[str, Any] = {
    "cfg": Cfg,
    "interval": LimitedInterval,
    "apg": Apg,
    "aig": Aig,
    "adapter_ramp": AdapterRamp,
    "cads": Cads,
    "cfg_norm": CfgNorm,
    "cfg_rescale": CfgRescale,
    "dynamic_threshold": DynamicThreshold,
    "cfg_zero": CfgZero,
    "autoguidance": Autoguidance,
    "latent_particle": LatentParticle,
    "s_cfg": SCfg,
    "attend_excite": AttendExcite,
    "structured": Structured,
    "true_cfg": TrueCfg,
    "prompt_only": PromptOnly,
}


def begin_guidance(
    name: str, guidance_scale: float, params: Iterable[tuple[str, float | str]] = ()
) -> Guidance | StepGuidance:
    """A strategy of the menu, fresh for one generation; ``params`` are its own fields as (name, value) pairs."""
    check_guidance_scale(guidance_scale)
    own = defaults_of(name)
    given = dict(params)
    for param, value in given.items():
        if param not in own and param != BATCH:
            raise InputError(f"Guidance {name} has no parameter {param!r}: it has {', '.join(own) or 'none'}.")
        if isinstance(own.get(param), str) and not isinstance(value, str):
            raise InputError(f"The parameter {param} of guidance {name} is a name, and {value:g} is a number.")
        if not isinstance(own.get(param), str) and (isinstance(value, str) or not math.isfinite(value)):
            raise InputError(f"The parameter {param} of guidance {name} must be a finite number.")
    if BATCH in given and not GUIDANCE[name].needs.whole_batch:
        raise InputError(f"Guidance {name} makes each picture by itself: there is no {BATCH} to give.")
    guidance: Guidance | StepGuidance = GUIDANCE[name](guidance_scale, **given).begin()
    return guidance


def needs_of(name: str) -> Needs:
    """What a strategy of the menu asks of the loop."""
    if name not in GUIDANCE:
        raise unknown("guidance strategy", name, GUIDANCE)
    needs: Needs = GUIDANCE[name].needs
    return needs


def title_of(name: str) -> str:
    """A strategy in words: how its file introduces it, without the source."""
    module = inspect.getmodule(GUIDANCE[name])
    first_line = ((module.__doc__ if module else None) or name).strip().splitlines()[0]
    return first_line.partition(" (")[0].partition(":")[0]


def defaults_of(name: str) -> Mapping[str, float | str]:
    """The parameters of a strategy that people may choose, with their defaults; ``guidance_scale`` is none of them.

    One whose default is a text ("") names something: another checkpoint, or who reads the prompt's phrases.
    """
    if name not in GUIDANCE:
        raise unknown("guidance strategy", name, GUIDANCE)
    own = (field for field in fields(GUIDANCE[name]) if field.name not in ("guidance_scale", BATCH))
    return {field.name: field.default for field in own}  # type: ignore[misc]  # every field has a number or a text for a default


def fitted_params(name: str, given: Params, small: bool, flow: bool = False) -> Params:
    """What was given and, on models of small pictures and on flow models, what suits these; without what is the default."""
    needs, defaults = needs_of(name), defaults_of(name)
    found = {**dict(needs.small if small else ()), **dict(needs.flow if flow else ()), **dict(given)}
    return tuple(sorted((param, value) for param, value in found.items() if value != defaults.get(param)))


def spelled_params(name: str, params: Params) -> Params:
    """A config's parameters as a request gives them, so that no default of some models takes their place.

    A checkpoint that they name is as people write it, without its content, and whoever reads phrases is named.
    """
    if name not in GUIDANCE:
        return params
    defaults, needs = defaults_of(name), needs_of(name)
    if needs.reader:
        params = tuple({needs.reader: BY_RULE, **dict(params)}.items())
    said = {param: as_said(value) if isinstance(value, str) else value for param, value in params}
    return tuple(sorted({**{param: defaults[param] for param in needs.elsewhere}, **said}.items()))


def read_params(name: str, said: str) -> Params:
    """Parameters as people write them, ``power=2, start=0.6``, in order and without those that are the default anyway.

    A parameter whose default is a text is a name, as in ``weaker_checkpoint=early@0.5``; whether there is such a thing is not
    looked at here.
    One that has another default on some models stays: nobody knows here which model it is for.

    Raises:
        InputError: an unknown strategy, something that is no ``name=number``, or a value that the strategy refuses.
    """
    defaults = defaults_of(name)
    given: dict[str, float | str] = {}
    for part in filter(None, (part.strip() for part in said.replace(":", ",").split(","))):
        param, equals, value = (piece.strip() for piece in part.partition("="))
        found = _value(value, isinstance(defaults.get(param), str)) if equals else math.nan
        if param == needs_of(name).checkpoint and value:
            uses_in(value)
        given[param] = found
        if param == BATCH or (isinstance(found, float) and math.isnan(found)):
            example = ", ".join(f"{own}={as_said(default)}" for own, default in defaults.items())
            raise InputError(
                f"{part[:40]!r} is no parameter of guidance {name}: write {example}."
                if example
                else f"Guidance {name} has no parameters; leave them empty."
            )
    begin_guidance(name, 1.0, given.items())
    kept = needs_of(name).elsewhere
    return tuple(sorted((one, value) for one, value in given.items() if value != defaults.get(one) or one in kept))


def _value(said: str, text: bool) -> float | str:
    """A parameter's value, NaN for what is no number where one is wanted."""
    if text:
        return said
    try:
        return float(said)
    except ValueError:
        return math.nan


def read_strategy(said: str) -> tuple[str, Params]:
    """A strategy as people write it: ``aig``, or ``aig:power=4`` with parameters.

    Raises:
        InputError: as ``read_params``.
    """
    name, _, params = said.strip().partition(":")
    return name, read_params(name, params)


def other_checkpoint(name: str, params: Iterable[tuple[str, float | str]]) -> str:
    """The checkpoint that a strategy's parameters name, as they have it; "" for none."""
    return named_by(needs_of(name).checkpoint, params)


def phrase_reader(name: str, params: Iterable[tuple[str, float | str]]) -> str:
    """Who reads a prompt's phrases under a config's parameters."""
    return named_by(needs_of(name).reader, params) or BY_RULE
