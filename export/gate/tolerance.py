"""How far golden outputs may differ on a healthy processor: measured, by running the form as other processors would.

OpenVINO is held to older instruction sets (ONEDNN_MAX_CPU_ISA) in processes of their own; ONNX Runtime is run
with and without its graph optimisations, which changes every fused kernel. The tolerance is MARGIN times
the largest difference seen, and never under FLOOR of the outputs' range.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from edge.frame import F32, U8

__all__ = ["measured_tolerance"]

MARGIN = 2.0
FLOOR = 0.01
ISA_CAPS = ("DEFAULT", "AVX512_CORE_VNNI", "AVX512_CORE")
CHILD = """
import json, sys
import numpy as np
engine, graph, tensors = sys.argv[1:]
data = np.load(tensors)
if engine == "openvino":
    import openvino as ov
    model = ov.Core().compile_model(ov.Core().read_model(graph), "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": "1"})
    rows = [model(x[None])[0].ravel().tolist() for x in data]
    print(json.dumps([rows]))
else:
    import onnxruntime as ort
    out = []
    for level in ("ORT_ENABLE_ALL", "ORT_ENABLE_BASIC", "ORT_DISABLE_ALL"):
        options = ort.SessionOptions()
        options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
        options.intra_op_num_threads = 1
        session = ort.InferenceSession(graph, options)
        out.append([session.run(["logits"], {"input": x[None]})[0].ravel().tolist() for x in data])
    print(json.dumps(out))
"""


def measured_tolerance(form: Path, engine: str, tensors: U8, folder: Path) -> float:
    """Largest allowed absolute difference of an output, from (n, h, w, 3) uint8 golden tensors."""
    stored = folder / "golden-tensors.npy"
    np.save(stored, tensors)
    runs: list[F32] = []
    for cap in ISA_CAPS if engine == "openvino" else ISA_CAPS[:1]:
        environment = os.environ | {"ONEDNN_MAX_CPU_ISA": cap}
        done = subprocess.run(
            [sys.executable, "-c", CHILD, engine, str(form), str(stored)], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:  # a cap below what the engine can compile for is no processor that could run it
            runs += [np.array(rows, np.float32) for rows in json.loads(done.stdout)]
    reference = runs[0]
    seen = max(float(np.abs(other - reference).max()) for other in runs)
    return round(max(MARGIN * seen, FLOOR * float(np.ptp(reference))), 4)
