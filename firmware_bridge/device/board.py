"""By which serial number this board is known: its own where it has one, else one made of the machine's id."""

import hashlib
from pathlib import Path

from edge.errors import MachineLacks

__all__ = ["board_serial"]

DEVICE_TREE = Path("/proc/device-tree/serial-number")  # Jetson, Raspberry Pi: the number on the module
MACHINE_ID = Path("/etc/machine-id")


def board_serial(device_tree: Path = DEVICE_TREE, machine_id: Path = MACHINE_ID) -> str:
    """Stable over restarts. The machine id itself stays private (machine-id(5)): only a hash of it is told. Raises MachineLacks."""
    try:
        own = device_tree.read_bytes().strip(b"\0 \n").decode("ascii", "ignore")
        if own:
            return own
    except OSError:
        own = ""
    try:
        known = machine_id.read_text().strip()
    except (OSError, UnicodeDecodeError):
        known = ""
    if not known:
        raise MachineLacks("this machine has no serial number of its own", do="give it one: --serial")
    return hashlib.sha256(f"sonoderm device {known}".encode()).hexdigest()[:12]
