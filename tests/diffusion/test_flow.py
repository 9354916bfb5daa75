"""Flow models: stock diffusers bit for bit, what guidance means on them, and mutual information."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path

import pytest
import torch
from torch.nn.functional import interpolate

from t2ialign.diffusion.adapters import blend
from t2ialign.diffusion.backbone import Backbone, load_backbone
from t2ialign.diffusion.denoise import denoise, initial_noise
from t2ialign.diffusion.flow import FlowRunRequest, begin
from t2ialign.diffusion.generate import generate
from t2ialign.diffusion.information import renoised_information
from t2ialign.diffusion.noise import add_noise, output_of, predicted_x0
from t2ialign.diffusion.preview import fit_linear_map, linear_preview
from t2ialign.diffusion.schedulers import SchedulerRun
from t2ialign.diffusion.tally import FlowTally
from t2ialign.diffusion.text import unread_words
from t2ialign.diffusion.velocities import packed, unpacked
from t2ialign.guidance import GUIDANCE, begin_guidance, needs_of
from t2ialign.guidance.cfg import Cfg
from t2ialign.samplers import SCHEDULERS
from t2ialign.types import AdapterUse, GenerationConfig, InputError, Prompt, SeedBatch
from tests.tiny import SIDE
from tests.tiny_flow import (
    CHANNELS,
    FLOW_SHAPES,
    FlowShape,
    family_of,
    flow_entry,
    load_tiny_flow,
    save_flow_adapter,
    save_tiny_flow,
    stock_flow,
)

PROMPT, SEEDS, STEPS = "a red circle above a blue star", (3, 4, 5), 4
CONFIG = GenerationConfig("tiny", num_inference_steps=STEPS, height=SIDE, width=SIDE)
every = pytest.mark.parametrize("shape", FLOW_SHAPES)


def drawn(backbone: Backbone, seeds=SEEDS, prompt=PROMPT, **changed) -> SeedBatch:
    """The pictures of a config that differs from the usual one in what is said; ``checkpoints`` go to ``generate``."""
    checkpoints = changed.pop("checkpoints", None)
    config = dataclasses.replace(CONFIG, **changed)
    *_, batch = generate(backbone, Prompt(prompt), config, seeds, preview_every=0, checkpoints=checkpoints)
    return batch


def stock(folder: Path, shape: FlowShape, side: tuple[int, int] = (SIDE, SIDE), kind="np", **options) -> torch.Tensor:
    """What the stock pipeline makes of the same prompt, seeds and steps: pictures, or latents as pictures."""
    found = stock_flow(folder, shape)(
        PROMPT,
        num_images_per_prompt=len(SEEDS),
        generator=[torch.Generator().manual_seed(seed) for seed in SEEDS],
        num_inference_steps=STEPS,
        height=side[0],
        width=side[1],
        output_type=kind,
        **options,
    ).images
    if kind == "np":
        return torch.from_numpy((found * 255).round().astype("uint8")).movedim(-1, 1)
    return unpacked(found, side[0] // 8, side[1] // 8) if family_of(shape) == "flux" else found


def last(backbone: Backbone, guidance, side: tuple[int, int] = (SIDE, SIDE), negative: str = "", count: int = STEPS):
    embeds = [backbone.encode_prompts([text]) for text in (PROMPT, negative)]
    *_, step = denoise(backbone, *embeds, SEEDS, guidance, "ddim", count, *side)
    return step


def scaled(shape: FlowShape, scale: float) -> dict[str, float | str]:
    """How a stock pipeline is asked for classifier-free guidance of that scale."""
    if family_of(shape) == "sd3":
        return {"guidance_scale": scale}
    return {"true_cfg_scale": scale, "negative_prompt": ""}


@pytest.mark.slow
@every
def test_latents_are_stock_diffusers_bit_for_bit(shape, flow_folders, flows):
    """Of a size that is not square, so that FLUX.1-dev's schedule is shifted by another length than it would be here."""
    side = (2 * SIDE, SIDE)
    guidance = begin_guidance("true_cfg" if shape == "flux-dev" else "cfg", 4.0)
    expected = stock(flow_folders[shape], shape, side, "latent", **scaled(shape, 4.0))
    assert torch.equal(last(flows[shape], guidance, side).latents, expected)


@every
def test_embeddings_are_stock_diffusers(shape, flow_folders, flows):
    pipeline, ours = stock_flow(flow_folders[shape], shape), flows[shape].encode_prompts([PROMPT, ""])
    for row, text in enumerate((PROMPT, "")):
        if family_of(shape) == "sd3":
            tokens, _, pooled, _ = pipeline.encode_prompt(text, None, None)
        else:
            tokens, pooled, _ = pipeline.encode_prompt(text)
        assert torch.equal(ours.prompt_embeds[row], tokens[0]) and torch.equal(
            ours.pooled_prompt_embeds[row], pooled[0]
        )


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["sd-3", "sd-3.5", "flux-schnell"])
def test_pictures_are_stock_diffusers_with_true_cfg(shape, flow_folders, flows):
    expected = stock(flow_folders[shape], shape, **scaled(shape, 6.0))
    assert torch.equal(drawn(flows[shape], guidance_scale=6.0).images, expected)
    negative = scaled(shape, 6.0) | {"negative_prompt": "a small ring"}
    pictures = drawn(flows[shape], guidance_scale=6.0, negative_prompt="a small ring").images
    assert torch.equal(pictures, stock(flow_folders[shape], shape, **negative)) and not torch.equal(pictures, expected)


@pytest.mark.slow
def test_flux_dev_is_told_the_scale_and_asked_once(flow_folders, flows):
    """The page's guidance scale is FluxPipeline's; under true_cfg it is its true_cfg_scale."""
    backbone, folder = flows["flux-dev"], flow_folders["flux-dev"]
    pictures = {scale: drawn(backbone, guidance_scale=scale).images for scale in (1.0, 2.0, 8.0)}
    for scale, found in pictures.items():
        assert torch.equal(found, stock(folder, "flux-dev", guidance_scale=scale))
    assert not torch.equal(pictures[1.0], pictures[8.0])
    both = drawn(backbone, guidance="true_cfg", guidance_scale=3.0, guidance_params=(("embedded", 2.0),))
    expected = stock(folder, "flux-dev", guidance_scale=2.0, true_cfg_scale=3.0, negative_prompt="")
    assert torch.equal(both.images, expected)
    with pytest.MonkeyPatch.context() as patch:
        rows, forward = [], backbone.unet.forward
        patch.setattr(
            backbone.unet, "forward", lambda **said: rows.append(len(said["hidden_states"])) or forward(**said)
        )
        drawn(backbone)
        assert rows == [len(SEEDS)] * STEPS
        drawn(backbone, guidance="true_cfg")
        assert rows[STEPS:] == [len(SEEDS)] * 2 * STEPS


@pytest.mark.parametrize("shape", ["sd-3.5", "flux-schnell"])
def test_no_guidance_at_1_as_in_stock_diffusers(shape, flow_folders, flows):
    """Stock evaluates the prompt alone then, ours both: the same but for the last places."""
    options = {"guidance_scale": 1.0} if shape == "sd-3.5" else {}
    expected = stock(flow_folders[shape], shape, kind="latent", **options)
    torch.testing.assert_close(last(flows[shape], Cfg(1.0)).latents, expected, atol=1e-4, rtol=1e-4)


@every
def test_a_seed_does_not_depend_on_its_batch(shape, flows):
    whole, alone = drawn(flows[shape], (7, 1, 30)), drawn(flows[shape], (30,))
    assert (whole.images[2:].int() - alone.images.int()).abs().max() <= 1


def test_ddim_and_euler_are_one_step_on_a_flow(flows):
    """DDIM's rule worked out on x_s = (1 - s) x_0 + s noise, beside the scheduler's step; so both names give one picture."""
    backbone = flows["sd-3.5"]
    assert torch.equal(drawn(backbone).images, drawn(backbone, scheduler="euler").images)
    run = begin(FlowRunRequest("sd3", backbone.scheduler_config, "ddim", 5, (4, 4), "cpu"), flow=True)
    draw = torch.Generator().manual_seed(0)
    for index, timestep in enumerate(run.timesteps):
        level, following = (float(run.scheduler.sigmas[step]) for step in (index, index + 1))
        latents, velocity = (torch.randn(1, 4, 2, 2, generator=draw) for _ in range(2))
        x0 = predicted_x0(velocity, latents, 1 - level, "flow")
        noise = x0 + velocity
        expected = (1 - following) * x0 + following * noise
        torch.testing.assert_close(run.step(velocity, timestep, latents, []), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("level", [0.02, 0.5, 1.0])
def test_maths_of_a_flow_by_hand(level):
    x0, noise = torch.full((1, 1, 1, 1), 3.0), torch.full((1, 1, 1, 1), -1.0)
    noisy = add_noise(x0, noise, 1 - level, "flow")
    assert noisy.item() == pytest.approx((1 - level) * 3 - level)
    assert predicted_x0(noise - x0, noisy, 1 - level, "flow").item() == pytest.approx(3)
    assert output_of(x0, noisy, 1 - level, "flow").item() == pytest.approx(-4, abs=1e-4)


def test_packing_is_undone():
    latents = torch.randn(2, CHANNELS, 6, 4, generator=torch.Generator().manual_seed(0))
    rows = packed(latents)
    assert rows.shape == (2, 6, 4 * CHANNELS) and torch.equal(unpacked(rows, 6, 4), latents)


def alone(name: str) -> dict[str, float]:
    """The scale of a strategy that knows a single one."""
    return {"guidance_scale": 1.0} if name == "prompt_only" else {}


REFUSED = {"latent_particle", "s_cfg", "true_cfg", "attend_excite", "structured"}


@pytest.mark.slow
@pytest.mark.parametrize("name", GUIDANCE)
def test_each_strategy_on_velocities_or_one_sentence(name, flows, tmp_path):
    entry = save_flow_adapter(tmp_path / "a", "sd-3.5")
    with_adapter = {"adapters": (AdapterUse("a"),), "checkpoints": {"a": entry}} | alone(name)
    backbone = load_backbone(flows["sd-3.5"].entry, "cpu", "float32")
    if name in REFUSED:
        with pytest.raises(InputError, match=r"choose (another|cfg)\."):
            drawn(backbone, guidance=name, **with_adapter)
        return
    batch = drawn(backbone, guidance=name, **with_adapter)
    assert batch.mutual_information.isfinite().all() == needs_of(name).information
    plain = drawn(backbone, **with_adapter).images
    if name == "prompt_only":  # at CFG 1 plain guidance is the same model, up to rounding
        assert (batch.images.int() - plain.int()).abs().max() <= 1
    else:
        assert torch.equal(batch.images, plain) == (name == "cfg")


@pytest.mark.parametrize("name", GUIDANCE)
def test_each_strategy_where_the_network_guides_by_itself(name, flow_folders, tmp_path):
    """Those that do something besides the difference of two predictions do it; the others are refused."""
    entry = save_flow_adapter(tmp_path / "a", "flux-dev")
    backbone = load_tiny_flow(flow_folders["flux-dev"], "flux-dev")
    said = {"guidance": name, "adapters": (AdapterUse("a"),), "checkpoints": {"a": entry}} | alone(name)
    if needs_of(name).embedded == "nothing" or needs_of(name).not_on_flow:
        with pytest.raises(InputError, match="flux|tiny guides by itself|has no meaning on the flow model tiny"):
            drawn(backbone, **said)
        return
    batch = drawn(backbone, **said)
    assert batch.mutual_information.isnan().all() and batch.mutual_information_map is None
    plain = drawn(backbone, **{**said, "guidance": "cfg"}).images
    assert torch.equal(batch.images, plain) == (name == "cfg")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"scheduler": "dpmsolver++"}, "is for diffusion models, and tiny is a flow model: choose ddim or euler"),
        ({"guidance": "apg"}, "no difference of two predictions for guidance apg"),
        ({"negative_prompt": "a ring"}, "reads no negative prompt under guidance cfg"),
        ({"height": SIDE + 8}, "multiples of 16"),
    ],
)
def test_what_a_flow_model_has_no_use_for(changed, says, flows):
    with pytest.raises(InputError, match=says):
        drawn(flows["flux-dev"], **changed)


def test_a_picture_beyond_the_places_of_its_network_is_refused(flows):
    """The tiny SD-3.5 has 16 places a side for tokens of 16 pixels."""
    assert flows["sd-3.5"].latent_shape(64, 256) == (16, 8, 32)
    with pytest.raises(InputError, match="tiny draws at most 256 pixels a side, not 272"):
        drawn(flows["sd-3.5"], width=272)


@pytest.mark.parametrize("name", [name for name, choice in SCHEDULERS.items() if not choice.flow])
def test_samplers_of_diffusions_are_refused(name, flows):
    with pytest.raises(InputError, match=f"The scheduler {re.escape(name)} is for diffusion models"):
        drawn(flows["sd-3"], scheduler=name)


def test_cfg_zero_stands_still(flows):
    """A velocity of zero: the first latents are the noise that the run began with."""
    backbone = flows["sd-3.5"]
    embeds = [backbone.encode_prompts([text]) for text in (PROMPT, "")]
    guidance = begin_guidance("cfg_zero", 5.0, [("zero_steps", 1.0)])
    steps = denoise(backbone, *embeds, SEEDS, guidance, "ddim", STEPS, SIDE, SIDE)
    noise = initial_noise(backbone.latent_shape(SIDE, SIDE), [torch.Generator().manual_seed(seed) for seed in SEEDS])
    assert torch.equal(next(steps).latents, noise)
    assert not torch.equal(next(steps).latents, noise)


class Channel:
    """A scheduler's noise levels, which is all that a tally reads of one."""

    def __init__(self, levels: list[float]) -> None:
        self.sigmas = torch.tensor([*levels, 0.0], dtype=torch.float64)


@pytest.mark.slow
def test_information_of_a_channel_that_is_known():
    """x = y + noise of variance 1 under y of variance 3: I(x; y) = log(4) / 2, from both integrands.

    Velocities are noise - x as the best guesses see them in z_s, with y known (cond) and unknown (uncond).
    """
    pairs, draw = 40_000, torch.Generator().manual_seed(0)
    y = math.sqrt(3) * torch.randn(pairs, 1, 1, 1, generator=draw, dtype=torch.float64)
    x = y + torch.randn(pairs, 1, 1, 1, generator=draw, dtype=torch.float64)
    levels = torch.linspace(1, 0.005, 200).tolist()
    tally = FlowTally(SchedulerRun(Channel(levels), SCHEDULERS["euler"], flow=True), x)
    for index, level in enumerate(levels):
        noisy = (1 - level) * x + level * torch.randn(x.shape, generator=draw, dtype=torch.float64)

        def seen(mean, variance, noisy=noisy, level=level):
            total = (1 - level) ** 2 * variance + level**2
            away = noisy - (1 - level) * mean
            return level * away / total - (mean + (1 - level) * variance * away / total)

        known = seen(y, 1.0)
        tally.add(index, known, seen(torch.zeros_like(y), 4.0), known)
    assert tally.estimate.mean().item() == pytest.approx(math.log(4) / 2, rel=0.03)
    assert tally.span == pytest.approx(1.0)
    # RFMI's integrand: the plain mean over 0.05 < s < 1 of evenly spread steps, whose integral leaves the ends out
    span = (1 - 0.05) * tally.released.mean().item()
    assert span == pytest.approx(math.log(4) / 2 - left_out_below(0.05), rel=0.08)


def left_out_below(level: float) -> float:
    """The integral of (1 - s) / s E|v(y) - v|^2 below a noise level for that channel, by the I-MMSE relation in closed form."""
    snr = ((1 - level) / level) ** 2
    return math.log(4) / 2 - (math.log1p(4 * snr) - math.log1p(snr)) / 2


@pytest.mark.parametrize("shape", ["sd-3", "flux-schnell"])
def test_mutual_information_is_the_slow_sum(shape, flows):
    """Recomputed from the trajectory, step by step in float64, from velocities of each prompt by itself."""
    backbone = flows[shape]
    cond, uncond = (backbone.encode_prompts([text]).repeat(len(SEEDS)) for text in (PROMPT, ""))
    before = initial_noise(backbone.latent_shape(SIDE, SIDE), [torch.Generator().manual_seed(seed) for seed in SEEDS])
    shift = 3.0 if shape == "sd-3" else 1.0
    first = [1 - k / STEPS for k in range(STEPS)]
    if shape == "sd-3":  # SD-3's scheduler begins from ends that are shifted already
        low = shift / 1000 / (1 + (shift - 1) / 1000)
        first = [1 + (low - 1) * k / (STEPS - 1) for k in range(STEPS)]
    levels = [*[shift * s / (1 + (shift - 1) * s) for s in first], 0.0]
    total, terms, scale = torch.zeros(len(SEEDS), dtype=torch.float64), [], 5.0
    embeds = [backbone.encode_prompts([text]) for text in (PROMPT, "")]
    for index, step in enumerate(denoise(backbone, *embeds, SEEDS, Cfg(scale), "ddim", STEPS, SIDE, SIDE)):
        level = levels[index]
        assert step.timestep == pytest.approx(1000 * level, rel=1e-4)
        with torch.no_grad():
            said, none = (
                backbone.predict_noise(before, torch.tensor(step.timestep), one).double() for one in (cond, uncond)
            )
        weight, guided = (1 - level) / level, none + scale * (said - none)
        total += (level - levels[index + 1]) * weight * (said - none).square().sum((1, 2, 3))
        if 0.05 < level < 1:
            terms.append(weight * (guided * (guided - none)).sum((1, 2, 3)))
        close = {"rtol": 1e-3, "atol": 1e-5, "check_dtype": False}
        torch.testing.assert_close(step.mutual_information, total / (1 - levels[index + 1]), **close)
        if terms:
            torch.testing.assert_close(step.mutual_information_released, torch.stack(terms).mean(0), **close)
        before = step.latents
    torch.testing.assert_close(step.mutual_information_map.sum((1, 2)), step.mutual_information)
    assert (step.mutual_information > 0).all()


def test_information_of_any_picture(flows):
    """Re-noised: nothing without a prompt, above 0 with one, the same for the same picture."""
    backbone = flows["sd-3.5"]
    latents = torch.randn(2, CHANNELS, 4, 4, generator=torch.Generator().manual_seed(1))
    said, empty = (backbone.encode_prompts([text]) for text in (PROMPT, ""))
    found = renoised_information(backbone, torch.cat([latents, latents[:1]]), said, empty, [250, 750])
    assert (found.paper > 0).all()
    torch.testing.assert_close(found.paper[0], found.paper[2], rtol=1e-4, atol=1e-6)
    assert not renoised_information(backbone, latents, empty, empty, [250, 750]).paper.any()


@pytest.mark.slow
def test_prompts_are_read_as_far_as_the_t5_reads(flow_folders, flows, tmp_path):
    """Not as far as the CLIPs: SD-3's T5 reads 256 tokens, FLUX.1's 512; where SD-3's is left out it is the CLIPs'."""
    words = " ".join(["red"] * 600)
    for shape, tokens in (("sd-3", 256), ("flux-dev", 512)):
        said = flows[shape].encode_prompts([words]).truncated[0]
        assert said == " ".join(["red"] * (600 - tokens + 1)) == unread_words(flow_folders[shape], words)
    folder = save_tiny_flow(tmp_path, "sd-3", t5=False)
    short = load_tiny_flow(folder, "sd-3").encode_prompts([PROMPT, words])
    assert short.truncated[0] == "" and short.truncated[1] == unread_words(folder, words) != ""
    tokens, *_ = stock_flow(folder, "sd-3").encode_prompt(PROMPT, None, None)
    assert torch.equal(short.prompt_embeds[:1], tokens)


@pytest.mark.parametrize("shape", ["sd-3", "flux-schnell"])
def test_previews_of_sixteen_channels(shape, flows):
    """The linear map is made for latents of sixteen channels and a shift, and nearer to the picture than one colour is."""
    backbone = flows[shape]
    colors = fit_linear_map(backbone)
    assert colors.shape == (3, CHANNELS + 1)
    draw = torch.Generator().manual_seed(5)
    smooth = interpolate(
        torch.rand(4, 3, 3, 3, generator=draw), size=16 * backbone.pixels_per_latent, mode="bicubic"
    ).clamp(0, 1)
    latents = backbone.encode((smooth * 255).round().to(torch.uint8))
    seen, meant = linear_preview(colors, latents).float(), backbone.decode(latents).float()
    assert seen.shape == (4, 3, 16, 16)
    cells = torch.nn.functional.adaptive_avg_pool2d(meant, 16)
    assert (seen - cells).abs().mean() <= (cells - cells.mean((0, 2, 3), keepdim=True)).abs().mean() + 0.5


@every
def test_encoding_is_the_inverse_of_stock_decoding(shape, flow_folders, flows):
    """Latents as diffusers' training scripts have them: (z - shift) scale."""
    vae = stock_flow(flow_folders[shape], shape).vae
    pictures = torch.randint(0, 256, (2, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    mode = vae.encode(pictures.float() / 127.5 - 1).latent_dist.mode()
    expected = (mode - vae.config.shift_factor) * vae.config.scaling_factor
    torch.testing.assert_close(flows[shape].encode(pictures), expected)


@pytest.mark.parametrize("shape", ["flux-dev", "flux-schnell"])
def test_a_registry_that_is_wrong_about_the_network(shape, flow_folders):
    wrong = dataclasses.replace(flow_entry(flow_folders[shape], shape), embedded_scale=shape != "flux-dev")
    right = str(shape == "flux-dev").lower()
    with pytest.raises(InputError, match=f"write embedded_scale = {right} in its entry"):
        load_backbone(wrong, "cpu", "float32")


@pytest.mark.slow
def test_half_precision_stays_near(flow_folders, flows):
    half = last(load_tiny_flow(flow_folders["sd-3.5"], "sd-3.5", "bfloat16"), Cfg(1.0)).latents
    exact = last(flows["sd-3.5"], Cfg(1.0)).latents
    assert half.dtype == torch.float32 and (half - exact).norm() / exact.norm() < 0.05


@pytest.mark.slow
def test_the_base_is_the_blend_at_weight_0(flow_folders, tmp_path):
    backbone = load_tiny_flow(flow_folders["sd-3"], "sd-3")
    entry = save_flow_adapter(tmp_path / "a", "sd-3", "dora")
    latents = [last(blend(backbone, [AdapterUse("a", w)], {"a": entry}), Cfg(3.0)).latents for w in (0.0, 0.5, 1.0)]
    assert torch.equal(latents[0], last(backbone, Cfg(3.0)).latents)
    assert (latents[1] - latents[0]).norm() > 0 and (latents[2] - latents[1]).norm() > 0
