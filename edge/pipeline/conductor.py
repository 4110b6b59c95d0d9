"""The one owner of all state of a live run: hears events and the clock, answers with views and orders. Pure; time is an argument.

It never waits for inference, a source or a sink, so what it says is as true as its clock: a label is taken away at its age
limit even while the engine hangs. Recovery from NO SIGNAL is said only with a fresh verdict, never with a fresh frame alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from edge.aggregate import EMPTY, Verdict
from edge.errors import BackendFault, SonodermError, SourceUnreachable
from edge.frame import Frame
from edge.pipeline import events as ev
from edge.pipeline.frozen import freeze, with_live_line
from edge.pipeline.health import Health, Signal, state_of
from edge.pipeline.ledger import Count
from edge.pipeline.meter import Durations
from edge.pipeline.options import LiveOptions, Speaker
from edge.pipeline.signal_watch import SignalWatch
from edge.pipeline.slowness import Slowness
from edge.pipeline.speech import Spoken, hear, reading_of
from edge.reading import Command, FrameCounts, Reading, Reason, State, View

__all__ = ["Conductor"]

NO_COUNT = Count(0, 0, 0, ())
DRAIN_NS = 2_000_000_000  # after the end of a clip: what is in inference may still speak
FIRST_LOOKS_NS = 5_000_000_000  # an engine may still be warming up in its first looks
NS_PER_S = 1_000_000_000


class Conductor:
    def __init__(self, options: LiveOptions, uri: str) -> None:
        self._options, self._uri = options, uri
        self.watch = SignalWatch(options.age_limit_ns)
        self.inference = Durations()
        self._slowness = Slowness(options.age_limit_ns)
        self._speaker: Speaker | None = None
        self._step: Reason | None = Reason.OPENING_MODEL
        self._model = 1  # counts the models of this run
        self._news = ev.ModelNews(waits=False)
        self._fault: Reason | None = None
        self._fault_words: str | None = None
        self._window = EMPTY
        self._spoken: Spoken | None = None
        self._was_lost = False
        self._void_until_ns = -1  # looks at frames captured up to here belong to before a loss, and say nothing of now
        self._newest: Frame | None = None  # living
        self._looking_since_ns: int | None = None
        self._frozen: View | None = None
        self._shown: View | None = None
        self._notes: tuple[str, ...] = ()
        self._seq = 0
        self._started_ns = 0
        self._ending: tuple[int, ev.SourceEnded] | None = None  # since when: the last frames may still speak
        self._finished = False
        self.scene = 0  # counts the scenes looked at, for the tally
        self.scene_began_ns: int | None = None

    # ---- what can happen ------------------------------------------------------------------------

    def start(self, now_ns: int) -> list[ev.Action]:
        self._started_ns = now_ns
        return self._views(now_ns, NO_COUNT)

    def tick(self, now_ns: int, count: Count) -> list[ev.Action]:
        """The passing of time: silence, age, hanging inference, pauses between openings."""
        actions: list[ev.Action] = [ev.Restart()] if self.watch.tick(now_ns) else []
        if self._options.seconds is not None and now_ns - self._started_ns >= self._options.seconds * NS_PER_S:
            return [*actions, self._finish(ev.Stop.SECONDS)]
        over = self._is_drained(now_ns, count)
        actions += [*self._swap_when_idle(), *self._views(now_ns, count)]
        if over and self._ending is not None:
            error = self._ending[1].error
            actions.append(self._finish(ev.Stop.ENDED if error is None else ev.Stop.FAILED, error))
        return actions

    def handle(self, event: ev.Event, now_ns: int, count: Count) -> list[ev.Action]:
        """One event. -> views and orders, in order."""
        actions: list[ev.Action] = []
        new_reading = False
        match event:
            case ev.SourceOpened():
                self.watch.opened(event.opening, event.info, now_ns)
                self._window = EMPTY
                actions += [ev.Say(f"source: {text}") for text in event.info.warnings]
            case ev.Arrived():
                new_reading = self._arrived(event, now_ns)
            case ev.SourceLost():
                actions += self._lost(event, now_ns)
            case ev.SourceEnded():
                self._ending = self._ending or (now_ns, event)
            case ev.ModelStep():
                self._step = event.step
            case ev.ModelOpened() | ev.ModelFailed() | ev.ModelNews() | ev.LookBegan() | ev.Looked() if event.model != self._model:
                return []
            case ev.ModelOpened():
                self._speaker, self._step = event.speaker, None
            case ev.ModelFailed():
                actions += self._model_failed(event)
            case ev.ModelNews():
                self._news = event
                new_reading = self._shown is not None
            case ev.LookBegan():
                self._looking_since_ns = now_ns
                if event.cut and event.opening == self.watch.opening:
                    self._forget_scene(event.frame)
            case ev.Looked():
                new_reading = self._looked(event, now_ns)
            case ev.Commanded():
                actions += self._commanded(event, now_ns)
            case ev.Noted():
                self._notes = event.notes
                new_reading = self._shown is not None
            case ev.Stopped():
                return [*actions, self._finish(event.why)]
            case _:
                assert_never(event)
        return [*actions, *self._swap_when_idle(), *self._views(now_ns, count, new_reading=new_reading)]

    # ---- source ---------------------------------------------------------------------------------

    def _arrived(self, event: ev.Arrived, now_ns: int) -> bool:
        frame = event.frame
        if not self.watch.arrived(event.opening, frame.captured_ns, event.dead, now_ns):
            return False
        self._newest = frame
        if self._spoken is not None and self._spoken.frame.scene != frame.scene:
            self._forget_scene(frame)  # said before the model has seen it: a slow model must not keep the old label
        return not self._pictures_by_look()

    def _forget_scene(self, frame: Frame) -> None:
        """The old scene's label is gone; its evidence goes with the next look, which carries the cut."""
        if self._spoken is not None and self._spoken.verdict.state is not State.STARTING:
            self._spoken = Spoken(Verdict(State.STARTING, Reason.SETTLING), frame.captured_ns, frame, None)

    def _lost(self, event: ev.SourceLost, now_ns: int) -> list[ev.Action]:
        is_news = self.watch.signal is not Signal.LOST
        self.watch.lost(event.why, now_ns)
        self._window, self._newest = EMPTY, None
        if self._options.exit_on_loss:
            error = SourceUnreachable(f"{self._uri}: {event.text}", do="check cable and device")
            return [*self._views(now_ns, NO_COUNT), self._finish(ev.Stop.LOST, error)]
        return [ev.Say(f"source lost ({event.why.value}): {event.text}")] if is_news else []

    def _is_drained(self, now_ns: int, count: Count) -> bool:
        """After the last word of a source: True once all its frames have spoken, and no frozen picture is being looked at."""
        if self._ending is None:
            return False
        if (count.pending > 0 or self._looking_since_ns is not None) and now_ns - self._ending[0] <= DRAIN_NS:
            return False
        error = self._ending[1].error
        if error is not None and self.watch.opening == 0:
            self.watch.lost(getattr(error, "reason", Reason.NOT_OPENED), now_ns)  # what never opened did not end
        else:
            self.watch.ended(now_ns)
        return self._frozen is None or self._ending[1].error is not None

    def _finish(self, why: ev.Stop, error: SonodermError | None = None) -> ev.Finish:
        self._finished = True
        return ev.Finish(why, error)

    # ---- model ----------------------------------------------------------------------------------

    def _model_failed(self, event: ev.ModelFailed) -> list[ev.Action]:
        if event.opening and not isinstance(event.error, BackendFault):
            return [self._finish(ev.Stop.FAILED, event.error)]
        self._fault = getattr(event.error, "reason", None) or Reason.MODEL_CANNOT_RUN
        self._fault_words = event.error.do
        self._looking_since_ns = None
        return [ev.Say(event.error.line())]

    def _looked(self, event: ev.Looked, now_ns: int) -> bool:
        self._looking_since_ns = None
        self.inference.feed(event.took_ns)
        frame = event.frame
        if event.opening != self.watch.opening or self._speaker is None:
            return False
        if event.cut or self.scene_began_ns is None:
            self.scene, self.scene_began_ns = self.scene + 1, frame.captured_ns
        p95_ms, looks = self.inference.quantile_ms(0.95), len(self.inference)
        self._slowness.looked(now_ns - frame.captured_ns, self.watch.pace.period_ns(), p95_ms, looks)
        self._window, spoken = hear(self._window, event.look, frame, cut=event.cut, speaker=self._speaker)
        if frame.captured_ns <= self._void_until_ns:
            return False
        scene_is_over = self._newest is not None and self._newest.scene != frame.scene
        if now_ns - spoken.captured_ns > self._options.age_limit_ns or scene_is_over:
            return False
        self._spoken, self._was_lost = spoken, False
        return self._pictures_by_look()

    def _pictures_by_look(self) -> bool:
        """True where each view is a look's; else (no model yet, or a fault) the picture goes on by itself."""
        return self._speaker is not None and self._step is None and self._fault is None and not self._slowness.is_slow

    def _swap_when_idle(self) -> list[ev.Action]:
        """Another model is never taken under the probe: only without a living signal, or where a fault keeps every label away."""
        is_idle = self.watch.signal is not Signal.LIVE or self._fault is not None
        return self._swap() if is_idle else []

    def _swap(self) -> list[ev.Action]:
        """To the model that waits, if one does and none is being opened: as at the start, with nothing known of any picture."""
        if not self._news.waits or self._finished or (self._step is not None and self._fault is None):
            return []
        self._news = ev.ModelNews(waits=False)
        self._model += 1
        self._speaker, self._step = None, Reason.OPENING_MODEL
        self._fault = self._fault_words = self._looking_since_ns = self._spoken = None
        self._window = EMPTY
        self._slowness, self.inference = Slowness(self._options.age_limit_ns), Durations()
        return [ev.Swap()]

    def _commanded(self, event: ev.Commanded, now_ns: int) -> list[ev.Action]:
        wants_frozen = event.command is Command.FREEZE or (event.command is Command.TOGGLE and self._frozen is None)
        if wants_frozen and self._frozen is None and self._shown is not None:
            self._frozen = freeze(self._shown, now_ns, event.wall_s)
            self._window = EMPTY
        elif event.command in (Command.RESUME, Command.TOGGLE) and self._frozen is not None:
            self._frozen, self._window, self._spoken = None, EMPTY, None
        return self._swap() if event.command is Command.ACKNOWLEDGE else []

    # ---- what is said ---------------------------------------------------------------------------

    def _views(self, now_ns: int, count: Count, *, new_reading: bool = False) -> list[ev.Action]:
        if self._finished:
            return []
        self._let_age(now_ns)
        state, reason = state_of(self._health())
        live = self._live_reading(state, reason)
        pixels_of = self._picture(state)
        reading = live
        if self._frozen is not None and state is not State.FAULT:
            reading = with_live_line(self._frozen, state, reason)
        if not (new_reading and reading is live) and self._shown is not None and _same(self._shown.reading, reading):
            return []
        view = View(
            seq=self._seq,
            reading=reading,
            pixels=None if pixels_of is None else pixels_of.pixels,
            shown_ns=now_ns,
            age_limit_ns=self._options.age_limit_ns,
            source=self.watch.info.name if self.watch.info else self._uri,
            rendered=bool(pixels_of and pixels_of.rendered),
            counts=self._counts(now_ns, count),
        )
        if self._frozen is not None and reading is not live:
            view = replace(view, pixels=self._frozen.pixels, rendered=self._frozen.rendered)
        self._seq += 1
        self._shown = view
        return [ev.Show(view)]

    def _let_age(self, now_ns: int) -> None:
        """What only the clock can say: a statement past its age, an inference that hangs, a signal that is gone."""
        limit_ns, live = self._options.age_limit_ns, self.watch.signal is Signal.LIVE
        if live and self._spoken is not None and now_ns - self._spoken.captured_ns > limit_ns:
            if self._newest is not None and self._newest.captured_ns > self._spoken.frame.captured_ns:
                self._slowness.hangs()
            else:
                self.watch.overdue(now_ns)
            self._spoken = None
        patience_ns = limit_ns if len(self.inference) else FIRST_LOOKS_NS
        if live and self._looking_since_ns is not None and now_ns - self._looking_since_ns > patience_ns:
            self._slowness.hangs()
        if self.watch.signal not in (Signal.LIVE, Signal.OPENING, Signal.WAITING):
            if self._newest is not None:
                self._void_until_ns = max(self._void_until_ns, self._newest.captured_ns)
            self._spoken, self._was_lost = None, True

    def _health(self) -> Health:
        return Health(
            signal=self.watch.signal,
            step=self._step,
            fault=self._fault or (Reason.TOO_SLOW if self._slowness.is_slow and self.watch.signal is Signal.LIVE else None),
            lost_why=self.watch.lost_why,
            was_lost=self._was_lost,
            verdict=None if self._spoken is None else self._spoken.verdict,
        )

    def _live_reading(self, state: State, reason: Reason | None) -> Reading:
        spoken = self._spoken if self._spoken is not None and state is self._spoken.verdict.state else None
        reading = reading_of(
            state, reason, speaker=self._speaker, spoken=spoken, frame=self._newest, notes=(*self._notes, *self._news.notes)
        )
        if state is State.FAULT and self._fault_words:
            reading = replace(reading, do=self._fault_words)
        return reading

    def _picture(self, state: State) -> Frame | None:
        """The picture beside the reading: the one it speaks of; under FAULT and STARTING the newest; none without a signal."""
        if state is State.NO_SIGNAL:
            return None
        if self._spoken is not None and state is self._spoken.verdict.state:
            return self._spoken.frame
        return self._newest

    def _counts(self, now_ns: int, count: Count) -> FrameCounts:
        return FrameCounts(
            captured=count.captured,
            inferred=count.inferred,
            pending=count.pending,
            dropped=count.dropped,
            source_fps=self.watch.pace.fps(now_ns),
            infer_p50_ms=self.inference.quantile_ms(0.5),
            infer_p95_ms=self.inference.quantile_ms(0.95),
        )


def _same(a: Reading, b: Reading) -> bool:
    """True when both put the same state on the screen (numbers apart): then only a new picture is worth a view."""
    return (a.state, a.reason, a.label, a.live_state, a.live_reason, a.frozen_at) == (
        b.state,
        b.reason,
        b.label,
        b.live_state,
        b.live_reason,
        b.frozen_at,
    )
