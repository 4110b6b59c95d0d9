"""What kind of source a bare path is, decided by content first and by name only where content is silent."""

from enum import Enum, auto
from pathlib import Path

from edge.errors import InputRefused

__all__ = ["Kind", "kind_of_file"]

_HEAD_B = 132  # DICOM's magic word ends here: a preamble of 128 bytes and "DICM" (PS3.10, 7.1)
_TABLE_SUFFIXES = frozenset({".csv", ".tsv"})
_MOTION_JPEG_SUFFIXES = frozenset({".mjpeg", ".mjpg"})  # JPEG after JPEG: begins like a picture, and only its name tells
_PICTURE_MAGIC = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"II*\x00",  # TIFF, both byte orders, and BigTIFF
    b"MM\x00*",
    b"II+\x00",
    b"MM\x00+",
    b"BM",
    b"\x00\x00\x00\x0cjP  ",  # JPEG 2000
    b"\xff\x4f\xff\x51",  # its bare code stream
)
_PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".jp2", ".j2k"})


class Kind(Enum):
    """What a path holds, as far as its first bytes tell. OTHER: a clip, or something that the clip reader will refuse by name."""

    FOLDER = auto()
    TABLE = auto()
    DICOM = auto()
    PICTURE = auto()
    OTHER = auto()


def kind_of_file(path: Path) -> Kind:
    """Look at a path that exists. Raises InputRefused when it cannot be read."""
    if path.is_dir():
        return Kind.FOLDER
    suffix = path.suffix.lower()
    if not path.is_file():
        return Kind.OTHER  # a pipe or a device: never read ahead from it
    try:
        if path.stat().st_size == 0:
            return kind_of_head(b"", suffix)  # nothing to read, or made up while it is read, which may take for ever
        with path.open("rb") as file:
            head = file.read(_HEAD_B)
    except OSError as error:
        raise InputRefused(f"{path}: cannot be read ({error.strerror})", do="check its permissions") from error
    return kind_of_head(head, suffix)


def kind_of_head(head: bytes, suffix: str) -> Kind:
    """The first 132 bytes of a file and its suffix (lower case, with the dot) -> what it is."""
    if head[128:132] == b"DICM":
        return Kind.DICOM
    if suffix in _MOTION_JPEG_SUFFIXES:
        return Kind.OTHER
    is_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    if is_webp or head.startswith(_PICTURE_MAGIC):
        return Kind.PICTURE
    if suffix in _TABLE_SUFFIXES:
        return Kind.TABLE
    if suffix in {".dcm", ".dicom"}:
        return Kind.DICOM  # files without the preamble exist; the reader there says what is wrong with it
    if suffix in _PICTURE_SUFFIXES and head[4:8] != b"ftyp":
        return Kind.PICTURE  # empty or foreign content under a picture's name: the picture reader refuses it by name
    return Kind.OTHER
