"""Both sides of the scene cut: how far a hand moves a picture between two looks, and how far another picture is. Train folds only.

    python -m benchmarks.scene_cut --data DIR [--n 300] [--json FILE]

same scene: a picture held by a trembling hand (`edge.sources.tremor`), two looks 33, 100 and 200 ms apart, with sensor noise; also
with the gain falling by 30 % between them. another scene: the next picture of the table. A missed cut costs time (the label goes by
contradiction instead, `edge.aggregate`); a false one costs a quarter of a second of settling.
"""

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.quality_sets import DERM, US, QualitySet, pictures
from edge.frame import U8
from edge.pipeline.scene import CUT, scene_distance, thumbnail
from edge.sources.tremor import SENSOR_NOISE_LEVELS, hold, move

GAPS_MS = (33, 100, 200)
VIEW_PX = (640, 480)
INSET = 1.12
AT = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5)


def seen(picture: U8, seed: int, time_s: float, gain: float = 1.0) -> U8:
    """One look of a hand at a picture."""
    view = move(picture, hold(seed).pose(time_s), width_px=VIEW_PX[0], height_px=VIEW_PX[1], inset=INSET).astype(np.float32)
    rng = np.random.default_rng((seed, round(time_s * 1e3)))
    return np.clip(view * gain + rng.normal(0, SENSOR_NOISE_LEVELS, view.shape), 0, 255).astype(np.uint8)


def distances(source: QualitySet, data: Path, n: int) -> Iterator[tuple[str, float]]:
    found = pictures(source, source.train_folds, data)
    before = None
    for seed, picture in enumerate(itertools.islice(found, 0, 7 * n, 7)):
        first = thumbnail(seen(picture, seed, 1.0))
        for gap_ms in GAPS_MS:
            yield f"same, {gap_ms} ms", scene_distance(first, thumbnail(seen(picture, seed, 1.0 + gap_ms / 1000)))
        yield "same, 100 ms, gain x 0.7", scene_distance(first, thumbnail(seen(picture, seed, 1.1, gain=0.7)))
        if before is not None:
            yield "another", scene_distance(before, first)
        before = first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--n", type=int, default=300)
    asked = parser.parse_args()
    print(f"share of pairs taken for a cut, at each limit (in use: {CUT})")
    for source in (DERM, US):
        rows: dict[str, list[float]] = {}
        for kind, distance in distances(source, asked.data, asked.n):
            rows.setdefault(kind, []).append(distance)
        for kind, values in rows.items():
            shares = "  ".join(f"{at}: {float(np.mean(np.array(values) > at)):.3f}" for at in AT)
            print(f"{source.folder:9} {kind:26} n={len(values):4}  {shares}  max {max(values):.2f} p50 {float(np.median(values)):.2f}")


if __name__ == "__main__":
    main()
