"""What an ONNX file says of itself, read from its protobuf wire format: IR version, opset, and whether weights lie in other files.

The device has no `onnx` package. Only lengths are followed, nothing is built: bounded by the file, and no input raises
anything but ValueError. Field numbers: onnx/onnx.proto (ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["OnnxHeader", "read_header"]

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_DEPTH: Final = 16  # subgraphs within subgraphs: a real model has one or two levels

MODEL_IR, MODEL_GRAPH, MODEL_OPSET, MODEL_FUNCTIONS = 1, 7, 8, 25
OPSET_DOMAIN, OPSET_VERSION = 1, 2
TENSOR_NAME, TENSOR_EXTERNAL, ENTRY_KEY, ENTRY_VALUE = 8, 13, 1, 2
# kind of message -> field number -> kind of the message in it; whatever is not listed can hold no tensor
HOLDS_TENSORS: Final = {
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "function": {7: "node", 11: "attribute"},
}


@dataclass(frozen=True, slots=True)
class OnnxHeader:
    """ir_version, opset (of the default domain; None: not named), and names of files that weights are said to lie in."""

    ir_version: int
    opset: int | None
    external: tuple[str, ...]


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("the file ends within a number, or a number is too long")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == BYTES:
            length, at = _varint(data, at)
        elif wire in (FIXED64, FIXED32):
            length = 8 if wire == FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire} is no ONNX")
        if at + length > len(data):
            raise ValueError("the file ends within a field")
        yield number, data[at : at + length]
        at += length


def _text(value: int | memoryview) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, memoryview) else ""


def _external_files(kind: str, data: memoryview, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        raise ValueError("graphs lie too deep within graphs")
    if kind == "tensor":
        yield from _location(data)
        return
    held = HOLDS_TENSORS[kind]
    for number, value in _fields(data):
        if number in held and isinstance(value, memoryview):
            yield from _external_files(held[number], value, depth + (kind == "graph"))


def _location(tensor: memoryview) -> Iterator[str]:
    for number, value in _fields(tensor):
        if number == TENSOR_EXTERNAL and isinstance(value, memoryview):
            entry = dict(_fields(value))
            if _text(entry.get(ENTRY_KEY, 0)) == "location":
                yield _text(entry.get(ENTRY_VALUE, 0))


def read_header(data: bytes) -> OnnxHeader:
    """ONNX bytes -> OnnxHeader. Raises ValueError where they are no ONNX model."""
    ir_version, opset, has_graph = 0, None, False
    external: dict[str, None] = {}
    for number, value in _fields(memoryview(data)):
        if number == MODEL_IR and isinstance(value, int):
            ir_version = value
        elif number == MODEL_OPSET and isinstance(value, memoryview):
            entry = dict(_fields(value))
            version = entry.get(OPSET_VERSION, 0)
            if _text(entry.get(OPSET_DOMAIN, 0)) in ("", "ai.onnx") and isinstance(version, int):
                opset = version
        elif number in (MODEL_GRAPH, MODEL_FUNCTIONS) and isinstance(value, memoryview):
            has_graph = has_graph or number == MODEL_GRAPH
            external.update(dict.fromkeys(_external_files("graph" if number == MODEL_GRAPH else "function", value, 0)))
    if not ir_version or not has_graph:
        raise ValueError("no IR version or no graph: this is no ONNX model")
    return OnnxHeader(ir_version, opset, tuple(external))
