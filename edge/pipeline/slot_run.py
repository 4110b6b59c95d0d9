"""`run --model slot:DIR`: starts what the slot record says, owns its trial, and says when another model waits.

A trial is check_model (golden frames, agreement, speed, memory) and 10 s of a living run; anything else is a revert with its reason
kept. Its try was taken durably before it started, so that a crash that nobody could catch counts too.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from edge.bundle.open import VerifiedBundle
from edge.bundle.slotboot import Rescue, Started, Trial, open_slot
from edge.bundle.slotfiles import DiskFiles, load_record
from edge.bundle.slotrun import RunState, TrialPhase
from edge.bundle.slots import Record
from edge.bundle.trust import Trust
from edge.check import EVERYDAY, CheckReport, Limits, check_model
from edge.check.memory import process_memory_b
from edge.errors import InputRefused, MachineLacks, SonodermError
from edge.model import Model
from edge.model.fault import ModelFault
from edge.pipeline.events import Event, ModelNews
from edge.pipeline.keeper import Confirm
from edge.pipeline.run_beat import RunBeat
from edge.pipeline.trial_words import crash_words, fault_words, growth_words, why_not
from edge.reading import Reason, State

__all__ = ["OpenBundle", "SlotRun", "Slots"]

WATCH_S: Final = 0.2
MEASURE_NS: Final = 1_000_000_000
MEMORY_GROWTH: Final = 1.5  # of the last confirmed model's memory; a device that swaps is a device that stalls
EXAMINING: Final = frozenset({State.POOR_IMAGE, State.OUT_OF_SCOPE, State.UNSURE, State.READY})
Step = Callable[[Reason], None]
OpenBundle = Callable[[VerifiedBundle, Step], Model]


@dataclass(frozen=True, slots=True)
class Slots:
    """limits: of the check, memory apart."""

    folder: Path
    trust: Trust
    confirm: Confirm = Confirm.AUTO
    limits: Limits = EVERYDAY


@dataclass(frozen=True, slots=True)
class _Running:
    """What runs (None in rescue), and the record as it was once it had started. number: of this model in the run, from 1.

    profile: name of the device profile that its model applies.
    """

    number: int
    started: Started | None = None
    record: Record | None = None
    memory_limit_b: int | None = None
    profile: str | None = None

    @property
    def trial(self) -> Trial | None:
        """Of this model, while it is not decided."""
        trial = self.started.trial if self.started is not None else None
        return None if trial is None or trial.decided else trial


class SlotRun:
    """A ModelKeeper. open_bundle: makes a model of a verified bundle. at: wall clock, ISO 8601, for people."""

    def __init__(self, slots: Slots, open_bundle: OpenBundle, say: Callable[[str], None], at: Callable[[], str]) -> None:
        self._slots, self._open_bundle, self._say, self._at = slots, open_bundle, say, at
        self._running = _Running(0)
        self._state: tuple[State, Reason | None, int] = (State.STARTING, None, 0)
        self._measured_ns = 0
        self._beat = RunBeat(slots.folder)
        self._refusal: str | None = None

    # ---- the inference thread -------------------------------------------------------------------

    def open(self, step: Step, /) -> Model:
        """What is to run now; a trial that fails its check is reverted here, and what runs then is opened. Raises ModelFault (rescue)."""
        number = self._running.number + 1
        while True:
            started = self._start(number)
            model = self._open_bundle(started.bundle, step) if started.trial is None else self._try(started, started.trial, step)
            if model is not None:
                self._running = replace(self._running, profile=model.identity.profile)
                return model

    def _start(self, number: int) -> Started:
        self._running = _Running(number, None, self._record())
        try:
            started = open_slot(self._slots.folder, self._slots.trust, self._at(), manual=self._slots.confirm is Confirm.MANUAL)
        except (Rescue, InputRefused) as error:
            raise ModelFault(Reason.MODEL_CANNOT_RUN, error.what, do=error.do or "sonoderm flash") from error
        self._running = _Running(number, started, self._record())
        for note in _notes(self._running):
            self._say(f"{_named(started)}: {note}")
        return started

    def _try(self, started: Started, trial: Trial, step: Step) -> Model | None:
        """The model of a trial once its check has passed; None when it was reverted."""
        reference_b = _confirmed_memory_b(self._running.record)
        limits = replace(self._slots.limits, memory_b=_grown(reference_b))
        try:
            model = self._open_bundle(started.bundle, step)
        except SonodermError as error:
            self._revert(trial, f"it cannot be opened: {error.what}")
            return None
        try:
            report = check_model(model, limits)
            reason = model.fault.what if model.fault is not None else why_not(report)
        except SonodermError as error:
            reason = f"its check cannot be done: {error.what}"
        except BaseException:
            model.close()
            raise
        if reason is not None:
            model.close()
            self._revert(trial, reason)
            return None
        self._begin_life(trial, report, reference_b)
        return model

    def _begin_life(self, trial: Trial, report: CheckReport, reference_b: int | None) -> None:
        self._running = replace(self._running, memory_limit_b=_grown(reference_b if reference_b is not None else report.memory_b))
        self._save(lambda: trial.check_passed(time.monotonic_ns(), report.memory_b))

    # ---- the conductor's thread -----------------------------------------------------------------

    def heed(self, state: State, reason: Reason | None) -> None:
        if (state, reason) != self._state[:2]:
            self._state = (state, reason, time.monotonic_ns())

    def crashed(self, error: BaseException) -> None:
        if (trial := self._running.trial) is not None:
            self._revert(trial, crash_words(error, is_checked=trial.is_checked))

    def ended(self) -> None:
        if (trial := self._running.trial) is not None:
            self._save(trial.ended)

    # ---- the thread of its own ------------------------------------------------------------------

    def watch(self, tell: Callable[[Event], None], is_over: threading.Event) -> None:
        told = ModelNews(waits=False)
        while not is_over.wait(WATCH_S):
            running = self._running
            if running.trial is not None and running.trial.is_checked:
                self._live_on(running, running.trial)
            news = self._news(running)
            state = self._run_state(running, news)
            self._save(lambda: self._beat.feed(state))  # noqa: B023 - called at once
            if news != told:
                if news.waits and not told.waits:
                    self._say(news.notes[-1])
                told = news
                tell(news)

    def _live_on(self, running: _Running, trial: Trial) -> None:
        state, why, since_ns = self._state
        now_ns = time.monotonic_ns()
        if state is State.FAULT:
            trial.live_from(now_ns)
        reason = fault_words(state, why, now_ns - since_ns) or self._growth(running.memory_limit_b, now_ns)
        if reason is not None:
            self._revert(trial, reason)
            return
        self._save(lambda: trial.step(now_ns, self._at()))
        if trial.decided:
            record = self._record()
            active = record.slot(record.active) if record is not None else None
            self._say(f"on trial: {'confirmed' if active is not None and active.digest == trial.digest else 'rolled back'}")

    def _growth(self, limit_b: int | None, now_ns: int) -> str | None:
        """Asked once a second: the kernel walks all pages for it."""
        if limit_b is None or now_ns - self._measured_ns < MEASURE_NS:
            return None
        self._measured_ns = now_ns
        memory_b = process_memory_b()
        return growth_words(memory_b, limit_b) if memory_b is not None and memory_b > limit_b else None

    def _news(self, running: _Running) -> ModelNews:
        record, started = self._record(), running.started
        wanted = record.wanted if record is not None else None
        runs = started.bundle.digest if started is not None else None
        waits = record != running.record and wanted is not None and wanted.digest != runs
        words = (f"version {wanted.version} waits: put the probe down, or acknowledge",) if wanted is not None and waits else ()
        return ModelNews(waits, (*_notes(replace(running, record=record)), *words), running.number)

    def _run_state(self, running: _Running, news: ModelNews) -> RunState:
        started, trial = running.started, running.trial
        alive: TrialPhase = "living" if self._slots.confirm is Confirm.AUTO else "waiting for the tool"
        return RunState(
            pid=os.getpid(),
            digest=started.bundle.digest if started is not None else None,
            version=started.bundle.manifest.version if started is not None else None,
            trial=None if trial is None else alive if trial.is_checked else "checking",
            waiting=news.waits,
            in_examination=self._state[0] in EXAMINING,
            profile=running.profile,
            trouble=started.trouble if started is not None else self._refusal,
            heartbeat_ns=time.monotonic_ns(),
            at=self._at(),
        )

    # ---- shared ---------------------------------------------------------------------------------

    def _revert(self, trial: Trial, reason: str) -> None:
        self._say(f"on trial: reverted: {reason}")
        self._save(lambda: trial.failed(reason, self._at()))

    def _record(self) -> Record | None:
        """None when it cannot be read: then nothing waits."""
        try:
            return load_record(DiskFiles(self._slots.folder))
        except InputRefused:
            return None

    def _save(self, do: Callable[[], object]) -> None:
        """Goes on where the disk refuses, and says so once: a device with a full disk still has a model that is confirmed."""
        try:
            do()
        except (MachineLacks, InputRefused, OSError) as error:
            words = error.line() if isinstance(error, SonodermError) else f"{self._slots.folder}: {error}"
            if words != self._refusal:
                self._refusal = words
                self._say(words)


def _notes(running: _Running) -> tuple[str, ...]:
    """What every view must say of what runs."""
    started, record = running.started, running.record
    return (
        *(("on trial, not confirmed yet",) if running.trial is not None else ()),
        *((f"the last flash was reverted: {record.last_revert}",) if record is not None and record.last_revert else ()),
        *((started.trouble,) if started is not None and started.trouble else ()),
    )


def _confirmed_memory_b(record: Record | None) -> int | None:
    slot = record.slot(record.active) if record is not None else None
    return slot.memory_b if slot is not None and slot.confirmed else None


def _grown(memory_b: int | None) -> int | None:
    return None if memory_b is None else int(MEMORY_GROWTH * memory_b)


def _named(started: Started) -> str:
    return f"{started.bundle.manifest.name} {started.bundle.manifest.version}"
