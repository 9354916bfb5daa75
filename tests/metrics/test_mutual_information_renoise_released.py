from __future__ import annotations

import torch

from t2ialign.metrics import METRICS, ON_REQUEST
from t2ialign.metrics.mutual_information_renoise_released import mutual_information_renoise_released


def test_reads_what_the_backbone_estimated():
    values = torch.tensor([1.5, 0.0, 7.0])
    assert torch.equal(mutual_information_renoise_released({"mutual_information_renoise_released": values}), values)


def test_costs_the_unet_and_so_waits_to_be_asked():
    assert "mutual_information_renoise_released" in ON_REQUEST
    assert METRICS["mutual_information_renoise_released"].needs == ("mutual_information_renoise_released",)
