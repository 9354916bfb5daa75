"""CLIP embeddings of pictures and prompt through open_clip, from a folder of our own or from a pretrained tag.

A folder holds

- ``open_clip_model.safetensors``: the state of ``build_clip(model_cfg)``;
- ``open_clip_config.json``: ``model_cfg`` (``embed_dim``, ``vision_cfg``, ``text_cfg``, optionally ``quick_gelu``:
  open_clip's own configuration), ``preprocess_cfg`` (``size``, ``mean``, ``std``, ``interpolation``, ``resize_mode``)
  and ``tokenizer``, the path of a transformers ``CLIPTokenizer`` folder, relative to this one.

A tag is ``MODEL/PRETRAINED`` in open_clip's names, e.g. ``ViT-H-14/laion2b_s32b_b79k``; OpenAI's weights want the
``-quickgelu`` models.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn.functional import normalize

from t2ialign import torchvision_guard
from t2ialign.content import identity, settings_in
from t2ialign.downloads import HubFile, Part, WebFile
from t2ialign.encoders.preprocess import prepared, preprocess
from t2ialign.encoders.weights import existing, frozen, here, last_tokens
from t2ialign.files import foreign
from t2ialign.types import InputError, Prompt

if TYPE_CHECKING:
    from open_clip import CLIP

CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"
PICKLED = "open_clip_pytorch_model.bin"  # the same weights, where a repository has no safetensors
BATCH = 32
PREFIX = "A photo depicts "
Tokenize = Callable[[list[str]], Int[Tensor, "b l"]]


@dataclass(frozen=True)
class ClipModel:
    """A CLIP ready to use: the network, how its pictures are prepared, and how its prompts are cut into tokens."""

    network: CLIP
    preprocess_cfg: Mapping[str, Any]
    tokenize: Tokenize

    def unread(self, prompt: Prompt) -> str:
        """The tokens of a prompt that are beyond what the network reads, the mark of its end included."""
        return last_tokens(token_count(self.tokenize, prompt.text) - int(self.network.context_length))


@dataclass(frozen=True)
class ClipEncoder:
    """Provides ``clip_image`` [n d], ``clip_text`` [d] and ``clip_text_depicts`` [n d], L2-normalised.

    The last is the prompt after Hessel's prefix, once a picture. The network is built at the first call.
    """

    id: str
    sha: str
    device: str
    build: Callable[[], ClipModel]
    provides: tuple[str, ...] = ("clip_image", "clip_text", "clip_text_depicts")

    @cached_property
    def model(self) -> ClipModel:
        built = self.build()
        frozen(built.network, self.device)
        return built

    @torch.no_grad()
    def encode(self, images: UInt8[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        plain, depicts = self.texts([prompt.text, f"{PREFIX}{prompt.text}"])
        features = {"clip_image": self.images(images), "clip_text": plain}
        return {**features, "clip_text_depicts": depicts.expand(len(images), -1)}

    def features(self, pixels: Float[Tensor, "n 3 h w"], prompt: Prompt) -> dict[str, Tensor]:
        """The same of pixels, with gradients."""
        return self.compared(*self.embeddings(pixels, prompt))

    def embeddings(
        self, pixels: Float[Tensor, "n 3 h w"], prompt: Prompt
    ) -> tuple[Float[Tensor, "n d"], Float[Tensor, " d"]]:
        """Of pictures, with gradients, and of the prompt."""
        ready = prepared(pixels.to(self.device), self.model.preprocess_cfg)
        return normalize(self.model.network.encode_image(ready).float(), dim=1), self.texts([prompt.text])[0]

    def compared(self, image: Float[Tensor, "n d"], text: Float[Tensor, " d"]) -> dict[str, Tensor]:
        return {"clip_image": image, "clip_text": text}

    def unread(self, prompt: Prompt) -> str:
        return self.model.unread(prompt)

    @torch.no_grad()
    def images(self, images: UInt8[Tensor, "n 3 h w"]) -> Float[Tensor, "n d"]:
        batches = torch.split(preprocess(images, self.model.preprocess_cfg), BATCH)
        encode = self.model.network.encode_image
        return torch.cat([normalize(encode(pixels.to(self.device)).float(), dim=1) for pixels in batches])

    @torch.no_grad()
    def texts(self, texts: list[str]) -> Float[Tensor, "b d"]:
        tokens = self.model.tokenize(texts).to(self.device)
        return normalize(self.model.network.encode_text(tokens).float(), dim=1)


def build_clip(model_cfg: Mapping[str, Any]) -> CLIP:
    """A freshly initialised open_clip ``CLIP`` of any architecture that open_clip's ``model_cfg`` can describe."""
    from open_clip import CLIP

    return CLIP(**model_cfg)


def weights(source: str | Path, **_: Any) -> tuple[Part, ...]:
    """What ``load`` wants of other places."""
    return pretrained(source)


def load(source: str | Path, device: str) -> ClipEncoder:
    """The loader that the registry names: see ``load_clip``."""
    return load_clip(source, device)


def load_clip(source: str | Path, device: str) -> ClipEncoder:
    """An encoder from a folder or from a ``MODEL/PRETRAINED`` tag of open_clip."""
    folder = Path(source)
    if folder.is_dir():
        files = existing(folder, CONFIG, WEIGHTS)
        sha = identity(files, settings_in(_tokenizer(folder)))
        return ClipEncoder(folder.name, sha, device, lambda: _from_folder(folder))
    name, _, tag = str(source).partition("/")
    parts, cfg = pretrained(source), _pretrained_cfg(name, tag)
    file = here(parts[0]) if parts else Path(cfg["file"])
    return ClipEncoder(f"{name}-{tag}", identity([file]), device, lambda: _from_tag(name, cfg, file))


def _from_folder(folder: Path) -> ClipModel:
    from safetensors.torch import load_file

    with foreign(f"{folder / CONFIG} describes no CLIP", "restore it"):
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        network = build_clip(config["model_cfg"])
        preprocess_cfg, length = config["preprocess_cfg"], config["model_cfg"]["text_cfg"].get("context_length", 77)
    with foreign(f"{folder / WEIGHTS} does not fit the model that {CONFIG} describes", "train or copy it again"):
        network.load_state_dict(load_file(folder / WEIGHTS))
    return ClipModel(network, preprocess_cfg, folder_tokenizer(_tokenizer(folder), length))


def _tokenizer(folder: Path) -> Path:
    """The tokenizer's folder that a folder's configuration names."""
    try:
        found: Path = folder / json.loads((folder / CONFIG).read_text(encoding="utf-8"))["tokenizer"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder / CONFIG} names no tokenizer; restore it.") from error
    if not found.is_dir():
        raise InputError(f"{found} is missing, and without this tokenizer no prompt can be read; restore the folder.")
    return found


def folder_tokenizer(folder: Path, context_length: int) -> Tokenize:
    """A transformers tokenizer folder as open_clip calls it: texts to padded tokens [b l], long texts cut."""
    from open_clip.tokenizer import HFTokenizer

    tokenizer: Tokenize = HFTokenizer(str(folder), context_length=context_length)
    return tokenizer


def token_count(tokenize: Tokenize, text: str) -> int:
    """How many tokens a text is for open_clip's tokenizers, uncut, its marks of start and end included."""
    from open_clip.tokenizer import HFTokenizer, SimpleTokenizer

    if isinstance(tokenize, HFTokenizer):
        return len(tokenize.tokenizer(tokenize.clean_fn(text), truncation=False, verbose=False).input_ids)
    return len(tokenize.encode(text)) + 2 if isinstance(tokenize, SimpleTokenizer) else 0


def clip_tokens(text: str) -> int:
    """How many tokens a text is in CLIP's own vocabulary (open_clip brings it along), its marks included."""
    return token_count(_own_tokenizer(), text)


@cache
def _own_tokenizer() -> Tokenize:
    with torchvision_guard.IMPORTING:
        from open_clip.tokenizer import SimpleTokenizer

    tokenizer: Tokenize = SimpleTokenizer()
    return tokenizer


def pretrained(source: str | Path) -> tuple[Part, ...]:
    """Where open_clip gets the weights behind a tag from; nothing where the source is a folder, or the tag names a file."""
    if Path(source).is_dir():
        return ()
    cfg = _pretrained_cfg(*str(source).partition("/")[::2])
    if "file" in cfg:
        return ()
    repository, _, filename = str(cfg.get("hf_hub", "")).rpartition("/")
    if repository:
        return (HubFile(repository, "", (WEIGHTS, PICKLED) if filename in ("", PICKLED) else (filename,)),)
    url = str(cfg["url"])
    return (WebFile(url, Path("~/.cache/clip").expanduser() / url.rsplit("/", 1)[1]),)


def _pretrained_cfg(name: str, tag: str) -> Mapping[str, Any]:
    """What open_clip knows of a tag; unknown ones are refused."""
    import open_clip

    cfg: Mapping[str, Any] = open_clip.get_pretrained_cfg(name, tag)
    if not cfg:
        example = "ViT-H-14/laion2b_s32b_b79k"
        raise InputError(f"{name}/{tag} is neither a folder with {CONFIG} nor a model of open_clip such as {example}.")
    return cfg


def _from_tag(name: str, cfg: Mapping[str, Any], file: Path) -> ClipModel:
    """The model that open_clip's factory makes of a tag, from the very file that its identity was taken of."""
    import open_clip

    said = {f"image_{key}": cfg[key] for key in ("mean", "std", "interpolation", "resize_mode") if cfg.get(key)}
    network, _, _ = open_clip.create_model_and_transforms(name, pretrained=str(file), **said)
    return ClipModel(network, open_clip.get_model_preprocess_cfg(network), open_clip.get_tokenizer(name))
