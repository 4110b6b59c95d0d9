"""Builders and small honest fakes of the live pipeline's neighbours: a model, a source, a sink. No mocks."""

import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from edge.bundle.manifest import Aggregation, Decision, Form, InputSpec, Label, Manifest, Outputs, Pair, Provenance
from edge.classify import Judgement, prediction_set
from edge.frame import Frame, SourceInfo
from edge.reading import CommandPort, ModelIdentity, Reason, View
from edge.sources.events import Arrived, Event

MS = 1_000_000
S = 1_000_000_000
LABELS = (Label(code="mel", name="Melanoma"), Label(code="nv", name="Naevus"), Label(code="bkl", name="Keratosis"))
DECISION = Decision(bias=(0.0,) * 3, set_at=(0.3,) * 3)
IDENTITY = ModelIdentity("fake", "1.0.0", "ab" * 32, "null", "float32")


def a_manifest(aggregation: Aggregation | None = None) -> Manifest:
    return Manifest(
        name="fake",
        version="1.0.0",
        modality="other",
        labels=LABELS,
        input=InputSpec(width_px=32, height_px=32, fit="squash", field="none"),
        outputs=Outputs(),
        forms=(Form(id="float32", member="model.onnx", scheme="float32", opset=17),),
        pairs=(Pair(form="float32", engine="onnxruntime", gate="passed", decision=DECISION),),
        aggregation=aggregation or Aggregation(),
        licence="CC0-1.0",
        intended_use="tests",
        provenance=Provenance(recipe="none", made_at="2026-01-01T00:00:00Z"),
        members=(),
    )


def judged(*p: float, in_scope: bool = True) -> Judgement:
    probabilities = np.array(p, np.float32)
    return Judgement(probabilities, prediction_set(probabilities, DECISION.set_at), None, in_scope)


SURE = {0: judged(0.9, 0.05, 0.05), 1: judged(0.05, 0.9, 0.05), 2: judged(0.05, 0.05, 0.9)}


@dataclass(frozen=True)
class ALook:
    quality: Reason | None = None
    judgement: Judgement | None = None


def look_at(label: int = 0) -> ALook:
    return ALook(judgement=SURE[label])


def pixels_of(seed: int, height: int = 24, width: int = 32) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Seeded noise around a fixed pattern: another seed is another moment of the same scene."""
    rng = np.random.default_rng(seed)
    pattern = np.linspace(40, 200, width)[None, :, None] + np.linspace(0, 40, height)[:, None, None]
    return np.clip(pattern + rng.normal(0, 2, (height, width, 3)), 0, 255).astype(np.uint8)


def a_frame(index: int = 0, captured_ns: int = 0, *, scene: int = 0, still: bool = False, rendered: bool = False) -> Frame:
    return Frame(pixels_of(index), captured_ns, index, "fake source", still=still, scene=scene, rendered=rendered)


INFO = SourceInfo("fake:", "fake source", fps=30.0)


@dataclass
class FakeModel:
    """Says what `see` says of each frame; `gate` may hold it back, as a hanging engine would."""

    see: Callable[[Frame], ALook] = lambda frame: look_at()
    identity: ModelIdentity = IDENTITY
    manifest: Manifest = field(default_factory=a_manifest)
    decision: Decision = DECISION
    gate: threading.Event | None = None
    looked: list[int] = field(default_factory=list)
    closed: bool = False

    def look(self, frame: Frame) -> ALook:
        self.looked.append(frame.index)
        if self.gate is not None:
            self.gate.wait(10)
        return self.see(frame)

    def close(self) -> None:
        self.closed = True


class FakeSource:
    """A source in this process: the test puts events in, the receiving thread takes them out."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        for event in events:
            self.queue.put(event)
        self.started = self.closed = False
        self.restarts = 0
        self._over = threading.Event()

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    def start(self) -> None:
        self.started = True

    def restart(self) -> None:
        self.restarts += 1

    def next_event(self, timeout_s: float) -> Event | None:
        try:
            return self.queue.get(timeout=min(timeout_s, 0.02))
        except queue.Empty:
            return None

    def kill(self) -> None:
        self._over.set()

    def close(self) -> None:
        self.closed = True

    def send(self, frame: Frame) -> None:
        self.queue.put(Arrived(frame))


class AliveAlways:
    """Liveness that finds every picture alive."""

    def feed(self, frame: Frame) -> Reason | None:
        return None


class FakeSink:
    """Keeps what it was shown; `on_show` may wait or raise, as a bad screen would."""

    def __init__(self, name: str = "fake:", on_show: Callable[[View], None] | None = None, *, every_view: bool = False) -> None:
        self.name, self._on_show, self.every_view = name, on_show, every_view
        self.views: list[View] = []
        self.closed = threading.Event()
        self.commands: CommandPort | None = None
        self._changed = threading.Condition()

    def open(self, commands: CommandPort) -> None:
        self.commands = commands

    def show(self, view: View) -> None:
        if self._on_show is not None:
            self._on_show(view)
        with self._changed:
            self.views.append(view)
            self._changed.notify_all()

    def close(self) -> None:
        self.closed.set()

    def wait_for(self, found: Callable[[View], bool], timeout_s: float = 10.0) -> View:
        """The first view (also a past one) for which `found` is true."""
        with self._changed:
            assert self._changed.wait_for(lambda: any(found(v) for v in self.views), timeout_s), [v.reading.state for v in self.views]
            return next(v for v in self.views if found(v))
