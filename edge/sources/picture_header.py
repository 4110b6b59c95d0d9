"""What the first bytes of a picture say before anything is decoded: kind, size, depth, orientation, how many pictures."""

from dataclasses import dataclass

__all__ = ["BrokenPictureError", "Header"]


class BrokenPictureError(ValueError):
    """The bytes are not a whole picture of the kind that they claim to be. The text says in what way, without a file name."""


@dataclass(frozen=True, slots=True)
class Header:
    """kind: "JPEG" … orientation: EXIF 1..8. bits: declared bits of a sample. pictures: how many the file holds.

    orientation_at: where the two bytes of the orientation lie, for kinds whose decoder would act on it by itself (TIFF).
    """

    kind: str
    width_px: int
    height_px: int
    bits: int = 8
    orientation: int = 1
    pictures: int = 1
    orientation_at: int | None = None
    white_is_zero: bool = False
