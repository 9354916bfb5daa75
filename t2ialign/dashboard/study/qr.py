"""An address as a QR code, drawn here: nothing is asked of anybody else."""

from __future__ import annotations

import io

import segno


def qr_svg(address: str) -> str:
    """The code as inline SVG in the colour of the text, with the quiet zone that scanners need."""
    buffer = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        buffer, kind="svg", xmldecl=False, svgns=True, border=4, dark="#000", light="#fff", omitsize=True
    )
    return buffer.getvalue().decode()
