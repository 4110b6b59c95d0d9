"""OpenVINO on the CPU: the fastest INT8 on x86 processors with VNNI.

The precision hint is float32: the default is bfloat16 on many processors, and then no output equals a golden one. The model is
compiled from the verified bytes at each start and never cached: a cache saves about 0.2 s and would be a second, unsigned copy.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from edge.backends.onnx_rules import check_graph
from edge.backends.session import Graph, Loaded, Place, wanted_outputs
from edge.backends.signature import Port, Signature
from edge.backends.tensor import graph_shape
from edge.errors import BackendFault

__all__ = ["load"]

DTYPES: Final = {"f32": "float32", "f16": "float16", "u8": "uint8"}
ERRORS: Final = (RuntimeError, ValueError, TypeError)  # OpenVINO's own errors derive from RuntimeError


def _settings(threads: int) -> dict[str, str]:
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": str(threads),
        "NUM_STREAMS": "1",
    }


def load(graph: Graph, threads: int, place: Place) -> Loaded:  # noqa: ARG001 - derives nothing that would be kept
    """Raises BackendFault where OpenVINO refuses the graph."""
    version = _version()
    name = f"openvino {version}"
    check_graph(graph, name)
    core = ov.Core()
    try:
        model = core.read_model(graph.data)
        signature = _signature(model, {graph.spec.name, *wanted_outputs(graph.outputs)})
        if all(port.shape for port in signature.inputs) and len(signature.inputs) == 1 and model.is_dynamic():
            model.reshape({model.inputs[0]: list(graph_shape(graph.spec))})
        request = core.compile_model(model, "CPU", _settings(threads)).create_infer_request()
        entry = request.get_input_tensor(0).data
    except ERRORS as error:
        raise BackendFault(f"{graph.origin}: {name} refuses the graph: {_last_line(error)}", do="export the bundle again") from error
    names = [port.name for port in signature.outputs]
    places = [names.index(wanted) for wanted in wanted_outputs(graph.outputs) if wanted in names]

    def run(array: NDArray[Any]) -> Sequence[NDArray[np.float32]]:
        try:
            np.copyto(entry, array, casting="no")  # 10 us; a shared array would have to be writable, and to stay alive
            request.infer()
        except ERRORS as error:
            raise BackendFault(f"{graph.origin}: {name} failed while running: {_last_line(error)}", do="sonoderm check") from error
        return [np.array(request.get_output_tensor(at).data) for at in places]

    return Loaded(version, signature, run, close=lambda: None)


def _version() -> str:
    return str(ov.get_version()).partition("-")[0]


def _signature(model: Any, wanted: set[str]) -> Signature:
    return Signature(tuple(_port(found, wanted) for found in model.inputs), tuple(_port(found, wanted) for found in model.outputs))


def _port(found: Any, wanted: set[str]) -> Port:
    names = sorted(found.get_names())  # one tensor may have several after its optimisation, and the wanted one counts
    name = next((name for name in names if name in wanted), names[0] if names else "")
    shape = tuple(None if size.is_dynamic else size.get_length() for size in found.get_partial_shape())
    kind = found.get_element_type().to_string()
    return Port(name, shape, DTYPES.get(kind, kind))


def _last_line(error: object) -> str:
    """OpenVINO puts the cause last, below the places in its source that it passed through."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300] if lines else type(error).__name__
