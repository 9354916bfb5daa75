"""Which cells a list or a chart shows: by prompt category, checkpoint, backbone, prompt, benchmark set, or themselves."""

from __future__ import annotations

from dataclasses import asdict, dataclass

CELLS = "cells JOIN configs USING (config) JOIN prompts USING (prompt)"
WHERE = """
    (len($categories::VARCHAR[]) = 0 OR list_contains($categories, prompts.category))
    AND (
        len($checkpoints::VARCHAR[]) = 0 OR list_contains($checkpoints, configs.checkpoint)
        OR configs.checkpoint = 'base' AND list_contains($checkpoints, configs.backbone)
    )
    AND (len($backbones::VARCHAR[]) = 0 OR list_contains($backbones, configs.backbone))
    AND (len($prompts::VARCHAR[]) = 0 OR list_contains($prompts, prompts.text))
    AND (len($cells::VARCHAR[]) = 0 OR list_contains($cells, cells.cell))
    AND (len($benchmarks::VARCHAR[]) = 0 OR EXISTS (
        SELECT 1 FROM benchmark_prompts
        WHERE benchmark_prompts.prompt = cells.prompt AND list_contains($benchmarks, benchmark)
    ))
"""
SEEDS = """
    (len($benchmarks::VARCHAR[]) = 0 OR EXISTS (
        SELECT 1 FROM benchmark_prompts
        WHERE benchmark_prompts.prompt = cells.prompt AND benchmark_prompts.seed_set = batch_scores.seed_set
            AND list_contains($benchmarks, benchmark)
    ))
"""  # of scores: those of a set's own seeds


@dataclass(frozen=True)
class Filters:
    """An empty field restricts nothing. ``checkpoints`` are blends as people write them, ``prompts`` are texts.

    A backbone without adapters is ``base``, or the name of the backbone where there are several.

    ``benchmarks`` are keys of benchmark sets: their prompts and, of scores, exactly their seeds.
    """

    categories: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = ()
    backbones: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    benchmarks: tuple[str, ...] = ()

    def params(self) -> dict[str, list[str]]:
        """The named parameters of ``WHERE``."""
        return {name: list(values) for name, values in asdict(self).items()}


ALL = Filters()
