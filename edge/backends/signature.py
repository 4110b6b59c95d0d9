"""Does the graph that an engine loaded take and give what the manifest says? Asked once, at open, before any picture."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.backends.tensor import graph_shape
from edge.bundle.manifest import InputSpec, Outputs
from edge.errors import BackendFault

__all__ = ["Port", "Signature", "check_signature"]

FLOATS = ("float32", "float16")
DO = "export the bundle again with a manifest that fits its graph"


@dataclass(frozen=True, slots=True)
class Port:
    """One input or output. shape: None where a dimension is open. dtype: numpy's name, or the engine's word for one that numpy lacks."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Signature:
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


def _shown(shape: tuple[int | None, ...]) -> str:
    return "x".join("?" if size is None else str(size) for size in shape)


def _fits(found: tuple[int | None, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(found) == len(wanted) and all(f is None or w is None or f == w for f, w in zip(found, wanted, strict=True))


def check_signature(signature: Signature, spec: InputSpec, outputs: Outputs, classes: int, origin: str) -> np.dtype[Any]:
    """The dtype that the graph's input really has. Raises BackendFault in one line where graph and manifest disagree."""
    dtype = _check_input(signature.inputs, spec, origin)
    for name, width in ((outputs.classes, classes), (outputs.embedding, None), (outputs.gate, 1)):
        if name is not None:
            _check_output(signature.outputs, name, (spec.batch, width), origin)
    return dtype


def _check_input(inputs: tuple[Port, ...], spec: InputSpec, origin: str) -> np.dtype[Any]:
    if [port.name for port in inputs] != [spec.name]:
        names = ", ".join(port.name for port in inputs) or "none"
        raise BackendFault(f"{origin}: the manifest names the input '{spec.name}', and the graph has: {names}", do=DO)
    (port,) = inputs
    wanted = graph_shape(spec)
    if not _fits(port.shape, wanted):
        raise BackendFault(f"{origin}: {_input_fault(port, spec, wanted)}", do=DO)
    if port.dtype == spec.dtype or (port.dtype in FLOATS and spec.dtype in FLOATS):
        return np.dtype(port.dtype)
    raise BackendFault(f"{origin}: the graph takes {port.dtype}, and the manifest says {spec.dtype}", do=DO)


def _input_fault(port: Port, spec: InputSpec, wanted: tuple[int, int, int, int]) -> str:
    other = graph_shape_of_other_layout(spec)
    said = f"the manifest says {_shown(wanted)} ({spec.layout})"
    if _fits(port.shape, other):
        return f"the graph's input is {_shown(port.shape)}, another layout; {said}"
    if len(port.shape) == len(wanted) and _fits(port.shape[1:], wanted[1:]):
        return f"the graph is fixed to batches of {port.shape[0]}, and the manifest says {spec.batch}"
    return f"the graph's input is {_shown(port.shape)}; {said}"


def graph_shape_of_other_layout(spec: InputSpec) -> tuple[int, int, int, int]:
    """What the input would look like in the layout that the manifest does not name."""
    if spec.layout == "nhwc":
        return spec.batch, 3, spec.height_px, spec.width_px
    return spec.batch, spec.height_px, spec.width_px, 3


def _check_output(outputs: tuple[Port, ...], name: str, wanted: tuple[int, int | None], origin: str) -> None:
    port = next((found for found in outputs if found.name == name), None)
    if port is None:
        names = ", ".join(found.name for found in outputs) or "none"
        raise BackendFault(f"{origin}: the manifest names the output '{name}', and the graph has: {names}", do=DO)
    if port.dtype not in FLOATS:
        raise BackendFault(f"{origin}: the output '{name}' is {port.dtype}, not float32 or float16", do=DO)
    if not _fits(port.shape, wanted):
        raise BackendFault(f"{origin}: the output '{name}' is {_shown(port.shape)}; the manifest asks for {_shown(wanted)}", do=DO)
