"""Is this picture worth a label? `assess` answers with a Reason, or None when it is."""

from edge.quality.gate import assess, assess_still
from edge.quality.limits import Thresholds, thresholds_for

__all__ = ["Thresholds", "assess", "assess_still", "thresholds_for"]
