"""Which cells a list or a chart shows: by prompt category, checkpoint, backbone, prompt, benchmark set, or themselves."""

from __future__ import annotations

from dataclasses import asdict, dataclass

CELLS = "cells JOIN configs USING (config) JOIN prompts USING (prompt)"
CLAUSES = {
    "categories": "list_contains($categories, prompts.category)",
    "checkpoints": """(
        list_contains($checkpoints, configs.checkpoint)
        OR configs.checkpoint = 'base' AND list_contains($checkpoints, configs.backbone)
    )""",
    "without": "NOT list_contains($without, configs.checkpoint)",
    "backbones": "list_contains($backbones, configs.backbone)",
    "prompts": "list_contains($prompts, prompts.text)",
    "configs": "list_contains($configs, cells.config)",
    "cells": "cells.cell IN (SELECT unnest($cells))",
    "benchmarks": """EXISTS (
        SELECT 1 FROM benchmark_prompts
        WHERE benchmark_prompts.prompt = cells.prompt AND list_contains($benchmarks, benchmark)
    )""",
}
OWN_SEEDS = """(cells.prompt, batch_scores.seed_set) IN (
    SELECT prompt, seed_set FROM benchmark_prompts WHERE list_contains($benchmarks, benchmark)
)"""


@dataclass(frozen=True)
class Filters:
    """An empty field restricts nothing. ``checkpoints`` are blends as people write them, ``prompts`` are texts.

    A backbone without adapters is ``base``, or the name of the backbone where there are several. ``without`` are checkpoints
    that are left out, ``configs`` and ``cells`` are keys; ``benchmarks`` are keys of benchmark sets: their prompts and, of
    scores, exactly their seeds.
    """

    categories: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = ()
    backbones: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    benchmarks: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def tables(self) -> str:
        """``CELLS`` as far as the condition reads them."""
        return CELLS if self.categories or self.prompts else CELLS.partition(" JOIN prompts")[0]

    @property
    def where(self) -> str:
        """The condition on ``CELLS``, as SQL; what restricts nothing is no part of it, because each part costs time."""
        return " AND ".join(CLAUSES[name] for name in self.params()) or "true"

    @property
    def where_scores(self) -> str:
        """The condition on ``CELLS`` with ``batch_scores``: also that these are of a benchmark set's own seeds."""
        parts = [OWN_SEEDS if name == "benchmarks" else CLAUSES[name] for name in self.params()]
        return " AND ".join(parts) or "true"

    @property
    def one_seed_set(self) -> bool:
        """Whether the scores that pass ``where_scores`` are of one seed set a prompt: a benchmark set has no more."""
        return len(set(self.benchmarks)) == 1

    def params(self) -> dict[str, list[str]]:
        """The named parameters of ``where``."""
        return {name: list(values) for name, values in asdict(self).items() if values}


ALL = Filters()
