"""A step's examples as one replay, gathered group by group: what has no room in memory goes to files as it comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from t2ialign.training.rollouts import Replay

IN_MEMORY = 2**30  # bytes of latents in memory at any time while a replay is gathered, a group's own aside


@dataclass
class _Pile:
    """Rows of latents: in memory, or those before ``parts`` in a file."""

    name: str
    parts: list[Tensor] = field(default_factory=list)
    row: tuple[int, ...] = ()
    file: Path | None = None
    written: int = 0

    def add(self, part: Tensor) -> int:
        """Returns its bytes."""
        part = part.float().cpu()
        self.row = tuple(part.shape[1:])
        self.parts.append(part)
        return part.nbytes

    def spill(self, folder: Path) -> None:
        """Writes what is in memory behind what is in the file, and lets go of it."""
        if self.file is None:
            folder.mkdir(parents=True, exist_ok=True)
            self.file = folder / f"{self.name}.bin"
            self.file.unlink(missing_ok=True)  # of an earlier step, which may still be mapped
        with self.file.open("ab") as file:
            for part in self.parts:
                file.write(part.numpy().tobytes())
                self.written += part.numel()
        self.parts.clear()

    def whole(self) -> Tensor:
        if self.file is None:
            found = torch.cat(self.parts)
            self.parts.clear()
            return found
        rows = torch.from_file(str(self.file), shared=False, size=self.written, dtype=torch.float32)
        return rows.view(-1, *self.row)


def joined(parts: Iterable[Replay], folder: Path | None) -> Replay:
    """Several groups' examples as one, each let go of before the next is asked for.

    Latents beyond half of ``IN_MEMORY`` lie in files of ``folder``, which the system pages in; the other half is for
    joining. They read the same from there.
    """
    before, after = piles = _Pile("before"), _Pile("after")
    columns, held = list[tuple[Tensor, ...]](), 0
    for part in parts:
        held += before.add(part.before) + after.add(part.after)
        columns.append((part.index, part.rows, part.log_prob, part.weights))
        del part
        if folder is not None and held > IN_MEMORY // 2:
            for pile in piles:
                pile.spill(folder)
            held = 0
    if folder is not None and before.file is not None:
        for pile in piles:
            pile.spill(folder)
    return Replay(before.whole(), after.whole(), *map(torch.cat, zip(*columns, strict=True)))


def without_ties(parts: Iterable[Replay]) -> Iterator[Replay]:
    """The pairs that teach something; one that teaches nothing where there is no other."""
    spare: Replay | None = None
    taught = False
    for part in parts:
        spare = spare or part.take(torch.arange(1))
        known = part.weights.nonzero().flatten()
        if len(known):
            taught = True
            yield part.take(known)
    if not taught:
        assert spare is not None, "a step draws at least once"
        yield spare
