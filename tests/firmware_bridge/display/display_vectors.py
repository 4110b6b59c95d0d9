"""The test vectors of the display link: how they are made, and read.

    python -m tests.firmware_bridge.display.display_vectors      writes firmware_bridge/reference/vectors.txt

A story: what one display receives, sends and shows, with its time. Made with the sender and the Python receiver at version 1 and then
locked: a change of this file is a change of the wire.
"""

from pathlib import Path

from edge.reading import Command, Reason, State
from firmware_bridge.display.frames import Said, pack
from firmware_bridge.display.labeltable import table_of
from firmware_bridge.display.wire import seal
from tests.firmware_bridge.display.link_builders import BREAST, MS, Joined, a_bare, a_frozen, a_ready, a_statement
from tests.firmware_bridge.display.reference_receiver import REFERENCE, Step, play_python

VECTORS = REFERENCE / "vectors.txt"
HEAD = """\
# Display link, version 1: one display from power-up on. Each line: what, milliseconds, bytes (hex).
#   i BOOT        the display starts      b MS HEX   these bytes arrive       p MS N   its button is pressed (1 = freeze)
#   o MS -> HEX   what it sends then (- is nothing)                           s MS -> what it shows then
"""


def read_story(path: Path) -> tuple[list[Step], list[str]]:
    steps, expected = [], []
    for line in path.read_text().splitlines():
        if line.startswith("#") or not line:
            continue
        asked, arrow, answer = line.partition(" -> ")
        what, at, *said = asked.split(" ", 2)
        steps.append(Step(what, int(at), said[0] if said else ""))
        if arrow:
            expected.append(answer)
    return steps, expected


class Recorder(Joined):
    """Writes down what goes over the line, and what is shown after each frame."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = [Step("i", 7)]

    def step(self) -> None:
        before = len(self.frames)
        was_up, poll = self.receiver, self.receiver.poll
        sent = b""

        def heard(now_ms: int) -> bytes:
            nonlocal sent
            sent = poll(now_ms)
            return sent

        was_up.poll = heard  # type: ignore[method-assign]
        super().step()
        was_up.poll = poll  # type: ignore[method-assign]
        now_ms = self.now_ns // MS
        if len(self.frames) > before:
            self.steps += [Step("b", now_ms, self.frames[-1][1].hex()), Step("s", now_ms)]
        self.steps += [Step("o", now_ms)] if sent else []


def record() -> list[Step]:
    link = Recorder()
    link.steps.append(Step("s", 0))
    link.sender.say(a_statement(a_bare(State.STARTING, Reason.WARMING_UP, model=None)))
    link.run(60 * MS)
    link.sender.say(a_statement(a_ready(captured_ns=60 * MS, fits=("mel", "nv"))))
    link.run(140 * MS)
    link.steps += [Step("s", 150)]
    link.receiver.press(Command.FREEZE, 150)
    link.steps += [Step("p", 150, "1"), Step("s", 150)]
    link.now_ns = 150 * MS
    link.run(170 * MS)
    link.sender.say(a_statement(a_frozen(captured_ns=60 * MS), rendered=True))
    link.run(240 * MS)
    link.sender.say(a_statement(a_ready(label="malignant", model=BREAST, captured_ns=240 * MS)))
    link.run(320 * MS)
    now_ms = link.now_ns // MS
    other = bytearray(pack(Said(9, State.READY, label=0, expires_in_ms=400, table=1)))
    other[0] = 0x21
    last = next(step.said for step in reversed(link.steps) if step.what == "b")
    return [
        *link.steps,
        Step("b", now_ms + 10, last),
        Step("s", now_ms + 10),  # the same frame again: not fresh
        Step("s", now_ms + 180),
        Step("s", now_ms + 230),
        Step("b", now_ms + 240, "0311" + last[4:]),
        Step("s", now_ms + 240),  # damaged
        Step("b", now_ms + 250, seal(bytes(other)).hex()),
        Step("s", now_ms + 250),  # another version
        Step("b", now_ms + 300, seal(pack(Said(77, State.POOR_IMAGE, reason=4, expires_in_ms=60, table=table_of(BREAST).hash))).hex()),
        Step("s", now_ms + 359),
        Step("s", now_ms + 360),  # expired, long before it was silent
        *_nobody_takes(now_ms + 400),
    ]


def _nobody_takes(at_ms: int) -> list[Step]:
    """A press that is sent, repeated, and given up."""
    after_ms = (0, 20, 50, 999, 1000)
    return [Step("p", at_ms, "1"), *(Step(what, at_ms + ms) for ms in after_ms for what in "os")]


def main() -> None:
    steps = record()
    answers = iter(play_python(steps))
    lines = [f"{step.line()} -> {next(answers)}" if step.what in "os" else step.line() for step in steps]
    VECTORS.write_text(HEAD + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
