"""How far golden outputs may differ on a healthy processor: measured, by running the form as other processors would.

On the same class of processor: ONNX Runtime with and without its graph optimisations, which changes every fused kernel;
OpenVINO with AMX switched off. Elsewhere: OpenVINO held to an instruction set without VNNI (ONEDNN_MAX_CPU_ISA), where int16
sums saturate; the same spread stands for ONNX Runtime, which cannot be held. Each tolerance is MARGIN times the
largest difference seen, and never under FLOOR of the outputs' range.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.errors import CheckFailed
from edge.frame import F32, U8

__all__ = ["Tolerance", "measured_tolerance"]

MARGIN = 2.0
FLOOR = 0.01
SAME_CLASS = ("DEFAULT", "AVX512_CORE_VNNI")
OTHER_CLASS = ("AVX512_CORE",)
CHILD = """
import json, sys
import numpy as np
import edge.backends  # switches the engines' telemetry off
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
        options.add_session_config_entry("optimization.disable_specified_optimizers", "WeightBiasQuantization")  # as edge.backends does
        session = ort.InferenceSession(graph, options)
        out.append([session.run(["logits"], {"input": x[None]})[0].ravel().tolist() for x in data])
    print(json.dumps(out))
"""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Largest allowed absolute difference of an output: on the class of this processor, and on any other."""

    here: float
    elsewhere: float


def _runs(form: Path, engine: str, stored: Path, caps: tuple[str, ...]) -> list[F32]:
    found: list[F32] = []
    for cap in caps:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, engine, str(form), str(stored)],
            env=os.environ | {"ONEDNN_MAX_CPU_ISA": cap},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:  # a cap below what the engine can compile for is no processor that could run it
            found += [np.array(rows, np.float32) for rows in json.loads(done.stdout)]
    return found


def _largest(runs: list[F32], reference: F32) -> float:
    return max((float(np.abs(other - reference).max()) for other in runs), default=0.0)


def measured_tolerance(form: Path, engine: str, tensors: U8, folder: Path) -> Tolerance:
    """tensors: golden ones, (n, h, w, 3) uint8. folder: for a temporary file. Raises CheckFailed when the engine cannot run the form."""
    stored = folder / "golden-tensors.npy"
    np.save(stored, tensors)
    same = _runs(form, engine, stored, SAME_CLASS if engine == "openvino" else SAME_CLASS[:1])
    if not same:
        raise CheckFailed(f"{form.name}: {engine} cannot run it in a process of its own", do="run: sonoderm doctor")
    openvino = same[:1] if engine == "openvino" else _runs(form, "openvino", stored, SAME_CLASS[:1])
    saturating = _largest(_runs(form, "openvino", stored, OTHER_CLASS), openvino[0]) if openvino else 0.0
    floor, seen = FLOOR * float(np.ptp(same[0])), _largest(same, same[0])
    return Tolerance(round(max(MARGIN * seen, floor), 4), round(max(MARGIN * max(seen, saturating), floor), 4))
