"""The numbers that states, reasons and commands have on the wire. They are for ever: new ones are added at the end, none is reused."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge.reading import Command, Reason, State

__all__ = ["COMMANDS", "COMMAND_IDS", "NO_REASON", "REASONS", "REASON_IDS", "STATES", "STATE_IDS"]

NO_REASON: Final = 0

STATES: Final[tuple[State, ...]] = (
    State.FAULT,
    State.FROZEN,
    State.NO_SIGNAL,
    State.STARTING,
    State.POOR_IMAGE,
    State.OUT_OF_SCOPE,
    State.UNSURE,
    State.READY,
)

REASONS: Final[Mapping[int, Reason]] = MappingProxyType(
    {
        1: Reason.TOO_DARK,
        2: Reason.TOO_BRIGHT,
        3: Reason.OUT_OF_FOCUS,
        4: Reason.MOVING,
        5: Reason.BLURRED,
        6: Reason.NO_CONTACT,
        7: Reason.NO_FIELD_OF_VIEW,
        8: Reason.UNPLUGGED,
        9: Reason.STALLED,
        10: Reason.BLACK,
        11: Reason.FROZEN_PICTURE,
        12: Reason.DRIVER_CRASHED,
        13: Reason.RECONNECTING,
        14: Reason.ENDED,
        15: Reason.NOT_OPENED,
        16: Reason.OUT_OF_SCOPE,
        17: Reason.LOW_CONFIDENCE,
        18: Reason.DISAGREE_IN_TIME,
        19: Reason.TOO_MANY_CLASSES,
        20: Reason.NO_CLASS_FITS,
        21: Reason.OPENING_MODEL,
        22: Reason.BUILDING_ENGINE,
        23: Reason.WARMING_UP,
        24: Reason.OPENING_SOURCE,
        25: Reason.SETTLING,
        26: Reason.TOO_SLOW,
        27: Reason.MODEL_CANNOT_RUN,
        28: Reason.GOLDEN_DIFFERS,
        29: Reason.FORM_UNPROVEN,
    }
)

COMMANDS: Final[Mapping[int, Command]] = MappingProxyType({1: Command.FREEZE, 2: Command.RESUME, 3: Command.TOGGLE, 4: Command.ACKNOWLEDGE})

STATE_IDS: Final[Mapping[State, int]] = MappingProxyType({state: i for i, state in enumerate(STATES)})
REASON_IDS: Final[Mapping[Reason, int]] = MappingProxyType({reason: i for i, reason in REASONS.items()})
COMMAND_IDS: Final[Mapping[Command, int]] = MappingProxyType({command: i for i, command in COMMANDS.items()})
