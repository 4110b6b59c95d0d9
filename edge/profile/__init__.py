"""DeviceProfile: what was measured on this one device. Read here, written by calibration.

record.py: the file's content. read.py: from bytes, with its signature. color.py: a camera's colors, as formulas and tables.
corrections.py: what preprocessing applies.
overlay.py: what the decision takes over, and in which direction an unsigned one may move it. describe.py: all of it in words.
"""

from edge.profile.color import ColorTables, color_tables
from edge.profile.corrections import Corrections, Notes, corrections_for
from edge.profile.describe import Part, Standing, describe
from edge.profile.overlay import DIRECTIONS, decision_for, entry_for
from edge.profile.read import LoadedProfile, load_profile, read_profile
from edge.profile.record import ColorEvidence, ColorResponse, Correction, DeviceProfile, OverlayEntry, Setting

__all__ = [
    "DIRECTIONS",
    "ColorEvidence",
    "ColorResponse",
    "ColorTables",
    "Correction",
    "Corrections",
    "DeviceProfile",
    "LoadedProfile",
    "Notes",
    "OverlayEntry",
    "Part",
    "Setting",
    "Standing",
    "color_tables",
    "corrections_for",
    "decision_for",
    "describe",
    "entry_for",
    "load_profile",
    "read_profile",
]
