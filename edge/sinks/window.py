"""`window:`: the composed canvas in a window of this machine's screen. Space or a click freezes, q or Esc ends the run.

Whether there is a screen, and an OpenCV that can open a window on it, is found out before anything else is opened: a window
toolkit without a display ends the whole process, and no `except` can hold it (opencv-python#18, #444). What the environment cannot
tell (a display that does not answer, a missing right or plugin) is tried once in a process of its own.

All calls to the toolkit come from one thread of this sink, which also redraws without new views: an old label goes
from this screen even when nobody calls `show` any more.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping

import cv2

from edge.errors import MachineLacks, UsageError
from edge.reading import Command, CommandPort, Sink, View
from edge.sinks.overlay import Composer
from edge.sinks.table import Surroundings

__all__ = ["WindowSink", "display_problem", "make", "trial_problem"]

TITLE = "sonoderm"
TRIAL = "import cv2; cv2.namedWindow('trial', cv2.WINDOW_NORMAL); cv2.pollKey(); cv2.destroyAllWindows()"
TRIAL_S = 10.0
EVENTS_S = 0.03  # how long a key may wait
REDRAW_NS = 60_000_000  # how late an old label may go when no newer view comes
KEYS: Mapping[int, Command] = {ord(" "): Command.TOGGLE, ord("f"): Command.TOGGLE, ord("a"): Command.ACKNOWLEDGE}
QUIT = (ord("q"), 27)  # 27: Esc


def display_problem(environ: Mapping[str, str], gui: str, platform: str = sys.platform) -> str | None:
    """Why no window can be opened here, or None. gui: the GUI line of OpenCV's build information."""
    if gui.strip().upper() in ("", "NONE"):
        return "this OpenCV was built without windows (the headless wheel)"
    if platform.startswith("linux") and not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        return "there is no screen here: neither DISPLAY nor WAYLAND_DISPLAY is set"
    return None


def trial_problem(timeout_s: float = TRIAL_S) -> str | None:
    """Opens a window in another process -> why that does not work here, or None."""
    try:
        tried = subprocess.run([sys.executable, "-c", TRIAL], capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        return f"the screen did not answer within {timeout_s:.0f} s"
    if tried.returncode == 0:
        return None
    said = [line.strip() for line in tried.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return f"this screen takes no window: {said[0] if said else f'the toolkit ended with {tried.returncode}'}"


def gui_of(build_information: str) -> str:
    """The toolkit that OpenCV's build information names: "QT5", "GTK3", "NONE" …"""
    for line in build_information.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip() == "GUI":
            return value.strip() or "unknown"  # OpenCV 4 lists the toolkits below an empty GUI line
    return ""


class WindowSink:
    name = "window:"

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._newest: View | None = None
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._commands: CommandPort | None = None

    def open(self, commands: CommandPort) -> None:
        self._commands = commands
        self._thread.start()

    def show(self, view: View) -> None:
        with self._changed:
            self._newest = view
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def _run(self) -> None:
        composer = Composer()
        cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | getattr(cv2, "WINDOW_GUI_NORMAL", 0))
        cv2.setMouseCallback(TITLE, self._clicked)
        drawn: View | None = None
        drawn_ns = 0
        while True:
            with self._changed:
                if self._newest is drawn and not self._closing:
                    self._changed.wait(EVENTS_S)
                view, closing = self._newest, self._closing
            if closing:
                break
            now_ns = self._around.clock_ns()
            if view is not None and (view is not drawn or now_ns - drawn_ns > REDRAW_NS):
                canvas = composer.compose(view, now_ns).pixels
                if drawn is None:
                    cv2.resizeWindow(TITLE, canvas.shape[1], canvas.shape[0])
                cv2.imshow(TITLE, cv2.cvtColor(canvas, cv2.COLOR_RGB2BGR))
                drawn, drawn_ns = view, now_ns
            key = cv2.pollKey() & 0xFF
            if key in KEYS and self._commands is not None:
                self._commands(KEYS[key])
            elif key in QUIT or cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
                self._around.request_stop("the window was closed")
                break
        cv2.destroyAllWindows()

    def _clicked(self, event: int, _x: int, _y: int, _flags: int, _data: object) -> None:
        if event == cv2.EVENT_LBUTTONUP and self._commands is not None:
            self._commands(Command.TOGGLE)


def make(target: str, around: Surroundings) -> Sink:
    """Raises UsageError for anything after the colon, MachineLacks where no window can be opened."""
    if target:
        raise UsageError(f"window: takes nothing after the colon, not {target!r}")
    problem = display_problem(os.environ, gui_of(cv2.getBuildInformation())) or trial_problem()
    if problem is not None:
        raise MachineLacks(f"window: {problem}", do="--sink web: shows the same in a browser, --sink console: in this terminal")
    return WindowSink(around)
