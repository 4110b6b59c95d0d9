"""What every engine gives: a session that turns one uint8 picture into the model's raw outputs.

An engine's module has one function, `load(graph, threads, place) -> Loaded`: the graph's signature and a call that runs it.
Everything else (layout, dtype, batch, checks against the manifest, unpacking) happens here, once for all engines.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.backends.signature import Signature, check_signature
from edge.backends.tensor import arrange
from edge.bundle.manifest import InputSpec, Outputs
from edge.errors import BackendFault
from edge.frame import F32, U8

__all__ = ["EngineSession", "Graph", "Loaded", "Place", "RawOutput", "Session", "wanted_outputs"]


@dataclass(frozen=True, slots=True, eq=False)
class RawOutput:
    """What the model said of one picture. classes: (K,) float32, logits or probabilities as `Outputs.is_probability` says.

    embedding: (D,) float32 or None. gate: logit of the input gate, higher = in scope, or None.
    """

    classes: F32
    embedding: F32 | None = None
    gate: float | None = None


class Session(Protocol):
    """An opened model on one engine. Not for two threads at once."""

    @property
    def engine(self) -> str: ...
    @property
    def engine_version(self) -> str: ...
    @property
    def form(self) -> str: ...
    @property
    def threads(self) -> int: ...
    @property
    def isa(self) -> str: ...
    def run(self, tensor: U8) -> RawOutput: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """One form of a verified bundle: the ONNX bytes and what the manifest says of them. origin: file and member, for messages."""

    data: bytes
    origin: str
    bundle_digest: str
    form: str
    scheme: str
    opset: int
    spec: InputSpec
    outputs: Outputs
    classes: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where an engine may keep what it derives (None: nowhere), and whom it tells what it is doing."""

    folder: Path | None
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """An engine that holds a graph. run: the input array -> arrays in the order of `wanted_outputs`; raises BackendFault."""

    version: str
    signature: Signature
    run: Callable[[NDArray[Any]], Sequence[NDArray[Any]]]
    close: Callable[[], None]


def wanted_outputs(outputs: Outputs) -> tuple[str, ...]:
    """Names of the outputs that are read, in the order in which `Loaded.run` gives them."""
    return tuple(name for name in (outputs.classes, outputs.embedding, outputs.gate) if name is not None)


class EngineSession:
    """A loaded engine behind the `Session` protocol. Raises BackendFault at once where graph and manifest disagree."""

    def __init__(self, graph: Graph, engine: str, loaded: Loaded, threads: int, isa: str) -> None:
        self._graph, self._loaded = graph, loaded
        self._dtype = check_signature(loaded.signature, graph.spec, graph.outputs, graph.classes, graph.origin)
        self.engine, self.engine_version, self.form = engine, loaded.version, graph.form
        self.threads, self.isa = threads, isa

    def run(self, tensor: U8) -> RawOutput:
        """(height_px, width_px, 3) uint8 -> the model's outputs for that one picture; a graph fixed to a larger batch is padded."""
        graph = self._graph
        found = iter(self._loaded.run(arrange(tensor, graph.spec, self._dtype)))
        classes = np.asarray(next(found), np.float32).reshape(graph.spec.batch, -1)[0]
        embedding = np.asarray(next(found), np.float32).reshape(graph.spec.batch, -1)[0] if graph.outputs.embedding else None
        gate = float(np.asarray(next(found), np.float32).reshape(graph.spec.batch, -1)[0, 0]) if graph.outputs.gate else None
        if classes.shape[0] != graph.classes:
            raise BackendFault(
                f"{graph.origin}: {self.engine} gave {classes.shape[0]} classes where the manifest names {graph.classes}",
                do="export the bundle again",
            )
        return RawOutput(classes, embedding, gate)

    def close(self) -> None:
        self._loaded.close()
