"""How near `sonoderm calibrate color` comes to the best possible 3x3, for ten published pairs of camera and light.

    python -m benchmarks.color_pairs [--json FILE]

Patch spectra, sensitivities and lights are colour-science's; the photograph of the chart (noise, perspective, uneven light) is rendered.
It is measured as the command measures it, and every figure is of patches left out, as the device applies the response: through
`edge.preprocess`, uint8 in and out. Target: the median ratio to the best 3x3 is at most 1.2; one that is above, or that the command
refuses, is named.
"""

import argparse
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from calibration.color.measure import measure_chart
from edge.errors import CheckFailed
from tests.calibration.color.spectral import CAMERAS, LIGHTS, best_left_out, camera_linear, chart_seen_by, reference

PROMISE = 1.2


@dataclass(frozen=True, slots=True)
class Pair:
    """Median ΔE00. refused: why the command would not keep it, None where it would."""

    camera: str
    light: str
    photographed: float
    best: float
    device: float
    largest_factor: float
    noise_gain: float
    refused: str | None

    @property
    def ratio(self) -> float:
        return self.device / self.best


def measured(camera: str, light: str) -> Pair:
    found = measure_chart([chart_seen_by(camera, light)], reference(), None, datetime.now(UTC))
    refused = None
    try:
        found.require_help()
    except CheckFailed as error:
        refused = error.what
    facts = found.facts
    largest = float(np.abs(facts.color.matrix).max())
    best = best_left_out(camera_linear(camera, light), reference())
    return Pair(camera, light, facts.before_median, best, facts.left_out_median, largest, facts.noise_gain, refused)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    print("| camera | light | photographed | best 3x3 | on the device | ratio | largest factor | noise grows | kept |")
    print("|---|---|---|---|---|---|---|---|---|")
    pairs = [measured(camera, light) for camera in CAMERAS for light in LIGHTS]
    for p in pairs:
        figures = f"{p.photographed:.2f} | {p.best:.2f} | {p.device:.2f} | {p.ratio:.2f} | {p.largest_factor:.1f} | {p.noise_gain:.1f}"
        print(f"| {p.camera} | {p.light} | {figures} | {p.refused or 'yes'} |")
    ratio = float(np.median([p.ratio for p in pairs]))
    above = [f"{p.camera} {p.light}" for p in pairs if p.ratio > PROMISE]
    is_met = ratio <= PROMISE
    print(f"{'met   ' if is_met else 'MISSED'}  median {ratio:.2f} of {len(pairs)} pairs (target {PROMISE:g}); above it: {above or 'none'}")
    if asked.json:
        result = {"v": 1, "median_ratio": ratio, "promise": PROMISE, "pairs": [asdict(p) | {"ratio": p.ratio} for p in pairs]}
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    return int(not is_met)


if __name__ == "__main__":
    raise SystemExit(main())
