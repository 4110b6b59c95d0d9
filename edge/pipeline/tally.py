"""A run in figures, from the views as they were made. Pure, in bounded memory over hours."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass

from edge.pipeline.events import Stop
from edge.pipeline.outlet import OutletReport
from edge.reading import FrameCounts, State, View

__all__ = ["SceneTally", "Summary", "Tally"]

SCENES_KEPT = 20_000
NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SceneTally:
    """Within scenes. median_s: from a scene's first captured frame to its first label, over the scenes that got one.

    flips: a label followed by another one in the same scene.
    """

    scenes: int
    labelled: int
    median_s: float | None
    p95_s: float | None
    flips: int
    flips_per_minute: float


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run went. duration_s, first_label_s: from the start of the process (or run) to the end, to the first READY.

    states: share of the time since the model first spoke, by state, largest first; frozen time counts as its live state.
    age_*_ms: age of a label when `show` of the slowest sink had returned. stale_labels: labels past their age that reached a sink.
    """

    ended: Stop
    duration_s: float
    first_label_s: float | None
    age_p50_ms: float | None
    age_p99_ms: float | None
    infer_p50_ms: float | None
    infer_p99_ms: float | None
    stale_labels: int
    losses: int
    states: tuple[tuple[State, float], ...]
    scenes: SceneTally
    counts: FrameCounts
    sinks: tuple[OutletReport, ...]


class Tally:
    def __init__(self, started_ns: int) -> None:
        self._started_ns = started_ns
        self._first_label_ns: int | None = None
        self._since: tuple[State, int] | None = None
        self._spent_ns: dict[State, int] = {}
        self._scene = 0
        self._scenes = self._labelled = self._flips = 0
        self._label: str | None = None
        self._waits_s: list[float] = []  # sorted

    def feed(self, view: View, scene: int, scene_began_ns: int | None) -> None:
        """scene: number of the scene looked at, from 1; 0 before the first look."""
        reading, now_ns = view.reading, view.shown_ns
        if scene == 0:
            return
        state = reading.live_state or reading.state
        self._spend(now_ns)
        self._since = (state, now_ns)
        if scene != self._scene:
            self._scene, self._label = scene, None
            self._scenes += 1
        if reading.state is not State.READY:
            return
        if self._first_label_ns is None:
            self._first_label_ns = now_ns
        if self._label is None:
            self._labelled += 1
            if scene_began_ns is not None and len(self._waits_s) < SCENES_KEPT:
                insort(self._waits_s, (now_ns - scene_began_ns) / NS_PER_S)
        elif self._label != reading.label:
            self._flips += 1
        self._label = reading.label

    def _spend(self, now_ns: int) -> None:
        if self._since is not None:
            state, since_ns = self._since
            self._spent_ns[state] = self._spent_ns.get(state, 0) + now_ns - since_ns

    def states(self, now_ns: int) -> tuple[tuple[State, float], ...]:
        self._spend(now_ns)
        self._since = None if self._since is None else (self._since[0], now_ns)
        total = sum(self._spent_ns.values()) or 1
        return tuple(sorted(((s, ns / total) for s, ns in self._spent_ns.items()), key=lambda part: -part[1]))

    def scenes(self, now_ns: int) -> SceneTally:
        self.states(now_ns)
        minutes = sum(self._spent_ns.values()) / NS_PER_S / 60
        return SceneTally(
            scenes=self._scenes,
            labelled=self._labelled,
            median_s=self._quantile(0.5),
            p95_s=self._quantile(0.95),
            flips=self._flips,
            flips_per_minute=self._flips / minutes if minutes else 0.0,
        )

    def first_label_s(self) -> float | None:
        return None if self._first_label_ns is None else (self._first_label_ns - self._started_ns) / NS_PER_S

    def _quantile(self, q: float) -> float | None:
        return self._waits_s[min(len(self._waits_s) - 1, int(q * len(self._waits_s)))] if self._waits_s else None
