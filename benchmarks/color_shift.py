"""What a camera's own colors cost a model, and what `sonoderm calibrate color` gives back.

    python -m benchmarks.color_shift LABELS.csv --model derm7 --group lesion_id --where fold=1 [--most 600] [--published] [--json FILE]

Every picture is seen anew through a rendered camera: other primaries, another light, another curve. A rendered photograph of a chart by
the same camera is measured as the command measures it, and its response is applied where a device applies it, after the resize.
With --published, the cameras are the ten pairs of benchmarks/color_pairs.py run backwards, raw channels, noise and all.
Target: balanced accuracy with the correction is not lower than without, in the mean over the cameras; for none of them is it lower by
more than chance (95 %). Anything but dev is a report set, and each opening is a line in docs/openings.md.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from calibration.color.measure import measure_chart
from calibration.color.reference import Chart, built_in
from calibration.color.space import decode, encode
from calibration.confidence.cases import F64, I64
from calibration.confidence.table import Half, drawn_rows, read_table, require_known
from edge.bench.accuracy_bootstrap import Estimate, estimate
from edge.bench.accuracy_metrics import balanced, recalls
from edge.frame import U8
from edge.model import Model, open_model
from edge.preprocess.prepare import prepare
from edge.profile import ColorResponse, ColorTables, Corrections, color_tables
from edge.sources.picture import read_picture
from tests.calibration.color import spectral
from tests.calibration.color.rendered_chart import Shot, photograph

NOISE = 0.6  # code values: 2 of a camera at 640x480, averaged by the resize; pictures of a data set are as small as the model's own
CAMERAS = {  # gains keep a white patch below clipping, as a camera's exposure does
    "warm lamp": Shot(gains=(0.95, 0.80, 0.60), noise=2, light=1.2),
    "cold lamp": Shot(gains=(0.66, 0.80, 0.95), noise=2, light=1.2),
    "green lamp": Shot(gains=(0.74, 0.92, 0.70), noise=2, light=1.2),
    "own primaries alone": Shot(gains=(0.92, 0.92, 0.92), noise=2, light=1.2),
    "darker curve": Shot(gains=(0.92, 0.84, 0.74), gamma=1.2, noise=2, light=1.2),
}


@dataclass(frozen=True, slots=True)
class Row:
    """Balanced accuracy, and its change by the correction with a 95 % interval by lesion. de00: of the chart, patches left out."""

    camera: str
    de00_before: float
    de00_after: float
    shifted: float
    corrected: float
    change: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """photo: (h, w, 3) uint8, its photograph of the chart. sees: any sRGB picture as this camera would have taken it."""

    name: str
    photo: U8
    chart: Chart
    sees: Callable[[U8], U8]


def rendered_cameras() -> Iterator[Camera]:
    for name, shot in CAMERAS.items():
        yield Camera(name, photograph(shot).pixels, built_in("classic-24"), partial(seen_by, shot))


def published_cameras() -> Iterator[Camera]:
    chart = spectral.reference()
    for camera in spectral.CAMERAS:
        for light in spectral.LIGHTS:
            photo = spectral.chart_seen_by(camera, light)
            color = measure_chart([photo], chart, None, datetime.now(UTC)).facts.color
            yield Camera(f"{camera} {light}", photo, chart, partial(seen_raw, color))


def seen_raw(color: ColorResponse, pixels: U8) -> U8:
    """The response run backwards, with the noise of the raw channels."""
    light = np.clip(decode(pixels / 255) @ np.linalg.inv(np.array(color.matrix)).T, 0, 1)
    code = encode(light ** (1 / np.array(color.power))) * 255 + np.random.default_rng(0).normal(0, NOISE, pixels.shape)
    return np.asarray(np.clip(np.rint(code), 0, 255), np.uint8)


def seen_by(shot: Shot, pixels: U8) -> U8:
    """(h, w, 3) uint8 sRGB as this camera would have taken it, without its noise."""
    linear = decode(pixels / 255) @ shot.matrix.T * np.array(shot.gains)
    return np.asarray(np.rint(encode(np.clip(linear, 0, 1)) ** shot.gamma * 255), np.uint8)


def said_of(model: Model, pixels: U8, color: ColorTables | None) -> int:
    corrections = None if color is None else Corrections((pixels.shape[1], pixels.shape[0]), color=color)
    prepared = prepare(pixels, model.manifest.input, corrections)
    return int(model.judge(model.session.run(prepared.tensor)).probabilities.argmax())


def balanced_accuracy(truth: I64, said: I64, k: int) -> Callable[[F64], F64]:
    return lambda weights: balanced(recalls(truth, said, k, weights))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--group")
    parser.add_argument("--where", action="append", default=[], metavar="COLUMN=VALUE")
    parser.add_argument("--most", type=int, default=10_000)
    parser.add_argument("--published", action="store_true")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    table = read_table(asked.labels, image_root=None, where=asked.where, group=asked.group, half=Half.ALL, seed=1)
    rows = drawn_rows(table.rows, asked.most, 1)
    with open_model(asked.model) as model:
        require_known(table, model)
        pictures = [read_picture(row.image) for row in rows]
        truth = np.array([model.codes.index(row.label) for row in rows], np.int64)
        groups = np.unique([row.group or f"row {row.row}" for row in rows], return_inverse=True)[1].astype(np.int64)
        k, one = len(model.codes), np.ones((1, len(rows)))
        clean = np.array([said_of(model, pixels, None) for pixels in pictures], np.int64)
        as_made = float(balanced_accuracy(truth, clean, k)(one)[0])
        print(f"{model.identity.name} {model.identity.version}, {model.identity.form} on {model.identity.engine}, ", end="")
        print(f"n = {len(rows)} pictures of {groups.max() + 1} lesions or patients; balanced accuracy as made {as_made:.3f}")
        found = []
        for camera in published_cameras() if asked.published else rendered_cameras():
            facts = measure_chart([camera.photo], camera.chart, None, datetime.now(UTC)).facts
            color = color_tables(facts.color)
            seen = [camera.sees(pixels) for pixels in pictures]
            without, corrected = (np.array([said_of(model, p, c) for p in seen], np.int64) for c in (None, color))
            before, after = balanced_accuracy(truth, without, k), balanced_accuracy(truth, corrected, k)
            gain = estimate(lambda w, b=before, a=after: a(w) - b(w), len(rows), groups)[0]  # type: ignore[misc]
            row = Row(camera.name, facts.before_median, facts.left_out_median, float(before(one)[0]), float(after(one)[0]), gain)
            found.append(row)
            low, high = gain[1] or (float("nan"), float("nan"))
            print(
                f"{camera.name:28} chart ΔE00 {row.de00_before:5.2f} -> {row.de00_after:4.2f}; {row.shifted:.3f} -> {row.corrected:.3f}, "
                f"change {gain[0]:+.3f} ({low:+.3f} to {high:+.3f})",
                flush=True,
            )
    mean_without, mean_with = (float(np.mean([getattr(row, name) for row in found])) for name in ("shifted", "corrected"))
    worse = [row.camera for row in found if row.change[1] is not None and row.change[1][1] < 0]
    is_met = mean_with >= mean_without and not worse
    print(f"{'met   ' if is_met else 'MISSED'}  mean {mean_without:.3f} -> {mean_with:.3f}; lower by more than chance: {worse or 'none'}")
    if asked.json:
        result = {"v": 1, "model": asked.model, "n": len(rows), "as_made": as_made, "cameras": [asdict(row) for row in found]}
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    raise SystemExit(0 if is_met else 1)


if __name__ == "__main__":
    main()
