"""Import timm beside a torchvision whose compiled operators were built for another torch.

timm needs only the Python parts of torchvision; without this, `import torchvision` ends with
"operator torchvision::nms does not exist" on a machine whose torch is a CPU build.
"""

import importlib
from types import ModuleType
from typing import Any

import torch

__all__ = ["import_timm"]


def import_timm() -> ModuleType:
    """The timm module. Only on a CPU build of torch are the shape functions of missing torchvision operators left out."""
    if torch.version.cuda is not None:
        return importlib.import_module("timm")
    real = torch.library.register_fake

    def register_fake(op: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(op, str) and op.startswith("torchvision::"):
            return lambda function: function
        return real(op, *args, **kwargs)

    torch.library.register_fake = register_fake
    try:
        importlib.import_module("torchvision")
    finally:
        torch.library.register_fake = real
    return importlib.import_module("timm")
