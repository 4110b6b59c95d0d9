"""The words with which a model on trial is refused."""

import pytest

from edge.check import CheckReport, Line
from edge.pipeline.trial_words import crash_words, fault_words, growth_words, why_not
from edge.reading import ModelIdentity, Reason, State

S = 1_000_000_000


def a_report(*lines: Line) -> CheckReport:
    return CheckReport(
        model=ModelIdentity("m", "1.0.0", "ab", "onnxruntime", "fp32"),
        engine_version="1",
        threads=1,
        isa="x86-64",
        gate="passed",
        lines=lines,
        passed=False,
        proven=False,
        golden=0,
        pictures=0,
        decided=0,
        agreement=None,
        reference=None,
        p50_ms=1.0,
        p95_ms=1.0,
        memory_b=None,
    )


def test_the_first_no_of_a_check_is_the_reason() -> None:
    well, unasked = Line("golden tensors", True, "2 of 2 equal"), Line("agreement", None, "not asked")
    slow, large = Line("speed", False, "p95 300 ms", "233 ms"), Line("memory", False, "900 MiB", "300 MiB")
    assert why_not(a_report(well, unasked)) is None
    assert why_not(a_report(well, unasked, slow, large)) == "golden frames pass but too slow: p95 300 ms, limit 233 ms"
    assert why_not(a_report(large)) == "golden frames pass but memory grows: 900 MiB, limit 300 MiB"
    assert why_not(a_report(Line("golden outputs", False, "0 of 2 hold"))) == "golden outputs differ: 0 of 2 hold"


@pytest.mark.parametrize(
    ("state", "reason", "for_s", "words"),
    [
        (State.READY, None, 99, None),
        (State.NO_SIGNAL, Reason.UNPLUGGED, 99, None),
        (State.FAULT, Reason.TOO_SLOW, 2.9, None),
        (State.FAULT, Reason.TOO_SLOW, 3, "golden frames pass but too slow"),
        (State.FAULT, Reason.MODEL_CANNOT_RUN, 0, "golden frames pass but run crashes: the model cannot run"),
    ],
)
def test_a_fault_speaks_against_a_model_and_a_lost_source_or_a_slow_moment_does_not(
    state: State, reason: Reason | None, for_s: float, words: str | None
) -> None:
    assert fault_words(state, reason, int(for_s * S)) == words


def test_growth_and_crash_are_told_with_what_was_found() -> None:
    assert growth_words(900 * 2**20, 300 * 2**20) == "golden frames pass but memory grows: 900 MiB, limit 300 MiB"
    assert crash_words(ValueError("of it"), is_checked=True) == "golden frames pass but run crashes: ValueError: of it"
    assert crash_words(ValueError("of it"), is_checked=False) == "its check crashes: ValueError: of it"
