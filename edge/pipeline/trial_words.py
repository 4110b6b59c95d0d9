"""Why a model on trial is not kept, in the words that the history, the screen and the technician's tool show. Pure."""

from __future__ import annotations

from edge.bundle.slots import PASSES
from edge.check.report import CheckReport
from edge.reading import Reason, State

__all__ = ["crash_words", "fault_words", "growth_words", "why_not"]

MIB = 2**20
SLOW_NS = 3_000_000_000  # a moment in which another program had the processor is no fault of the model
WORDS = {"speed": f"{PASSES} too slow", "memory": f"{PASSES} memory grows", "agreement": f"{PASSES} another form disagrees"}


def why_not(report: CheckReport) -> str | None:
    """The first of its questions that the check answers with no; None when there is none."""
    if not report.failures():
        return None
    line = report.failures()[0]
    found = f"{line.value}, limit {line.limit}" if line.limit else line.value
    return f"{WORDS.get(line.name, f'{line.name} differ')}: {found}"


def growth_words(memory_b: int, limit_b: int) -> str:
    return f"{WORDS['memory']}: {memory_b / MIB:.0f} MiB, limit {limit_b / MIB:.0f} MiB"


def fault_words(state: State, reason: Reason | None, for_ns: int) -> str | None:
    """What a live state that has stood for so long says against the model; None when it says nothing."""
    if state is not State.FAULT or (reason is Reason.TOO_SLOW and for_ns < SLOW_NS):
        return None
    return WORDS["speed"] if reason is Reason.TOO_SLOW else f"{PASSES} run crashes: {(reason or state).value}"


def crash_words(error: BaseException, *, is_checked: bool) -> str:
    what = f"{type(error).__name__}: {error}"
    return f"{PASSES} run crashes: {what}" if is_checked else f"its check crashes: {what}"
