"""Which cells a list or a chart shows: by prompt category, checkpoint, backbone, prompt or the cells themselves."""

from __future__ import annotations

from dataclasses import asdict, dataclass

CELLS = "cells JOIN configs USING (config) JOIN prompts USING (prompt)"
WHERE = """
    (len($categories::VARCHAR[]) = 0 OR list_contains($categories, prompts.category))
    AND (len($checkpoints::VARCHAR[]) = 0 OR list_contains($checkpoints, configs.checkpoint))
    AND (len($backbones::VARCHAR[]) = 0 OR list_contains($backbones, configs.backbone))
    AND (len($prompts::VARCHAR[]) = 0 OR list_contains($prompts, prompts.text))
    AND (len($cells::VARCHAR[]) = 0 OR list_contains($cells, cells.cell))
"""


@dataclass(frozen=True)
class Filters:
    """An empty field restricts nothing. ``checkpoints`` are blends as people write them, ``prompts`` are texts."""

    categories: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = ()
    backbones: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()

    def params(self) -> dict[str, list[str]]:
        """The named parameters of ``WHERE``."""
        return {name: list(values) for name, values in asdict(self).items()}


ALL = Filters()
