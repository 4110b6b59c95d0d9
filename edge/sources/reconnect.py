"""When to give up on a driver, and when to try again. Pure: time is an argument, monotonic ns.

Three limits tell a slow driver from a hung one; beyond them the capture process is ended and a new one takes its place. Waiting
between attempts doubles from 0.1 s to at most 1 s, so that a source that returns is found within a second, and a driver that crashes
at once costs a bounded share of one core. The wait starts anew once a source has lived for a while.
"""

from dataclasses import dataclass, replace

__all__ = ["Life", "Patience", "delay_ns", "is_hung", "restart_ns"]

FIRST_DELAY_NS = 100_000_000
LONGEST_DELAY_NS = 1_000_000_000
QUICKEST_OPEN_NS = 1_000_000_000  # starting the process alone takes a third of it on a small machine
USUAL_TIMES = 4
SETTLED_NS = 2_000_000_000  # frames for this long: the next loss is a new trouble, not the old one


@dataclass(frozen=True, slots=True)
class Patience:
    """How long nothing may happen before the driver counts as hung."""

    open_ns: int = 8_000_000_000  # slow cameras and streams need seconds; a hung open() never returns
    first_frame_ns: int = 4_000_000_000
    silence_ns: int = 1_000_000_000
    silence_periods: float = 4.0  # for sources slower than 4 fps

    def learned(self, life: "Life") -> "Patience":
        """What a life that brought frames teaches: a source that was there within a moment is not waited for seconds again."""
        if life.first_frame_ns is None:
            return self
        usual_ns = max(QUICKEST_OPEN_NS, USUAL_TIMES * (life.first_frame_ns - life.started_ns))
        return replace(self, open_ns=min(self.open_ns, usual_ns), first_frame_ns=min(self.first_frame_ns, usual_ns))


@dataclass(frozen=True, slots=True)
class Life:
    """One capture process, from its start: when it opened its source, when frames came."""

    started_ns: int
    opened_ns: int | None = None
    first_frame_ns: int | None = None
    last_sign_ns: int | None = None  # the newest sign of life after opening: a frame, or frames passed over
    period_ns: int | None = None  # longest gap seen or nominal frame period

    def opened(self, now_ns: int, fps: float | None) -> "Life":
        """The source is open. fps: nominal, None when unknown."""
        return replace(self, opened_ns=now_ns, period_ns=round(1e9 / fps) if fps else None)

    def arrived(self, now_ns: int) -> "Life":
        """A frame came."""
        gap_ns = now_ns - self.last_sign_ns if self.last_sign_ns is not None else 0
        # A source slower than it says is not hung: the longest gap survived so far counts, fading by an eighth per frame.
        period_ns = max(gap_ns, (self.period_ns or 0) - (self.period_ns or 0) // 8)
        return replace(self, first_frame_ns=self.first_frame_ns or now_ns, last_sign_ns=now_ns, period_ns=period_ns)

    def settled(self, now_ns: int) -> bool:
        """True once frames have come for long enough to forget earlier failures."""
        return self.first_frame_ns is not None and now_ns - self.first_frame_ns >= SETTLED_NS


def is_hung(life: Life, now_ns: int, patience: Patience) -> bool:
    """True when nothing has happened for longer than the phase allows."""
    if life.opened_ns is None:
        return now_ns - life.started_ns > patience.open_ns
    if life.last_sign_ns is None:
        return now_ns - life.opened_ns > patience.first_frame_ns
    limit_ns = max(patience.silence_ns, round(patience.silence_periods * (life.period_ns or 0)))
    return now_ns - life.last_sign_ns > limit_ns


def delay_ns(failures: int) -> int:
    """How long to wait after so many failures in a row: 0 after none, then 0.1 s, 0.2 s, … to 1 s."""
    if failures <= 0:
        return 0
    doublings = min(failures - 1, 10)
    return int(min(FIRST_DELAY_NS << doublings, LONGEST_DELAY_NS))


def restart_ns(life: Life, failures: int, now_ns: int) -> int:
    """When the next life begins. The wait counts from the start of the last: one that hung is not waited for twice."""
    return max(now_ns + FIRST_DELAY_NS, life.started_ns + delay_ns(failures))
