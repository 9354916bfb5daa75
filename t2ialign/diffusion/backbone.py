"""A frozen base model with everything hidden in which the embedded model, SD-1.5 to SDXL and the flow models differ.

Latents are float32 and in the VAE's scaled space; networks compute in the backbone's ``dtype`` and their predictions
come back as float32. Timesteps are the training schedule's (0 to 999), of a flow its noise levels times 1000.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError
from jaxtyping import Float, UInt8
from torch import Tensor

from t2ialign.content import INDEX, SETTINGS, WEIGHTS, cached, snapshot_sha
from t2ialign.diffusion.autoencoders import Coder, coder_of
from t2ialign.diffusion.flow import FlowRunRequest, begin
from t2ialign.diffusion.inputs import check_places
from t2ialign.diffusion.memory import in_pieces
from t2ialign.diffusion.noise import Prediction
from t2ialign.diffusion.offload import place
from t2ialign.diffusion.pipelines import NOT_NEEDED, check_prediction, left_empty, read_pipeline, stock_pipeline
from t2ialign.diffusion.prompt_memory import PromptMemory
from t2ialign.diffusion.schedulers import SchedulerRun
from t2ialign.diffusion.switch import BASE, AdapterSwitch, Pass
from t2ialign.diffusion.text import PromptEmbeds, TextEncoder, mixed, stack
from t2ialign.diffusion.velocities import FlowInput, velocity
from t2ialign.downloads import fill, listed_now
from t2ialign.model_families import Family
from t2ialign.names import unknown
from t2ialign.network import Show, unwatched, why_offline, without_bars
from t2ialign.registry import BackboneEntry, revision_of
from t2ialign.types import InputError

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
USUAL_SCALE = 3.5  # what FLUX.1-dev's pipeline and diffusers' training script tell its network


@dataclass(frozen=True)
class Backbone:
    """One loaded model. ``adapters.blend`` returns views of it: same networks, other adapters on (``passes``).

    ``unet`` is the network that predicts, which is a transformer in a flow model. ``revision`` identifies all that was
    loaded, as ``registry.revision_of`` does. ``embedded_scale`` is the guidance scale that a guidance-distilled network is
    told, None for every other; views for sampling have their own. ``prompts`` remembers embeddings for all views.
    """

    entry: BackboneEntry
    revision: str
    device: str
    dtype: str
    unet: Any
    vae: Any
    text: TextEncoder
    scheduler_config: Mapping[str, Any]
    switch: AdapterSwitch
    passes: tuple[Pass, ...] = BASE
    embedded_scale: float | None = None
    prompts: PromptMemory = field(default_factory=PromptMemory, compare=False, repr=False)

    @property
    def prediction(self) -> Prediction:
        prediction: Prediction = "flow" if self.flow else self.scheduler_config["prediction_type"]
        return prediction

    @property
    def flow(self) -> bool:
        """Whether it is a rectified flow."""
        return self.entry.family_traits.flow

    @property
    def coder(self) -> Coder:
        """Its autoencoder between latents and pixels."""
        return coder_of(self.entry.family, self.vae)

    @property
    def pixels_per_latent(self) -> int:
        return self.coder.pixels_per_latent

    @property
    def pixels_per_patch(self) -> int:
        """What the sides of pictures must be multiples of: some transformers read latents in squares of cells."""
        return self.pixels_per_latent * self.entry.family_traits.patch

    def latent_shape(self, height: int, width: int) -> tuple[int, int, int]:
        """Channels, height and width of the latents of a picture of that many pixels.

        Raises:
            InputError: the network has no places for so many.
        """
        check_places(self.entry, self.unet.config.get("pos_embed_max_size"), max(height, width), self.pixels_per_patch)
        channels = self.coder.channels if self.flow else self.unet.config["in_channels"]
        return channels, height // self.pixels_per_latent, width // self.pixels_per_latent

    def begin(self, scheduler: str, steps: int, height: int, width: int) -> SchedulerRun:
        """A run from noise to a picture of that size on this model's own noise schedule."""
        _, *latents = self.latent_shape(height, width)
        asked = FlowRunRequest(
            self.entry.family, self.scheduler_config, scheduler, steps, (latents[0], latents[1]), self.device
        )
        return begin(asked, self.flow)

    def told(self, scale: float) -> Backbone:
        """A view whose network is told that guidance scale, where it has one for an input; this one where it has not."""
        return self if self.embedded_scale is None else replace(self, embedded_scale=scale)

    @torch.no_grad()
    def encode_prompts(self, prompts: Sequence[str], negative: bool = False) -> PromptEmbeds:
        """Embeddings of the prompts; that of "" is what the model was trained to take for no prompt.

        ``negative``: they are what guidance leads away from, which some families read in another way.
        Where adapters of this view have a part in a text encoder, embeddings are blended as predictions are.
        """
        with self.switch.lock:
            passes = self.switch.in_text(self.passes)
            return stack([self._said(prompt, negative, passes) for prompt in prompts]).to(self.device)

    def _said(self, prompt: str, negative: bool, passes: tuple[Pass, ...]) -> PromptEmbeds:
        """One prompt's embeddings on the CPU, encoded where they are not remembered."""
        state = (self.switch.loads, *((one.adapters, one.share) for one in passes))
        return self.prompts.recall((prompt, negative, state), lambda: self._encoded(prompt, negative, passes))

    def _encoded(self, prompt: str, negative: bool, passes: tuple[Pass, ...]) -> PromptEmbeds:
        parts = []
        for one in passes:
            if self.switch.with_text:
                self.switch.turn_on(one.adapters, one.unets)
            parts.append((one.share, self.text.encode([prompt], negative)))
        return mixed(parts)

    def predict_noise(
        self, latents: Float[Tensor, "n c h w"], timesteps: Tensor | int, embeds: PromptEmbeds
    ) -> Float[Tensor, "n c h w"]:
        """The model's own output (noise, or a velocity where ``prediction`` says so) with this view's adapters on.

        ``timesteps``: one for all or one a picture. Gradients flow wherever the caller lets them.
        """
        latents = latents.to(DTYPES[self.dtype])
        parts = []
        with self.switch.lock:
            for one in self.switch.actual(self.passes):
                self.switch.turn_on(one.adapters, one.unets)
                output = self._output(latents, timesteps, embeds).float()
                parts.append(output if one.share == 1 else one.share * output)
        return parts[0] if len(parts) == 1 else torch.stack(parts).sum(0)

    def _output(self, latents: Float[Tensor, "n c h w"], timesteps: Tensor | int, embeds: PromptEmbeds) -> Tensor:
        """One evaluation of the network as it stands."""
        if self.flow:
            times = torch.as_tensor(timesteps, dtype=torch.float32, device=latents.device).expand(len(latents))
            return velocity(self.unet, self.entry.family, FlowInput(latents, times, embeds, self.embedded_scale))
        pooled = embeds.pooled_prompt_embeds
        extra = {} if pooled is None else {"added_cond_kwargs": self._added(latents, pooled)}
        output: Tensor = self.unet(latents, timesteps, embeds.prompt_embeds, **extra, return_dict=False)[0]
        return output

    def _added(self, latents: Tensor, pooled: Float[Tensor, "b p"]) -> dict[str, Tensor]:
        """SDXL's second condition: pooled text, and original size, crop and target size of the picture."""
        height, width = (side * self.pixels_per_latent for side in latents.shape[-2:])
        time_ids = torch.tensor([[height, width, 0, 0, height, width]], dtype=pooled.dtype, device=pooled.device)
        return {"text_embeds": pooled, "time_ids": time_ids.repeat(len(pooled), 1)}

    @torch.no_grad()
    def decode(
        self, latents: Float[Tensor, "n c h w"], tiled: Callable[[], None] = lambda: None
    ) -> UInt8[Tensor, "n 3 hh ww"]:
        """Pictures of latents, on the CPU; where there is no room, one after the other.

        A picture that has none by itself is decoded in tiles, where seams may show; ``tiled`` is called then.
        """

        @contextmanager
        def in_tiles() -> Iterator[None]:
            tiled()
            self.vae.enable_tiling()
            try:
                yield
            finally:
                self.vae.disable_tiling()

        return in_pieces(self._decoded, latents, in_tiles)

    def _decoded(self, latents: Float[Tensor, "n c h w"]) -> UInt8[Tensor, "n 3 hh ww"]:
        pixels = self.pixels(latents)
        if not pixels.isfinite().all():  # they would be black
            precision = (
                "" if self.dtype == "float32" else ", or compute in float32 (dtype of its entry in the registry)"
            )
            raise InputError(
                f"{self.entry.name} computed a picture whose numbers are not finite: lower the weights of its adapters, or "
                f"CFG{precision}."
            )
        return (pixels * 255).round().to(torch.uint8).cpu()

    def pixels(self, latents: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 3 hh ww"]:
        """Pictures in [0, 1], on the model's device; gradients flow wherever the caller lets them, but for values at an end."""
        pixels = self.coder.decoded(latents.to(self.vae.dtype)).float()
        return (pixels * 0.5 + 0.5).clamp(0, 1)

    @torch.no_grad()
    def encode(self, images: UInt8[Tensor, "n 3 hh ww"]) -> Float[Tensor, "n c h w"]:
        """Latents of pictures: the means of the VAE's posterior, scaled."""
        return self.coder.encoded((images.to(self.device).float() / 127.5 - 1).to(self.vae.dtype))


def load_backbone(entry: BackboneEntry, device: str, dtype: str) -> Backbone:
    """Loads a backbone of the registry, from its folder or from the Hub (its cache first), in one of ``DTYPES``.

    Where the device has no room for all its networks at once, they take turns there (``offload``).

    Raises:
        InputError: it is not to be had, is damaged or of another kind, or not even its largest network fits.
    """
    if dtype not in DTYPES:
        raise unknown("precision", dtype, DTYPES)
    variant = variant_of(entry, dtype)
    folder = entry.source if isinstance(entry.source, Path) else download(entry, variant)
    pipeline = read_pipeline(entry, folder, dtype, variant)
    parts, network = pipeline.components, pipeline.components[entry.family_traits.network]
    check_prediction(entry, pipeline.scheduler, network)
    encoders = [name for name in entry.family_traits.encoders if parts[name] is not None]  # SD-3 may lack its T5
    for part in (network, parts["vae"], *(parts[name] for name in encoders)):
        part.eval().requires_grad_(False)
    text = TextEncoder(
        entry.family,
        tuple(parts[name.replace("text_encoder", "tokenizer")] for name in encoders),
        tuple(parts[name] for name in encoders),
        bool(pipeline.config.get("force_zeros_for_empty_prompt", False)),
        int(network.config.get("joint_attention_dim") or 0),
    )
    loaded = Backbone(
        entry,
        revision_of(entry) or snapshot_sha(folder),
        device,
        dtype,
        network,
        parts["vae"],
        text,
        dict(pipeline.scheduler.config),
        AdapterSwitch(network, text.encoders),
        embedded_scale=USUAL_SCALE if entry.embedded_scale else None,
    )
    if device.startswith("cuda"):
        set_channels_last(loaded)
    place(loaded)
    return loaded


def set_channels_last(backbone: Backbone, last: bool = True) -> None:
    """Has convolutions of a UNet and its VAE compute with the channels of a pixel side by side, as tensor cores read them.

    Flow models keep their layout: a transformer has hardly a convolution, and some of their VAEs are made for films.
    """
    layout = torch.channels_last if last else torch.contiguous_format
    for network in () if backbone.flow else (backbone.unet, backbone.vae):
        network.to(memory_format=layout)


def variant_of(entry: BackboneEntry, dtype: str) -> str | None:
    """The file variant to read for a precision, if the backbone has one."""
    return entry.variant if dtype != "float32" and entry.variant else None


def folder_of(entry: BackboneEntry) -> Path | None:
    """Where a backbone lies on this machine; None where it is a Hub id that was never fetched. Nothing is downloaded."""
    if isinstance(entry.source, Path):
        return entry.source
    found = try_to_load_from_cache(str(entry.source), "model_index.json", revision=entry.hub_revision or None)
    return Path(found).parent if isinstance(found, str) else None


def download(entry: BackboneEntry, variant: str | None) -> Path:
    """The folder of a Hub backbone in this machine's cache, fetched when it is not there; only the parts in use.

    Where the cache knows a commit for the revision, it is that commit's: a branch that moves meanwhile changes nothing.
    """
    known, why = cached(str(entry.source), INDEX, entry.hub_revision), why_offline()
    options = {
        "revision": known.parent.name if known else entry.hub_revision or None,
        "variant": variant,
        "local_files_only": bool(why),
        **NOT_NEEDED.get(entry.family, {}),
    }
    try:
        return Path(stock_pipeline(entry.family_traits).download(str(entry.source), use_safetensors=True, **options))
    except (GatedRepoError, RepositoryNotFoundError) as error:
        raise InputError(
            f"The Hub does not give out {entry.source}: accept its licence and log in, or mend the id in the registry."
        ) from error
    except Exception as error:  # what a missing network raises is spread over five libraries
        reason = str(error).strip().partition("\n")[0][:200] or type(error).__name__
        offline = f"t2ialign cannot reach the Hub ({why}): connect once"
        cannot = offline if why else f"it did not come from the Hub ({reason}): ask again"
        raise InputError(
            f"{entry.name} is not on this machine and {cannot} "
            f"to fetch {entry.source} (`python -m t2ialign weights fetch {entry.name}`"
            f"{', after its licence was accepted on its page and you are logged in' if entry.gated else ''}), or choose a "
            "backbone that is here."
        ) from error


def fetch_backbone(entry: BackboneEntry, dtype: str, show: Show = unwatched) -> Path:
    """A backbone's folder, downloaded first where it is missing; a broken download goes on where it broke. ``show`` watches."""
    if isinstance(entry.source, Path):
        return entry.source
    variant = variant_of(entry, dtype)
    if why_offline() and (here := folder_of(entry)) is not None and _lies_whole(here, entry.family_traits):
        return here
    listing = listed_now(entry.source, entry.hub_revision)
    fill(
        entry.source,
        listing,
        [file for file in listing.siblings or () if _wanted(file.rfilename, entry.family_traits, listing, variant)],
        show,
    )
    with without_bars():
        return download(entry, variant)


def _lies_whole(folder: Path, family: Family) -> bool:
    """Whether every network that a pipeline's index names has weights in its folder."""
    left_out = left_empty(folder)
    networks = (name for name in ("vae", family.network, *family.encoders) if name not in left_out)
    return all(any((folder / name).glob("*.safetensors")) for name in networks)


def parts_of(family: Family) -> tuple[str, ...]:
    """The folders of a pipeline that are loaded here."""
    tokenizers = (name.replace("text_encoder", "tokenizer") for name in family.encoders)
    return "scheduler", "vae", family.network, *family.encoders, *tokenizers


def _wanted(name: str, family: Family, listing: Any, variant: str | None) -> bool:
    """Whether a file of a pipeline's repository is loaded here; what this misjudges is merely fetched without a second try."""
    folder, _, file = name.partition("/")
    if folder not in parts_of(family):
        return name == INDEX
    if not file.endswith(WEIGHTS):
        return file.endswith(SETTINGS) and not file.endswith(".index.json")
    varied = {
        one.rfilename
        for one in listing.siblings
        if one.rfilename.startswith(f"{folder}/") and re.search(rf"\.{variant}[.-]", one.rfilename)  # or in parts
    }
    return name in varied if variant and varied else file.count(".") == 1
