"""An engine that looks at nothing and gives fixed outputs: for tests of what stands around an engine, never for a patient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.backends.session import Graph, Loaded, Place, RawOutput
from edge.backends.signature import Port, Signature
from edge.backends.tensor import graph_shape
from edge.frame import F32, U8

__all__ = ["NullSession", "load"]


@dataclass(frozen=True, slots=True, eq=False)
class NullSession:
    """A session that gives `output` for every picture."""

    output: RawOutput
    engine: str = "null"
    engine_version: str = "0"
    form: str = "null"
    threads: int = 1
    isa: str = "none"

    def run(self, tensor: U8) -> RawOutput:  # noqa: ARG002 - that is the point of it
        return self.output

    def close(self) -> None:
        return


def load(graph: Graph, threads: int, place: Place) -> Loaded:  # noqa: ARG001 - the same face as every engine
    """The first class always wins by one."""
    batch = graph.spec.batch
    classes: F32 = np.zeros((batch, graph.classes), np.float32)
    classes[:, 0] = 1.0
    rows: list[NDArray[np.float32]] = [classes]
    ports = [Port(graph.outputs.classes, classes.shape, "float32")]
    for name in (graph.outputs.embedding, graph.outputs.gate):
        if name is not None:
            rows.append(np.ones((batch, 1), np.float32))
            ports.append(Port(name, (batch, 1), "float32"))

    def run(array: NDArray[Any]) -> Sequence[NDArray[np.float32]]:  # noqa: ARG001
        return rows

    signature = Signature((Port(graph.spec.name, graph_shape(graph.spec), graph.spec.dtype),), tuple(ports))
    return Loaded("0", signature, run, close=lambda: None)
