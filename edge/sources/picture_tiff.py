"""Header of a TIFF (6.0 and BigTIFF), and whether its strips or tiles lie inside the file."""

from edge.sources.picture_exif import ORIENTATION, Directory, directories
from edge.sources.picture_header import BrokenPictureError, Header

__all__ = ["header"]

WIDTH, HEIGHT, BITS, PHOTOMETRIC = 256, 257, 258, 262
STRIP_OFFSETS, STRIP_COUNTS, TILE_OFFSETS, TILE_COUNTS, SAMPLE_FORMAT = 273, 279, 324, 325, 339
UNSIGNED, UNDEFINED = 1, 4


def header(data: bytes) -> Header:
    """The first directory; further ones are counted. Raises BrokenPictureError."""
    pages = directories(data)
    if not pages:
        raise BrokenPictureError("it holds no picture")
    page = pages[0]
    bits = page.numbers(BITS) or (1,)
    if len(set(bits)) > 1:
        raise BrokenPictureError("its channels differ in depth, which is not read")
    if any(kind not in {UNSIGNED, UNDEFINED} for kind in page.numbers(SAMPLE_FORMAT)):
        raise BrokenPictureError("it holds signed or floating-point numbers, which have no declared white")
    _check_inside(page, len(data))
    turn = page.number(ORIENTATION, 1)
    return Header(
        "TIFF",
        page.number(WIDTH, 0),
        page.number(HEIGHT, 0),
        bits=bits[0],
        orientation=turn if 1 <= turn <= 8 else 1,
        pictures=len(pages),
        orientation_at=page.place(ORIENTATION),
        white_is_zero=page.number(PHOTOMETRIC, 1) == 0,
    )


def _check_inside(page: Directory, size_b: int) -> None:
    offsets = page.numbers(STRIP_OFFSETS) or page.numbers(TILE_OFFSETS)
    counts = page.numbers(STRIP_COUNTS) or page.numbers(TILE_COUNTS)
    if not offsets:
        raise BrokenPictureError("it holds no picture")
    if any(at + count > size_b for at, count in zip(offsets, counts, strict=False)) or any(at >= size_b for at in offsets):
        raise BrokenPictureError("it is cut off")
