"""sonoderm's device: what runs next to a patient. Imports numpy, OpenCV and one inference engine; never torch.

    import edge
    model = edge.open_model("derm7")      # verified, warmed
    reading = model.classify(image)       # uint8 H x W or H x W x 3 RGB -> Reading
    for reading in edge.run(source, model): ...

Names are loaded when they are first used, so that `import edge` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.errors import SonodermError
    from edge.frame import Frame
    from edge.model import Model, open_model
    from edge.pipeline import run
    from edge.reading import ModelIdentity, Reading, Reason, State

__all__ = ["Frame", "Model", "ModelIdentity", "Reading", "Reason", "SonodermError", "State", "open_model", "run"]

_HOME = {
    "Frame": "edge.frame",
    "Model": "edge.model",
    "ModelIdentity": "edge.reading",
    "Reading": "edge.reading",
    "Reason": "edge.reading",
    "SonodermError": "edge.errors",
    "State": "edge.reading",
    "open_model": "edge.model",
    "run": "edge.pipeline",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'edge' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
