"""Label tables: which picture has which label, of whom. Text -> cells (text), cells -> rows (table), rows against the disk (audit)."""

from edge.labels.audit import audit, without_copies_of_another_label
from edge.labels.table import LabelRow, LabelTable, Trouble, TroubleKind, Where, parse_where, read_labels, require_clean

__all__ = [
    "LabelRow",
    "LabelTable",
    "Trouble",
    "TroubleKind",
    "Where",
    "audit",
    "parse_where",
    "read_labels",
    "require_clean",
    "without_copies_of_another_label",
]
