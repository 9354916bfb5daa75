"""A command that searches for a picture's noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from t2ialign.cli.app import app
from t2ialign.cli.options import Checkpoint, JsonFlag, StorePath, emit, progress
from t2ialign.files import writable
from t2ialign.source import parse_source
from t2ialign.types import Prompt

if TYPE_CHECKING:
    from t2ialign.use_cases.noise_search import FoundPicture


@app.command("search-noise")
def search_noise(
    prompt: str,
    checkpoint: Checkpoint = "base",
    reward: Annotated[
        str, typer.Option(help="What is climbed: metric:NAME with a slope, or style:GROUP in the embedded world.")
    ] = "metric:clip_score",
    guidance_scale: Annotated[float, typer.Option(help="Strength of classifier-free guidance, CFG.")] = 4.0,
    steps: Annotated[int, typer.Option(help="Denoising steps of each picture.")] = 10,
    search_steps: Annotated[int, typer.Option(help="Steps of the search; each draws the picture once more.")] = 100,
    learning_rate: Annotated[float, typer.Option(help="AdamW's, on the noise.")] = 0.01,
    gamma: Annotated[float, typer.Option(help="Weight of the regulariser that keeps the noise likely; 0: none.")] = 0.0,
    eta: Annotated[float, typer.Option(help="1: the noise of every step is searched too; 0: the first alone.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the noise that the search starts from.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for the first and the best picture as PNG files.")] = None,
    store: StorePath = None,
    as_json: JsonFlag = False,
) -> None:
    """Search for the noise of one picture that a reward likes better (DNO); nothing is trained, nothing stored."""
    if out:
        writable(out)
    from t2ialign.diffusion.noise_search import SearchPlan
    from t2ialign.use_cases.noise_search import NoiseRequest, search
    from t2ialign.use_cases.workbench import open_workbench

    plan = SearchPlan(search_steps, learning_rate, gamma, eta, seed=seed)
    request = NoiseRequest(Prompt(prompt), checkpoint, parse_source(reward), guidance_scale, steps, plan)
    found: list[FoundPicture] = []
    best: FoundPicture | None = None
    with open_workbench(store) as bench, progress("searching") as show:
        for one in search(bench, request):
            best = one if best is None or one.reward > best.reward else best
            found.append(one)
            show(len(found) / (search_steps + 1), None)
    assert best is not None, "a search has at least the picture that it starts from"
    if out:
        _save(out, {"first": found[0], "best": best})
    rows = [{"step": one.step, "reward": one.reward, "unlikely": one.unlikely} for one in found]

    def lines() -> Iterator[str]:
        for name, one in (("as drawn", found[0]), ("best", best), ("last", found[-1])):
            yield f"{name:<9} step {one.step:>4}  {reward} {one.reward:.4f}  unlikely {one.unlikely:.2f}"

    emit(rows, as_json, lines)


def _save(folder: Path, pictures: Mapping[str, FoundPicture]) -> None:
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for name, one in pictures.items():
        Image.fromarray(one.picture.permute(1, 2, 0).numpy()).save(folder / f"{name}.png")
