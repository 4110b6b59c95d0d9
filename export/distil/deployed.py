"""The student as it is deployed: logits, an embedding for the scope bank, and the input gate, in one FP32 ONNX graph."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from edge.bundle.manifest import InputSpec, Outputs
from edge.frame import F32, U8
from export.distil.network import Student

__all__ = ["OPSET", "OUTPUTS", "Deployed", "Heads", "export_onnx", "features_of", "saturation"]

OUTPUTS = Outputs(classes="logits", embedding="embedding", gate="gate")
OPSET = 18  # what onnxruntime, OpenVINO and the TensorRT parser all take; 16 and 17 fail in the exporter


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """Linear maps on pooled activations. embedding = normalise((late - centre) @ basis), basis (d, 128).

    gate = features @ gate_weight + gate_bias, features = [early, late, saturation mean, saturation sd].
    """

    centre: F32
    basis: F32
    gate_weight: F32
    gate_bias: float


def saturation(x: Tensor) -> Tensor:
    """uint8 (n, h, w, 3) -> (n, 2): mean and sd over the picture of (max - min of the channels) / 255."""
    y = x.to(torch.float32)
    spread = (y.amax(3) - y.amin(3)) * (1 / 255)
    mean = spread.mean((1, 2))
    return torch.stack([mean, torch.sqrt(torch.clamp((spread * spread).mean((1, 2)) - mean * mean, min=0.0) + 1e-8)], 1)


class Deployed(nn.Module):
    """uint8 (1, h, w, 3) -> logits (1, k), embedding (1, 128) L2-normalised, gate (1, 1)."""

    def __init__(self, student: Student, heads: Heads) -> None:
        super().__init__()
        self.student = student
        self.register_buffer("centre", torch.from_numpy(heads.centre))
        self.register_buffer("basis", torch.from_numpy(heads.basis))
        self.register_buffer("gate_weight", torch.from_numpy(heads.gate_weight[:, None]))
        self.register_buffer("gate_bias", torch.tensor([heads.gate_bias], dtype=torch.float32))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        early, late = self.student.features(x)
        logits = self.student.body.get_classifier()(late)
        projected = (late - self.get_buffer("centre")) @ self.get_buffer("basis")
        embedding = projected / torch.sqrt((projected * projected).sum(1, keepdim=True) + 1e-12)
        gate = torch.cat([early, late, saturation(x)], 1) @ self.get_buffer("gate_weight") + self.get_buffer("gate_bias")
        return logits, embedding, gate


def features_of(student: Student, pixels: U8, batch: int = 64) -> tuple[F32, F32]:
    """All gate features (n, e + d + 2) and the late ones alone (n, d), float32, eval mode."""
    student.eval()
    every, late_only = [], []
    with torch.inference_mode():
        for start in range(0, len(pixels), batch):
            x = torch.from_numpy(np.array(pixels[start : start + batch]))
            early, late = student.features(x)
            every.append(torch.cat([early, late, saturation(x)], 1).numpy())
            late_only.append(late.numpy())
    return np.concatenate(every), np.concatenate(late_only)


def export_onnx(model: Deployed, spec: InputSpec, path: Path) -> None:
    """Write the FP32 graph: uint8 NHWC in, three outputs, opset 18, BatchNorm folded by the exporter."""
    model.eval()
    example = torch.zeros((1, spec.height_px, spec.width_px, 3), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
        torch.onnx.export(
            model,
            (example,),
            path,
            dynamo=True,
            external_data=False,
            verbose=False,
            opset_version=OPSET,
            input_names=["input"],
            output_names=["logits", "embedding", "gate"],
        )
