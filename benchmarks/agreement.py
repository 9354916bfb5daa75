"""Every metric beside an outside authority on a fixed set of pictures, and what each costs.

    python -m benchmarks.agreement            # prints the table
    python -m benchmarks.agreement --save     # and writes data/agreement.json, which docs/metrics.md is made from

The pictures are parts of photographs that scikit-image ships, at 64 x 64 pixels. Embedding metrics are compared on random
embeddings with the formula in numpy or the authors' package, LPIPS on the package's random squeeze trunk.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import skimage
import skimage.data
import torch
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from t2ialign import torchvision_guard
from t2ialign.encoders import lpips as lpips_encoder
from t2ialign.metrics import METRICS
from t2ialign.metrics.entropy_1d import grey
from t2ialign.metrics.factor_diversity import ENTRIES
from t2ialign.metrics.scoring import score_features
from t2ialign.types import Prompt

torchvision_guard.install()
import piq  # noqa: E402
from skimage.measure import shannon_entropy  # noqa: E402
from skimage.metrics import normalized_root_mse, peak_signal_noise_ratio, structural_similarity  # noqa: E402
from vendi_score import vendi  # noqa: E402

FILE = Path(__file__).resolve().parent.parent / "data" / "agreement.json"
PICTURES = "four photographs' parts that scikit-image ships, at 64 x 64 pixels"
Row = tuple[str, str, float, float]


def pictures() -> Tensor:
    """uint8 [4 3 64 64]."""
    astronaut, cat, coffee = skimage.data.astronaut(), skimage.data.chelsea(), skimage.data.coffee()
    parts = [astronaut[:300, 100:400], astronaut[200:500, 200:500], cat[:300, 60:360], coffee[80:380, 150:450]]
    pixels = torch.from_numpy(np.stack(parts)).permute(0, 3, 1, 2).float()
    return interpolate(pixels, (64, 64), mode="bilinear", antialias=True).round().clamp(0, 255).to(torch.uint8)


def embeddings(n: int) -> Tensor:
    return normalize(torch.randn(n, 64, generator=torch.Generator().manual_seed(0)) + 0.5, dim=1)


def over_pairs(n: int, compare: Callable[[int, int], float]) -> float:
    values = [compare(i, j) for i, j in itertools.combinations(range(n), 2)]
    return sum(values) / len(values)


def loop_entropy(levels: np.ndarray, rounded: bool) -> float:
    """Pixel by pixel: grey level and mean of the eight neighbours."""
    padded, pairs = np.pad(levels.astype(float), 1), Counter()
    for row, column in np.ndindex(levels.shape):
        patch = padded[row : row + 3, column : column + 3]
        mean = (patch.sum() - patch[1, 1]) / 8
        pairs[float(patch[1, 1]), math.floor(mean + 0.5) if rounded else float(mean)] += 1
    total = levels.size if rounded else padded.size
    return -sum(count / total * math.log2(count / total) for count in pairs.values())


def pixel_rows(images: Tensor) -> list[Row]:
    arrays, unit, n = images.permute(0, 2, 3, 1).numpy(), images.double() / 255, len(images)
    levels = list(grey(images).numpy())

    def ours(name: str) -> float:
        return score_features(METRICS[name], {"images": images}).mean

    def ssim(i: int, j: int) -> float:
        return 1 - piq.ssim(unit[i : i + 1], unit[j : j + 1], downsample=False).item()

    def fsim(chromatic: bool) -> float:
        return over_pairs(n, lambda i, j: 1 - piq.fsim(unit[i : i + 1], unit[j : j + 1], chromatic=chromatic).item())

    def rmse(i: int, j: int) -> float:
        return normalized_root_mse(unit[i].numpy(), unit[j].numpy(), normalization="min-max") * float(
            np.ptp(unit[i].numpy())
        )

    def psnr(i: int, j: int) -> float:
        return peak_signal_noise_ratio(arrays[i], arrays[j], data_range=255)

    def wide(i: int, j: int) -> float:
        return 1 - structural_similarity(arrays[i], arrays[j], channel_axis=2, data_range=4095)

    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    return [
        ("ssim", "piq 0.8", ours("ssim"), over_pairs(n, ssim)),
        ("fsim", "piq 0.8", ours("fsim"), fsim(False)),
        ("fsimc", "piq 0.8", ours("fsimc"), fsim(True)),
        ("rmse", "scikit-image", ours("rmse"), over_pairs(n, rmse)),
        ("psnr", "scikit-image", ours("psnr"), over_pairs(n, psnr)),
        ("ssim_paper", "scikit-image, data range 4095", ours("ssim_paper"), over_pairs(n, wide)),
        ("entropy_1d", "scikit-image", ours("entropy_1d"), mean([shannon_entropy(level) for level in levels])),
        ("entropy_2d", "loop over pixels", ours("entropy_2d"), mean([loop_entropy(level, True) for level in levels])),
        (
            "entropy_2d_paper",
            "loop over pixels",
            ours("entropy_2d_paper"),
            mean([loop_entropy(level, False) for level in levels]),
        ),
    ]


def embedding_rows() -> list[Row]:
    rows = embeddings(12)
    kernel = (rows.double() @ rows.double().T).numpy()
    off = kernel[~np.eye(len(kernel), dtype=bool)]

    def ours(name: str) -> float:
        return score_features(METRICS[name], {"clip_image": rows}).mean

    return [
        ("vendi", "vendi-score 0.0.3", ours("vendi"), float(vendi.score_K(kernel))),
        ("vendi_inf", "numpy", ours("vendi_inf"), float(len(kernel) / np.linalg.eigvalsh(kernel).max())),
        ("rke", "vendi-score 0.0.3, order 2", ours("rke"), float(vendi.score_K(kernel, q=2))),
        ("u_rke", "numpy", ours("u_rke"), float(1 / (off**2).mean())),
        ("clip_diversity", "numpy", ours("clip_diversity"), float((1 - off).mean())),
    ]


def lpips_row(images: Tensor) -> Row:
    torch.manual_seed(0)
    model = lpips_encoder.package_model("squeeze", random_trunk=True)
    encoder = lpips_encoder.LpipsEncoder("lpips", "", "cpu", lambda device: lpips_encoder.network_of(model, device))
    unit = images.float() / 255
    theirs = over_pairs(len(images), lambda i, j: model(unit[i : i + 1], unit[j : j + 1], normalize=True).item())
    return (
        "lpips",
        "lpips 0.1.4, random squeeze",
        score_features(METRICS["lpips"], encoder.encode(images, Prompt(""))).mean,
        theirs,
    )


def rows() -> list[Row]:
    """Every comparison: metric, authority, ours, the authority's."""
    images = pictures()
    return [lpips_row(images), *pixel_rows(images), *embedding_rows()]


def costs() -> dict[str, float]:
    """CPU milliseconds for 16 pictures of 64 pixels, from features, the least of three runs."""
    draw = torch.Generator().manual_seed(0)
    images = torch.cat([pictures()] * 4)
    features = {
        "images": (images.int() + torch.randint(-9, 10, images.shape, generator=draw)).clamp(0, 255).to(torch.uint8),
        **{name: embeddings(16) for name in ("clip_image", "clip_text_depicts", "dinov2", "dreamsim", "embedding")},
        "clip_text": embeddings(1)[0],
        "lpips": torch.rand(16, 100_000, generator=draw),
        "claims": torch.ones(16, 4),
        "faithful": torch.ones(16),
        **{entry: torch.rand(16, 2, 2, generator=draw) for entry in ENTRIES},
    }
    found = {}
    for metric in METRICS.values():
        if all(name in features for name in metric.needs):
            metric.compute(features)
            times = []
            for _ in range(3):
                start = time.process_time()
                metric.compute(features)
                times.append(time.process_time() - start)
            found[metric.name] = round(1000 * min(times), 2)
    return found


def report(save: bool) -> None:
    beside = rows()
    for metric, authority, ours, theirs in beside:
        print(f"{metric:<18} {authority:<32} {ours:.7f} {theirs:.7f} {abs(ours - theirs) / abs(theirs):.1e}")
    if save:
        record = {
            "pictures": PICTURES,
            "versions": f"torch {torch.__version__.partition('+')[0]}, scikit-image {skimage.__version__}, piq 0.8.0",
            "beside": [dict(zip(("metric", "authority", "ours", "reference"), row, strict=True)) for row in beside],
            "cost": costs(),
        }
        FILE.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--save", action="store_true")
    torch.set_num_threads(1)
    with torch.no_grad():
        report(parser.parse_args().save)
