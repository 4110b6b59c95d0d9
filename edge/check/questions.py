"""The questions of a check, one function each: a Line that says what was found, against which limit."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import msgspec
import numpy as np

from edge.backends.session import Session
from edge.bundle.manifest import Pair
from edge.check.agreement import FLOOR, QUANTISED, SURE, Agreement, chance_of_so_few, compare
from edge.check.limits import Limits
from edge.check.pictures import pictures
from edge.check.report import Line
from edge.frame import U8, Frame
from edge.model import Model
from edge.model.golden import GoldenFrame, OutputDrift, compare_outputs, tensor_differs
from edge.preprocess.prepare import prepare

__all__ = ["agreement_line", "ask_agreement", "ask_outputs", "ask_speed", "ask_tensors", "memory_line"]

CROSS_ENGINE: Final = 3.0  # the same form on another engine rounds elsewhere: its tolerance times this, until the pair has its own
Reference = tuple[Session, Pair] | None
LOOKS: Final = 60
SEED: Final = 2026


def ask_tensors(model: Model, golden: tuple[GoldenFrame, ...]) -> Line:
    if not golden:
        return Line("golden tensors", None, "none", note="this bundle has no golden frames")
    wrong = {frame.note: differing for frame in golden if (differing := tensor_differs(frame, model.manifest.input))}
    note = "; ".join(f"{name}: {differing} values differ" for name, differing in wrong.items())
    return Line("golden tensors", not wrong, f"{len(golden) - len(wrong)} of {len(golden)} equal", "every bit", note)


def ask_outputs(model: Model, golden: tuple[GoldenFrame, ...], reference: Reference) -> tuple[Line, tuple[OutputDrift, ...]]:
    pair, source = _expected(model, golden, reference)
    drifts = compare_outputs(model.session, golden, pair)
    if not drifts:
        return Line("golden outputs", None, "none", note="this bundle has no golden outputs to compare with"), ()
    worst = max(drifts, key=lambda found: found.drift - found.tolerance)
    held = sum(found.holds for found in drifts)
    compared = sum(found.winner_kept is not None for found in drifts)
    note = f"winner compared on {compared} of {len(drifts)}, where its lead is clear{source}"
    if held < len(drifts):
        note = f"'{worst.note}' is off by {worst.drift:.3g}; {note}"
    value = f"{held} of {len(drifts)} hold, worst {worst.drift:.3g}"
    return Line("golden outputs", held == len(drifts), value, f"{worst.tolerance:.3g}", note), drifts


def _expected(model: Model, golden: tuple[GoldenFrame, ...], reference: Reference) -> tuple[Pair, str]:
    """The pair's own golden outputs; else those of the same form on another engine; else what the reference says now.

    Without numbers of its own a pair is held to QUANTISED of the outputs' range at most, however wide the other's tolerance is.
    """
    pair = model.pair
    if pair.golden_outputs:
        return pair, ""
    same = next((p for p in model.manifest.pairs if p.form == pair.form and p.golden_outputs), None)
    if same is not None:
        tolerance = min(same.tolerance * CROSS_ENGINE, QUANTISED * _spread(same.golden_outputs))
        return msgspec.structs.replace(same, tolerance=tolerance), f"; expected outputs are those of {same.engine}"
    if reference is None:
        return pair, ""
    session, other = reference
    rows = tuple(tuple(float(v) for v in session.run(frame.tensor).classes) for frame in golden)
    expected = msgspec.structs.replace(other, golden_outputs=rows, tolerance=QUANTISED * _spread(rows))
    return expected, f"; compared with {other.form} on {other.engine}"


def _spread(rows: tuple[tuple[float, ...], ...]) -> float:
    return float(np.ptp(np.asarray(rows))) if rows else 0.0


def ask_agreement(
    model: Model, golden: tuple[GoldenFrame, ...], reference: Reference, limits: Limits, on_picture: Callable[[int], None]
) -> Agreement | None:
    if reference is None or limits.pictures == 0:
        return None
    spec = model.manifest.input

    def tensors() -> Iterator[U8]:
        for at, picture in enumerate(pictures(limits.pictures, golden, SEED)):
            on_picture(at)
            yield prepare(picture, spec).tensor

    return compare(tensors(), (model.session, model.pair), reference, model.manifest)


def agreement_line(agreement: Agreement | None, limits: Limits) -> Line:
    if agreement is None:
        return Line("agreement", None, "not asked", note="no other proven form can run here")
    note = f"with {agreement.reference}; largest difference of a probability {agreement.largest:.2f}"
    if agreement.share is None or agreement.decided < limits.least_decided:
        ok = False if limits.least_decided else None
        return Line("agreement", ok, f"{agreement.decided} of {agreement.pictures} decided", f"{limits.least_decided} decided", note)
    value = f"{agreement.share:.1%} of {agreement.decided} decided pictures"
    if limits.least_decided:
        return Line("agreement", agreement.share >= FLOOR, value, f"{FLOOR:.0%}", note)
    chance = chance_of_so_few(agreement, FLOOR)
    if agreement.share < FLOOR and chance >= SURE:
        note += "; too few pictures to call that worse than the limit"
    return Line("agreement", agreement.share >= FLOOR or chance >= SURE, value, f"{FLOOR:.0%}", note)


def ask_speed(model: Model, golden: tuple[GoldenFrame, ...]) -> tuple[float, float]:
    """p50 and p95 in ms of one frame, all stages."""
    spec = model.manifest.input
    pixels = [frame.frame for frame in golden] or [np.zeros((spec.height_px, spec.width_px, 3), np.uint8)]
    frames = [Frame(p, 0, 0, "check") for p in pixels]
    took = [model.examine(replace(frames[at % len(frames)], index=at, captured_ns=at)).timings.total_ns for at in range(LOOKS)]
    p50, p95 = np.percentile(np.asarray(took, np.float64) / 1e6, [50, 95])
    return float(p50), float(p95)


def memory_line(memory_b: int | None, limits: Limits) -> Line:
    if memory_b is None:
        return Line("memory", None, "unknown", note="this system does not tell")
    value = f"{memory_b / 2**20:.0f} MiB"
    if limits.memory_b is None:
        return Line("memory", True, value, note="of this process, all told")
    return Line("memory", memory_b <= limits.memory_b, value, f"{limits.memory_b / 2**20:.0f} MiB", "of this process, all told")
