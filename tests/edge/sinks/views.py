"""Builders of views in every state, for tests and for the pictures in docs/screen.md."""

from dataclasses import replace
from functools import cache

import cv2
import numpy as np

from edge.frame import U8
from edge.reading import FrameCounts, ModelIdentity, Reading, Reason, State, View

MS = 1_000_000
AGE_LIMIT_NS = 500 * MS
MODEL = ModelIdentity("derm7", "1.0.0", "3f9a" * 16, "onnxruntime 1.24", "u8s8", notes=())
COUNTS = FrameCounts(captured=1841, inferred=1803, pending=1, dropped=(("busy", 37),), source_fps=29.9, infer_p50_ms=8.4, infer_p95_ms=11.2)
READY = Reading(
    captured_ns=1_000 * MS,
    frame=1840,
    state=State.READY,
    label="bkl",
    label_name="Benign keratosis-like lesion",
    confidence=0.83,
    probabilities=(("mel", 0.12), ("nv", 0.03), ("bkl", 0.83), ("bcc", 0.02)),
    set=("bkl", "mel"),
    model=MODEL,
)
UNLABELLED = replace(READY, label=None, label_name=None, confidence=None, set=())
READINGS: dict[State, Reading] = {
    State.READY: READY,
    State.UNSURE: replace(
        UNLABELLED, state=State.UNSURE, reason=Reason.TOO_MANY_CLASSES, set=("mel", "nv", "bkl"), do="hold still, or try another view"
    ),
    State.OUT_OF_SCOPE: replace(UNLABELLED, state=State.OUT_OF_SCOPE, reason=Reason.OUT_OF_SCOPE, do="point at a skin lesion"),
    State.POOR_IMAGE: replace(UNLABELLED, state=State.POOR_IMAGE, reason=Reason.OUT_OF_FOCUS, do="move until the picture is sharp"),
    State.STARTING: Reading(None, None, State.STARTING, Reason.WARMING_UP, model=MODEL),
    State.NO_SIGNAL: Reading(
        1_000 * MS, 1840, State.NO_SIGNAL, Reason.UNPLUGGED, model=MODEL, do="check the cable; it reconnects by itself"
    ),
    State.FROZEN: replace(
        READY, state=State.FROZEN, live_state=State.NO_SIGNAL, live_reason=Reason.UNPLUGGED, frozen_at="2026-03-01 12:00:00"
    ),
    State.FAULT: Reading(1_000 * MS, 1840, State.FAULT, Reason.TOO_SLOW, model=MODEL, do="run: sonoderm check --tune"),
}


@cache
def a_picture(height: int = 480, width: int = 640, *, seed: int = 1) -> U8:
    """(h, w, 3) uint8 RGB: something like a lesion on skin, and noise, so that any touched pixel shows."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    away = np.hypot((x - width / 2) / width, (y - height / 2) / height) + 0.02 * np.sin(x / 23) + 0.02 * np.cos(y / 17)
    skin, lesion = np.array([214, 168, 146], np.float32), np.array([96, 56, 44], np.float32)
    mix = np.clip((0.24 - away) * 18, 0, 1)[..., None]
    noise = cv2.GaussianBlur(rng.normal(0, 26, (height, width, 1)).astype(np.float32), (0, 0), 2.0)[..., None]
    pixels = skin * (1 - mix) + lesion * mix + noise * 3 + rng.normal(0, 4, (height, width, 1))
    return np.asarray(np.clip(pixels, 0, 255), np.uint8)


def a_view(state: State = State.READY, *, seq: int = 1, pixels: U8 | None = None, rendered: bool = False, now_ns: int = 1_012 * MS) -> View:
    """A view as the loop makes it: no picture where there is no signal."""
    has_picture = state not in (State.NO_SIGNAL, State.STARTING)
    shown = (a_picture() if pixels is None else pixels) if has_picture else None
    return View(seq, READINGS[state], shown, now_ns, AGE_LIMIT_NS, "camera:0", rendered, COUNTS)
