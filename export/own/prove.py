"""The original and what we made of it answer alike: run on random and on structured pictures in ONNX Runtime."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator
from onnxruntime.capi import onnxruntime_pybind11_state as state

from edge.errors import CheckFailed, InputRefused
from edge.frame import U8
from export.own.ending import Act
from export.own.ports import Taken

__all__ = ["ask", "compare", "original_inputs", "pictures"]

F64 = NDArray[np.float64]
SEED = 9
ERRORS = (state.Fail, state.InvalidArgument, state.InvalidGraph, state.NotImplemented, state.RuntimeException, RuntimeError, ValueError)


def pictures(width_px: int, height_px: int, golden: U8) -> U8:
    """(n, h, w, 3) uint8: noise, plain colours, ramps, quarters, and the golden tensors."""
    rng = np.random.default_rng(SEED)
    noise = rng.integers(0, 256, (4, height_px, width_px, 3), np.uint8)
    plain = [
        np.full((height_px, width_px, 3), c, np.uint8) for c in ((0, 0, 0), (255, 255, 255), (220, 20, 20), (20, 200, 20), (20, 20, 220))
    ]
    y, x = np.mgrid[0:height_px, 0:width_px]
    ramps = [np.repeat(np.asarray(255 * v, np.float64).astype(np.uint8)[..., None], 3, 2) for v in (x / width_px, y / height_px)]
    quarters = [
        np.repeat(np.asarray(255 * q, np.float64).astype(np.uint8)[..., None], 3, 2)
        for q in ((x < width_px / 2) & (y < height_px / 2), (x > width_px / 2) ^ (y > height_px / 2))
    ]
    return np.concatenate([noise, np.stack(plain + ramps + quarters), golden])


def original_inputs(found: U8, taken: Taken, mean: tuple[float, ...], std: tuple[float, ...]) -> list[NDArray[Any]]:
    """What the original takes of each picture, computed here and not by the graph that is to be proven."""
    made = []
    for picture in found:
        values = (picture[..., : taken.channels].astype(np.float64) / 255 - np.array(mean)) / np.array(std)
        values = values if taken.layout == "nhwc" else values.transpose(2, 0, 1)
        batch = np.repeat(values[None], taken.batch or 1, axis=0)
        made.append(np.ascontiguousarray(batch.astype(taken.dtype)))
    return made


def ask(model: onnx.ModelProto, name: str, output: str, inputs: list[NDArray[Any]], who: str) -> F64:
    """First row of `output` for each input: (n, K). Raises InputRefused where it cannot run, or where that is no row of classes."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        rows = [np.asarray(session.run([output], {name: value})[0], np.float64) for value in inputs]
    except state.NotImplemented as error:
        if inputs[0].dtype != np.float64:
            raise _cannot(who, error) from error
        rows = _by_reference(model, name, output, inputs, who)  # ONNX Runtime has few kernels for float64
    except ERRORS as error:
        raise _cannot(who, error) from error
    shape, batch = rows[0].shape, inputs[0].shape[0]
    if len(shape) < 2 or shape[0] != batch or any(side != 1 for side in shape[2:]) or len({row.shape for row in rows}) > 1:
        shown = "x".join(map(str, shape)) or "one number"
        raise InputRefused(f"the output '{output}' is {shown}: {who} is no classifier (batch x classes)", do="choose another with --output")
    seen = np.stack([row.reshape(batch, -1)[0] for row in rows])
    if not np.isfinite(seen).all():
        raise InputRefused(f"the output '{output}' is NaN or Inf on plain pictures", do="export another checkpoint")
    return seen


def _cannot(who: str, error: Exception) -> InputRefused:
    why = " ".join(str(error).split())[:200]
    return InputRefused(f"ONNX Runtime {ort.__version__} cannot run {who}: {why}", do="export it again, in float32, opset 18")


def _by_reference(model: onnx.ModelProto, name: str, output: str, inputs: list[NDArray[Any]], who: str) -> list[F64]:
    """By the ONNX project's own evaluator, slow and plain: a few pictures at its speed are bearable, once."""
    try:
        evaluator: Any = ReferenceEvaluator(model)
        return [np.asarray(evaluator.run([output], {name: value})[0], np.float64) for value in inputs]
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        raise _cannot(who, error) from error


def compare(before: F64, logits: F64, act: Act, within: float) -> float:
    """Largest difference once the logits went through what the original ended with. Raises CheckFailed past `within` x their range."""
    binary = before.shape[1] == 1
    z = logits[:, 1:] - logits[:, :1] if binary else logits
    after = _ACTS[act](z)
    worst = float(np.abs(after - before).max())
    allowed = within * max(1.0, float(np.abs(before).max()))
    if worst > allowed:
        raise CheckFailed(
            f"the bundle's graph differs from the original by {worst:.3g} (allowed {allowed:.3g})",
            state="no bundle was written",
            do="export the model as float32, opset 18",
        )
    return worst


def _softmax(z: F64) -> F64:
    e = np.exp(z - z.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True))


_ACTS: dict[Act, Callable[[F64], F64]] = {
    "none": lambda z: z,
    "softmax": _softmax,
    "log-softmax": lambda z: np.asarray(np.log(np.maximum(_softmax(z), 1e-300))),
    "sigmoid": lambda z: np.asarray(1 / (1 + np.exp(-np.clip(z, -500, 500)))),
}
