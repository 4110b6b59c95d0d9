"""Opset, IR version and float type brought to what every engine of ours takes; that nothing changed is proven afterwards, by running."""

import onnx
from onnx import TensorProto, helper, numpy_helper, version_converter

from edge.errors import InputRefused
from export.own.source import graphs_of, tensors_of

__all__ = ["IR", "as_float32", "opset_of", "to_known_version"]

OLDEST, NEWEST = 11, 21
IR = 10
TO_FLOAT = {TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16}


def opset_of(model: onnx.ModelProto) -> int:
    """Raises InputRefused where the file names none."""
    found = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), None)
    if found is None:
        raise InputRefused("the model does not say which opset it is written in", do="export it again")
    return int(found)


def to_known_version(model: onnx.ModelProto) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """(the model within opset 11 to 21 and IR 10, what was done). Raises InputRefused where no converter knows the way."""
    done = []
    opset, newest = opset_of(model), onnx.defs.onnx_opset_version()
    if opset > newest:
        raise InputRefused(f"the model is opset {opset}, and this install takes at most {newest}", do="export it with opset 18")
    if model.ir_version > IR:
        done.append(f"IR version {model.ir_version} written as {IR}")
    made = onnx.ModelProto()
    made.CopyFrom(model)
    made.ir_version = min(int(model.ir_version), IR) if model.ir_version >= 4 else 8
    if not OLDEST <= opset <= NEWEST:
        target = 13 if opset < OLDEST else NEWEST
        try:
            made = version_converter.convert_version(made, target)
        except (RuntimeError, ValueError, onnx.checker.ValidationError) as error:
            why = " ".join(str(error).split())[:120]
            raise InputRefused(
                f"the model is opset {opset} and cannot be converted to {target} ({why})", do="export it with opset 18"
            ) from error
        made.ir_version = IR if target > 13 else 8
        done.append(f"opset {opset} converted to {target}")
    keep = [entry for entry in made.opset_import if entry.domain in ("", "ai.onnx")]
    del made.opset_import[:]
    made.opset_import.extend(keep)
    return made, tuple(done)


def as_float32(model: onnx.ModelProto) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """float16, bfloat16 and float64 become float32, everywhere in a copy: stored tensors, casts, inputs and outputs."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    seen: set[str] = set()
    for _, tensor in tensors_of(made):
        if tensor.data_type in TO_FLOAT:
            seen.add(TensorProto.DataType.Name(tensor.data_type).lower())
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype("float32"), tensor.name))
    for graph in graphs_of(made.graph):
        del graph.value_info[:]
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.name in ("to", "dtype") and attribute.i in TO_FLOAT:
                    attribute.i = TensorProto.FLOAT
        for value in (*graph.input, *graph.output):
            kind = value.type.tensor_type
            if kind.elem_type in TO_FLOAT:
                seen.add(helper.tensor_dtype_to_string(kind.elem_type).rpartition(".")[2].lower())
                kind.elem_type = TensorProto.FLOAT
    return made, tuple(f"{name.replace('double', 'float64')} computed in float32" for name in sorted(seen))
