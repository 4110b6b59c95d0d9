"""`phantom:derm` and `phantom:ultrasound`: a rendered picture in motion, seeded, for demonstration and test. No patient is in it.

Every few seconds the hand lifts and comes down on the next spot or inclusion (`each=`), which is a scene of its own. In between it
drifts and trembles, the focus hunts, the gain changes, contact is lost (`mishaps=no` leaves these out). The same options give the
same frames. The next scene is drawn on a thread of its own while this one is shown, so that a change costs no frame.

Options: seed=N, fps=N, size=WxH, kind=disc|star or cyst|mass (default: in turn), view=linear|sector (ultrasound),
each=SECONDS (0: never changes), seconds=N (ends; default: never), mishaps=yes|no.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Self

from edge.errors import UsageError
from edge.frame import U8, Frame, Source, SourceInfo
from edge.sources import phantom_derm, phantom_ultrasound
from edge.sources.phantom_hand import Hand, Moment, at, steady, take
from edge.sources.uri import SourceUri

__all__ = ["OPTIONS", "PhantomSource", "open_source"]

OPTIONS = frozenset({"seed", "fps", "size", "kind", "view", "each", "seconds", "mishaps"})
KINDS = {"derm": ("disc", "star"), "ultrasound": ("cyst", "mass")}
EACH_S = 12.0
LIFT_S = 0.45  # the hand is off the skin for this long before, and again after, a change

Scene = phantom_derm.DermScene | phantom_ultrasound.UltrasoundScene


@dataclass(frozen=True, slots=True)
class _Play:
    modality: str
    seed: int
    fps: float
    width_px: int
    height_px: int
    kind: str | None
    view: str | None
    each_s: float
    seconds: float | None
    mishaps: bool


def open_source(uri: SourceUri) -> Source:
    """Raises UsageError for another target than derm or ultrasound, and for options that do not fit."""
    if uri.target not in KINDS:
        raise UsageError(f"there is no phantom called {uri.target!r}", do="phantom:derm or phantom:ultrasound")
    view = uri.choice("view", ("linear", "sector"))
    if view and uri.target == "derm":
        raise UsageError("view= is for phantom:ultrasound", do="leave it out")
    width_px, height_px = uri.size_px("size") or (640, 480)
    if not (64 <= width_px <= 4096 and 64 <= height_px <= 4096):
        raise UsageError(f"size={width_px}x{height_px} is outside 64 to 4096 pixels", do="size=640x480")
    each_s = uri.number("each", low=0, high=86400)
    play = _Play(
        modality=uri.target,
        seed=uri.integer("seed", low=0, high=2**32 - 1) or 0,
        fps=uri.number("fps", low=1, high=240) or 30.0,
        width_px=width_px,
        height_px=height_px,
        kind=uri.choice("kind", KINDS[uri.target]),
        view=view,
        each_s=EACH_S if each_s is None else each_s,
        seconds=uri.number("seconds", low=0, high=1e7),
        mishaps=uri.choice("mishaps", ("yes", "no")) != "no",
    )
    return PhantomSource(play, str(uri))


class PhantomSource:
    """Iterates for ever, or for `seconds`."""

    def __init__(self, play: _Play, uri: str) -> None:
        self._play = play
        frames = None if play.seconds is None else round(play.seconds * play.fps)
        self._info = SourceInfo(
            uri=uri,
            name=f"phantom:{play.modality}",
            fps=play.fps,
            frames=frames,
            paced=True,
            settings=(f"seed={play.seed}", "rendered, no patient"),
        )

    @property
    def info(self) -> SourceInfo:
        return self._info

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def __iter__(self) -> Iterator[Frame]:
        with ThreadPoolExecutor(1, thread_name_prefix="next-phantom") as painter:
            yield from self._frames(painter)

    def _frames(self, painter: ThreadPoolExecutor) -> Iterator[Frame]:
        play = self._play
        shown, scene, hand = -1, None, take(0)
        following: Future[Scene] = painter.submit(_draw, play, 0)
        index = 0
        while self._info.frames is None or index < self._info.frames:
            time_s = index / play.fps
            number = int(time_s // play.each_s) if play.each_s else 0
            if scene is None or number != shown:
                scene = following.result() if number == shown + 1 else _draw(play, number)
                shown, hand = number, take(_seed(play, number))
                if play.each_s:
                    following = painter.submit(_draw, play, number + 1)
            moment = _moment(play, hand, time_s - number * play.each_s, number)
            yield Frame(
                pixels=_look(scene, moment, index),
                captured_ns=time.monotonic_ns(),
                index=index,
                source=self._info.name,
                scene=number,
                rendered=True,
                time_s=time_s,
            )
            index += 1


def _seed(play: _Play, number: int) -> int:
    return play.seed * 1009 + number


def _draw(play: _Play, number: int) -> Scene:
    kinds = KINDS[play.modality]
    kind = play.kind or kinds[(play.seed + number) % len(kinds)]
    seed = _seed(play, number)
    if play.modality == "derm":
        return phantom_derm.draw(seed, kind, play.width_px, play.height_px)
    return phantom_ultrasound.draw(seed, kind, play.width_px, play.height_px, play.view)


def _look(scene: Scene, moment: Moment, index: int) -> U8:
    if isinstance(scene, phantom_derm.DermScene):
        return phantom_derm.look(scene, moment, index)
    return phantom_ultrasound.look(scene, moment, index)


def _moment(play: _Play, hand: Hand, local_s: float, number: int) -> Moment:
    """The hand within one scene: lifted at both ends of it, except at the very start."""
    moment = at(hand, local_s) if play.mishaps else steady(hand, local_s)
    if not play.each_s:
        return moment
    down = 1.0 if number == 0 else local_s / LIFT_S
    up = (play.each_s - local_s) / LIFT_S
    touch = max(0.0, min(1.0, down, up))
    if touch >= moment.contact:
        return moment
    return replace(moment, contact=touch * 1.1 - 0.1)
