"""The live path: the only place where threads meet.

mailbox and ledger (one newest frame, every frame accounted for) -> examine (the one inference thread) -> conductor (pure: owns
all state, time is an argument) -> fanout (a thread and a latest-wins slot for each sink); live puts them together.
"""

from edge.pipeline.iterate import run

__all__ = ["run"]
