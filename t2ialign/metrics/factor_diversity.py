"""Factor diversity: how far apart two seeds are in what the prompt left free (the embedded world's truth)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from t2ialign.metrics.pairwise import EachPair, Prepared
from t2ialign.types import Features, Metric


def factor_columns(features: Features) -> Prepared:
    """``factors`` [n f] in units of their group's expected distance, and which column belongs to which group.

    ``factor_groups`` (integer [f]) names each column's group; ``factor_scale`` [g] is the mean distance of two scenes
    in each group under the world's prior, NaN for a group that the prompt has not, so that 1 means unrelated scenes.
    """
    factors, groups = features["factors"], features["factor_groups"].long()
    scale = features["factor_scale"].to(factors)
    member = torch.nn.functional.one_hot(groups, len(scale)).to(factors)
    return {"factors": factors / scale[groups], "member": member.expand(len(factors), -1, -1)}


def factor_distance(one: Prepared, others: Prepared) -> Float[Tensor, " m"]:
    """Mean over groups of the Euclidean distance within the group, over the groups that both pictures were read in.

    A column that neither picture has (the tilt of a circle) does not count; one that only one of them has (an object
    that is missing there) leaves its group unread.
    """
    member = one["member"][0]
    here, there = ~one["factors"].isnan(), ~others["factors"].isnan()
    difference = (others["factors"] - one["factors"]).nan_to_num()
    distance = (difference.square() @ member).sqrt()
    unread = ((here ^ there).to(member) @ member > 0) | ((here & there).to(member) @ member == 0)
    return distance.masked_fill(unread, float("nan")).nanmean(1)


METRIC = Metric(
    name="factor_diversity",
    title="Factor diversity",
    axis="diversity",
    level="pair",
    needs=("factors", "factor_groups", "factor_scale"),
    compute=EachPair(factor_columns, factor_distance),
    bounds=(0.0, float("inf")),
    higher_is_better=True,
    unit="1 = unrelated scenes",
    reference="This project's embedded world",
    summary="How much the seeds differ in everything that the prompt leaves open: place, size, rotation, background.",
    caveat="Exists only where the truth is known: in the embedded world.",
)
