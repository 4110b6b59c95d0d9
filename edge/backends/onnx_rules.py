"""What we ask of a form before any engine sees it: it is ONNX, it is whole, and it is not newer than the engine."""

from edge.backends.onnx_header import OnnxHeader, read_header
from edge.backends.session import Graph
from edge.errors import BackendFault

__all__ = ["NEWEST_IR", "NEWEST_OPSET", "check_graph", "too_new"]

# The newest that any engine of ours was seen to take (ONNX Runtime 1.32, onnx 1.23). An engine that does not say what it
# takes (OpenVINO reads IR 99 without a word) is held to these.
NEWEST_IR = 14
NEWEST_OPSET = 28


def too_new(origin: str, header: OnnxHeader, engine: str, ir_max: int | None, opset_max: int | None) -> BackendFault:
    """The one line for a file that is newer than the engine. None: the engine did not say."""
    takes = f"IR {ir_max or 'unknown'}, opset {opset_max or 'unknown'}"
    return BackendFault(
        f"{origin} is ONNX IR {header.ir_version}, opset {header.opset}; this {engine} takes at most {takes}",
        do=f"export the bundle again with opset 18, or install a newer {engine.split(maxsplit=1)[0]}",
    )


def check_graph(graph: Graph, engine: str, *, ir_max: int = NEWEST_IR, opset_max: int = NEWEST_OPSET) -> OnnxHeader:
    """Raises BackendFault in one line; engine: name and version, for the message."""
    try:
        header = read_header(graph.data)
    except ValueError as error:
        raise BackendFault(f"{graph.origin} is no ONNX model ({error})", do="export the bundle again") from error
    if header.external:
        files = ", ".join(header.external)
        raise BackendFault(
            f"{graph.origin} keeps its weights in another file ({files}), which no signature covers",
            do="export it with external_data=False",
        )
    if header.ir_version > ir_max or (header.opset or 0) > opset_max:
        raise too_new(graph.origin, header, engine, ir_max, opset_max)
    if header.opset != graph.opset and (header.opset or 0) <= NEWEST_OPSET:  # of a newer one the engine itself says more
        raise BackendFault(f"{graph.origin} is opset {header.opset}, and the manifest says {graph.opset}", do="export the bundle again")
    return header
