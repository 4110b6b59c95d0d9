"""What a form answers on an engine, through the device's own session code."""

import numpy as np
from numpy.typing import NDArray

from edge.backends.session import Graph, Place
from edge.backends.table import open_graph, require
from edge.frame import U8
from export.gate.decision import EngineOutputs

__all__ = ["answers"]


def answers(graph: Graph, engine: str, pixels: U8, labels: NDArray[np.int64]) -> EngineOutputs:
    """Run (n, h, w, 3) uint8 tensors one by one, as the device does."""
    session = open_graph(graph, require(engine), 1, Place(None, lambda _: None))
    try:
        found = [session.run(np.ascontiguousarray(picture)) for picture in pixels]
    finally:
        session.close()
    no_embedding = np.zeros(1, np.float32)
    return EngineOutputs(
        logits=np.stack([raw.classes for raw in found]),
        embedding=np.stack([no_embedding if raw.embedding is None else raw.embedding for raw in found]).astype(np.float32),
        gate=np.array([0.0 if raw.gate is None else raw.gate for raw in found], np.float32),
        labels=labels,
    )
