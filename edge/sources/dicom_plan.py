"""The pixel description of a DICOM object, checked once at the door: what is not decodable is refused here, by name. PS3.3, C.7.6.3."""

from dataclasses import dataclass

from edge.errors import InputRefused
from edge.sources.dicom_file import PARSE_FAULTS, DicomFile, quiet_pydicom
from edge.sources.dicom_kinds import name_of_foreign
from edge.sources.dicom_palette import Palette, RawTable, build_palette
from edge.sources.dicom_regions import Region, read_regions
from edge.sources.dicom_time import CineTags
from edge.sources.picture_header import BrokenPictureError

__all__ = ["PixelPlan", "Window", "plan_pixels"]

MAX_PIXELS = 100_000_000
MAX_FRAMES = 1_000_000
COLOURS = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "YBR_ICT", "YBR_RCT"}
GREYS = {"MONOCHROME1", "MONOCHROME2"}


@dataclass(frozen=True, slots=True)
class Window:
    """PS3.3, C.11.2.1.2. function: LINEAR, LINEAR_EXACT or SIGMOID."""

    centre: float
    width: float
    function: str


@dataclass(frozen=True, slots=True, eq=False)
class PixelPlan:
    """Everything that decoding needs, in plain numbers; photometric: the DICOM term."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    planar: bool
    photometric: str
    frames: int
    slope: float
    intercept: float
    window: Window | None
    palette: Palette | None
    cine: CineTags
    regions: tuple[Region, ...]


def plan_pixels(file: DicomFile) -> PixelPlan:
    """Raises InputRefused: another kind of object, no picture, or a picture of a shape that is not read."""
    with quiet_pydicom():
        try:
            foreign = name_of_foreign(_text(file, "SOPClassUID"), _text(file, "Modality"))
            if foreign is not None:
                raise InputRefused(
                    f"{file.path}: this is {foreign}, not ultrasound or dermoscopy", do="give an ultrasound or dermoscopy object"
                )
            if file.pixels_at is None:
                raise InputRefused(f"{file.path}: holds no picture (no pixel data)", do="export the object with its pixels")
            if file.pixels_kind != "integer":
                raise InputRefused(f"{file.path}: its pixels are floating-point numbers, no picture", do="export it with 8 or 16 bits")
            plan = _plan(file)
        except BrokenPictureError as error:
            raise InputRefused(f"{file.path}: {error}", do="export it again, as RGB if you can") from None
        except PARSE_FAULTS:
            raise InputRefused(f"{file.path}: damaged DICOM (its picture tags cannot be read)", do="export it again") from None
    return plan


def _plan(file: DicomFile) -> PixelPlan:
    rows, columns = _whole(file, "Rows", 0), _whole(file, "Columns", 0)
    samples, allocated = _whole(file, "SamplesPerPixel", 1), _whole(file, "BitsAllocated", 0)
    stored = _whole(file, "BitsStored", allocated)
    high = _whole(file, "HighBit", stored - 1)
    photometric = _text(file, "PhotometricInterpretation") or ("RGB" if samples == 3 else "MONOCHROME2")
    frames = max(1, _whole(file, "NumberOfFrames", 1))
    if rows <= 0 or columns <= 0:
        raise BrokenPictureError("it states no picture size")
    if rows * columns > MAX_PIXELS or frames > MAX_FRAMES:
        raise BrokenPictureError(f"{columns} x {rows} pixels, {frames} frames are beyond the limit")
    if allocated not in {8, 16} or not 1 <= stored <= allocated or not stored - 1 <= high < allocated:
        raise BrokenPictureError("its samples are of a depth that is not read (8 and 16 bits are)")
    if photometric not in GREYS | COLOURS | {"PALETTE COLOR"}:
        raise BrokenPictureError("its colours are of a kind that is not read")
    if samples != (3 if photometric in COLOURS else 1) or (
        samples == 3 and allocated == 16 and photometric not in {"RGB", "YBR_RCT", "YBR_ICT"}
    ):
        raise BrokenPictureError("its number of channels does not fit its colours")
    slope = _real(file, "RescaleSlope")
    return PixelPlan(
        rows=rows,
        columns=columns,
        samples=samples,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high,
        signed=_whole(file, "PixelRepresentation", 0) == 1,
        planar=_whole(file, "PlanarConfiguration", 0) == 1,
        photometric=photometric,
        frames=frames,
        slope=slope if slope else 1.0,
        intercept=_real(file, "RescaleIntercept") or 0.0,
        window=_window(file),
        palette=_palette(file) if photometric == "PALETTE COLOR" else None,
        cine=CineTags(
            frame_time_ms=_real(file, "FrameTime"),
            vector_ms=_reals(file, "FrameTimeVector"),
            display_fps=_real(file, "RecommendedDisplayFrameRate"),
            cine_fps=_real(file, "CineRate"),
        ),
        regions=read_regions(file.dataset),
    )


def _window(file: DicomFile) -> Window | None:
    centre, width = _real(file, "WindowCenter"), _real(file, "WindowWidth")
    if centre is None or width is None or width < 1:
        return None
    function = _text(file, "VOILUTFunction") or "LINEAR"
    return Window(centre, width, function if function in {"LINEAR", "LINEAR_EXACT", "SIGMOID"} else "LINEAR")


def _palette(file: DicomFile) -> Palette:
    tables: list[RawTable] = []
    for colour in ("Red", "Green", "Blue"):
        descriptor = file.dataset.get(f"{colour}PaletteColorLookupTableDescriptor")
        plain = file.dataset.get(f"{colour}PaletteColorLookupTableData")
        segments = file.dataset.get(f"Segmented{colour}PaletteColorLookupTableData")
        words = segments if segments is not None else plain
        if descriptor is None or len(descriptor) != 3 or words is None:
            raise BrokenPictureError("it is a palette picture without its palette")
        entries, first, bits = (int(v) for v in descriptor)
        data = words if isinstance(words, bytes) else b"".join(int(w).to_bytes(2, "little" if file.syntax.little else "big") for w in words)
        tables.append(RawTable((entries & 0xFFFF, first, bits), data, segments is not None, file.syntax.little))
    return build_palette(*tables)


def _text(file: DicomFile, name: str) -> str:
    """A code or UID, '' when absent; several values: the first."""
    value = file.dataset.get(name)
    if value is None:
        return ""
    return str(value if isinstance(value, str) else value[0] if len(value) else "").strip("\0 ")


def _reals(file: DicomFile, name: str) -> tuple[float, ...]:
    """The numbers of a tag, () when it is absent, empty or no number."""
    try:
        value = file.dataset.get(name)
    except PARSE_FAULTS:
        return ()
    if value is None or value == "":
        return ()
    try:
        return (float(value),) if isinstance(value, (int, float)) else tuple(float(v) for v in value)
    except (TypeError, ValueError):
        return ()


def _real(file: DicomFile, name: str) -> float | None:
    values = _reals(file, name)
    return values[0] if values and values[0] == values[0] and abs(values[0]) != float("inf") else None


def _whole(file: DicomFile, name: str, default: int) -> int:
    value = _real(file, name)
    return default if value is None else int(value)
