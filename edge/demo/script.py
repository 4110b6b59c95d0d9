"""The faults one after the other, each timed: the demo without a page."""

import time
from collections.abc import Callable

from edge.demo.faults import FAULTS, Fault
from edge.demo.stage import Stage
from edge.demo.trial import Trial, back_s, banner_ms

__all__ = ["play_faults", "trial_line"]

BANNER_S = 3.0  # how long a banner is waited for before the fault counts as unnoticed
HOLD_S = 0.4  # the banner stands so long before the repair
BACK_S = 6.0
SETTLE_S = 0.25  # of a label before the next fault


def play_faults(stage: Stage, tell: Callable[[str], None], deadline_ns: int) -> tuple[Fault, ...]:
    """Orders each fault once, until the deadline. -> those that were not tried."""
    for number, fault in enumerate(FAULTS):
        if not stage.wait(lambda s: s.is_ready, min(deadline_ns, _in(BACK_S))):
            return FAULTS[number:]
        stage.pause(SETTLE_S)
        if time.monotonic_ns() + round((HOLD_S + 1.0) * 1e9) > deadline_ns:
            return FAULTS[number:]
        done = len(stage.trials)
        stage.order(fault)
        stage.wait(lambda s: s.trial is None or s.trial.banner_ns is not None, _in(BANNER_S))
        stage.pause(HOLD_S)
        stage.repair()
        stage.wait(lambda s, done=done: len(s.trials) > done, _in(BACK_S))  # type: ignore[misc]
        trial = stage.trials[done] if len(stage.trials) > done else stage.give_up()
        if trial is not None:
            tell(trial_line(trial))
    return ()


def trial_line(trial: Trial) -> str:
    """ "unplug        NO SIGNAL · unplugged                after  212 ms (limit 250)   label back after 0.61 s   ok" """
    took, back = banner_ms(trial), back_s(trial)
    said = trial.said or "not noticed"
    after = "never" if took is None else f"{took:4.0f} ms"
    returned = "label not back" if back is None else f"label back {back:.2f} s after the repair"
    verdict = "ok" if trial.is_ok else "FAILED"
    return f"{trial.fault.kind.value:<12} {said:<34} after {after} (limit {trial.fault.limit_ms})  {returned}  {verdict}"


def _in(seconds: float) -> int:
    return time.monotonic_ns() + round(seconds * 1e9)
