"""A site's own temperature, on pictures of another place: how often does it say "helped", and is that true?

    python -m benchmarks.site_recalibration LABELS.csv --model NAME [--group COLUMN] [--draws 200] [--json FILE]

From the pictures of LABELS.csv (another hospital's: BUSI for breast-us) whole lesions or patients are drawn until there are 50 cases;
they are refitted as `sonoderm calibrate confidence --site` does, and the loss is compared on all others. Then 200 cases, with outputs made
overconfident by 1.5. Targets: when it says "helped", the loss of the others fell in >= 90 % of the draws; with 200 overconfident cases it
says so in >= 80 %. The loss of the others is at their own mix of classes, as in the refit.
"""

import argparse
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import numpy as np

from calibration.confidence.cases import Bool, Cases
from calibration.confidence.methods import Scaling, apply, losses, offset_of, uniform
from calibration.confidence.table import Half, look_at, read_table
from calibration.site.refit import FEWEST_GROUPS_OF_CLASS, Verdict, refit
from edge.model import open_model

DREW_RIGHT, SEES = 0.90, 0.80


@dataclass(frozen=True, slots=True)
class Trial:
    """What `draws` draws of so many cases said. fell: of those that said "helped", where the loss of the others fell; change: its mean."""

    cases: int
    overconfident: float
    draws: int
    helped: int
    cannot_tell: int
    fell: int
    change: float | None


def drawn(cases: Cases, wanted: int, random: np.random.Generator) -> Bool:
    """(n,) whole groups, until there are `wanted` pictures and at least two classes could be told."""
    while True:
        order = random.permutation(cases.n_groups)
        sizes = np.bincount(cases.groups)[order]
        chosen = np.isin(cases.groups, order[: int(np.searchsorted(np.cumsum(sizes), wanted)) + 1])
        if (cases.only(chosen).groups_of_class() >= FEWEST_GROUPS_OF_CLASS).sum() >= 2:
            return np.asarray(chosen)


def trial(cases: Cases, now: Scaling, prevalence: tuple[float, ...], *, wanted: int, overconfident: float, draws: int) -> Trial:
    sure = Cases(cases.scores * overconfident, cases.labels, cases.groups)
    random = np.random.default_rng(1)
    said: Counter[Verdict] = Counter()
    changes = []
    for _ in range(draws):
        chosen = drawn(sure, wanted, random)
        found = refit(sure.only(chosen), now, prevalence)
        said[found.verdict] += 1
        if found.verdict is Verdict.HELPED:
            others = sure.only(~chosen)
            offset = offset_of(others.shares(), prevalence)
            new = Scaling(found.new, now.bias, now.scale)
            before, after = (float(losses(apply(scaling, others.scores, offset), others).mean()) for scaling in (now, new))
            changes.append(after - before)
    fell = sum(change < 0 for change in changes)
    mean = float(np.mean(changes)) if changes else None
    return Trial(wanted, overconfident, draws, said[Verdict.HELPED], said[Verdict.CANNOT_TELL], fell, mean)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--trust", type=Path)
    parser.add_argument("--group")
    parser.add_argument("--where", action="append", default=[], metavar="COLUMN=VALUE")
    parser.add_argument("--engine", default="onnxruntime")
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    table = read_table(asked.labels, image_root=None, where=asked.where, group=asked.group, half=Half.ALL, seed=1)
    with open_model(asked.model, asked.trust, engine=asked.engine) as model:
        cases = look_at(table, [model])[0].cases
        now, prevalence = Scaling.of(model.decision), model.prevalence or uniform(len(model.codes))
    print(f"{asked.model} on {asked.engine}, n = {len(cases)} pictures of {cases.n_groups} lesions or patients, {asked.draws} draws each")
    done = [
        trial(cases, now, prevalence, wanted=wanted, overconfident=factor, draws=asked.draws) for wanted, factor in ((50, 1.0), (200, 1.5))
    ]
    for one in done:
        change = f"{one.change:+.4f} nats" if one.change is not None else "-"
        counts = f"helped {one.helped}, cannot tell {one.cannot_tell}"
        print(f"{one.cases} cases, outputs x {one.overconfident:g}: {counts}; of those helped the loss fell in {one.fell}, mean {change}")
    honest = all(one.fell >= DREW_RIGHT * one.helped for one in done)
    sees = done[1].helped >= SEES * done[1].draws
    print(f"{'met   ' if honest else 'MISSED'}  when it says helped, the loss of the others fell (target {DREW_RIGHT:.0%})")
    print(f"{'met   ' if sees else 'MISSED'}  200 overconfident cases are seen (target {SEES:.0%})")
    if asked.json:
        result = {"v": 1, "model": asked.model, "n": len(cases), "trials": [asdict(one) for one in done]}
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    raise SystemExit(0 if honest and sees else 1)


if __name__ == "__main__":
    main()
