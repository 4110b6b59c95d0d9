"""ONNX Runtime on the CPU: the engine of the base install.

One thread, no spinning between frames, all graph optimisations (its NCHWc step alone is worth 3.4 times): docs/decisions/0003-engines.md
says why. The session is made from the verified bytes; nothing is read from, or written to, a file.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as state

from edge.backends.onnx_header import OnnxHeader
from edge.backends.onnx_rules import check_graph, too_new
from edge.backends.session import Graph, Loaded, Place, wanted_outputs
from edge.backends.signature import Port, Signature
from edge.errors import BackendFault

__all__ = ["load"]

NO_LIMIT: Final = 1 << 30  # ONNX Runtime says itself what it takes, in the text of its refusal
DTYPES: Final = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(uint8)": "uint8"}
ERROR_NAMES: Final = (
    "Fail",
    "InvalidArgument",
    "InvalidGraph",
    "InvalidProtobuf",
    "NotImplemented",
    "RuntimeException",
    "EPFail",
    "NoSuchFile",
)
ERRORS: Final = (*(getattr(state, name) for name in ERROR_NAMES if hasattr(state, name)), RuntimeError, ValueError)


def _options(threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # 79 % of a core between frames otherwise
    # What a form keeps in float stays in float: this step would round the weights of a float Conv between Q/DQ pairs, one scale for all of
    # them (of derm7 with 13 such layers: 26 dB instead of 33 against FP32).
    options.add_session_config_entry("optimization.disable_specified_optimizers", "WeightBiasQuantization")
    options.log_severity_level = 4  # what goes wrong is raised, in our words; stderr is for our own talk
    return options


def load(graph: Graph, threads: int, place: Place) -> Loaded:  # noqa: ARG001 - derives nothing that would be kept
    """Raises BackendFault where ONNX Runtime refuses the graph."""
    name = f"onnxruntime {ort.__version__}"
    header = check_graph(graph, name, ir_max=NO_LIMIT, opset_max=NO_LIMIT)
    try:
        session = ort.InferenceSession(graph.data, _options(threads), providers=["CPUExecutionProvider"])
    except ERRORS as error:
        raise _refused(graph, name, header, str(error)) from error
    names = list(wanted_outputs(graph.outputs))

    def run(array: NDArray[Any]) -> Sequence[NDArray[np.float32]]:
        try:
            return list(session.run(names, {graph.spec.name: array}))
        except ERRORS as error:
            raise BackendFault(f"{graph.origin}: {name} failed while running: {_first_line(error)}", do="sonoderm check") from error

    return Loaded(ort.__version__, _signature(session), run, close=lambda: None)


def _signature(session: Any) -> Signature:
    return Signature(
        tuple(_port(found) for found in session.get_inputs()),
        tuple(_port(found) for found in session.get_outputs()),
    )


def _port(found: Any) -> Port:
    shape = tuple(size if isinstance(size, int) and size >= 0 else None for size in found.shape)
    return Port(found.name, shape, DTYPES.get(found.type, found.type))


def _refused(graph: Graph, name: str, header: OnnxHeader, text: str) -> BackendFault:
    ir = re.search(r"max supported IR version: (\d+)", text)
    opset = re.search(r"ai\.onnx is till opset (\d+)", text)
    if ir or opset:
        return too_new(graph.origin, header, name, int(ir[1]) if ir else None, int(opset[1]) if opset else None)
    return BackendFault(f"{graph.origin}: {name} refuses the graph: {_first_line(text)}", do="export the bundle again")


def _first_line(error: object) -> str:
    """The engine's own words, without the path of its source file."""
    text = " ".join(str(error).split())
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)
    return re.sub(r"^\S+\.(cc|h):\d+ ", "", text)[:300]
