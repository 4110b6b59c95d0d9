"""One fault, from its order to the label that is back: pure bookkeeping over views, time is an argument."""

from dataclasses import dataclass, replace

from edge.demo.faults import Fault, FaultKind, is_answered
from edge.reading import State, View

__all__ = ["NS_PER_MS", "Trial", "back_s", "banner_ms", "begin", "repaired", "saw"]

NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Trial:
    """ordered_ns, banner_ns, repaired_ns, back_ns: monotonic, None while it has not happened. good_ns: of the last good picture.

    said: the screen's words at the banner. stayed: a slow sink took no label away from this one.
    """

    fault: Fault
    ordered_ns: int
    label_before: str | None
    good_ns: int = 0
    banner_ns: int | None = None
    said: str = ""
    repaired_ns: int | None = None
    back_ns: int | None = None
    stayed: bool = True

    @property
    def is_ok(self) -> bool:
        """True once it was answered in time and the label is back."""
        took = banner_ms(self)
        return took is not None and took <= self.fault.limit_ms and self.back_ns is not None and self.stayed


def begin(fault: Fault, label: str | None, now_ns: int) -> Trial:
    return Trial(fault, now_ns, label)


def saw(trial: Trial, view: View, now_ns: int, good_ns: int) -> Trial:
    """A view that was on the screen at now_ns. good_ns: capture time of the newest good picture, by the capture process's own word."""
    reading = view.reading
    if trial.banner_ns is None:
        if trial.fault.kind is FaultKind.SLOW_SINK and reading.state is State.NO_SIGNAL:
            trial = replace(trial, stayed=False)
        if view.shown_ns < trial.ordered_ns or not is_answered(trial.fault, reading, trial.label_before):
            return trial
        reason = f" · {reading.reason.value}" if reading.reason else ""
        note = next((note for note in reading.model.notes if "slow" in note), "") if reading.model else ""
        said = note if trial.fault.kind is FaultKind.SLOW_SINK else f"{reading.state.value}{reason}"
        return replace(trial, banner_ns=now_ns, good_ns=good_ns, said=said)
    if trial.repaired_ns is not None and trial.back_ns is None and reading.state is State.READY and view.shown_ns >= trial.repaired_ns:
        return replace(trial, back_ns=now_ns)
    return trial


def repaired(trial: Trial, now_ns: int) -> Trial:
    return replace(trial, repaired_ns=now_ns)


def banner_ms(trial: Trial) -> float | None:
    """From the last good picture to the banner; for a sink, from the order. None while there is none."""
    if trial.banner_ns is None:
        return None
    from_ns = trial.ordered_ns if trial.fault.kind is FaultKind.SLOW_SINK else trial.good_ns
    return (trial.banner_ns - from_ns) / NS_PER_MS


def back_s(trial: Trial) -> float | None:
    """From the repair to the next label."""
    if trial.back_ns is None or trial.repaired_ns is None:
        return None
    return (trial.back_ns - trial.repaired_ns) / 1e9
