"""Is this model fit to run on this machine? Golden frames, agreement, speed, memory: one answer, used by `check` and by the trial boot."""

from edge.check.accept import accept
from edge.check.check import check_model
from edge.check.limits import EVERYDAY, FOR_PROOF, Limits
from edge.check.report import CheckReport, Line
from edge.check.tune import Candidate, Tuning, tune

__all__ = ["EVERYDAY", "FOR_PROOF", "Candidate", "CheckReport", "Limits", "Line", "Tuning", "accept", "check_model", "tune"]
