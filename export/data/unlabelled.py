"""Frames without a label, for the teacher to speak of: never of a lesion or patient that judges anything."""

from pathlib import Path

import numpy as np

from edge.errors import InputRefused
from export.data.folder import shots_of_folder
from export.data.shots import Shot
from export.data.table import UNLABELLED, Row, Side, frame_of, read_cells_of
from export.recipe import Data

__all__ = ["unlabelled_rows"]


def unlabelled_rows(data: Data, labelled: tuple[Row, ...], root: Path) -> tuple[Row, ...]:
    """Rows of side train and label UNLABELLED; a seeded choice of them where there are more than the recipe takes.

    Raises InputRefused for a source that cannot be read, and for a frame whose group stands on another side than train.
    """
    if not data.unlabelled:
        return ()
    path, column = root / data.unlabelled.source, data.unlabelled.group_column
    if path.is_dir():
        found = [(one.shot, one.group, one.shot.file.relative_to(path).as_posix()) for one in shots_of_folder(path)]
    else:
        cells = read_cells_of(path, ("image", column))
        found = [(Shot(path.parent / row["image"], frame_of(row, path, number)), row[column], row["image"]) for number, row in cells]
    judging = {row.group for row in labelled if row.side is not Side.TRAIN} | {row.image for row in labelled if row.side is not Side.TRAIN}
    leaks = [group for shot, group, _ in found if group in judging or shot.file in judging]
    if leaks:
        raise InputRefused(f"{path}: {len(leaks)} frames are of groups outside train, first {leaks[0]}", do="leave them out")
    gone = [shot.file for shot, *_ in found if not shot.file.is_file()]
    if gone:
        raise InputRefused(f"{path}: {len(gone)} pictures are not there, first {gone[0].name}", do="complete the data set")
    most = int(data.unlabelled.most * sum(row.side is Side.TRAIN for row in labelled))
    chosen = np.sort(np.random.default_rng(data.seed).permutation(len(found))[:most])
    return tuple(Row(shot.file, UNLABELLED, group, Side.TRAIN, shot.frame, name) for shot, group, name in (found[i] for i in chosen))
