"""A file is whole or not there: over an old one, beside another writer, and when the disk takes no more."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.bundle.durable import create_durably, replace_durably


@contextmanager
def a_disk_that_takes(most_b: int) -> Iterator[None]:
    """No file of this process may grow beyond most_b: a write fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_b, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_replace_puts_the_new_content_over_the_old(tmp_path: Path) -> None:
    path = tmp_path / "a"
    replace_durably(path, b"old")
    replace_durably(path, b"new", mode=0o600)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_whole_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with a_disk_that_takes(1000), pytest.raises(OSError, match="large"):
        replace_durably(path, bytes(5000))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_create_never_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "a"
    create_durably(path, b"first")
    with pytest.raises(FileExistsError):
        create_durably(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_creates_nothing(tmp_path: Path) -> None:
    with a_disk_that_takes(1000), pytest.raises(OSError, match="large"):
        create_durably(tmp_path / "a", bytes(5000))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_cannot_be_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_durably(tmp_path / "a", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
