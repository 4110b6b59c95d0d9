"""`mcu:` on a real pty, with its thread: what arrives there, presses, loss and return of the port."""

import os
import select
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.errors import UsageError
from edge.reading import Command, ModelIdentity, Reason, State, View
from firmware_bridge.display.line import Place, find_again, open_line, parse_place, with_serial
from firmware_bridge.display.ownport import OwnPort
from firmware_bridge.display.receiver import Receiver, Screen, Shows
from firmware_bridge.display.sink import McuSink, make
from firmware_bridge.flash.line import PortBusy, PortDenied, PortForeign, PortMissing
from firmware_bridge.flash.ports import UsbPort
from tests.firmware_bridge.display.link_builders import BREAST, SKIN, a_bare, a_ready, a_view

MS = 1_000_000
PATIENCE_S = 20.0


@dataclass
class Around:
    clock_ns: Callable[[], int] = time.monotonic_ns
    said: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.said.append(text)


class Display:
    """The receiver on the near end of a pty, in real time."""

    def __init__(self, port: OwnPort) -> None:
        self.port, self.receiver = port, Receiver(boot=1)

    def until(self, is_there: Callable[[Screen], bool]) -> Screen:
        """What it shows once that is so. It waits for bytes, never for time."""
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            now_ms = time.monotonic_ns() // MS
            screen = self.receiver.screen(now_ms)
            if is_there(screen):
                return screen
            select.select([self.port], [], [], 0.02)
            self.receiver.feed(self.port.read(), time.monotonic_ns() // MS)
            self.port.write(self.receiver.poll(now_ms))
        raise AssertionError(f"it still shows {screen}")


@pytest.fixture
def port() -> Iterator[OwnPort]:
    own = OwnPort()
    yield own
    own.close()


def a_live_view(label: str = "mel", model: ModelIdentity = SKIN) -> View:
    return a_view(a_ready(label=label, captured_ns=time.monotonic_ns(), model=model), age_limit_ns=30_000 * MS)


def test_a_view_reaches_the_display_and_the_end_of_the_run_is_said(port: OwnPort) -> None:
    sink, display = make(port.name, Around()), Display(port)
    sink.open(lambda _: None)
    display.until(lambda s: s.said is not None and s.said.state is State.STARTING)
    sink.show(a_live_view())
    assert display.until(lambda s: s.label is not None).label == ("mel", "Melanoma")
    sink.show(a_live_view("malignant", model=BREAST))
    assert display.until(lambda s: s.label is not None and s.label[0] != "mel").label == ("malignant", "Malignant")
    sink.close()
    ended = display.until(lambda s: s.said is not None and s.said.state is State.NO_SIGNAL)
    assert ended.said is not None
    assert ended.said.reason == 14
    display.until(lambda s: s.shows is Shows.STALE)


def test_the_freeze_button_reaches_the_command_port_once(port: OwnPort) -> None:
    heard: list[Command] = []
    sink, display = make(port.name, Around()), Display(port)
    sink.open(heard.append)
    display.receiver.press(Command.FREEZE, time.monotonic_ns() // MS)
    display.until(lambda s: s.button.value == "taken")
    sink.close()
    assert heard == [Command.FREEZE]


def test_show_returns_at_once_while_nobody_reads_the_port(port: OwnPort) -> None:
    sink = make(port.name, Around())
    sink.open(lambda _: None)
    slowest_ns = 0
    for _ in range(2000):
        view = a_live_view()
        began_ns = time.monotonic_ns()
        sink.show(view)
        slowest_ns = max(slowest_ns, time.monotonic_ns() - began_ns)
    assert slowest_ns < 2_000 * MS  # a busy machine may take its time; a write that waits for a reader would never return
    sink.close()


def test_a_lost_port_is_found_again_under_another_name_by_its_serial(tmp_path: Path) -> None:
    first, second = OwnPort(), OwnPort()
    place = Place(first.name, usb_serial="0042")
    listed = [UsbPort(first.name, "0042", "")]
    around = Around()
    sink = McuSink(place, open_line(place), around, lambda: tuple(listed))
    sink.open(lambda _: None)
    sink.show(a_live_view())
    Display(first).until(lambda s: s.label is not None)
    listed[0] = UsbPort(second.name, "0042", "")
    first.close()  # the plug is pulled
    assert Display(second).until(lambda s: s.label is not None).label == ("mel", "Melanoma")
    sink.close()
    assert [text.split(":")[0] for text in around.said] == ["display lost", "display is back"]
    second.close()


def test_a_model_with_too_many_labels_is_refused_aloud(port: OwnPort) -> None:
    many = ModelIdentity("big", "1.0", "0" * 64, "null", "f", labels=tuple((f"c{i}", f"Class {i}") for i in range(33)))
    sink = make(port.name, Around())
    with pytest.raises(UsageError, match="33 labels, the display link carries 32"):
        sink.show(a_view(a_bare(State.STARTING, Reason.WARMING_UP, model=many)))
    sink.close()


def test_a_label_that_is_none_of_the_models_is_refused(port: OwnPort) -> None:
    sink = make(port.name, Around())
    reading = a_ready(captured_ns=0)
    with pytest.raises(ValueError, match="'mel', which is no label of its model"):
        sink.show(a_view(type(reading)(0, 1, State.READY, label="mel", confidence=0.5, model=BREAST)))
    sink.close()


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("/dev/ttyACM0", Place("/dev/ttyACM0")),
        ("/dev/ttyACM0?baud=921600", Place("/dev/ttyACM0", 921_600)),
        ("/dev/ttyACM0?serial=00%2042&baud=9600", Place("/dev/ttyACM0", 9_600, "00 42")),
    ],
)
def test_places(target: str, place: Place) -> None:
    assert parse_place(target) == place


@pytest.mark.parametrize(
    "target", ["", "?baud=9600", "/dev/x?baud=fast", "/dev/x?baud=1", "/dev/x?speed=9600", "/dev/x?baud", "/dev/x?serial="]
)
def test_what_names_no_place_is_a_usage_error(target: str) -> None:
    with pytest.raises(UsageError):
        parse_place(target)


def test_the_plug_is_remembered_by_its_number_and_found_by_it() -> None:
    before = (UsbPort("/dev/ttyACM0", "7", ""), UsbPort("/dev/ttyACM1", "8", ""))
    place = with_serial(Place("/dev/ttyACM1"), before)
    assert place.usb_serial == "8"
    assert find_again(place, (UsbPort("/dev/ttyACM0", "8", ""), UsbPort("/dev/ttyACM1", "7", ""))) == "/dev/ttyACM0"
    assert find_again(place, ()) == "/dev/ttyACM1"
    assert find_again(place, (UsbPort("/dev/ttyACM1", "7", ""),)) is None  # another plug has taken the path: nothing is written to it
    assert with_serial(Place("/dev/pts/3"), before).usb_serial is None


# ---- cases.md, O17: each cause has its own line ---------------------------------------------------------------------------------------


def test_o17_no_such_port() -> None:
    with pytest.raises(PortMissing, match="there is no port /dev/ttyACM99"):
        make("/dev/ttyACM99", Around())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open every port")
def test_o17_a_port_that_is_not_ours_to_open(port: OwnPort) -> None:
    Path(port.name).chmod(0)
    with pytest.raises(PortDenied, match="you may not open"):
        make(port.name, Around())


def test_o17_a_port_in_use_is_said_to_be_in_use(port: OwnPort) -> None:
    line = open_line(Place(port.name))
    with pytest.raises(PortBusy, match="is in use by"):
        make(port.name, Around())
    line.close()


def test_o17_a_file_is_no_serial_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PortForeign, match="is not a serial port"):
        make(str(tmp_path / "file"), Around())
