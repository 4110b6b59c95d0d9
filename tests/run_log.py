"""What a run that is under way writes to its `jsonl:` sink."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def first_line(log: Path, found: Callable[[dict[str, Any]], bool], timeout_s: float) -> dict[str, Any] | None:
    """The first line of the log, from its start, that is the one; None when it does not come in time."""
    deadline_s, pause = time.monotonic() + timeout_s, threading.Event()
    while time.monotonic() < deadline_s:
        text = log.read_text() if log.exists() else ""
        for whole in text[: text.rfind("\n") + 1].splitlines():
            line: dict[str, Any] = json.loads(whole)
            if found(line):
                return line
        pause.wait(0.02)
    return None
