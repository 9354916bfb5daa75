from __future__ import annotations

import io
import math
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from t2ialign.metrics.scoring import seed_effects
from t2ialign.store.records import (
    CellRecord,
    PictureRecord,
    ScoreRecord,
    config_json,
    config_of,
    effects_of,
    from_table,
    to_table,
)
from t2ialign.types import AdapterUse, GenerationConfig, Prompt, Score

SHA = "0" * 64


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=6, unique=True), st.sampled_from(["image", "pair", "batch"])
)
def test_scores_come_back_exactly_and_in_any_order_of_seeds(seeds: list[int], level: str):
    shape = {"image": (len(seeds),), "pair": (len(seeds),) * 2, "batch": (1,)}[level]
    values = torch.randn(shape, dtype=torch.float64)
    if level == "pair":
        values = values + values.T
    record = ScoreRecord.of(Score("m", "1", "alignment", level, values, 0.5, 0.0, 1.0), seeds)
    assert list(record.seeds) == sorted(seeds)
    assert torch.equal(record.score(seeds).values, values)
    assert torch.equal(record.score(seeds[::-1]).values, values.flip(tuple(range(values.dim()))))


def test_a_pair_matrix_by_hand():
    """Seeds 5 and 3: ascending order swaps rows and columns; the upper triangle runs row by row."""
    record = ScoreRecord.of(
        Score("m", "1", "diversity", "pair", torch.tensor([[1.0, 2.0], [2.0, 4.0]]), 2, 1, 3), (5, 3)
    )
    assert (record.seeds, record.values) == ((3, 5), (4.0, 2.0, 1.0))


def test_effects_of_many_scores_are_those_of_each_bit_for_bit():
    """Levels and sizes mixed, some pictures not scored: as if each score were asked alone."""
    draw = torch.Generator().manual_seed(0)
    records, alone = [], []
    for n in (1, 2, 3, 8, 17, 8):
        for level, shape in (("image", (n,)), ("pair", (n, n)), ("batch", (1,)), ("batch", (1 + n,))):
            values = torch.rand(shape, generator=draw, dtype=torch.float64)
            values = values + values.T if level == "pair" else values
            if n == 8 and level != "batch":
                values[1] = math.nan
                values[..., 1] = math.nan
            score = Score("m", "1", "alignment", level, values, 0.5, 0.0, 1.0)
            records.append(ScoreRecord.of(score, range(n)))
            known = seed_effects(score, range(n))
            alone.append(None if len(values) == 1 and level == "batch" else [known.get(i, math.nan) for i in range(n)])
    assert repr(effects_of(records)) == repr(alone)


def full_record() -> CellRecord:
    config = GenerationConfig(
        "tiny",
        "rev",
        (AdapterUse("a", 0.5, "sha"),),
        guidance="interval",
        guidance_params=(("start", 0.25),),
        negative_prompt="ä",
    )
    picture = PictureRecord(7, SHA, b"webp", 1.5, math.inf, 0.25)
    score = ScoreRecord((7, 9), "lpips", "1+x", "diversity", "pair", (0.0, 0.5, 0.0), 0.5, 0.25, 0.75)
    return CellRecord(Prompt("ein Kreis «rot»", "color", ("a", "b")), config, (picture,), (score,))


def test_records_survive_a_parquet_file():
    buffer = io.BytesIO()
    pq.write_table(to_table([full_record(), CellRecord(Prompt("bare"), GenerationConfig("tiny"))]), buffer)
    buffer.seek(0)
    assert from_table(pq.read_table(buffer)) == [full_record(), CellRecord(Prompt("bare"), GenerationConfig("tiny"))]


def test_a_config_keeps_its_key_through_its_text():
    config = full_record().config
    assert config_of(config_json(config)) == config
    assert config_of(config_json(config)).key == config.key


def spoilt(change: Callable[[dict], object]) -> pa.Table:
    (row,) = to_table([full_record()]).to_pylist()
    change(row)
    return pa.Table.from_pylist([row])


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.pop("scores"),
        lambda row: row.update(config="{}"),
        lambda row: row.update(config=None),
        lambda row: row["prompt"].update(text=None),
        lambda row: row["pictures"][0].update(sha="../../etc/passwd"),
        lambda row: row["pictures"][0].update(seed=None),
        lambda row: row["scores"][0].update(values=[1.0]),
        lambda row: row["scores"][0].update(seeds=[9, 7]),
        lambda row: row["scores"][0].update(level="planet"),
    ],
)
def test_a_record_that_does_not_fit_together_is_refused(change: Callable[[dict], object]):
    assert from_table(spoilt(lambda row: None)) == [full_record()]
    with pytest.raises((ValueError, KeyError, TypeError)):
        from_table(spoilt(change))
