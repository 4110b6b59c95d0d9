"""Static Q/DQ from one FP32 graph and one set of ranges: u8s8 for ONNX Runtime, trt_in for TensorRT and OpenVINO.

u8s8: uint8 activations, int8 symmetric weights per channel; what ONNX Runtime fuses.
trt_in: int8 everywhere, every zero point 0, bias in float, Q/DQ at the inputs of Conv alone; what TensorRT parses.
The classifier and the scope heads stay in float: they cost nothing, and their inputs are means whose last bits matter.
"""

import contextlib
import io
import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from edge.errors import CheckFailed
from edge.frame import U8
from export.quantize.bias import correct, mean_errors, store, stored
from export.quantize.fake import convolutions
from export.quantize.ranges import Rule, choose, sample, write

__all__ = ["assert_tensorrt_form", "quantize"]

COMMON: dict[str, Any] = {"WeightSymmetric": True}
FORMS: dict[str, tuple[QuantType, list[str], dict[str, Any]]] = {
    "u8s8": (QuantType.QUInt8, ["Conv", "Clip", "Add"], {}),
    "trt_in": (
        QuantType.QInt8,
        ["Conv"],
        {"ActivationSymmetric": True, "QuantizeBias": False, "OpTypesToExcludeOutputQuantization": ["Conv"]},
    ),
}


BIAS_PICTURES = 64  # means of a channel over all places of so many pictures move no more


def quantize(
    graph: Path,
    scheme: str,
    target: Path,
    pictures: U8,
    ranges: Path,
    *,
    percentile: float | None,
    float_first: int = 0,
    mse: bool = False,
    keep_float: Collection[str] = (),
) -> None:
    """FP32 graph -> INT8 form at `target`.

    pictures: (n, h, w, 3) uint8 from train. ranges: file of tensor ranges, made by the first form and used by every later
    one; the mean errors of the rounded weights lie beside it. percentile: share of activations kept inside the range (None:
    smallest and largest value). mse: ranges of least squared error instead. float_first: how many convolutions at the input
    are left in float; keep_float: names of more.
    """
    activation, ops, extra = FORMS[scheme]
    ready = graph.with_suffix(".ready.onnx")
    quiet = logging.getLogger()
    level = quiet.level
    quiet.setLevel(logging.ERROR)  # "please consider pre-processing", although it was
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # the histogram calibrators print their progress there
            if not ready.exists() or ready.stat().st_mtime_ns < graph.stat().st_mtime_ns:
                quant_pre_process(str(graph), str(ready), skip_symbolic_shape=True)  # the shapes are static
            if not ranges.exists():
                _measure(ready, pictures, ranges, percentile=percentile, mse=mse)
            in_float = {*_first_convolutions(ready, float_first), *keep_float}
            errors = {name: row for name, row in stored(_errors_beside(ranges)).items() if name not in in_float}
            quantize_static(
                correct(onnx.load(ready), errors),
                str(target),
                None,  # the ranges are there
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                weight_type=QuantType.QInt8,
                activation_type=activation,
                op_types_to_quantize=ops,
                nodes_to_exclude=sorted(in_float),
                calibrate_method=CalibrationMethod.MinMax,  # how the file is read; what stands in it was chosen before
                calibration_cache_path=str(ranges),
                extra_options=COMMON | extra,
            )
    finally:
        quiet.setLevel(level)
    model = onnx.load(target)
    keep = [entry for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    del model.opset_import[:]
    model.opset_import.extend(keep)  # pre-processing leaves eight domains that no node uses
    onnx.save(model, target)
    if scheme == "trt_in":
        assert_tensorrt_form(model)


def _errors_beside(ranges: Path) -> Path:
    return ranges.with_suffix(".bias.npz")


def _measure(ready: Path, pictures: U8, ranges: Path, *, percentile: float | None, mse: bool) -> None:
    """Writes the mean errors, then the ranges: who finds ranges finds both."""
    samples = sample(ready, pictures)
    few = pictures[:: max(1, len(pictures) // BIAS_PICTURES)]
    store(mean_errors(ready, few, [layer.name for layer in convolutions(onnx.load(ready))]), _errors_beside(ranges))
    rule: Rule = "mse" if mse else "minmax" if percentile is None else "percentile"
    write(choose(samples, rule, percentile or 100.0), ranges)


def _first_convolutions(graph: Path, n: int) -> list[str]:
    """Names of the first n Conv nodes; the exporter writes nodes in the order in which a picture meets them."""
    return [node.name for node in onnx.load(graph).graph.node if node.op_type == "Conv"][:n]


def assert_tensorrt_form(model: onnx.ModelProto) -> None:
    """Raises CheckFailed unless every Q/DQ is int8 with zero point 0: TensorRT reads uint8 as int8 with half the range, in silence."""
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            continue
        zero = constants.get(node.input[2]) if len(node.input) > 2 else None
        if zero is None or zero.dtype != np.int8 or np.any(zero != 0):
            raise CheckFailed(f"{node.name}: zero point is not int8 0", do="quantize with the trt_in scheme")
