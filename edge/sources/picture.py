"""Reads one picture file: JPEG, PNG, WebP, TIFF, BMP or GIF -> upright 8-bit RGB, by what is in it, not by its name.

In this order: size and kind from the header (a bomb is refused before it is decoded; a cut-off file before a decoder can fill the rest
with grey), decode without turning, scale to 8 bits, lay over black, turn once by our own reading of EXIF.

- 16 bits are scaled by the full range of the declared bits (65535 -> 255, rounded), never by what happens to be in the picture.
- Transparent pixels lie over black: outside the round or fan-shaped field of both modalities there is nothing but black.
- CMYK JPEG is read as the Adobe convention has it (inverted), with or without its marker, as every common writer stores it.
- Animated and multi-page files: the first picture, with a note. A colour profile (ICC) is not applied.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.errors import InputRefused
from edge.frame import U8
from edge.sources import picture_gif, picture_jpeg, picture_png, picture_tiff, picture_webp
from edge.sources.jpeg_damage import decode_jpeg
from edge.sources.picture_exif import upright
from edge.sources.picture_header import BrokenPictureError, Header
from edge.sources.regular import require_file

__all__ = ["MAX_FILE_B", "MAX_PIXELS", "Picture", "load_picture", "read_bytes", "read_picture"]

MAX_PIXELS = 100_000_000  # 100 megapixels: above any camera of the field; decoded RGB is 300 MB
MAX_FILE_B = 400_000_000  # an uncompressed 16-bit picture of 64 megapixels

KINDS = (
    (b"\xff\xd8\xff", picture_jpeg.header),
    (b"\x89PNG\r\n\x1a\n", picture_png.header),
    (b"GIF87a", picture_gif.header),
    (b"GIF89a", picture_gif.header),
    (b"II*\0", picture_tiff.header),
    (b"MM\0*", picture_tiff.header),
    (b"II+\0", picture_tiff.header),
    (b"MM\0+", picture_tiff.header),
    (b"BM", picture_gif.bmp_header),
)
FOREIGN = (
    (0, b"\x00\x00\x00\x0cjP", "a JPEG 2000 file"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 code stream"),
    (0, b"\x1a\x45\xdf\xa3", "a Matroska or WebM clip: open it with file:"),
    (0, b"%PDF", "a PDF"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftyphei", "a HEIC picture (a phone's own format)"),
    (4, b"ftypmif1", "a HEIC picture (a phone's own format)"),
    (4, b"ftyp", "an MP4 or MOV clip: open it with file:"),
    (128, b"DICM", "a DICOM file: open it with dicom:"),
)
DO = "give it as JPEG, PNG, WebP, TIFF, BMP or GIF"


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """pixels: (h, w, 3) uint8 RGB, upright, C-contiguous. kind: of the file. notes: what was decided for it, in words."""

    pixels: U8
    kind: str
    notes: tuple[str, ...] = ()


def read_picture(source: str | Path | bytes) -> U8:
    """A picture file (or its bytes) -> (h, w, 3) uint8 RGB, upright. Raises InputRefused, naming the file and the reason."""
    return load_picture(source).pixels


def load_picture(source: str | Path | bytes, *, name: str | None = None) -> Picture:
    """As `read_picture`, with the kind and the notes. name: what the errors call it (default: the path)."""
    if isinstance(source, bytes):
        data, called = source, name or "the picture"
    else:
        data, called = read_bytes(Path(source), MAX_FILE_B), name or str(source)
    try:
        head = _header(data)
        if head.width_px <= 0 or head.height_px <= 0:
            raise BrokenPictureError("its header states no size")
    except BrokenPictureError as error:
        raise InputRefused(f"{called}: {error}", do=DO) from error
    if head.width_px * head.height_px > MAX_PIXELS:
        raise InputRefused(
            f"{called}: {head.kind} of {head.width_px} x {head.height_px} pixels, the limit is {MAX_PIXELS // 1_000_000} megapixels",
            do="make it smaller",
        )
    stored = _decode(data, head, called)
    notes: list[str] = []
    if head.pictures > 1:
        notes.append(f"{head.kind} with {head.pictures} pictures: the first is used")
    rgb = _to_rgb(stored, head, notes)
    return Picture(upright(rgb, head.orientation), head.kind, tuple(notes))


def read_bytes(path: Path, limit_b: int) -> bytes:
    """The whole of a regular file, read once. Raises InputRefused (absent, not a file, not readable, empty, too large)."""
    try:
        require_file(path, do="name a file")
        size_b = path.stat().st_size
        if size_b > limit_b:
            raise InputRefused(f"{path}: {size_b} bytes, the limit is {limit_b}", do="make it smaller")
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputRefused(f"{path}: {reason}", do="check the path and who may read it") from error
    if not data:
        raise InputRefused(f"{path}: is empty (0 bytes)", do="copy it again from where it came from")
    return data


def _header(data: bytes) -> Header:
    for magic, parse in KINDS:
        if data.startswith(magic):
            return parse(data)
    if data[:4] == b"RIFF":
        if data[8:12] == b"WEBP":
            return picture_webp.header(data)
        raise BrokenPictureError("is a RIFF file (AVI, WAV), no picture: open a clip with file:")
    for at, magic, kind in FOREIGN:
        if data[at : at + len(magic)] == magic:
            raise BrokenPictureError(f"is {kind}")
    start = data[:512]
    if start and all(byte in b"\t\n\r\f\x1b" or byte >= 0x20 for byte in start) and b"\x7f" not in start:
        raise BrokenPictureError("holds text, no picture")
    raise BrokenPictureError("is of no kind that is read here")


def _decode(data: bytes, head: Header, called: str) -> U8:
    """Pixels as OpenCV stores them, not turned. Raises InputRefused."""
    if head.orientation_at is not None and head.orientation != 1:  # its decoder would turn by itself: say "upright" instead
        order = "little" if data[:2] == b"II" else "big"
        at = head.orientation_at
        data = data[:at] + (1).to_bytes(2, "little" if order == "little" else "big") + data[at + 2 :]
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what OpenCV would print beside our one line
    try:
        stored, damaged = _stored(data, head)
    except cv2.error as error:
        raise InputRefused(f"{called}: {head.kind} that cannot be decoded", do="copy it again, or " + DO) from error
    finally:
        cv2.utils.logging.setLogLevel(before)
    if damaged:
        raise InputRefused(f"{called}: JPEG whose data are damaged", do="copy it again from where it came from")
    if stored is None:
        raise InputRefused(f"{called}: {head.kind} that cannot be decoded", do="copy it again, or " + DO)
    if stored.dtype not in {np.dtype(np.uint8), np.dtype(np.uint16)}:
        raise InputRefused(f"{called}: {head.kind} of {stored.dtype} samples, which have no declared white", do="save it with 8 or 16 bits")
    if stored.shape[0] * stored.shape[1] > MAX_PIXELS:
        raise InputRefused(f"{called}: decodes to more than it declared", do="copy it again")
    return np.asarray(stored)


def _stored(data: bytes, head: Header) -> tuple[cv2.typing.MatLike | None, bool]:
    """What OpenCV makes of it, or None; and whether its decoder found damage (asked of JPEG, whose data have no checksum)."""
    if head.kind == "JPEG":
        return decode_jpeg(data, cv2.IMREAD_UNCHANGED)
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED), False


def _to_rgb(stored: U8, head: Header, notes: list[str]) -> U8:
    """(h, w[, c]) uint8 or uint16, BGR(A) -> (h, w, 3) uint8 RGB."""
    if stored.dtype == np.uint16:
        bits = head.bits if 8 < head.bits < 16 else 16
        scale = np.rint(np.minimum(np.arange(65536), 2**bits - 1) * (255 / (2**bits - 1))).astype(np.uint8)
        stored = (255 - scale if head.white_is_zero else scale)[stored]
        notes.append(f"{bits} bits a channel, scaled by their full range to 8")
    if stored.ndim == 2:
        return np.asarray(cv2.cvtColor(stored, cv2.COLOR_GRAY2RGB), np.uint8)
    channels = stored.shape[2]
    if channels == 1:
        return np.asarray(cv2.cvtColor(stored[..., 0], cv2.COLOR_GRAY2RGB), np.uint8)
    if channels == 2:
        stored = np.asarray(cv2.merge([stored[..., 0]] * 3 + [stored[..., 1]]), np.uint8)
    rgb = np.asarray(cv2.cvtColor(np.ascontiguousarray(stored[..., :3]), cv2.COLOR_BGR2RGB), np.uint8)
    if stored.shape[2] == 4:
        alpha = stored[..., 3]
        if alpha.min() < 255:
            cover = cv2.merge([alpha] * 3)
            rgb = np.asarray(cv2.multiply(rgb, cover, scale=1 / 255), np.uint8)
            notes.append("transparent places lie over black")
    return rgb
