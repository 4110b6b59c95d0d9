"""Both ends joined by bytes, in simulated time."""

import pytest

from edge.reading import Command, Reason, State
from firmware_bridge.display.receiver import SILENCE_MS, Button, Shows
from tests.firmware_bridge.display.link_builders import AGE_LIMIT_NS, BREAST, MS, SKIN, Joined, a_bare, a_frozen, a_ready, a_statement


def a_ready_display() -> Joined:
    """A display that shows melanoma of a picture taken at 400 ms; it is 400 ms."""
    link = Joined()
    link.sender.say(a_statement(a_bare(State.STARTING, Reason.WARMING_UP)))
    link.run(400 * MS)
    link.sender.say(a_statement(a_ready(captured_ns=400 * MS)))
    link.run(420 * MS)
    screen = link.receiver.screen(link.now_ns // MS)
    assert screen.label == ("mel", "Melanoma")
    return link


def test_before_the_first_frame_nothing_is_shown() -> None:
    assert Joined().receiver.screen(0).shows is Shows.STALE


def test_a_label_is_shown_with_its_words_once_the_table_has_come() -> None:
    link = a_ready_display()
    screen = link.receiver.screen(link.now_ns // MS)
    assert screen.shows is Shows.LIVE
    assert screen.said is not None
    assert screen.said.confidence == 166
    assert screen.title == "skin 1.0.0"


def test_a_label_dies_with_its_picture_even_while_heartbeats_come() -> None:
    link = a_ready_display()
    while link.now_ns < 1500 * MS:
        link.run(link.now_ns + MS)
        screen = link.receiver.screen(link.now_ns // MS)
        if screen.label is not None:
            assert link.now_ns <= 400 * MS + AGE_LIMIT_NS
    assert screen.said is not None
    assert (screen.said.state, screen.said.reason) == (State.NO_SIGNAL, 9)


def test_silence_blanks_the_display_within_200_ms() -> None:
    link = a_ready_display()
    link.sender.say(a_statement(a_ready(captured_ns=420 * MS)))
    last_ms = link.frames[-1][0] // MS
    link.lose = True
    link.run((last_ms + SILENCE_MS - 2) * MS)
    assert link.receiver.screen(link.now_ns // MS).shows is Shows.LIVE
    link.run((last_ms + SILENCE_MS + 2) * MS)
    screen = link.receiver.screen(link.now_ns // MS)
    assert (screen.shows, screen.label, screen.said) == (Shows.STALE, None, None)


def test_a_stuck_buffer_does_not_keep_a_label_alive() -> None:
    link = a_ready_display()
    frame = next(frame for _, frame in reversed(link.frames) if len(frame) == 24)
    now_ms = link.now_ns // MS
    for later_ms in range(now_ms, now_ms + 1000, 50):
        link.receiver.feed(frame, later_ms)
    assert link.receiver.screen(now_ms + 1000).shows is Shows.STALE


def test_a_frozen_label_stays_while_heartbeats_come_and_shows_its_age() -> None:
    link = a_ready_display()
    link.sender.say(a_statement(a_frozen(captured_ns=400 * MS)))
    link.run(66_000 * MS, step_ns=2 * MS)
    screen = link.receiver.screen(link.now_ns // MS)
    assert screen.label == ("mel", "Melanoma")
    assert screen.said is not None
    assert (screen.said.state, screen.said.live_state, screen.said.frozen_age_s) == (State.FROZEN, State.NO_SIGNAL, 65)
    link.lose = True
    link.run(link.now_ns + 210 * MS)
    assert link.receiver.screen(link.now_ns // MS).shows is Shows.STALE


def test_a_display_restarted_in_mid_stream_never_shows_a_label_of_another_table() -> None:
    """At every millisecond of a change of model: what is shown is a label of the model that said it."""
    for restart_ms in range(0, 120, 3):
        link = a_ready_display()
        began_ns = link.now_ns
        link.sender.say(a_statement(a_ready(label="malignant", model=BREAST, captured_ns=began_ns, fits=("malignant", "benign"))))
        while link.now_ns < began_ns + 300 * MS:
            link.run(link.now_ns + MS)
            if link.now_ns == began_ns + restart_ms * MS:
                link.receiver = Joined(boot=8).receiver
            screen = link.receiver.screen(link.now_ns // MS)
            if screen.label is not None and screen.said is not None:
                of = SKIN if screen.said.table == a_statement(a_ready()).table.hash else BREAST  # type: ignore[union-attr]
                assert screen.label == of.labels[screen.said.label or 0]
                assert screen.title.startswith(of.name)
        assert screen.label == ("malignant", "Malignant")
        assert screen.set == (("benign", "Benign"), ("malignant", "Malignant"))


def test_a_table_that_lost_parts_on_the_way_is_asked_for_again() -> None:
    link = Joined()
    link.sender.say(a_statement(a_bare(State.STARTING)))
    for lost_until_ns in (7 * MS, 30 * MS):
        link.run(lost_until_ns)
        link.lose = not link.lose
    link.sender.say(a_statement(a_ready(captured_ns=100 * MS)))
    link.run(400 * MS)
    assert link.receiver.screen(400).label == ("mel", "Melanoma")


def test_a_press_is_repeated_until_it_is_taken_and_counts_once() -> None:
    link = a_ready_display()
    link.lose = True
    link.receiver.press(Command.FREEZE, link.now_ns // MS)
    link.run(link.now_ns + 300 * MS)
    assert link.receiver.screen(link.now_ns // MS).button is Button.SENDING
    link.lose = False
    link.run(link.now_ns + 200 * MS)
    assert link.commands == [Command.FREEZE]
    assert link.receiver.screen(link.now_ns // MS).button is Button.TAKEN
    link.receiver.press(Command.FREEZE, link.now_ns // MS)
    link.run(link.now_ns + 200 * MS)
    assert link.commands == [Command.FREEZE, Command.FREEZE]


def test_a_press_whose_acknowledgement_is_lost_counts_once() -> None:
    link = a_ready_display()
    link.receiver.press(Command.FREEZE, link.now_ns // MS)
    press = link.receiver.poll(link.now_ns // MS)
    assert [link.sender.feed(press) for _ in range(4)] == [[Command.FREEZE], [], [], []]


def test_a_press_that_nobody_takes_is_given_up_and_said() -> None:
    link = a_ready_display()
    link.lose = True
    link.receiver.press(Command.FREEZE, link.now_ns // MS)
    link.run(link.now_ns + 1100 * MS)
    link.lose = False
    link.run(link.now_ns + 500 * MS)
    assert link.receiver.screen(link.now_ns // MS).button is Button.NOT_TAKEN
    assert link.commands == []


def test_a_press_right_after_the_display_restarted_is_not_taken_for_an_old_one() -> None:
    link = a_ready_display()
    link.receiver.press(Command.FREEZE, link.now_ns // MS)
    link.run(link.now_ns + 100 * MS)
    link.receiver = Joined(boot=8).receiver
    link.receiver.press(Command.FREEZE, link.now_ns // MS)
    link.run(link.now_ns + 100 * MS)
    assert link.commands == [Command.FREEZE, Command.FREEZE]


@pytest.mark.parametrize("baud", [9_600, 115_200, 921_600])
def test_what_is_said_anew_arrives_behind_at_most_one_frame(baud: int) -> None:
    link = Joined(baud=baud)
    link.sender.say(a_statement(a_bare(State.STARTING)))
    link.run(2_000 * MS)
    frame_ns = 24 * link.ns_per_byte
    for i in range(200):
        link.run(link.now_ns + 61 * MS + i * 137_000, step_ns=137_000)
        label = ("mel", "nv", "bcc")[i % 3]
        said_ns = link.now_ns
        link.sender.say(a_statement(a_ready(label=label, captured_ns=said_ns)))
        link.run(link.now_ns + 2 * frame_ns + 4 * 137_000, step_ns=137_000)
        assert link.receiver.screen(link.now_ns // MS + 1).label == (label, dict(SKIN.labels)[label])
