"""All-pairs scores of a seed batch: our pairwise engine beside the peers' own loops, in one process, on one thread.

    python -m benchmarks.pairwise                      # 64 and 256 pixels, n = 16 and 32: about ten minutes
    python -m benchmarks.pairwise --sizes 64           # under a minute

Times are CPU seconds of this process, so that a busy machine does not change them. LPIPS runs on a random trunk (its
time does not depend on the weights) and includes every trunk pass on both sides; the agreement of the results is
printed too.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from t2ialign import torchvision_guard
from t2ialign.encoders import lpips as lpips_encoder
from t2ialign.metrics import METRICS
from t2ialign.metrics.entropy_1d import grey
from t2ialign.types import Prompt

torchvision_guard.install()
import piq  # noqa: E402

Run = Callable[[Tensor], Tensor]
TARGETS = {
    ("lpips", 64): 50,
    ("lpips", 256): 20,
    ("ssim", 64): 15,
    ("ssim", 256): 12,
    ("fsimc", 64): 35,
    ("fsimc", 256): 20,
}


@dataclass(frozen=True)
class Contest:
    """One metric twice: ``ours`` on a batch at once, ``peer`` as a loop; both give the same numbers."""

    name: str
    peer_name: str
    ours: Run
    peer: Run


def every_pair(images: Tensor, compare: Run) -> Tensor:
    """The peer's way: a call per pair of pictures in [0, 1]."""
    unit = images.float() / 255
    matrix = torch.zeros(len(images), len(images))
    for i, j in itertools.combinations(range(len(images)), 2):
        matrix[i, j] = matrix[j, i] = compare(unit[i : i + 1], unit[j : j + 1])
    return matrix


def lpips_contest(net: str) -> tuple[Contest, Run]:
    """The package's own module on both sides, and one trunk pass a picture for comparison."""
    torch.manual_seed(0)
    model = lpips_encoder.package_model(net, random_trunk=True)
    encoder = lpips_encoder.LpipsEncoder("lpips", "", "cpu", lambda device: lpips_encoder.network_of(model, device))
    layers, _ = encoder.network

    def ours(images: Tensor) -> Tensor:
        return METRICS["lpips"].compute(encoder.encode(images, Prompt("")))

    def peer(images: Tensor) -> Tensor:
        return every_pair(images, lambda x, y: model(x, y, normalize=True).view(()))

    def passes(images: Tensor) -> Tensor:
        return torch.stack([layers(image[None].float() / 127.5 - 1)[0].sum() for image in images])

    return Contest(f"lpips ({net})", "lpips, pair by pair", ours, peer), passes


def entropy_loop(images: Tensor) -> Tensor:
    """The loop over pixels: pair every grey level with the mean of its eight neighbours, and count."""

    def one(levels: np.ndarray) -> float:
        height, width = levels.shape
        padded = np.pad(levels, 1)
        pairs = []
        for row in range(1, height + 1):
            for column in range(1, width + 1):
                patch = padded[row - 1 : row + 2, column - 1 : column + 2]
                pairs.append((patch[1, 1], (np.sum(patch) - patch[1, 1]) / 8))
        shares = [count / padded.size for count in Counter(pairs).values()]
        return -sum(share * math.log2(share) for share in shares)

    return torch.tensor([one(levels) for levels in grey(images).numpy()])


def contests(net: str) -> tuple[list[Contest], Run]:
    lpips, passes = lpips_contest(net)
    others = [
        Contest("ssim", "piq.ssim", _ours("ssim"), _peer(lambda x, y: 1 - piq.ssim(x, y, downsample=False))),
        Contest("fsimc", "piq.fsim", _ours("fsimc"), _peer(lambda x, y: 1 - piq.fsim(x, y))),
        Contest("entropy_2d_paper", "loop over pixels", _ours("entropy_2d_paper"), entropy_loop),
    ]
    return [lpips, *others], passes


def _ours(name: str) -> Run:
    return lambda images: METRICS[name].compute({"images": images})


def _peer(compare: Run) -> Run:
    return lambda images: every_pair(images, compare)


def seconds(run: Run, images: Tensor, repeats: int) -> tuple[float, Tensor]:
    """Least CPU time of some runs, after one that warms up."""
    times, result = [], torch.empty(0)
    for _ in range(repeats):
        start = time.process_time()
        result = run(images)
        times.append(time.process_time() - start)
    return min(times), result


def pictures(n: int, size: int) -> Tensor:
    """Smooth random pictures: like photographs, they have structure at every scale."""
    draw = torch.Generator().manual_seed(0)
    octaves = [2**k for k in range(int(math.log2(size)) + 1)]
    noise = [torch.randn(n, 3, octave, octave, generator=draw) / octave**0.5 for octave in octaves]
    summed = sum(torch.nn.functional.interpolate(part, (size, size), mode="bilinear") for part in noise)
    low, high = summed.amin((1, 2, 3), keepdim=True), summed.amax((1, 2, 3), keepdim=True)
    return ((summed - low) / (high - low) * 255).to(torch.uint8)


def report(sizes: list[int], counts: list[int], net: str) -> None:
    """One Markdown row a metric, size and n, printed as it is known."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} thread, piq {piq.__version__}\n")
    print("| metric | pixels | n | ours, s | peer | peer, s | ratio | target | largest difference | remark |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    entries, passes = contests(net)
    for size, n, contest in itertools.product(sizes, counts, entries):
        images = pictures(n, size)
        contest.ours(images[:2])  # warms up caches that a live batch would find warm
        ours, found = seconds(contest.ours, images, 3)
        peer, expected = seconds(contest.peer, images, 1)
        metric = contest.name.split()[0]
        remark = ""
        if metric == "lpips":
            remark = f"{ours / seconds(passes, images, 2)[0]:.2f} x one trunk pass a picture"
        target = TARGETS.get((metric, size), 60 if metric.startswith("entropy") else 0) if n == max(counts) else 0
        row = [contest.name, size, n, f"{ours:.4f}", contest.peer_name, f"{peer:.3f}", f"**{peer / ours:.1f}x**"]
        difference = f"{(found - expected).abs().max():.1e}"
        print("|", " | ".join(map(str, [*row, f">= {target}x" if target else "", difference, remark])), "|", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--counts", type=int, nargs="+", default=[16, 32])
    parser.add_argument("--net", choices=lpips_encoder.NETS, default="alex")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with torch.no_grad():
        report(chosen.sizes, chosen.counts, chosen.net)
