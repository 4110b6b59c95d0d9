"""Real pictures, held by a trembling hand, through the live path: how much of the time is there a label, how soon, how calm?

    python -m benchmarks.motion LABELS.csv --model NAME [--where fold=4] [--minutes 5] [--seed 1] [--json FILE]

The source is `dir:LABELS.csv?motion=tremor`, in real time, through capture process, quality gate, model and aggregation as in `run`.
READY share: of the time since the model first spoke. First label: from a picture's first captured frame to the first READY view, over the
pictures that got one. Flips: one label followed by another within one picture. Targets: READY >= 70 %, median <= 1.5 s, <= 6 a minute.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

import msgspec

from edge.model import OpenOptions, open_model
from edge.pipeline.live import Surround
from edge.pipeline.options import LiveModel, LiveOptions
from edge.pipeline.report import summary_lines
from edge.pipeline.start import run_live
from edge.pipeline.tally import Summary
from edge.reading import Reason, State
from edge.sinks.null import NullSink

READY_SHARE, FIRST_LABEL_S, FLIPS_PER_MINUTE = 0.70, 1.5, 6.0


def measure(uri: str, model: str, trust: Path | None, seconds: float) -> Summary:
    def opener(step: Callable[[Reason], None]) -> LiveModel:
        return open_model(model, trust, options=OpenOptions(on_step=step))

    def say(text: str) -> None:
        print(text, file=sys.stderr)

    return run_live(uri, opener, [NullSink()], LiveOptions(seconds=seconds), Surround(say=say))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--trust", type=Path)
    parser.add_argument("--where", action="append", default=[], metavar="COLUMN=VALUE")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    options = [*(f"where={where}" for where in asked.where), "motion=tremor", f"seed={asked.seed}", "loop=yes"]
    uri = f"dir:{quote(str(asked.labels))}?{'&'.join(options)}"
    summary = measure(uri, asked.model, asked.trust, asked.minutes * 60)
    for line in summary_lines(summary):
        print(line)
    ready, scenes = dict(summary.states).get(State.READY, 0.0), summary.scenes
    rows = [
        ("READY share of the time", f"{ready:.1%}", f">= {READY_SHARE:.0%}", ready >= READY_SHARE),
        ("median time to the first label", f"{scenes.median_s} s", f"<= {FIRST_LABEL_S} s", (scenes.median_s or 99) <= FIRST_LABEL_S),
        ("flips a minute", f"{scenes.flips_per_minute:.2f}", f"<= {FLIPS_PER_MINUTE}", scenes.flips_per_minute <= FLIPS_PER_MINUTE),
        ("stale labels", str(summary.stale_labels), "0", summary.stale_labels == 0),
    ]
    for name, value, limit, is_met in rows:
        print(f"{'met   ' if is_met else 'MISSED'}  {name}: {value} (target {limit})")
    if asked.json:
        shares = {state.value: share for state, share in summary.states}
        result = {"v": 1, "uri": uri, "model": asked.model, "seconds": summary.duration_s, "states": shares, "scenes": asdict(scenes)}
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2))
    raise SystemExit(0 if all(is_met for *_, is_met in rows) else 1)


if __name__ == "__main__":
    main()
