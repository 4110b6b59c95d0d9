"""Builders for the display link: models, views, and both ends joined by bytes."""

from dataclasses import replace
from functools import cache

from edge.reading import ModelIdentity, Reading, Reason, State, View
from firmware_bridge.display.labeltable import table_of
from firmware_bridge.display.receiver import Receiver
from firmware_bridge.display.sender import Sender
from firmware_bridge.display.statement import Statement, statement_of

MS = 1_000_000
AGE_LIMIT_NS = 500 * MS
SKIN = ModelIdentity(
    "skin", "1.0.0", "ab" * 32, "null", "float32", labels=(("mel", "Melanoma"), ("nv", "Naevus"), ("bcc", "Basal cell carcinoma"))
)
BREAST = ModelIdentity("breast", "2.1.0", "cd" * 32, "null", "float32", labels=(("benign", "Benign"), ("malignant", "Malignant")))


def a_ready(
    *, label: str = "mel", model: ModelIdentity = SKIN, captured_ns: int = 0, confidence: float = 0.83, fits: tuple[str, ...] | None = None
) -> Reading:
    names = dict(model.labels)
    return Reading(
        captured_ns, 1, State.READY, label=label, label_name=names[label], confidence=confidence, set=fits or (label,), model=model
    )


def a_bare(state: State, reason: Reason | None = None, *, model: ModelIdentity | None = SKIN, captured_ns: int | None = 0) -> Reading:
    return Reading(captured_ns, 1, state, reason, model=model)


def a_frozen(*, captured_ns: int = 0, live: State = State.NO_SIGNAL, reason: Reason | None = Reason.UNPLUGGED) -> Reading:
    return replace(
        a_ready(captured_ns=captured_ns), state=State.FROZEN, live_state=live, live_reason=reason, frozen_at="2026-01-01T00:00:00"
    )


def a_view(reading: Reading, *, age_limit_ns: int = AGE_LIMIT_NS, rendered: bool = False) -> View:
    return View(0, reading, None, 0, age_limit_ns, rendered=rendered)


_table = cache(table_of)


def a_statement(reading: Reading, *, rendered: bool = False) -> Statement:
    table = None if reading.model is None else _table(reading.model)
    return statement_of(a_view(reading, rendered=rendered), table)


class Joined:
    """Both ends and the line between them, in simulated time: a byte is under way for its ten bits."""

    def __init__(self, *, baud: int = 115_200, boot: int = 7) -> None:
        self.now_ns = 0
        self.sender, self.receiver = Sender(baud), Receiver(boot)
        self.ns_per_byte = 10_000_000_000 // baud
        self.frames: list[tuple[int, bytes]] = []  # when its last byte had arrived
        self.commands: list[object] = []
        self._under_way: tuple[int, bytes] | None = None
        self.lose = False

    def run(self, until_ns: int, *, step_ns: int = MS) -> None:
        while self.now_ns < until_ns:
            self.now_ns += step_ns
            self.step()

    def step(self) -> None:
        if self._under_way is not None and self._under_way[0] <= self.now_ns:
            if not self.lose:
                self.receiver.feed(self._under_way[1], self.now_ns // MS)
                self.frames.append(self._under_way)
            self._under_way = None
        up = self.receiver.poll(self.now_ns // MS)
        if up and not self.lose:
            self.commands += self.sender.feed(up)
        if self._under_way is None and (frame := self.sender.next_frame(self.now_ns)) is not None:
            self._under_way = (self.now_ns + len(frame) * self.ns_per_byte, frame)
