"""Static Q/DQ from one FP32 graph and one set of ranges: u8s8 for ONNX Runtime, trt_in for TensorRT and OpenVINO.

u8s8: uint8 activations, int8 symmetric weights per channel; what ONNX Runtime fuses.
trt_in: int8 everywhere, every zero point 0, bias in float, Q/DQ at the inputs of Conv alone; what TensorRT parses.
The classifier and the scope heads stay in float: they cost nothing, and their inputs are means whose last bits matter.
"""

import contextlib
import io
import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from edge.errors import CheckFailed
from edge.frame import F32, U8
from export.quantize.bias import correct, mean_errors
from export.quantize.fake import convolutions
from export.quantize.ranges import Ranges, choose, sample, write
from export.quantize.rounding import rounded_layers

__all__ = ["Measured", "assert_tensorrt_form", "measure", "prepare", "write_form"]

COMMON: dict[str, Any] = {"WeightSymmetric": True}
FORMS: dict[str, tuple[QuantType, list[str], dict[str, Any]]] = {
    # Add stays in float, so that what residual blocks hand on is not rounded again at each of them: of breast-us 29.7 dB against FP32
    # instead of 28.4, and 30.1 instead of 28.3 with nine layers in float.
    "u8s8": (QuantType.QUInt8, ["Conv", "Clip", "Relu"], {}),
    "trt_in": (
        QuantType.QInt8,
        ["Conv"],
        {"ActivationSymmetric": True, "QuantizeBias": False, "OpTypesToExcludeOutputQuantization": ["Conv"]},
    ),
}
MEAN_PICTURES = 64  # means and covariances of a channel over all places of so many pictures move no more


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What every form is made from. graph: FP32, pre-processed. cache: the ranges as ONNX Runtime's quantiser reads them.

    weights: conv name -> its weights on the int8 grid, in float. errors: conv name -> (channels,) mean error of these weights.
    """

    graph: Path
    cache: Path
    ranges: Ranges
    weights: dict[str, F32]
    errors: dict[str, F32]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The quantiser prints its progress, and logs "please consider pre-processing" although it was."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        root.setLevel(level)


def prepare(graph: Path, ready: Path) -> None:
    """ONNX Runtime's own optimisations of a float graph, which its quantiser expects to be done.

    A convolution of torch's exporter is called as its module is ("student.body.conv_stem"), not "node_Conv_835": people read these names.
    """
    with _quiet():
        quant_pre_process(str(graph), str(ready), skip_symbolic_shape=True)  # the shapes are static
    model = onnx.load(ready)
    taken = {node.name for node in model.graph.node}
    for node in model.graph.node:
        module = node.input[1].removesuffix(".weight") if node.op_type == "Conv" else ""
        if module and module != node.input[1] and module not in taken:  # the second use of a module keeps its own name
            node.name = module
            taken.add(module)
    onnx.save(model, ready)


def measure(graph: Path, pictures: U8, folder: Path) -> Measured:
    """Everything that is measured on train pictures, (n, h, w, 3) uint8, once for all forms. folder: for what is kept of it."""
    ready, cache = folder / "ready.onnx", folder / "ranges.json"
    prepare(graph, ready)
    ranges = choose(sample(ready, pictures), "mse")
    write(ranges, cache)
    few = pictures[:: max(1, len(pictures) // MEAN_PICTURES)]
    weights = rounded_layers(ready, few)
    return Measured(ready, cache, ranges, weights, mean_errors(ready, few, weights))


def write_form(measured: Measured, scheme: str, target: Path, keep_float: Collection[str] = ()) -> None:
    """INT8 form at `target`. keep_float: names of convolutions that stay in float."""
    activation, ops, extra = FORMS[scheme]
    errors = {name: row for name, row in measured.errors.items() if name not in keep_float}
    with _quiet():
        quantize_static(
            correct(onnx.load(measured.graph), errors),
            str(target),
            None,  # the ranges are there
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            weight_type=QuantType.QInt8,
            activation_type=activation,
            op_types_to_quantize=ops,
            nodes_to_exclude=sorted(keep_float),
            calibrate_method=CalibrationMethod.MinMax,  # how the file is read; what stands in it was chosen before
            calibration_cache_path=str(measured.cache),
            extra_options=COMMON | extra,
        )
    model = onnx.load(target)
    _put_weights(model, measured, keep_float)
    keep = [entry for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    del model.opset_import[:]
    model.opset_import.extend(keep)  # pre-processing leaves eight domains that no node uses
    onnx.save(model, target)
    if scheme == "trt_in":
        assert_tensorrt_form(model)


def _put_weights(model: onnx.ModelProto, measured: Measured, keep_float: Collection[str]) -> None:
    """Our rounded weights in the place of the quantiser's nearest values; its scales are those of the same grid."""
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    for layer in convolutions(onnx.load(measured.graph)):
        if layer.name not in measured.weights or layer.name in keep_float:
            continue
        stored, scale = tensors[f"{layer.weight}_quantized"], numpy_helper.to_array(tensors[f"{layer.weight}_scale"])
        wanted = np.rint(measured.weights[layer.name] / scale.reshape(-1, 1, 1, 1)).astype(np.int8)
        stored.CopyFrom(numpy_helper.from_array(wanted, stored.name))


def assert_tensorrt_form(model: onnx.ModelProto) -> None:
    """Raises CheckFailed unless every Q/DQ is int8 with zero point 0: TensorRT reads uint8 as int8 with half the range, in silence."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            continue
        zero = constants.get(node.input[2]) if len(node.input) > 2 else None
        if zero is None or zero.dtype != np.int8 or np.any(zero != 0):
            raise CheckFailed(f"{node.name}: zero point is not int8 0", do="quantize with the trt_in scheme")
