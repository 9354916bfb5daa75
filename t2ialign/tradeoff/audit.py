"""What an audit finds out about a metric, as plain records, and what it means in words.

Every test asks one question with a known answer, and the verdict is made of the answers alone, so that a page, a
report and a document never say different things.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from t2ialign.codec import decode, encode
from t2ialign.tradeoff import families
from t2ialign.tradeoff.interval import estimate_behind
from t2ialign.types import Axis, Interval, Level

CANDIDATE = "u_rke"  # the metric whose claim to be the default axis is put to the test
MIXED = "everything at once"  # the set test in which every free factor has a spread of its own
FOLLOWS, LOOSELY = 0.7, 0.3
FOOLED = 0.5  # a nuisance that reaches half the distance of two different pictures
MARGIN = 0.1
DRIFT = 0.1
SEES = 0.5
RIGHT = 0.9


@dataclass(frozen=True)
class Power:
    """What a metric says of two guidance scales: ``seeds`` is the least number a prompt at which it tells them apart.

    ``change`` is the mean of the prompts' relative change from the lower to the higher scale; ``seeds`` is None where
    the metric does not tell them apart with all seeds there are, or says the opposite of the truth. ``p`` tests the paired
    difference with all seeds; in an audit it is after Holm over all metrics and pairs of scales (``corrected``), and
    ``seeds`` is None where the difference does not stand. NaN: no test.
    """

    scales: tuple[float, float]
    prompts: int
    seeds: int | None
    change: Interval
    truth: Interval
    p: float = math.nan


@dataclass(frozen=True)
class MetricAudit:
    """One metric's answers; an empty mapping or None means that the test could not be made.

    ``truth``: Kendall's tau with the true spread, by factor. ``nuisance``: the share of the distance between different
    pictures that a changed copy reaches. ``copies``: four pictures four times, ``counted`` against the four (1 = as
    four) and ``noticed`` against sixteen different ones (below 1 = noticed). ``sizes``: the value at n pictures over
    that at the most, by n. ``negatives``: how often the right picture scores above a wrong one, by kind of mistake.
    ``agreement``: Kendall's tau with the oracle over a prompt's generated pictures at one guidance scale. ``lead``: by how
    much its tau with the truth exceeds that of ``CANDIDATE`` on the same sets, ``lead_p`` the p-value of that after Holm over
    all metrics that were audited with it.
    """

    metric: str
    version: str
    axis: Axis
    level: Level
    truth: Mapping[str, Interval] = field(default_factory=dict)
    nuisance: Mapping[str, Interval] = field(default_factory=dict)
    copies: Mapping[str, Interval] = field(default_factory=dict)
    sizes: Mapping[int, Interval] = field(default_factory=dict)
    power: tuple[Power, ...] = ()
    negatives: Mapping[str, Interval] = field(default_factory=dict)
    agreement: Interval | None = None
    lead: Interval | None = None
    lead_p: float | None = None


@dataclass(frozen=True)
class Audit:
    """A whole audit: what was looked at, how much of it, and each metric's answers in the order of the menu."""

    subject: str
    scope: Mapping[str, Any]
    metrics: tuple[MetricAudit, ...]

    def of(self, metric: str) -> MetricAudit | None:
        """A metric's answers by name."""
        return next((found for found in self.metrics if found.metric == metric), None)

    def on(self, axis: Axis) -> tuple[MetricAudit, ...]:
        return tuple(found for found in self.metrics if found.axis == axis)


def to_record(audit: Audit) -> dict[str, Any]:
    """The audit in what JSON knows, to four digits, with NaN and infinity as null."""
    return {name: _rounded(part) for name, part in encode(audit).items()}


def from_record(record: Mapping[str, Any]) -> Audit:
    """Inverse of ``to_record``, also after a trip through JSON text; ``InputError`` on another layout.

    Of a record that kept no p-values they are those of the intervals of ``Power.change``, as one family.
    """
    found = decode(Audit, record, "This is no audit")
    if any("p" in power for entry in record["metrics"] for power in entry["power"]):
        return found
    again = corrected({one.metric: tuple(map(_tested, one.power)) for one in found.metrics})
    return replace(found, metrics=tuple(replace(one, power=again[one.metric]) for one in found.metrics))


def _tested(power: Power) -> Power:
    known = power.prompts > 1 and power.change.hi > power.change.mean
    return replace(power, p=estimate_behind(power.change, power.prompts - 1.0).p) if known else power


def corrected(powers: Mapping[str, Sequence[Power]]) -> dict[str, tuple[Power, ...]]:
    """The answers with p-values corrected as one family (Holm); a metric that is no longer significant tells nothing apart."""
    adjusted = iter(families.holm([power.p for found in powers.values() for power in found]))
    return {name: tuple(_in_family(power, next(adjusted)) for power in found) for name, found in powers.items()}


def _in_family(power: Power, p: float) -> Power:
    return replace(power, p=p, seeds=power.seeds if families.stands(p) else None)


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value


def verdict(found: MetricAudit, truth: MetricAudit | None = None) -> str:
    """What the answers mean, in a few plain sentences.

    ``truth`` is the audit of the true diversity where there is one: what moves it (a mirrored place is another place)
    fools nobody.
    """
    said = _of_diversity(found, truth) if found.axis == "diversity" else _of_alignment(found)
    return " ".join(said) or "Nothing could be measured."


def _of_diversity(found: MetricAudit, truth: MetricAudit | None) -> list[str]:
    if found.level == "image":
        return ["Measures single pictures: copies of one picture score like different ones, so it is no set diversity."]
    said = []
    if MIXED in found.truth:
        tau = found.truth[MIXED].mean
        how = "Follows" if tau >= FOLLOWS else "Follows loosely" if tau >= LOOSELY else "Does not follow"
        said.append(f"{how} the true spread (tau {tau:.2f}){_blind(found.truth)}{_leads(found)}.")
    just = {name: ratio.mean for name, ratio in truth.nuisance.items()} if truth else {}
    return [*said, *_fooled(found.nuisance, just), *_copied(found.copies), *_drifts(found.sizes), *_tells(found.power)]


def _blind(truth: Mapping[str, Interval]) -> str:
    unseen = [name for name, tau in truth.items() if name != MIXED and tau.mean < SEES]
    return f" and hardly sees {listed(unseen)}" if unseen else ""


def _leads(found: MetricAudit) -> str:
    """Only where the difference stands in its family."""
    if found.lead is None or found.lead_p is None or not families.stands(found.lead_p):
        return ""
    return f", {'better' if found.lead.mean > 0 else 'worse'} than U-RKE on CLIP by {abs(found.lead.mean):.2f}"


def _fooled(nuisance: Mapping[str, Interval], just: Mapping[str, float]) -> list[str]:
    """``just``: the share that the truth itself gives each change."""
    if not nuisance:
        return []
    excess = {name: max(just.get(name, 0.0) + MARGIN, FOOLED) for name in nuisance}
    caught = sorted((ratio.mean, name) for name, ratio in nuisance.items() if ratio.mean >= excess[name])
    if not caught:
        return ["Not fooled by a moved, mirrored, brighter or larger copy."]
    named = [f"{name} ({ratio:.0%})" for ratio, name in reversed(caught)]
    return [f"Takes the same picture for a different one after {listed(named)}."]


def _copied(copies: Mapping[str, Interval]) -> list[str]:
    if not copies:
        return []
    counted, noticed = copies["counted"].mean, copies["noticed"].mean
    if abs(counted - 1) < 0.02:
        return ["Counts a copy as nothing new."]
    sixteen = "" if math.isnan(noticed) else f", and {noticed:.0%} of what sixteen different pictures score"
    return [
        f"Copies move it: four pictures, each copied four times, score {counted:.0%} of what the four alone do{sixteen}."
    ]


def _drifts(sizes: Mapping[int, Interval]) -> list[str]:
    if not sizes:
        return []
    few, many = min(sizes), max(sizes)
    ratio = sizes[few].mean
    if abs(ratio - 1) <= DRIFT:
        return [f"Does not depend on the number of pictures ({few} pictures give {ratio:.0%} of what {many} give)."]
    way = "Grows" if ratio < 1 else "Falls"
    return [f"{way} with the number of pictures ({few} give {ratio:.0%} of what {many} give): compare equal n only."]


def _tells(powers: Sequence[Power]) -> list[str]:
    said = []
    for power in powers:
        scales = f"CFG {power.scales[0]:g} from {power.scales[1]:g}"
        if power.seeds is not None:
            said.append(f"Tells {scales} with {power.seeds} seeds a prompt.")
        elif contradicts(power):
            said.append(f"Says the opposite of the truth about {scales} ({power.change.mean:+.0%}).")
        else:
            said.append(f"Does not tell {scales}.")
    return said


def contradicts(power: Power) -> bool:
    """Whether the metric changes against the truth, by a difference that stands in its family (``corrected``)."""
    return families.stands(power.p) and power.change.mean * power.truth.mean < 0


def _of_alignment(found: MetricAudit) -> list[str]:
    said = []
    if found.negatives:
        mean = sum(share.mean for share in found.negatives.values()) / len(found.negatives)
        weak = [f"{name} ({share.mean:.0%})" for name, share in found.negatives.items() if share.mean < RIGHT]
        said.append(f"Prefers the right picture to a wrong one in {mean:.0%} of cases.")
        said += [f"Weak on {listed(weak)}."] if weak else []
    if found.agreement is not None and math.isfinite(found.agreement.mean):
        tau = found.agreement.mean
        how = "well" if tau >= FOLLOWS else "loosely" if tau >= LOOSELY else "hardly"
        said.append(f"Ranks generated pictures {how} as the oracle does (tau {tau:.2f}).")
    return [*said, *_tells(found.power)]


def listed(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""
