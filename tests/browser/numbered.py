"""Views whose picture carries its own frame number in large blocks, so that a page can be asked which picture it really shows."""

import threading
import time
from dataclasses import replace

import numpy as np

from edge.frame import U8
from edge.reading import State, View
from edge.sinks.web.sink import WebSink
from tests.edge.sinks.views import AGE_LIMIT_NS, COUNTS, READY, UNLABELLED

BITS = 16
BLOCK_PX = 40
READ_NUMBER = f"""() => {{
  const canvas = document.getElementById('picture'), at = canvas.getContext('2d');
  let number = 0;
  for (let bit = 0; bit < {BITS}; bit++) {{
    number = number * 2 + (at.getImageData({BLOCK_PX} * bit + {BLOCK_PX // 2}, 60, 1, 1).data[1] > 127 ? 1 : 0);
  }}
  return {{
    picture: number, hidden: getComputedStyle(canvas).visibility === 'hidden',
    label: document.getElementById('headline').textContent, state: document.body.dataset.state, frame: document.body.dataset.frame,
  }};
}}"""


def numbered_picture(number: int) -> U8:
    """(480, 640, 3): the number in 16 blocks, most significant first."""
    bits = np.array([number >> (BITS - 1 - i) & 1 for i in range(BITS)], np.uint8) * 255
    pixels = np.full((480, 640, 3), 90, np.uint8)
    pixels[:120] = np.repeat(bits, BLOCK_PX)[None, :, None]
    return pixels


def numbered_view(number: int, state: State = State.READY) -> View:
    """Frame `number` of a live source, captured now; its label says the number."""
    now_ns = time.monotonic_ns()
    reading = replace(READY, label=str(number), label_name=f"Frame {number}", set=(str(number),), probabilities=((str(number), 0.83),))
    if state is not State.READY:
        reading = replace(UNLABELLED, state=state)
    reading = replace(reading, frame=number, captured_ns=now_ns)
    pixels = None if state is State.NO_SIGNAL else numbered_picture(number)
    return View(number, reading, pixels, now_ns, AGE_LIMIT_NS, "numbered", False, COUNTS)


class Feeder:
    """Shows numbered views at a rate, as the loop does, until it is told to stop."""

    def __init__(self, web: WebSink, *, fps: float = 20.0) -> None:
        self._web, self._period_s = web, 1 / fps
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.number = 0

    def _run(self) -> None:
        while not self._stop.wait(self._period_s):
            self.number += 1
            self._web.show(numbered_view(self.number))

    def __enter__(self) -> "Feeder":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5)
