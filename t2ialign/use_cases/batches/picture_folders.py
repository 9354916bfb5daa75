"""Any folder of pictures as one seed batch."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from t2ialign.types import InputError


def read_pictures(files: list[Path]) -> UInt8[Tensor, "n 3 h w"]:
    """Reads pictures of one size, upright; grey (8 or 16 bits), palette and transparent ones (over white) become RGB.

    Raises:
        InputError: a file that is no picture, a damaged one, or sizes that differ; the sentence names the file.
    """
    pictures = [_read(path) for path in files]
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


def _read(path: Path) -> Image.Image:
    try:
        with Image.open(path) as opened:
            picture = ImageOps.exif_transpose(opened)
            if picture.mode.startswith("I;16"):  # Pillow's own conversion would cut every value at 255
                return Image.fromarray(np.round(np.array(picture) / 257).astype(np.uint8)).convert("RGB")
            if picture.mode in ("I", "F"):
                raise ValueError("its 32-bit numbers do not say what is white; save it with 8 or 16 bits")
            if "A" in picture.getbands() or "transparency" in picture.info:
                layer = picture.convert("RGBA")
                return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
            return picture.convert("RGB")
    except UnidentifiedImageError as error:
        raise InputError(f"'{path.name}' is not a readable picture; remove or replace it.") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"'{path.name}' is not a readable picture ({error}); remove or replace it.") from error
