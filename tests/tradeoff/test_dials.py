from dataclasses import replace

from t2ialign.tradeoff.dials import weight_dials
from t2ialign.types import AdapterUse
from tests.charts.conftest import point


def of(weight: float, scale: float = 4, name: str = "kto"):
    return point(0.5 + weight / 10, 0.5, scale, (AdapterUse(name, weight),))


def test_a_dial_runs_from_the_base_through_the_weights():
    base = point(0.4, 0.9, 4)
    assert weight_dials([of(1), base, of(0.25), of(0.5)]) == [(base, of(0.25), of(0.5), of(1))]
    assert weight_dials([of(1), of(0.5)]) == [(of(0.5), of(1))], "without its base it begins at the weakest"


def test_other_settings_are_other_dials_and_one_weight_is_none():
    base, more = point(0.4, 0.9, 4), of(0.5, scale=8)
    assert weight_dials([base, of(1), more]) == []
    assert weight_dials([base, of(1), of(0.5), more, of(1, scale=8)]) == [
        (base, of(0.5), of(1)),
        (more, of(1, scale=8)),
    ]
    blend = replace(of(0.5).config, adapters=(AdapterUse("kto", 0.5), AdapterUse("spo", 0.5)))
    assert weight_dials([base, of(1), replace(of(0.5), config=blend)]) == [], "a blend is no dial"
