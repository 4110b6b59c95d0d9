"""What a DICOM file says of its pictures, and nothing else: only the tags listed here are ever taken from it, no patient's among them.

The file header (PS3.10, 7.1) is read by ourselves, the data set by pydicom with a list of wanted tags. Texts of its errors never pass
on, since they may quote values.
"""

import io
import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pydicom import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag, Tag

from edge.errors import InputRefused
from edge.sources.dicom_syntaxes import IMPLICIT_LE, Syntax, find_syntax

__all__ = ["PARSE_FAULTS", "WANTED", "DicomFile", "quiet_pydicom", "read_file"]

MAX_INFLATED_B = 400_000_000
PREAMBLE_B = 128
PIXELS: Final = {0x7FE00008: "float", 0x7FE00009: "double", 0x7FE00010: "integer"}
_TABLES = ("{}PaletteColorLookupTableDescriptor", "{}PaletteColorLookupTableData", "Segmented{}PaletteColorLookupTableData")
WANTED: Final = (
    "SOPClassUID",
    "Modality",
    "NumberOfFrames",
    "FrameTime",
    "FrameTimeVector",
    "RecommendedDisplayFrameRate",
    "CineRate",
    "SequenceOfUltrasoundRegions",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "RescaleIntercept",
    "RescaleSlope",
    *(table.format(colour) for colour in ("Red", "Green", "Blue") for table in _TABLES),
)
# What pydicom raises on damaged input, by name (NotImplementedError and RecursionError are RuntimeErrors).
PARSE_FAULTS = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
SEEMS_VR = {
    b"AE",
    b"AS",
    b"CS",
    b"DA",
    b"DS",
    b"DT",
    b"IS",
    b"LO",
    b"LT",
    b"OB",
    b"OW",
    b"PN",
    b"SH",
    b"SQ",
    b"ST",
    b"TM",
    b"UI",
    b"UL",
    b"US",
}


@dataclass(frozen=True, slots=True, eq=False)
class DicomFile:
    """dataset: the wanted tags. body: where the pixels lie (the file, or what was inflated). pixels_at: first byte of their value, None:
    there are none. pixels_b: their length, None: undefined (encapsulated). notes: what was decided, in words.
    """

    path: Path
    syntax: Syntax
    dataset: Dataset
    body: BinaryIO
    body_b: int
    pixels_at: int | None
    pixels_b: int | None
    pixels_kind: str
    pixels_vr: str
    notes: tuple[str, ...]


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """pydicom warns by quoting values, which may be a patient's: nothing of it reaches a log."""
    logger = logging.getLogger("pydicom")
    before = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = before


def read_file(path: Path, file: BinaryIO, size_b: int) -> DicomFile:
    """Reads everything before the pixels; leaves the pixels in the file. Raises InputRefused."""
    syntax, start, notes = _start(path, file, size_b)
    body, body_b = file, size_b
    if syntax.deflated:
        body, start = _inflate(path, file, start), 0
        body_b = body.seek(0, io.SEEK_END)
    body.seek(start)
    at_pixels: list[str] = []

    def stop(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        if tag in PIXELS:
            at_pixels.append(PIXELS[tag])
        return tag in PIXELS

    with quiet_pydicom():
        try:
            dataset = read_dataset(
                body,
                is_implicit_VR=not syntax.explicit,
                is_little_endian=syntax.little,
                stop_when=stop,
                specific_tags=[Tag(name) for name in WANTED],
            )
        except PARSE_FAULTS:
            raise InputRefused(f"{path}: damaged DICOM (its tags cannot be read)", do="export it again") from None
    if not at_pixels:
        return DicomFile(path, syntax, dataset, body, body_b, None, None, "", "", notes)
    order = "<" if syntax.little else ">"
    head = body.read(12 if syntax.explicit else 8)
    if len(head) < (12 if syntax.explicit else 8):
        raise InputRefused(f"{path}: the file ends where its pixels begin", do="copy it again")
    vr = head[4:6].decode("ascii", "replace") if syntax.explicit else "OW"
    length = struct.unpack(order + "I", head[-4:])[0]
    return DicomFile(path, syntax, dataset, body, body_b, body.tell(), None if length == 0xFFFFFFFF else length, at_pixels[0], vr, notes)


def _start(path: Path, file: BinaryIO, size_b: int) -> tuple[Syntax, int, tuple[str, ...]]:
    """Transfer syntax, where the data set begins, and notes."""
    file.seek(0)
    head = file.read(PREAMBLE_B + 4)
    if not head:
        raise InputRefused(f"{path}: is empty (0 bytes)", do="copy it again")
    if head[PREAMBLE_B:] == b"DICM":
        uid, start = _file_header(path, file, PREAMBLE_B + 4, size_b)
        return find_syntax(uid, str(path)), start, ()
    if head[:4] == b"\x02\x00\x00\x00":
        uid, start = _file_header(path, file, 0, size_b)
        return find_syntax(uid, str(path)), start, ("no preamble",)
    return _without_header(path, head), 0, ("no file header: the data set is read as little endian, uncompressed",)


def _without_header(path: Path, head: bytes) -> Syntax:
    """A bare data set (cases S01): only what begins like one is taken for one; an item tag is a piece of pixel data, never a data set."""
    refuse = InputRefused(f"{path}: is no DICOM file (no file header, and no data set begins here)", do="export it again, as DICOM Part 10")
    if len(head) < 16:
        raise refuse
    group, element = struct.unpack_from("<HH", head)
    if (group, element) == (0xFFFE, 0xE000):
        raise InputRefused(f"{path}: begins with an item of pixel data, no DICOM file", do="export the whole object")
    if group != 0x0008 or element > 0x1200:
        raise refuse
    if head[4:6] in SEEMS_VR:
        return find_syntax("1.2.840.10008.1.2.1", str(path))
    if struct.unpack_from("<I", head, 4)[0] > 4096:
        raise refuse
    return IMPLICIT_LE


def _file_header(path: Path, file: BinaryIO, at: int, size_b: int) -> tuple[str, int]:
    """Group 0002, always explicit little endian -> transfer syntax UID, and where the group ends."""
    uid = ""
    while at + 8 <= size_b:
        file.seek(at)
        head = file.read(12)
        group, element, vr, short = struct.unpack_from("<HH2sH", head.ljust(12, b"\0"))
        if group != 0x0002:
            break
        long = vr in {b"OB", b"OW", b"OF", b"SQ", b"UT", b"UN"}
        length = struct.unpack_from("<I", head.ljust(12, b"\0"), 8)[0] if long else short
        value_at = at + (12 if long else 8)
        if value_at + length > size_b:
            raise InputRefused(f"{path}: cut off in its file header", do="copy it again")
        if element == 0x0010:
            file.seek(value_at)
            uid = file.read(min(length, 64)).rstrip(b"\0 ").decode("ascii", "replace")
        at = value_at + length
    if not uid:
        raise InputRefused(f"{path}: its file header names no transfer syntax", do="export it again")
    return uid, at


def _inflate(path: Path, file: BinaryIO, start: int) -> BinaryIO:
    """A deflated data set, with a limit. PS3.5, A.5."""
    file.seek(start)
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    out = io.BytesIO()
    try:
        while chunk := file.read(1 << 20):
            while chunk:
                out.write(engine.decompress(chunk, 1 << 24))
                chunk = engine.unconsumed_tail
                if out.tell() > MAX_INFLATED_B:
                    raise InputRefused(f"{path}: unpacks to more than {MAX_INFLATED_B // 1_000_000} MB", do="export it without deflate")
    except zlib.error:
        raise InputRefused(f"{path}: its deflated data set is damaged", do="export it again") from None
    return out
