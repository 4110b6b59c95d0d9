"""What goes through the gate: the forms of one model, and what its bundle will say of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.backends.session import Graph
from edge.bundle.manifest import InputSpec, Label, Outputs
from export.work import Say

__all__ = ["Subject"]


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """forms: name -> scheme, files: name -> ONNX file. pairs: (form, engine) to be proven.

    coverage: of the prediction set. false_alarm: share of in-domain pictures that the scope check may refuse. calibrated: whether the
    frames' labels may fit temperature, bias and sets; else probabilities stay the model's own, and a class is possible from `plain_at` on.
    folder: for temporary files.
    """

    labels: tuple[Label, ...]
    input: InputSpec
    outputs: Outputs
    opset: int
    forms: Mapping[str, str]
    files: Mapping[str, Path]
    pairs: tuple[tuple[str, str], ...]
    coverage: float
    false_alarm: float
    folder: Path
    say: Say
    calibrated: bool = True
    plain_at: float = 0.25

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(label.code for label in self.labels)

    def graph(self, form: str) -> Graph:
        path = self.files[form]
        return Graph(path.read_bytes(), path.name, "0" * 64, form, self.forms[form], self.opset, self.input, self.outputs, len(self.labels))
