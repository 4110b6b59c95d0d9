"""How the graph ends: in logits, or in a softmax, log-softmax or sigmoid that our decision step must not meet twice."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnx
from numpy.typing import NDArray

from edge.errors import InputRefused, UsageError

__all__ = ["Ending", "find_ending"]

F64 = NDArray[np.float64]
Act = Literal["none", "softmax", "log-softmax", "sigmoid"]
NODES: dict[str, Act] = {"Softmax": "softmax", "LogSoftmax": "log-softmax", "Sigmoid": "sigmoid"}


@dataclass(frozen=True, slots=True)
class Ending:
    """act: what the graph does last. tap: the tensor that the logits are taken from. invert: act is taken back by log, not by cutting."""

    act: Act
    tap: str
    invert: bool

    def said(self, classes: int) -> str:
        """One line for the person and the card."""
        if self.act == "none":
            return "outputs are taken as logits, as they are"
        how = "taken back by its logarithm" if self.invert else "cut off"
        more = "; its classes were independent, and now share one softmax" if self.act == "sigmoid" and classes > 1 else ""
        return f"the {self.act} at the end is {how}, so that the outputs are logits{more}"


def find_ending(graph: onnx.GraphProto, output: str, seen: F64, asked: Literal["auto", "logits", "probabilities"]) -> Ending:
    """seen: (n, K) outputs of pictures. Raises UsageError where one number in 0..1 may be a probability or a logit."""
    made_by = {name: node for node in graph.node for name in node.output}
    at = made_by.get(output)
    while at is not None and at.op_type == "Identity":
        at = made_by.get(at.input[0])
    if at is not None and at.op_type in NODES:
        act = NODES[at.op_type]
        axis = next((a.i for a in at.attribute if a.name == "axis"), None)
        if act != "sigmoid" and axis not in (None, 1, -1):
            raise InputRefused(f"the {act} at the end runs over axis {axis}, not over the classes", do="export the logits")
        return Ending(act, at.input[0], invert=False)
    within = bool(((seen >= 0) & (seen <= 1)).all())
    sums_to_one = seen.shape[1] > 1 and within and bool(np.allclose(seen.sum(1), 1, atol=1e-3))
    if asked == "probabilities" and not within:
        raise UsageError("--output-is probabilities, and the outputs leave 0 to 1", do="leave --output-is out")
    if asked == "probabilities" or (asked == "auto" and sums_to_one):
        return Ending("softmax" if seen.shape[1] > 1 else "sigmoid", output, invert=True)
    if asked == "auto" and seen.shape[1] == 1 and within:
        raise UsageError("the one output lies in 0 to 1: a probability, or a logit?", do="say --output-is probabilities, or logits")
    return Ending("none", output, invert=False)
