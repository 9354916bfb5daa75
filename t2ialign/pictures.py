"""The one reader of picture files: the same file is the same pixels wherever it is read."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from t2ialign.files import foreign


def read_picture(source: Path | bytes, name: str, mend: str = "remove or replace it") -> Image.Image:
    """A picture file (or its bytes) as RGB: upright by its EXIF orientation, what is transparent laid on white.

    Of 16-bit greys the upper eight bits count; of an animation the first frame.

    Raises:
        InputError: no picture, a damaged one, one beyond Pillow's limit against decompression bombs, or 32-bit numbers,
            which do not say what is white. The sentence begins with ``name`` and ends with ``mend``.
    """
    with (
        foreign(f"{name} is not a readable picture", mend),
        Image.open(source if isinstance(source, Path) else io.BytesIO(source)) as opened,
    ):
        picture = ImageOps.exif_transpose(opened)
        if picture.mode.startswith("I;16"):  # Pillow's own conversion would cut every value at 255
            return Image.fromarray(np.round(np.array(picture) / 257).astype(np.uint8)).convert("RGB")
        if picture.mode in ("I", "F"):
            raise ValueError("its 32-bit numbers do not say what is white; save it with 8 or 16 bits")
        if picture.has_transparency_data:
            layer = picture.convert("RGBA")
            return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
        return picture.convert("RGB")
