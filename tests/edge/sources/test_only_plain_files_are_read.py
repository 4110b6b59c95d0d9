"""Only regular files with something in them are opened as pictures: a pipe or a kernel log would be waited for without end."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.errors import InputRefused
from edge.sources.picture import read_picture
from edge.sources.sniff import Kind, kind_of_file
from edge.sources.table import open_source

WAYS: tuple[Callable[[Path], object], ...] = (
    read_picture,
    lambda path: open_source(f"file:{path}"),
    lambda path: open_source(f"dicom:{path}"),
    lambda path: open_source(str(path)),
)


@pytest.mark.parametrize("way", WAYS, ids=["picture", "file:", "dicom:", "bare path"])
def test_a_pipe_is_refused_unopened(tmp_path: Path, way: Callable[[Path], object]) -> None:
    pipe = tmp_path / "picture.png"
    os.mkfifo(pipe)
    with pytest.raises(InputRefused):
        way(pipe)


@pytest.mark.parametrize("way", WAYS, ids=["picture", "file:", "dicom:", "bare path"])
def test_what_the_system_makes_up_while_it_is_read_is_refused_unopened(way: Callable[[Path], object]) -> None:
    log = Path("/proc/kmsg")
    if not log.exists():
        pytest.skip("no /proc/kmsg on this system")
    with pytest.raises(InputRefused, match="empty"):
        way(log)


def test_an_empty_file_is_known_by_its_name_alone(tmp_path: Path) -> None:
    empty = tmp_path / "picture.png"
    empty.touch()
    assert kind_of_file(empty) is Kind.PICTURE
