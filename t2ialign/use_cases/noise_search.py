"""DNO as a use case: one picture's noise moved up a reward's slope, watched as it happens; nothing is trained or stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jaxtyping import UInt8
from torch import Tensor

from t2ialign.diffusion.adapters import blend
from t2ialign.diffusion.backbone import Backbone
from t2ialign.diffusion.noise_search import SearchPlan, search_noise
from t2ialign.limits import check_guidance_scale, check_prompt, check_seeds, check_steps
from t2ialign.registry import BackboneEntry, resolve
from t2ialign.source import Source, known
from t2ialign.training.chains import ddim_chain
from t2ialign.training.data import prompt_table
from t2ialign.training.guided import guided_policy
from t2ialign.training.plan import PRECISIONS
from t2ialign.types import AdapterUse, InputError, Prompt
from t2ialign.use_cases.align.sloped import Yardstick, check_slope, yardstick_of
from t2ialign.use_cases.workbench import Workbench

TITLE = "DNO"


@dataclass(frozen=True)
class NoiseRequest:
    """A picture to search for: of which prompt and checkpoint, by which reward, drawn and searched how."""

    prompt: Prompt
    checkpoint: str = "base"
    reward: Source = Source("metric", "clip_score")
    guidance_scale: float = 4.0
    num_inference_steps: int = 10
    search: SearchPlan = SearchPlan()


@dataclass(frozen=True)
class FoundPicture:
    """The picture after ``step`` steps (0: as drawn), its reward, and how unlikely its noise is."""

    step: int
    picture: UInt8[Tensor, "3 h w"]
    reward: float
    unlikely: float


def search(bench: Workbench, request: NoiseRequest) -> Iterator[FoundPicture]:
    """Every step of the search.

    Raises:
        InputError: an unknown checkpoint, a model without steps of DDIM, a reward without a slope, a number out of range.
    """
    scale, steps = check_guidance_scale(request.guidance_scale), check_steps(request.num_inference_steps)
    check_prompt(request.prompt.text)
    check_seeds((request.search.seed,))
    _check(request.search)
    source = known(request.reward)
    entry, adapters = resolve(request.checkpoint, bench.registry())
    view, yardstick = _ready(bench, entry, adapters, source)
    chain = ddim_chain(view, steps)
    reward = check_slope(view, (request.prompt,), yardstick)
    policy = guided_policy(view, prompt_table(view, [request.prompt.text]), scale, PRECISIONS[view.dtype])

    def predict(latents: Tensor, index: int) -> Tensor:
        return policy.predict(latents, chain.timesteps[index][None], chain.timesteps.new_zeros(1))

    channels, height, width = view.latent_shape(entry.size, entry.size)
    bars = (chain.alpha_bars, chain.alpha_bars_after)
    for found in search_noise(
        request.search, (channels, height, width), bars, predict, lambda latents: reward(latents, 0)
    ):
        yield FoundPicture(found.step, view.decode(found.latents)[0], found.reward, found.unlikely)


def _ready(
    bench: Workbench, entry: BackboneEntry, adapters: tuple[AdapterUse, ...], source: Source
) -> tuple[Backbone, Yardstick]:
    """The model, and what marks its pictures."""
    yardstick = yardstick_of(bench, entry, source, TITLE)
    return blend(bench.backbone(entry), adapters, bench.registry().checkpoints), yardstick


def _check(plan: SearchPlan) -> None:
    if not 0 <= plan.steps <= 10_000 or not plan.learning_rate > 0 or not plan.gamma >= 0 or not 0 <= plan.eta <= 1:
        raise InputError(
            "A search takes 0 to 10000 steps of a rate above 0, with gamma at least 0 and eta from 0 to 1."
        )
