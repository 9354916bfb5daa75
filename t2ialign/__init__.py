"""t2ialign: see, live, what aligning a text-to-image model does to the diversity of its pictures.

A prompt becomes a point on the trade-off chart, and a vote becomes an adapter that moves it. The tour, from the bottom
up: a folder imports from folders above it only (`make check`), every file has its line (tests/test_architecture.py).

    types.py                the nouns, all frozen: read this first
    settings.py             paths and the device, read from the environment once
    torchvision_guard.py    lets torchvision import beside a CPU torch

    metrics/                one metric a file, pure maths; METRICS in its __init__ is the menu; and beside them:
        pairwise.py         all pairs of a batch from per-image work done once
        scoring.py          features to a Score with its interval and version
    tradeoff/               what the chart means
        interval.py         intervals over prompts, with seeds within them
        points.py           scores of cells to points of the chart
        pareto.py           the front and its hypervolume
        correlation.py      rank correlation of two metrics
        dose_response.py    does a metric move one way as a dial is turned?
    encoders/               pictures and prompts to features, weights loaded lazily
        weights.py          where weights come from and who they are
        clip.py             open_clip embeddings
        lpips.py            features whose squared distance is LPIPS
        trunk.py            a small trunk for LPIPS on coloured shapes

    shapes/                 the embedded world, where truth is known
        grammar.py          what can be said: prompts, claims, held-out combinations
        scene.py            what can be drawn: factors and their habitats
        render.py           factors to pixels
        captions.py         captions of scenes, dirty on purpose
        tokenizer.py        the word list as stock CLIP tokenizer files
        reader.py           the oracle's eyes: a network from pixels to factors
        oracle.py           which claims hold, and what the free factors are
        annotator.py        raters with a known taste
        fit.py              the one training loop of this world's models
        train_reader.py     the oracle's reader
        train_vae.py        the autoencoder
        train_base.py       the text encoder and UNet, saved as a stock pipeline
        train_clip.py       the small CLIP scorer
        train_lpips.py      the trunk under LPIPS
        pretrain.py         the command that trains them
        evaluate.py         the command that measures them

    store/                  DuckDB, its only writer
        migrations.py       the tables, as a list of functions
        database.py         Store: one owner, a cursor a call, one write lock
        records.py          one layout for cells with pictures and scores
        writing.py          records into tables
        batches.py          seed batches in and out
        images.py           pictures as files named by their hash
        scores.py           scores in and out, versions kept apart
        filters.py          which cells a list or a chart shows
        runs.py             what a person asked for, under an id for links
        inbox.py            how other processes' results come in
        reference.py        the shipped runs that a new store starts with
        export.py           the chart's numbers as CSV and Parquet
        complaints.py       what can go wrong, each as one sentence

    engines/                where a sweep runs
        local.py            in one background thread of this process

    charts/                 nouns in, Plotly figures out
        theme.py            one look, light and dark, for every eye
        tradeoff.py         alignment against diversity, with intervals and the front
        intervals.py        means with intervals, as bars and as rows
        strip.py            scores of single pictures
        export.py           a figure as one offline HTML file
    __main__.py             python -m t2ialign
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "generate": "t2ialign.experiments.api",
    "score_images": "t2ialign.experiments.api",
    "load_backbone": "t2ialign.diffusion.backbone",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """The public functions, imported when first asked for, so that ``import t2ialign`` stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
