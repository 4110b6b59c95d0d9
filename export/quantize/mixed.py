"""Which convolutions stay in float: the first ones, then the most sensitive, until INT8 answers as FP32 does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from edge.frame import F32, U8
from export.quantize.fake import convolutions
from export.quantize.ptq import Measured, write_form
from export.quantize.sensitivity import LayerEffect, run_logits

__all__ = ["ENOUGH", "Mixed", "agreement", "choose_float"]

ENOUGH = 0.995  # share of equal labels that the search is content with: half of what the gate lets pass
STEPS = (0, 3, 6, 10, 15, 21)


@dataclass(frozen=True, slots=True)
class Mixed:
    """in_float: names of convolutions. share: of all MACs that is theirs. agreement: of the worst scheme, on the search's pictures."""

    in_float: tuple[str, ...]
    share: float
    agreement: float


def choose_float(
    measured: Measured,
    effects: Sequence[LayerEffect],
    schemes: Sequence[str],
    pictures: U8,
    folder: Path,
    *,
    first: int,
    most: float,
    said: Callable[[Mixed], None],
) -> Mixed:
    """The smallest of a few sets with which every scheme agrees on ENOUGH of `pictures`, else the one that agrees most.

    effects: of the scan, worst first. first: convolutions at the input that are always in float. most: largest share of all MACs in
    float, which is what the speed of INT8 is paid with.
    """
    wanted = run_logits(measured.graph, pictures)
    order = [layer.name for layer in convolutions(onnx.load(measured.graph))]
    share = {effect.layer: effect.share for effect in effects}
    tried: list[Mixed] = []
    for more in STEPS:
        chosen = dict.fromkeys([*order[:first], *(effect.layer for effect in effects[:more])])
        cost = sum(share[name] for name in chosen)
        if tried and (cost > most or len(chosen) == len(tried[-1].in_float)):
            continue
        tried.append(Mixed(tuple(chosen), cost, agreement(measured, schemes, tuple(chosen), wanted, pictures, folder)))
        said(tried[-1])
        if tried[-1].agreement >= ENOUGH:
            break
    return max(tried, key=lambda mixed: mixed.agreement)


def agreement(measured: Measured, schemes: Sequence[str], in_float: Sequence[str], wanted: F32, pictures: U8, folder: Path) -> float:
    """Share of `pictures` to which the worst of the schemes gives the label of `wanted`, (n, k) logits in FP32."""
    form, found = folder / "tried.onnx", []
    for scheme in schemes:
        write_form(measured, scheme, form, in_float)
        found.append(float(np.mean(run_logits(form, pictures).argmax(1) == wanted.argmax(1))))
    return min(found)
