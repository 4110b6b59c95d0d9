"""The recipe of edge/quality/weights.py: fits the blur scores on the train folds and writes the file anew.

    python -m benchmarks.fit_quality [--data DIR] [--write]

Good pictures stay good when a hand moves over them, a sensor adds noise, JPEG is applied or they are enlarged: those are among
the good examples. Defocused and moved ones are drawn over a range of severities, down to half of what counts as severe, and
get the same treatment after the blur, so that noise does not pass for sharpness. Folds: isic2018 2, 3, 4; busbra 1, 2, 3.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from sklearn.linear_model import LogisticRegression

from benchmarks import degrade
from benchmarks.quality_sets import DERM, US, QualitySet, pictures
from edge.frame import F32, U8
from edge.preprocess.field import Detector
from edge.preprocess.small import small_grey
from edge.quality.detail import FEATURES, detail
from edge.sources.tremor import hold, move

WEIGHTS = Path(__file__).resolve().parents[1] / "edge" / "quality" / "weights.py"
GOOD, FOCUS, MOTION = 0, 1, 2
EVERY: dict[Detector, int] = {"dermatoscope": 3, "ultrasound": 2, "none": 1}  # every n-th picture teaches; all of them set the limit
GOOD_REFUSED = 0.005  # of the untouched train pictures: where the limit is set
STRENGTH = 10.0  # inverse of the ridge penalty


def _held(pixels: U8, rng: Generator) -> U8:
    """As a hand over the picture sees it, at its own size or enlarged to 640 px."""
    height, width = pixels.shape[:2]
    factor = 640 / width if rng.random() < 1 / 3 else 1.0
    pose = hold(int(rng.integers(1_000_000))).pose(rng.uniform(0, 60))
    return move(pixels, pose, width_px=round(width * factor), height_px=round(height * factor), inset=rng.uniform(1, 1.1))


def _taken(pixels: U8, rng: Generator) -> U8:
    """What happens to any picture, sharp or not: less or more light, moved or enlarged, noise, compression."""
    if rng.random() < 0.5:
        pixels = degrade.gain(pixels, rng.uniform(0.35, 1.2))
    if rng.random() < 0.5:
        pixels = _held(pixels, rng)
    elif rng.random() < 0.3:
        how = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
        pixels = np.asarray(cv2.resize(pixels, None, fx=3.2, fy=3.2, interpolation=how), np.uint8)
    if rng.random() < 0.5:
        pixels = degrade.sensor_noise(pixels, rng.uniform(0, 2.5), rng)
    if rng.random() < 0.4:
        _, coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(50, 96))])
        pixels = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return pixels


def _soft(pixels: U8, rng: Generator) -> U8:
    if rng.random() < 0.6:
        return degrade.defocus(pixels, rng.uniform(0.015, 0.06))
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.012, 0.045) * min(pixels.shape[:2])), np.uint8)


def _moved(pixels: U8, rng: Generator) -> U8:
    return degrade.motion(pixels, rng.uniform(0, np.pi), rng.uniform(0.035, 0.15))


EXAMPLES: tuple[tuple[int, Callable[[U8, Generator], U8]], ...] = (
    (GOOD, lambda p, _: p),
    (GOOD, _taken),
    (FOCUS, lambda p, _: degrade.defocus(p)),
    (FOCUS, lambda p, rng: _taken(_soft(p, rng), rng)),
    (MOTION, lambda p, rng: degrade.motion(p, rng.uniform(0, np.pi))),
    (MOTION, lambda p, rng: _taken(_moved(p, rng), rng)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    mean: F32
    sd: F32
    weights: F32
    bias: F32
    limit: float
    note: str


def _features(many: Iterator[U8], every: int, seed: int) -> list[F32]:
    """For each kind of example (n, len(FEATURES)); the first kind, the untouched pictures, has all of them."""
    rng = np.random.default_rng(seed)
    rows: list[list[F32]] = [[] for _ in EXAMPLES]
    for index, pixels in enumerate(many):
        for kind, (_, make) in enumerate(EXAMPLES):
            if kind == 0 or index % every == 0:
                rows[kind].append(detail(small_grey(make(pixels, rng))))
    return [np.array(part, np.float32) for part in rows]


def fit(source: QualitySet, data: Path, seed: int) -> Fitted:
    every_nth = EVERY[source.detector]
    all_parts = _features(pictures(source, source.train_folds, data), every_nth, seed)
    parts = [all_parts[0][::every_nth], *all_parts[1:]]
    every = np.concatenate(parts)
    kinds = np.repeat([kind for kind, _ in EXAMPLES], [len(part) for part in parts])
    mean, sd = every.mean(axis=0), every.std(axis=0)
    model = LogisticRegression(C=STRENGTH, max_iter=5000).fit((every - mean) / sd, kinds)
    weights = model.coef_[[FOCUS, MOTION]] - model.coef_[GOOD]
    bias = model.intercept_[[FOCUS, MOTION]] - model.intercept_[GOOD]

    def score(part: F32) -> F32:
        both = (part - mean) / sd @ weights.T + bias
        return np.asarray(np.logaddexp(both[:, 0], both[:, 1]), np.float32)

    limit = float(np.quantile(score(all_parts[0]), 1 - GOOD_REFUSED))
    note = f"{source.folder} folds {', '.join(source.train_folds)}: {len(all_parts[0])} pictures"
    weights32, bias32 = np.asarray(weights, np.float32), np.asarray(bias, np.float32)
    return Fitted(np.asarray(mean, np.float32), np.asarray(sd, np.float32), weights32, bias32, limit, note)


def _row(values: F32) -> str:
    return "(" + ", ".join(f"{value:.5g}" for value in values) + ")"


def source_text(fitted: dict[Detector, Fitted]) -> str:
    """The module edge/quality/weights.py."""
    blocks = []
    for detector, one in fitted.items():
        blocks.append(
            f"# {one.note}\n{detector.upper()} = BlurModel(\n    mean=_f32({_row(one.mean)}),\n    sd=_f32({_row(one.sd)}),\n"
            f"    weights=_f32(\n        {_row(one.weights[0])},\n        {_row(one.weights[1])},\n    ),\n"
            f"    bias=_f32({_row(one.bias)}),\n    limit={one.limit:.4f},\n)"
        )
    head = HEAD.replace("REFUSED", f"{GOOD_REFUSED * 100:g} %")
    return head + "\n\n".join(blocks) + "\n"


HEAD = '''"""Weights of the blur scores, made by `python -m benchmarks.fit_quality --write`. Not to be edited by hand.

Softmax regression of good / out of focus / moving on the features of edge.quality.detail; `limit` is the log-odds
against "good" that REFUSED of the train pictures exceed.
"""

from dataclasses import dataclass

import numpy as np

from edge.frame import F32

__all__ = ["DERMATOSCOPE", "ULTRASOUND", "BlurModel"]


@dataclass(frozen=True, slots=True, eq=False)
class BlurModel:
    """mean, sd: (f,), of the features. weights: (2, f) and bias: (2,), log-odds against "good" of out of focus and of moving."""

    mean: F32
    sd: F32
    weights: F32
    bias: F32
    limit: float


def _f32(*rows: tuple[float, ...]) -> F32:
    return np.array(rows[0] if len(rows) == 1 else rows, np.float32)


'''


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write edge/quality/weights.py instead of printing it")
    arguments = parser.parse_args()
    fitted = {source.detector: fit(source, arguments.data, arguments.seed) for source in (DERM, US)}
    text = source_text(fitted)
    if arguments.write:
        WEIGHTS.write_text(text, encoding="utf-8")
        print(f"wrote {WEIGHTS.name}: {len(FEATURES)} features; limits {', '.join(f'{d} {f.limit:.2f}' for d, f in fitted.items())}")
    else:
        print(text)


if __name__ == "__main__":
    main()
