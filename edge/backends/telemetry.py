"""Engines that count their users are told not to, before they are imported: nothing is written into the home folder, nothing is sent.

ONNX Runtime (1.32 does) keeps an identity of the device and a queue of events under ~/.cache/Microsoft, which its own
`disable_telemetry_events` comes too late for. OpenVINO keeps an identity and a count under ~/intel as soon as it is imported; without
the package `openvino_telemetry` it takes the empty stand-in that it brings along.
"""

import os
import sys

__all__ = ["switch_off"]


def switch_off() -> None:
    """Holds for this process (and ONNX Runtime in its children). An engine that somebody else imported before is not undone."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    if "openvino_telemetry" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment] # Python's own way to say: cannot be imported
