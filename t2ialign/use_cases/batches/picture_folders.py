"""Any folder of pictures as one seed batch, and the captions that lie beside them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from t2ialign.files import Say, foreign, text_of, unsaid
from t2ialign.limits import clean_prompt
from t2ialign.pictures import read_picture
from t2ialign.types import InputError, Prompt

CAPTIONS = (".txt", ".caption")


def read_pictures(files: list[Path]) -> UInt8[Tensor, "n 3 h w"]:
    """Reads pictures of one size, upright; grey (8 or 16 bits), palette and transparent ones (over white) become RGB.

    Raises:
        InputError: a file that is no picture, a damaged one, or sizes that differ; the sentence names the file.
    """
    pictures = [read_picture(path, f"'{path.name}'") for path in files]
    sizes = Counter(picture.size for picture in pictures)
    (width, height), _ = sizes.most_common(1)[0]
    odd = [(path.name, picture.size) for path, picture in zip(files, pictures) if picture.size != (width, height)]
    if odd:
        name, (other_width, other_height) = odd[0]
        more = f" (and {len(odd) - 1} more differ)" if len(odd) > 1 else ""
        raise InputError(
            f"'{name}' is {other_width} x {other_height} pixels but most pictures are {width} x {height}{more}; "
            "resize them to one size first."
        )
    return torch.stack([torch.from_numpy(np.array(picture)).permute(2, 0, 1) for picture in pictures])


def read_captions(files: list[Path], say: Say = unsaid) -> list[Prompt]:
    """Each picture's prompt: what stands in the file beside it that has its name and ends in ``.txt`` or ``.caption``.

    The endings that kohya's sd-scripts and others write, in any case; UTF-8, or UTF-16 with its mark; line breaks are
    white space. Where no picture of the folder has a caption the files' names are the prompts, and ``say`` hears it.

    Raises:
        InputError: only some pictures have a caption, one has two that differ, or one is empty or no text.
    """
    beside = _captions_beside(files)
    bare = [file for file in files if file not in beside]
    if len(bare) == len(files):
        say("No picture has a caption (.txt or .caption) beside it, so the files' names are the prompts.")
        return [Prompt(file.stem.replace("_", " ").replace("-", " ")) for file in files]
    if bare:
        raise InputError(
            f"{len(bare)} of {len(files)} pictures have no caption (.txt or .caption) beside them, '{bare[0].name}' for "
            "one: write it, or take them out."
        )
    return [Prompt(_caption(file, beside[file])) for file in files]


def _captions_beside(files: list[Path]) -> dict[Path, list[Path]]:
    """The caption files of each picture that has any."""
    known = [path for folder in {file.parent for file in files} for path in folder.iterdir()]
    named: dict[Path, list[Path]] = {}
    for path in sorted(known):
        if path.suffix.lower() in CAPTIONS and path.is_file():
            named.setdefault(path.with_suffix(""), []).append(path)
    return {file: named[file.with_suffix("")] for file in files if file.with_suffix("") in named}


def _caption(picture: Path, files: list[Path]) -> str:
    texts = {}
    for file in files:
        data = file.read_bytes()
        with foreign(f"The caption '{file.name}' is no text in UTF-8", "save it as UTF-8"):
            texts[clean_prompt(text_of(data), f"caption '{file.name}'")] = file.name
    if len(texts) > 1:
        raise InputError(f"'{picture.name}' has captions that differ ({', '.join(texts.values())}): keep one of them.")
    (text,) = texts
    if not text:
        raise InputError(f"The caption of '{picture.name}' is empty: write it, or take the picture out.")
    return text
