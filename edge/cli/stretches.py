"""The frames of a clip or cine for people: one line for each stretch of frames with the same answer, and what the whole comes to. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from edge.cli.output import answer, label_with_code
from edge.reading import Reading, State

__all__ = ["Moving", "StateCount", "states_line"]


@dataclass
class StateCount:
    """How often each state came, and each label in READY."""

    states: Counter[State] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)

    def add(self, reading: Reading) -> None:
        self.states[reading.state] += 1
        if reading.state is State.READY and reading.label is not None:
            self.labels[reading.label] += 1


def states_line(count: StateCount) -> str:
    """`READY 5 (mel 4, nv 1), UNSURE 2`: states in order of precedence from the label down, labels by number."""
    parts = []
    for state in reversed(State):
        if count.states[state]:
            labels = ", ".join(f"{label} {n}" for label, n in count.labels.most_common()) if state is State.READY else ""
            parts.append(f"{state.value} {count.states[state]}" + (f" ({labels})" if labels else ""))
    return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class _Seen:
    reading: Reading
    frame: int
    time_s: float | None

    @property
    def answer(self) -> tuple[object, ...]:
        """What must be equal in a stretch: everything that a person is told but the confidence."""
        reading = self.reading
        second = next((code for code in reading.set if code != reading.label), None) if reading.state is State.READY else None
        return reading.state, reading.reason, reading.label, second


class Moving:
    """Takes the frames of one file in order. Holds the present stretch alone, however long the file is."""

    def __init__(self) -> None:
        self.count = StateCount()
        self._stretch: list[_Seen] = []  # first and last frame
        self._n = 0
        self._confidence: tuple[float, float] = (1.0, 0.0)

    def feed(self, reading: Reading, frame: int, time_s: float | None) -> list[str]:
        """The line of the stretch that this frame ends, if it does."""
        self.count.add(reading)
        seen = _Seen(reading, frame, time_s)
        done = []
        if self._stretch and self._stretch[0].answer != seen.answer:
            done = self._close()
        self._stretch = [self._stretch[0], seen] if self._stretch else [seen]
        self._n += 1
        if reading.confidence is not None:
            self._confidence = min(self._confidence[0], reading.confidence), max(self._confidence[1], reading.confidence)
        return done

    def end(self) -> list[str]:
        """The last stretch, then what the file comes to."""
        frames = self.count.states.total()
        return [*self._close(), f"  {frames} frame{'' if frames == 1 else 's'}: {states_line(self.count)}"] if frames else []

    def _close(self) -> list[str]:
        n, low_high = self._n, self._confidence
        line = _line(self._stretch, n, low_high)
        self._stretch, self._n, self._confidence = [], 0, (1.0, 0.0)
        return [line]


def _line(ends: Sequence[_Seen], n: int, confidence: tuple[float, float]) -> str:
    first, last = ends[0], ends[-1]
    reading = first.reading
    said = answer(reading)
    if n > 1 and reading.state is State.READY:
        second = f", or {first.answer[3]}" if first.answer[3] else ""
        low, high = confidence
        said = f"{label_with_code(reading)} {low:.2f}" + (f" to {high:.2f}" if f"{low:.2f}" != f"{high:.2f}" else "") + second
    elif n > 1:
        said = reading.reason.value if reading.reason else ""
    frames = f"{n} frame{'' if n == 1 else 's'}"
    return f"  {_when(first, last)}  {frames:>10}  {reading.state.value:<12}  {said}".rstrip()


def _when(first: _Seen, last: _Seen) -> str:
    """`0.000 to 2.300 s` of a file with a clock, else the numbers of its frames, from 0."""
    if first.time_s is None or last.time_s is None:
        return f"frame {first.frame:>5} to {last.frame:>5}" if first is not last else f"frame {first.frame:>5}         "
    return f"{first.time_s:8.3f} to {last.time_s:8.3f} s" if first is not last else f"{first.time_s:8.3f} s            "
