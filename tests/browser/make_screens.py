"""Makes the pictures of docs/images: the page at two widths in every state, the demo's page, the window's canvas, the terminal.

    python -m tests.browser.make_screens docs/images        # needs the extra `browser` and a Chromium

What they show is rendered by this program: the phantom's picture, and readings written for the purpose. No patient is in them.
"""

import io
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console

from edge.frame import U8
from edge.reading import FrameCounts, ModelIdentity, Reading, Reason, State, View
from edge.sinks.console import screen_of
from edge.sinks.face import face
from edge.sinks.overlay import Composer
from edge.sinks.table import Surroundings
from edge.sinks.web.sink import WebSink, bind
from edge.sources.table import open_source

CHROMIUM = "/usr/bin/chromium"
MS = 1_000_000
MODEL = ModelIdentity("derm7", "1.0.0", "3f9a" * 16, "onnxruntime", "u8s8")
COUNTS = FrameCounts(1841, 1803, 1, (("replaced", 37),), 29.9, 8.4, 11.2)
READY = Reading(
    captured_ns=0, frame=1840, state=State.READY, label="bkl", label_name="Benign keratosis-like lesion", confidence=0.83,
    probabilities=(("bkl", 0.83), ("mel", 0.12), ("nv", 0.03), ("bcc", 0.02)), set=("bkl", "mel"), model=MODEL,
)  # fmt: skip
NONE = replace(READY, label=None, label_name=None, confidence=None, set=())
READINGS = {
    State.READY: READY,
    State.UNSURE: replace(NONE, state=State.UNSURE, reason=Reason.TOO_MANY_CLASSES, set=("bkl", "mel", "nv")),
    State.OUT_OF_SCOPE: replace(NONE, state=State.OUT_OF_SCOPE, reason=Reason.OUT_OF_SCOPE),
    State.POOR_IMAGE: replace(NONE, state=State.POOR_IMAGE, reason=Reason.OUT_OF_FOCUS, do="move until the picture is sharp"),
    State.STARTING: Reading(None, None, State.STARTING, Reason.WARMING_UP, model=MODEL),
    State.NO_SIGNAL: Reading(0, 1840, State.NO_SIGNAL, Reason.UNPLUGGED, model=MODEL, do="check the cable; it reconnects by itself"),
    State.FROZEN: replace(
        READY, state=State.FROZEN, frozen_at="2026-03-01 12:00:00", live_state=State.NO_SIGNAL, live_reason=Reason.UNPLUGGED
    ),
    State.FAULT: Reading(0, 1840, State.FAULT, Reason.TOO_SLOW, model=MODEL, do="run: sonoderm check --tune"),
}
PAGE_PX = {"phone": (390, 844), "desktop": (1280, 800)}


def phantom() -> U8:
    with open_source("phantom:derm?seed=1&each=0&mishaps=no") as source:
        return next(iter(source)).pixels


def view_of(state: State, pixels: U8, seq: int) -> View:
    now_ns = time.monotonic_ns()
    reading = READINGS[state]
    if reading.captured_ns is not None:
        reading = replace(reading, captured_ns=now_ns - 12 * MS)
    shown = None if state in (State.NO_SIGNAL, State.STARTING) else pixels
    return View(seq, reading, shown, now_ns, 500 * MS, "camera:0", shown is not None, COUNTS)


class Shown:
    """Keeps one state on a page."""

    def __init__(self, web: WebSink, pixels: U8) -> None:
        self.state, self._web, self._pixels = State.STARTING, web, pixels
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        seq = 0
        while not self._stop.wait(0.1):
            seq += 1
            self._web.show(view_of(self.state, self._pixels, seq))

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def pages(browser: Browser, pixels: U8) -> dict[tuple[str, State], U8]:
    web = WebSink(bind("127.0.0.1", 0), Surroundings())
    web.open(lambda _command: None)
    shown, taken = Shown(web, pixels), {}
    for width, (wide, high) in PAGE_PX.items():
        page = browser.new_page(viewport={"width": wide, "height": high})
        page.goto(web.url)
        for state in State:
            shown.state = state
            page.wait_for_selector(f"body[data-state='{state.value}']", timeout=30_000)
            page.wait_for_timeout(400)
            taken[width, state] = picture_of(page.screenshot())
        page.close()
    shown.stop()
    web.close()
    return taken


def picture_of(png: bytes) -> U8:
    decoded = np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[:, :, ::-1])


def terminal(browser: Browser, pixels: U8) -> U8:
    console = Console(record=True, width=96, force_terminal=True, color_system="truecolor", file=io.StringIO())
    for state in (State.READY, State.NO_SIGNAL):
        console.print(screen_of(face(view_of(state, pixels, 1), time.monotonic_ns()), 96, hears_keys=True))
    page = browser.new_page(viewport={"width": 1200, "height": 980})
    page.set_content(f"<body style='margin:0;background:#0a0d12'>{console.export_svg(title='sonoderm run camera:0 --model derm7')}</body>")
    taken = picture_of(page.locator("svg").first.screenshot())
    page.close()
    return taken


def save(folder: Path, name: str, pixels: U8, width_px: int) -> None:
    """Small enough for a page: shrunk to width_px, WebP."""
    if pixels.shape[1] > width_px:
        pixels = np.asarray(
            cv2.resize(pixels, (width_px, round(pixels.shape[0] * width_px / pixels.shape[1])), interpolation=cv2.INTER_AREA), np.uint8
        )
    cv2.imwrite(str(folder / f"{name}.webp"), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, 82])


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    pixels = phantom()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        taken = pages(browser, pixels)
        save(folder, "screen-ready", taken["desktop", State.READY], 1280)
        rows = [[State.UNSURE, State.POOR_IMAGE, State.OUT_OF_SCOPE], [State.NO_SIGNAL, State.FROZEN, State.FAULT]]
        save(folder, "screen-states", np.vstack([np.hstack([taken["desktop", s] for s in row]) for row in rows]), 1500)
        phones = [State.READY, State.NO_SIGNAL, State.FROZEN, State.OUT_OF_SCOPE]
        save(folder, "screen-phone", np.hstack([taken["phone", s] for s in phones]), 1200)
        save(folder, "screen-terminal", terminal(browser, pixels), 900)
        browser.close()
    save(folder, "screen-window", Composer().compose(view_of(State.READY, pixels, 1), time.monotonic_ns()).pixels, 1040)


if __name__ == "__main__":
    main()
