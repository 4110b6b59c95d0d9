"""The `run` of a simulated device: it takes a new model, checks it with the code of `sonoderm check`, and lives on it for ten seconds.

No picture is classified here. Trials of all devices share one thread, so that a measured speed is that of one model alone.
"""

from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Final

from edge.bundle.open import VerifiedBundle
from edge.bundle.slotboot import Rescue, Trial, start
from edge.bundle.slotfiles import DiskFiles, load_record, writing
from edge.bundle.trust import load_trust
from edge.check import Limits, check_model
from edge.errors import SonodermError
from edge.model import open_model
from firmware_bridge.simulate.fault import Fault
from firmware_bridge.wire.own import Confirm, RunState

__all__ = ["Living"]

_LOOK_NS: Final = 200_000_000
_EXAMINATION_NS: Final = 3_000_000_000
_PLAYED: Final = Limits(age_limit_ms=2_000.0)  # one laptop plays many boards: four times the time of a real one
_TOO_SLOW: Final = Limits(age_limit_ms=1000 / Limits().fps)  # the frame period alone: it leaves a model no time at all


class Living:
    """hurry: how many times faster than the clock a trial lives."""

    def __init__(self, folder: Path, trust_dir: Path | None, confirm: Confirm, fault: Fault | None, checks: Executor, hurry: float) -> None:
        self._files, self._folder, self._trust_dir = DiskFiles(folder), folder, trust_dir
        self._manual, self._fault, self._checks, self._hurry = confirm == "manual", fault, checks, hurry
        self._trial: Trial | None = None
        self._check: Future[str | None] | None = None
        self._examined_until_ns: int | None = None
        self._looked_ns = 0
        self.state = RunState()

    def step(self, now_ns: int, at: str) -> None:
        if now_ns - self._looked_ns < _LOOK_NS:
            return
        self._looked_ns = now_ns
        if self._trial is None:
            self._look_for_a_new_model(now_ns, at)
            return
        if self._check is not None and self._check.done():
            self._judge(self._trial, self._check.result(), now_ns, at)
        record = load_record(self._files)
        if self._trial.step(int(now_ns * self._hurry), at) or not record.trying:  # a technician may have decided
            self._trial, self._check, self.state = None, None, RunState()

    def _judge(self, trial: Trial, failure: str | None, now_ns: int, at: str) -> None:
        self._check = None
        if failure is None:
            trial.check_passed(int(now_ns * self._hurry))
            self.state = RunState(checked=True, awaits_yes=self._manual)
        else:
            trial.failed(failure, at)

    def _look_for_a_new_model(self, now_ns: int, at: str) -> None:
        if load_record(self._files).pending is None or self._is_examining(now_ns):
            return
        try:
            started = start(self._files, load_trust(self._trust_dir), at, lock=lambda: writing(self._folder), manual=self._manual)
        except Rescue:
            return  # neither slot is good: nothing runs, the server answers
        self._trial = started.trial
        if started.trial is not None:
            limits = _TOO_SLOW if self._fault is Fault.SLOW else _PLAYED
            self._check = self._checks.submit(_fails, started.bundle, limits)

    def _is_examining(self, now_ns: int) -> bool:
        if self._fault is not Fault.EXAMINATION:
            return False
        if self._examined_until_ns is None:
            self._examined_until_ns = now_ns + _EXAMINATION_NS
        self.state = RunState(examination=now_ns < self._examined_until_ns)
        return self.state.examination


def _fails(bundle: VerifiedBundle, limits: Limits) -> str | None:
    """Why the model is not fit to run here, or None."""
    try:
        with open_model(bundle) as model:
            failures = check_model(model, limits).failures()
    except SonodermError as error:
        return error.line()
    return "; ".join(f"{line.name}: {line.value}, limit {line.limit}" for line in failures) or None
