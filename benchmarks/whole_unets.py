"""What a whole UNet in the base's place costs: seconds to turn to it, back, and half way, and the memory that takes.

    python -m benchmarks.whole_unets                 # SD-1.5's layout, random weights: 860 M parameters
    python -m benchmarks.whole_unets --device cuda   # the same in float16 on a GPU
    python -m benchmarks.whole_unets --divide 8      # widths divided by 8, to see that it runs

The checkpoint is a file of float32 in a temporary folder (3.4 GB), read from the system's cache from the second time on.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from t2ialign import torchvision_guard

torchvision_guard.install()

from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel  # noqa: E402 - after the guard

from t2ialign.diffusion.whole_unets import UnetWeights, check_unet  # noqa: E402

WIDTHS = (320, 640, 1280, 1280)  # of SD-1.5's unet/config.json, whose other values are the class's defaults


def unet(divide: int) -> UNet2DConditionModel:
    """A random UNet of SD-1.5's layout."""
    return UNet2DConditionModel(
        sample_size=64,
        block_out_channels=tuple(width // divide for width in WIDTHS),
        cross_attention_dim=768,
        norm_num_groups=32 if divide == 1 else 8,
    )


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def gigabytes() -> float:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--divide", type=int, default=1)
    asked = parser.parse_args()
    torch.manual_seed(0)
    network = unet(asked.divide)
    count = sum(parameter.numel() for parameter in network.parameters())
    with tempfile.TemporaryDirectory() as folder:
        network.save_pretrained(folder)
        network = network.to(asked.device, torch.float16 if asked.device.startswith("cuda") else torch.float32)
        before, weights = gigabytes(), UnetWeights(network)
        weights.folders["other"] = Path(folder)
        rows = {
            "is it one of this architecture?": seconds(lambda: check_unet(Path(folder), "other", network, "base")),
            "to the checkpoint, the first time": seconds(lambda: weights.turn_to((("other", 1.0),))),
            "back to the base": seconds(lambda: weights.turn_to(())),
            "to the checkpoint again": seconds(lambda: weights.turn_to((("other", 1.0),))),
            "half way": seconds(lambda: weights.turn_to((("other", 0.5),))),
        }
    print(
        f"{count / 1e6:.0f} M parameters on {asked.device}, torch {torch.__version__}, {torch.get_num_threads()} threads"
    )
    print("\n| | seconds |\n|---|---|")
    print("\n".join(f"| {what} | {spent:.2f} |" for what, spent in rows.items()))
    print(
        f"\nThe most memory: {before:.1f} GB before, {gigabytes():.1f} GB after (the file's pages count while they are read)."
    )


if __name__ == "__main__":
    main()
