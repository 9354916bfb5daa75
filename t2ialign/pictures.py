"""The one reader of picture files: the same file is the same pixels wherever it is read, and the settings it carries."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from t2ialign.codec import decode, encode
from t2ialign.files import foreign
from t2ialign.names import as_said
from t2ialign.types import GenerationConfig, InputError

OURS, PARAMETERS = "t2ialign", "parameters"  # the two text chunks: JSON, and the text that A1111's web UI writes
USER_COMMENT = (0x8769, 0x9286)  # where JPEG and WebP files have that text
SAMPLERS = {
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "dpmsolver++": "DPM++ 2M",
    "euler": "Euler",
    "euler_ancestral": "Euler a",
    "lcm": "LCM",
    "unipc": "UniPC",
}
"""Schedulers as A1111 calls them."""
NEGATIVE = "Negative prompt:"
PAIR = re.compile(r'\s*([A-Za-z][\w /+-]{0,60}):\s*("(?:\\.|[^"\\])*"|[^,]*)(?:,|$)')
LONGEST = 200_000  # letters of a text that is read
SILENT = frozenset({"Version", "Size", "Model hash"})  # said by A1111 and by us, and no setting of a form


@dataclass(frozen=True)
class PictureSettings:
    """What made a picture: ``scores`` are its own, by metric; ``version`` is that of t2ialign."""

    prompt: str
    config: GenerationConfig
    seed: int
    scores: Mapping[str, float] = field(default_factory=dict)
    version: str = ""

    @property
    def parameters(self) -> str:
        """The same as A1111's web UI writes it: prompt, negative prompt, and a line of names and values."""
        config = self.config
        pairs: dict[str, str] = {
            "Steps": str(config.num_inference_steps),
            "Sampler": SAMPLERS.get(config.scheduler, config.scheduler),
            "CFG scale": f"{config.guidance_scale:g}",
            "Seed": str(self.seed),
            "Size": f"{config.width}x{config.height}",
            "Model hash": config.revision,
            "Model": config.checkpoint if config.adapters else config.backbone,
            "Guidance": config.guidance,
            **{f"Guidance {name}": as_said(value) for name, value in config.guidance_params},
            **{f"Score {name}": f"{value:.4g}" for name, value in self.scores.items() if math.isfinite(value)},
            "Version": f"t2ialign {self.version}".strip(),
        }
        lines = [self.prompt, *([f"{NEGATIVE} {config.negative_prompt}"] if config.negative_prompt else [])]
        said = ", ".join(f"{name}: {_quoted(value)}" for name, value in pairs.items() if value)
        return "\n".join([*lines, said])


@dataclass(frozen=True)
class ReadSettings:
    """What a picture file says of how it was made, ``None`` where it says nothing; ``unread`` are sentences about the rest.

    ``made`` is there where the file is one of ours: then it says everything.
    """

    prompt: str | None = None
    negative_prompt: str | None = None
    checkpoint: str | None = None
    guidance_scale: float | None = None
    guidance: str | None = None
    steps: int | None = None
    scheduler: str | None = None
    seed: int | None = None
    made: PictureSettings | None = None
    unread: tuple[str, ...] = ()


def png_file(picture: Image.Image, settings: PictureSettings) -> bytes:
    """A PNG that carries its settings as text: JSON of ours, and A1111's ``parameters``."""
    text = PngInfo()
    text.add_text(PARAMETERS, settings.parameters)
    text.add_text(OURS, json.dumps(encode(settings)))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=text)
    return buffer.getvalue()


def read_settings(data: bytes, name: str) -> ReadSettings:
    """The settings that a picture file carries, ours or those that A1111's web UI writes.

    Raises:
        InputError: no readable picture, or one that says nothing. The sentence begins with ``name``.
    """
    with foreign(f"{name} is not a readable picture", "choose another one"), Image.open(io.BytesIO(data)) as opened:
        ours, theirs = opened.info.get(OURS), opened.info.get(PARAMETERS)
        comment = opened.getexif().get_ifd(USER_COMMENT[0]).get(USER_COMMENT[1])
    theirs = theirs if isinstance(theirs, str) else _comment(comment)
    unread: tuple[str, ...] = ()
    if isinstance(ours, str):
        try:
            return _ours(ours)
        except InputError as error:
            unread = (f"Its own settings cannot be read, so its text is taken ({str(error).rstrip('.')}).",)
    if not theirs.strip():
        raise InputError(
            f"{name} does not say how it was made: settings are in PNG files that were saved here, or by A1111."
        )
    found = read_parameters(theirs)
    return ReadSettings(**{**vars(found), "unread": (*unread, *found.unread)})


def read_parameters(text: str) -> ReadSettings:
    """A text that A1111's web UI wrote: the prompt, a negative prompt, and a last line of names and values."""
    lines = text[:LONGEST].strip().splitlines()
    pairs = {found[1].strip(): _unquoted(found[2].strip()) for found in PAIR.finditer(lines[-1])} if lines else {}
    lines = lines[:-1] if "Steps" in pairs or len(pairs) > 2 else lines
    pairs = pairs if "Steps" in pairs or len(pairs) > 2 else {}
    at = next((place for place, line in enumerate(lines) if line.startswith(NEGATIVE)), len(lines))
    negative = " ".join(lines[at:]).removeprefix(NEGATIVE).strip()
    unread: list[str] = []
    sampler = pairs.pop("Sampler", None)
    steps, seed, scale = pairs.pop("Steps", None), pairs.pop("Seed", None), pairs.pop("CFG scale", None)
    found = ReadSettings(
        prompt=" ".join(lines[:at]).strip() or None,
        negative_prompt=negative if at < len(lines) else "",
        checkpoint=pairs.pop("Model", None),
        guidance_scale=_number(scale, float, "CFG scale", unread),
        guidance=pairs.pop("Guidance", None),
        steps=_number(steps, int, "Steps", unread),
        scheduler=_scheduler(sampler, unread),
        seed=_number(seed, int, "Seed", unread),
    )
    spare = [name for name in pairs if name not in SILENT and not name.startswith("Score ")]
    unread += [f"Not taken over: {', '.join(spare)[:300]}."] if spare else []
    return ReadSettings(**{**vars(found), "unread": tuple(unread)})


def _ours(text: str) -> ReadSettings:
    with foreign("This is no JSON", "save the picture again"):
        said = json.loads(text)
    made = decode(PictureSettings, said, "These settings are not of this version", spare=True)
    config = made.config
    return ReadSettings(
        made.prompt,
        config.negative_prompt,
        config.checkpoint,
        config.guidance_scale,
        config.guidance,
        config.num_inference_steps,
        config.scheduler,
        made.seed,
        made,
    )


def _comment(data: Any) -> str:
    """A text of EXIF's UserComment: eight letters say how the rest is written."""
    if isinstance(data, str):
        return data.removeprefix("ASCII\0\0\0")
    if not isinstance(data, bytes):
        return ""
    code, rest = data[:8], data[8:]
    if code.startswith(b"UNICODE"):
        big = rest.decode("utf-16-be", "replace")
        little = rest.decode("utf-16-le", "replace")
        return max(big, little, key=lambda text: sum(letter < "\x7f" for letter in text))
    return rest.decode("utf-8", "replace") if code.startswith(b"ASCII") else data.decode("utf-8", "replace")


def _number(said: str | None, kind: Callable[[str], Any], name: str, unread: list[str]) -> Any:
    if said is None:
        return None
    try:
        return kind(said)
    except ValueError:
        unread.append(f"{name} {said[:30]!r} is no number, so it stays as it was.")
        return None


def _scheduler(said: str | None, unread: list[str]) -> str | None:
    names = {words.lower(): name for name, words in SAMPLERS.items()} | {name: name for name in SAMPLERS}
    if said is None or said.lower() in names:
        return None if said is None else names[said.lower()]
    unread.append(f"The sampler {said[:40]!r} is not one of those here, so the scheduler stays as it was.")
    return None


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if re.search(r'[,:\n"]', value) else value


def _unquoted(value: str) -> str:
    try:
        found = json.loads(value) if value.startswith('"') else value
    except ValueError:
        return value
    return found if isinstance(found, str) else value


def read_picture(
    source: Path | bytes, name: str, mend: str = "remove or replace it", most: int | None = None
) -> Image.Image:
    """A picture file (or its bytes) as RGB: upright by its EXIF orientation, what is transparent laid on white.

    Of 16-bit greys the upper eight bits count; of an animation the first frame.

    Raises:
        InputError: no picture, a damaged one, one beyond Pillow's limit against decompression bombs or of more than
            ``most`` pixels (looked at before any is decoded), or 32-bit numbers, which do not say what is white. The sentence
            begins with ``name`` and ends with ``mend``.
    """
    with (
        foreign(f"{name} is not a readable picture", mend),
        Image.open(source if isinstance(source, Path) else io.BytesIO(source)) as opened,
    ):
        if most is not None and opened.width * opened.height > most:
            raise ValueError(f"it has more than {most:,} pixels")
        picture = ImageOps.exif_transpose(opened)
        if picture.mode.startswith("I;16"):  # Pillow's own conversion would cut every value at 255
            return Image.fromarray(np.round(np.array(picture) / 257).astype(np.uint8)).convert("RGB")
        if picture.mode in ("I", "F"):
            raise ValueError("its 32-bit numbers do not say what is white; save it with 8 or 16 bits")
        if picture.has_transparency_data:
            layer = picture.convert("RGBA")
            return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
        return picture.convert("RGB")
