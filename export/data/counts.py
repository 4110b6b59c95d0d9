"""How many pictures and groups of each class and subgroup stand on which side: said before hours are spent on them."""

from collections import Counter
from collections.abc import Sequence

from edge.errors import InputRefused
from export.data.subgroups import Subgroups
from export.data.table import UNLABELLED, Row, Side, select

__all__ = ["refuse_unteachable", "words_of_counts"]


def refuse_unteachable(rows: tuple[Row, ...], codes: tuple[str, ...], batch: int) -> None:
    """Raises InputRefused when nothing, or not every class, or less than a batch, is there to learn from, or nothing to judge by."""
    count = Counter((row.side, row.label) for row in rows)
    for side in (Side.TRAIN, Side.CHOICE, Side.FIT, Side.CONFORMAL):
        if not select(rows, side):
            raise InputRefused(f"no picture on side {side}", do="check the folds in the recipe's [data] against the table")
    missing = [code for label, code in enumerate(codes) if not count[Side.TRAIN, label]]
    if len(codes) - len(missing) < 2:
        raise InputRefused("one class only in train: nothing is to be told apart", do="check the labels file and the folds")
    if missing:
        raise InputRefused(f"no picture of {', '.join(missing)} in train", do="take it out of [[labels]], or check the folds")
    if len({row.label for row in select(rows, Side.FIT)}) < 2:
        raise InputRefused("one class only on side fit: there is nothing to calibrate on", do="give dev more lesions or patients")
    if len(select(rows, Side.TRAIN)) < batch:
        raise InputRefused(f"{len(select(rows, Side.TRAIN))} pictures in train are less than a batch of {batch}", do="lower train.batch")


def words_of_counts(rows: tuple[Row, ...], codes: tuple[str, ...], subgroups: Sequence[Subgroups]) -> tuple[str, ...]:
    """A line for each side, and for each subgroup column. subgroups: values for each of `rows`."""
    lines = []
    for side in Side:
        own = select(rows, side)
        by_class = Counter(row.label for row in own)
        classes = ", ".join(f"{code} {by_class[label]}" for label, code in enumerate(codes))
        free = f", without label {by_class[UNLABELLED]}" if by_class[UNLABELLED] else ""
        lines.append(f"{side}: {len(own)} pictures of {len({row.group for row in own})} groups: {classes}{free}")
    for column in subgroups:
        by_value = Counter(zip(column.values, (row.side in (Side.TRAIN, Side.CHOICE) for row in rows), strict=True))
        values = sorted({value for value, _ in by_value})
        lines.append(
            f"{column.column} (train, others): " + ", ".join(f"{v or 'unknown'} {by_value[v, True]}, {by_value[v, False]}" for v in values)
        )
    return tuple(lines)
