"""DeviceProfile: what was measured on this one device. Read here, written by calibration.

record.py: the file's content. read.py: from bytes, with its signature. corrections.py: what preprocessing applies.
overlay.py: what the decision takes over, and in which direction an unsigned one may move it.
"""

from edge.profile.corrections import Corrections, Notes, corrections_for
from edge.profile.overlay import DIRECTIONS, decision_for
from edge.profile.read import LoadedProfile, load_profile, read_profile
from edge.profile.record import DeviceProfile, Setting

__all__ = [
    "DIRECTIONS",
    "Corrections",
    "DeviceProfile",
    "LoadedProfile",
    "Notes",
    "Setting",
    "corrections_for",
    "decision_for",
    "load_profile",
    "read_profile",
]
