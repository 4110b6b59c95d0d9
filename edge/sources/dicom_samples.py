"""From the bytes of one frame to its samples, by whichever codec the transfer syntax names. One frame at a time is in memory."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.sources.dicom_jpeg import JpegHeader, decode_components, read_jpeg_header, reads_lossless
from edge.sources.dicom_plan import PixelPlan
from edge.sources.dicom_rle import decode_rle
from edge.sources.dicom_syntaxes import Codec, Syntax
from edge.sources.picture_header import BrokenPictureError

__all__ = ["Samples", "contradiction", "decode_frame", "frame_b"]

Integers = NDArray[np.unsignedinteger[Any]]
JPEG_LS = {"1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"}


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """values: (rows, columns) or (rows, columns, 3), uint8 or uint16, as stored (sign and unused bits not yet read).

    photometric: what they are after decoding (a codec may have turned YBR into RGB). bits: of a sample, as far as the codec knows better.
    """

    values: Integers
    photometric: str
    bits: int | None = None


def frame_b(plan: PixelPlan) -> int:
    """Bytes of one uncompressed frame."""
    per_pixel = 2 if plan.photometric in {"YBR_FULL_422", "YBR_PARTIAL_422"} else plan.samples
    return plan.rows * plan.columns * per_pixel * plan.bits_allocated // 8


def decode_frame(data: bytes, plan: PixelPlan, syntax: Syntax, *, swapped: bool = False) -> Samples:
    """One frame. swapped: 8-bit samples in 16-bit words of a big-endian file. Raises BrokenPictureError."""
    if syntax.codec is Codec.NATIVE:
        return _native(data, plan, little=syntax.little, swapped=swapped)
    if syntax.codec is Codec.RLE:
        return _run_lengths(data, plan)
    if syntax.codec is Codec.OPENJPEG:
        return _jpeg_2000(data, plan)
    return _jpeg(data, plan, syntax)


def _native(data: bytes, plan: PixelPlan, *, little: bool, swapped: bool) -> Samples:
    if plan.bits_allocated == 16:
        flat: Integers = np.frombuffer(data, "<u2" if little else ">u2").astype(np.uint16)
    else:
        flat = np.frombuffer(data, np.uint8)
        if swapped:
            flat = flat[: len(flat) // 2 * 2].reshape(-1, 2)[:, ::-1].reshape(-1)
    if plan.photometric in {"YBR_FULL_422", "YBR_PARTIAL_422"}:
        return Samples(_spread(flat, plan), plan.photometric)
    if plan.samples == 1:
        return Samples(flat.reshape(plan.rows, plan.columns), plan.photometric)
    shape = (3, plan.rows, plan.columns) if plan.planar else (plan.rows, plan.columns, 3)
    values = flat.reshape(shape)
    return Samples(np.ascontiguousarray(np.moveaxis(values, 0, 2)) if plan.planar else values, plan.photometric)


def _spread(flat: Integers, plan: PixelPlan) -> Integers:
    """Y Y Cb Cr, two pixels -> (rows, columns, 3) with the colour repeated. PS3.3, C.7.6.3.1.2."""
    if plan.columns % 2:
        raise BrokenPictureError("its half-width colours have an odd number of columns")
    pairs = flat.reshape(plan.rows, plan.columns // 2, 4)
    out = np.empty((plan.rows, plan.columns, 3), flat.dtype)
    out[:, 0::2, 0], out[:, 1::2, 0] = pairs[..., 0], pairs[..., 1]
    out[..., 1], out[..., 2] = np.repeat(pairs[..., 2], 2, 1), np.repeat(pairs[..., 3], 2, 1)
    return out


def _run_lengths(data: bytes, plan: PixelPlan) -> Samples:
    planes = decode_rle(data, plan.rows, plan.columns, plan.samples, plan.bits_allocated // 8)
    values: Integers = planes[..., 0] if plan.bits_allocated == 8 else planes.view("<u2")[..., 0].astype(np.uint16)
    if plan.samples == 1:
        return Samples(values[0], plan.photometric)
    photometric = "YBR_FULL" if plan.photometric == "YBR_FULL_422" else plan.photometric
    return Samples(np.ascontiguousarray(np.moveaxis(values, 0, 2)), photometric)


def _jpeg(data: bytes, plan: PixelPlan, syntax: Syntax) -> Samples:
    """Any JPEG or JPEG-LS, its colours not yet converted: the stream's own marks say what they are, then the tag."""
    head = read_jpeg_header(data)
    if (head.rows, head.columns, head.components) != (plan.rows, plan.columns, plan.samples):
        raise BrokenPictureError("a compressed frame has another size than the file declares")
    if head.bits > plan.bits_allocated or (syntax.uid.endswith(".51") and head.bits > 8):
        raise BrokenPictureError(f"a compressed frame has {head.bits} bits a sample, which is not read in {syntax.name}")
    lossless = syntax.module is not None
    if syntax.codec is Codec.JPEG and head.bits == 8 and (not lossless or reads_lossless()):
        values: Integers = decode_components(data)
        if values.shape != ((plan.rows, plan.columns) if plan.samples == 1 else (plan.rows, plan.columns, 3)):
            raise BrokenPictureError("a compressed frame cannot be decoded")
    else:
        values = _by_gdcm(data, plan, syntax, head.bits)
    if plan.samples == 1:
        return Samples(values, plan.photometric, head.bits)
    return Samples(values, "YBR_FULL" if _is_ybr(head, plan, syntax) else "RGB", head.bits)


def _is_ybr(head: JpegHeader, plan: PixelPlan, syntax: Syntax) -> bool:
    """Lossy JPEG that says what it holds is believed before the tag: writers forget the tag, and decoders of the field obey the stream."""
    tagged = plan.photometric.startswith("YBR")
    return tagged if head.ybr is None or syntax.module is not None else head.ybr


def contradiction(data: bytes, plan: PixelPlan, syntax: Syntax) -> str | None:
    """A note where the first frame's own marks contradict the tag. data: its beginning. Raises BrokenPictureError."""
    if syntax.codec is not Codec.JPEG or plan.samples == 1:
        return None
    ybr = _is_ybr(read_jpeg_header(data), plan, syntax)
    if ybr == plan.photometric.startswith("YBR"):
        return None
    return f"the tag says {plan.photometric}, the JPEG inside says {'YCbCr' if ybr else 'RGB'}: the JPEG is believed"


def _by_gdcm(data: bytes, plan: PixelPlan, syntax: Syntax, bits: int) -> Integers:
    """Samples through GDCM, which does not convert colours here. It can crash on damaged JPEG (not on JPEG-LS): see docs/dicom.md."""
    size = plan.rows * plan.columns * plan.samples
    buffer = _gdcm(data, plan, syntax, bits)
    if len(buffer) < size * (2 if bits > 8 else 1):
        raise BrokenPictureError("a compressed frame cannot be decoded")
    wide = len(buffer) >= 2 * size
    flat: Integers = np.frombuffer(buffer, "<u2", size).astype(np.uint16) if wide else np.frombuffer(buffer, np.uint8, size)
    if plan.samples == 1:
        return flat.reshape(plan.rows, plan.columns)
    planar = plan.planar and syntax.uid not in JPEG_LS
    values = np.moveaxis(flat.reshape(3, plan.rows, plan.columns), 0, 2) if planar else flat.reshape(plan.rows, plan.columns, 3)
    return np.ascontiguousarray(values)


def _gdcm(data: bytes, plan: PixelPlan, syntax: Syntax, bits: int) -> bytes:
    import gdcm

    for silence in (gdcm.Trace.DebugOff, gdcm.Trace.WarningOff, gdcm.Trace.ErrorOff):
        silence()
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(data)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((plan.columns, plan.rows, 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation.GetPIType(plan.photometric)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    if plan.samples > 1:
        image.SetPlanarConfiguration(1 if plan.planar else 0)
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(syntax.uid)))
    allocated = 16 if bits > 8 else 8
    image.SetPixelFormat(gdcm.PixelFormat(plan.samples, allocated, bits, bits - 1, 1 if plan.signed else 0))
    buffer: str | None = image.GetBuffer()  # bytes in the disguise of a str
    if buffer is None:
        raise BrokenPictureError("a compressed frame cannot be decoded")
    return buffer.encode("utf-8", "surrogateescape")


def _jpeg_2000(data: bytes, plan: PixelPlan) -> Samples:
    import openjpeg

    try:
        values: Integers = openjpeg.decode(data, 0)  # type: ignore[attr-defined]
    except (RuntimeError, ValueError, NotImplementedError, MemoryError):
        raise BrokenPictureError("a JPEG 2000 frame cannot be decoded") from None
    expected = (plan.rows, plan.columns) if plan.samples == 1 else (plan.rows, plan.columns, 3)
    if values.shape != expected:
        raise BrokenPictureError("a compressed frame has another size than the file declares")
    if values.dtype.itemsize > 2:
        raise BrokenPictureError("a JPEG 2000 frame has more than 16 bits a sample")
    unsigned: Integers = values.view(np.uint16 if values.dtype.itemsize == 2 else np.uint8)
    if plan.samples == 1:
        return Samples(unsigned, plan.photometric)
    # The codec undoes the transform that the code stream itself declares; a colour space declared by the tag alone is still there.
    ybr = plan.photometric in {"YBR_FULL", "YBR_FULL_422"}
    return Samples(unsigned, "YBR_FULL" if ybr else "RGB")
