"""The content of a device profile, schema 1: parsed once, strictly."""

import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = ["ColorEvidence", "ColorResponse", "Correction", "DeviceProfile", "OverlayEntry", "Setting", "parse_profile"]

SideLength = Annotated[int, Meta(ge=1, le=16384)]
Coordinate = Annotated[int, Meta(ge=0, le=16384)]
Polygon = Annotated[tuple[tuple[Coordinate, Coordinate], ...], Meta(min_length=3, max_length=200)]
Sha256Hex = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
Factor = Annotated[float, Meta(ge=-32.0, le=32.0)]  # beyond it is a fault of measurement
Row = tuple[Factor, Factor, Factor]
Power = Annotated[float, Meta(ge=0.2, le=5.0)]
Black = Annotated[float, Meta(ge=-0.2, le=0.4)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Setting(_Strict, frozen=True, kw_only=True):
    """What a correction was measured for. camera: as the source names itself. optic: lens, tube or probe, "" when there is but one."""

    camera: Annotated[str, Meta(min_length=1, max_length=200)]
    optic: Annotated[str, Meta(max_length=200)] = ""
    width_px: SideLength
    height_px: SideLength


class ColorResponse(_Strict, frozen=True, kw_only=True):
    """What the camera does to colors, and the matrix that undoes it; `edge.profile.color` has the formula.

    power, black: of each channel's curve (R, G, B); black as a share of full scale. matrix: three rows, linear camera to linear sRGB.
    """

    power: tuple[Power, Power, Power] = (1.0, 1.0, 1.0)
    black: tuple[Black, Black, Black] = (0.0, 0.0, 0.0)
    matrix: tuple[Row, Row, Row]


class ColorEvidence(_Strict, frozen=True, kw_only=True):
    """How a color response was measured. Nothing on the device computes with it: people read it, and the next measurement compares itself.

    method: "chart" or "grey-card". chart: whose reference values. measured_at: ISO 8601, UTC. median_de00, worst_de00: CIEDE2000 of
    the response as it is applied, on patches that were left out of its fit. patches: (R, G, B) of the picture, code values 0..255.
    """

    method: Literal["chart", "grey-card"]
    chart: Annotated[str, Meta(max_length=200)]
    measured_at: Annotated[str, Meta(max_length=40)]
    median_de00: Annotated[float, Meta(ge=0.0)] | None = None
    worst_de00: Annotated[float, Meta(ge=0.0)] | None = None
    patches: Annotated[tuple[tuple[float, float, float], ...], Meta(max_length=24)] = ()


class Correction(_Strict, frozen=True, kw_only=True):
    """scan_region: the field of view; everything outside becomes black. text_masks: made black as well, before the crop.

    Polygons: (x, y) in pixels of the picture, zero based, pixel centres, the outline belongs to the polygon.
    color: applied after the resize. color_matrix: of before the first release; an empty one is read, any other refused.
    expires_on: the last day on which it is applied (UTC).
    """

    setting: Setting
    expires_on: datetime.date
    scan_region: Polygon | None = None
    text_masks: Annotated[tuple[Polygon, ...], Meta(max_length=64)] = ()
    color: ColorResponse | None = None
    color_matrix: msgspec.UnsetType | None = msgspec.UNSET
    color_evidence: ColorEvidence | None = None


class OverlayEntry(_Strict, frozen=True, kw_only=True):
    """Numbers that take the place of those in the bundle, for one (form, engine) of one bundle. None or () = as in the bundle.

    prevalence: the mix of classes that the probabilities then speak of, for people.
    """

    digest: Sha256Hex
    form: str
    engine: str
    expires_on: datetime.date
    temperature: Annotated[float, Meta(gt=0.0)] | None = None
    bias: tuple[float, ...] = ()
    set_at: tuple[Probability, ...] = ()
    out_of_scope_above: float | None = None
    guard_at: tuple[Probability | None, ...] = ()
    settled_temperature: Annotated[float, Meta(gt=0.0)] | None = None
    prevalence: tuple[Probability, ...] = ()


class DeviceProfile(_Strict, frozen=True, kw_only=True):
    """name: what screen and log say. device: which one it was measured on. made_at: ISO 8601, UTC."""

    schema: Literal[1] = 1
    name: Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
    device: Annotated[str, Meta(max_length=200)] = ""
    made_at: Annotated[str, Meta(max_length=40)]
    corrections: Annotated[tuple[Correction, ...], Meta(max_length=64)] = ()
    overlay: Annotated[tuple[OverlayEntry, ...], Meta(max_length=64)] = ()


def parse_profile(data: bytes) -> DeviceProfile:
    """UTF-8 JSON -> DeviceProfile. Raises ValueError (msgspec's are ValueErrors) with the path of the fault."""
    try:
        profile = msgspec.json.decode(data, type=DeviceProfile)
    except msgspec.ValidationError as error:
        if ".color_matrix`" in str(error):
            do = "take it out, or name a new profile, and measure anew with: sonoderm calibrate color"
            raise ValueError(f"it holds a color_matrix, which is not applied any more: {do}") from error
        raise
    settings = [correction.setting for correction in profile.corrections]
    if len(set(settings)) != len(settings):
        raise ValueError("corrections: a setting stands twice")
    pairs = [(entry.digest, entry.form, entry.engine) for entry in profile.overlay]
    if len(set(pairs)) != len(pairs):
        raise ValueError("overlay: a (digest, form, engine) stands twice")
    for index, correction in enumerate(profile.corrections):
        width, height = correction.setting.width_px, correction.setting.height_px
        regions = (*((correction.scan_region,) if correction.scan_region else ()), *correction.text_masks)
        if any(x >= width or y >= height for polygon in regions for x, y in polygon):
            raise ValueError(f"corrections[{index}]: a polygon leaves the picture of {width}x{height}")
        if correction.color_evidence and not correction.color:
            raise ValueError(f"corrections[{index}]: color_evidence without a color")
    return profile
