"""How the workstation runs a graph: on ONNX Runtime, one thread, so that a figure hangs on nothing but the graph."""

from pathlib import Path

import onnx
import onnxruntime as ort

__all__ = ["session_of"]


def session_of(model: onnx.ModelProto | Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("optimization.disable_specified_optimizers", "WeightBiasQuantization")  # as edge.backends does
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
