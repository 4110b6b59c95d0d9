"""Which layer costs how much: each convolution alone in INT8, everything else in float, and what that does to the logits."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx

from edge.frame import F32, U8
from export.quantize.bias import correct
from export.quantize.fake import Convolution, convolutions, only_int8
from export.quantize.ptq import Measured
from export.quantize.session import session_of

__all__ = ["LayerEffect", "run_logits", "scan", "sqnr_db", "write_effects"]


@dataclass(frozen=True, slots=True)
class LayerEffect:
    """Effect of one convolution in INT8 on the logits.

    sqnr_db: signal to noise of the centred logits (larger is better). kl: mean KL(float || INT8) in nats. agreement: share of equal labels.
    noise: mean squared change of the centred logits. macs, share: of one picture, and of all convolutions.
    worst_class: code index with the largest mean change of its own probability among pictures that the float graph gives to it.
    """

    layer: str
    depthwise: bool
    macs: int
    share: float
    sqnr_db: float
    noise: float
    kl: float
    agreement: float
    worst_class: int


def run_logits(model: onnx.ModelProto | Path, pictures: U8) -> F32:
    """(n, h, w, 3) uint8 -> (n, k), one by one on ONNX Runtime, one thread."""
    session = session_of(model)
    rows = [session.run(["logits"], {"input": np.ascontiguousarray(picture[None])})[0] for picture in pictures]
    return np.asarray(np.concatenate(rows), np.float32)


def _centred(logits: F32) -> F32:
    return np.asarray(logits - logits.mean(1, keepdims=True), np.float32)  # softmax does not see what is common to all classes


def sqnr_db(wanted: F32, found: F32) -> float:
    """10 log10(power of the wanted logits / power of the difference), both centred per picture; 120 at most."""
    noise = float(((_centred(wanted) - _centred(found)) ** 2).sum())
    return min(120.0, 10 * float(np.log10(float((_centred(wanted) ** 2).sum()) / max(noise, 1e-12))))


def _probabilities(logits: F32) -> F32:
    e = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True))


def _effect(layer: Convolution, all_macs: int, wanted: F32, found: F32) -> LayerEffect:
    p, q = _probabilities(wanted), _probabilities(found)
    label = wanted.argmax(1)
    own = np.abs(p - q)[np.arange(len(p)), label]
    by_class = {int(c): float(own[label == c].mean()) for c in np.unique(label)}
    return LayerEffect(
        layer=layer.name,
        depthwise=layer.depthwise,
        macs=layer.macs,
        share=layer.macs / all_macs,
        sqnr_db=round(sqnr_db(wanted, found), 2),
        noise=float(((_centred(wanted) - _centred(found)) ** 2).mean()),
        kl=float((p * np.log(np.maximum(p, 1e-12) / np.maximum(q, 1e-12))).sum(1).mean()),
        agreement=float((label == found.argmax(1)).mean()),
        worst_class=max(by_class, key=lambda c: by_class[c]),
    )


def scan(measured: Measured, pictures: U8) -> tuple[LayerEffect, ...]:
    """All convolutions, the worst (largest KL) first, each as the forms hold it: rounded weights, corrected bias."""
    model, weights, errors = onnx.load(measured.graph), measured.weights, measured.errors
    wanted = run_logits(model, pictures)
    layers = convolutions(model)
    every = sum(layer.macs for layer in layers)
    found = []
    for layer in layers:
        name = layer.name
        alone = only_int8(correct(model, {name: errors[name]}), {name: weights[name]}, measured.ranges)
        found.append(_effect(layer, every, wanted, run_logits(alone, pictures)))
    return tuple(sorted(found, key=lambda effect: -effect.kl))


def write_effects(effects: Iterable[LayerEffect], path: Path) -> None:
    """JSON beside the forms: the ranking that the report shows."""
    path.write_text(json.dumps([asdict(effect) for effect in effects], indent=1))
