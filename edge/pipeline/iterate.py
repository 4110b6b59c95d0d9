"""`edge.run`: own source in, readings out, on the caller's thread: judged over time as live, without clock, threads or sinks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edge.aggregate import EMPTY
from edge.frame import Frame
from edge.pipeline.options import LiveModel, speaker_of
from edge.pipeline.scene import SceneWatch
from edge.pipeline.speech import hear, reading_of
from edge.reading import Reading

__all__ = ["run"]


def run(frames: Iterable[Frame], model: LiveModel) -> Iterator[Reading]:
    """One Reading for each frame, in order, none dropped: smoothed over capture time, with settling, hysteresis and scene cuts.

    frames: any iterable of `edge.Frame`, also an open source; `captured_ns` must grow. A clip read faster than it plays needs the
    clip's own times there. No age limit applies: nobody knows here when a reading is shown; a screen must compare
    `reading.captured_ns` with its clock. Black and repeated pictures are not recognised. Raises BackendFault, and what `frames` raises.
    """
    window, scenes = EMPTY, SceneWatch()
    for frame in frames:
        cut = scenes.is_cut(frame, opening=0)
        look, speaker = model.look(frame), speaker_of(model)
        window, spoken = hear(window, look, frame, cut=cut, speaker=speaker)
        verdict = spoken.verdict
        yield reading_of(verdict.state, verdict.reason, speaker=speaker, spoken=spoken, frame=frame)
