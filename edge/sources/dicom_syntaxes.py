"""Transfer syntaxes: which we read, and which package decodes each. PS3.5 annex A, PS3.6 annex A."""

from dataclasses import dataclass
from enum import Enum
from importlib import import_module

from edge.errors import InputRefused, MachineLacks

__all__ = ["IMPLICIT_LE", "SYNTAXES", "Codec", "Syntax", "find_syntax", "missing_decoders", "require_decoder"]


class Codec(Enum):
    """What turns the bytes of a frame into samples."""

    NATIVE = "uncompressed"
    RLE = "run lengths"
    JPEG = "OpenCV, or GDCM beyond 8 bits"
    GDCM = "gdcm"
    OPENJPEG = "openjpeg"
    NONE = "not read"


@dataclass(frozen=True, slots=True)
class Syntax:
    """module, package: what must be importable, and what installs it; None: nothing beyond OpenCV.

    A syntax is read whole or not at all: lossless JPEG asks for GDCM even where OpenCV would do (8 bits), so that whether a file can
    be read is a matter of its syntax and never of its depth.
    """

    uid: str
    name: str
    codec: Codec
    explicit: bool = True
    little: bool = True
    deflated: bool = False
    module: str | None = None
    package: str | None = None


def _gdcm(uid: str, name: str) -> Syntax:
    return Syntax(uid, name, Codec.GDCM, module="gdcm", package="python-gdcm")


def _jpeg(uid: str, name: str, *, lossless: bool) -> Syntax:
    return Syntax(uid, name, Codec.JPEG, module="gdcm" if lossless else None, package="python-gdcm" if lossless else None)


def _openjpeg(uid: str, name: str) -> Syntax:
    return Syntax(uid, name, Codec.OPENJPEG, module="openjpeg", package="pylibjpeg-openjpeg")


IMPLICIT_LE = Syntax("1.2.840.10008.1.2", "Implicit VR Little Endian", Codec.NATIVE, explicit=False)

SYNTAXES: tuple[Syntax, ...] = (
    IMPLICIT_LE,
    Syntax("1.2.840.10008.1.2.1", "Explicit VR Little Endian", Codec.NATIVE),
    Syntax("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", Codec.NATIVE, deflated=True),
    Syntax("1.2.840.10008.1.2.2", "Explicit VR Big Endian", Codec.NATIVE, little=False),
    Syntax("1.2.840.10008.1.2.5", "RLE Lossless", Codec.RLE),
    _jpeg("1.2.840.10008.1.2.4.50", "JPEG Baseline", lossless=False),
    _jpeg("1.2.840.10008.1.2.4.51", "JPEG Extended", lossless=False),
    _jpeg("1.2.840.10008.1.2.4.57", "JPEG Lossless (process 14)", lossless=True),
    _jpeg("1.2.840.10008.1.2.4.70", "JPEG Lossless (process 14, selection value 1)", lossless=True),
    _gdcm("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless"),
    _gdcm("1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless"),
    _openjpeg("1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless"),
    _openjpeg("1.2.840.10008.1.2.4.91", "JPEG 2000"),
    _openjpeg("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 Lossless"),
    _openjpeg("1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000 RPCL Lossless"),
    _openjpeg("1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000"),
    Syntax("1.2.840.10008.1.2.4.100", "MPEG2 video", Codec.NONE),
    Syntax("1.2.840.10008.1.2.4.101", "MPEG2 video", Codec.NONE),
    Syntax("1.2.840.10008.1.2.4.102", "MPEG-4 video", Codec.NONE),
    Syntax("1.2.840.10008.1.2.4.103", "MPEG-4 video", Codec.NONE),
    Syntax("1.2.840.10008.1.2.4.104", "MPEG-4 video", Codec.NONE),
    Syntax("1.2.840.10008.1.2.4.107", "HEVC video", Codec.NONE),
    Syntax("1.2.840.10008.1.2.4.108", "HEVC video", Codec.NONE),
)


def find_syntax(uid: str, called: str) -> Syntax:
    """The syntax of that UID. Raises InputRefused for one that we do not read."""
    for syntax in SYNTAXES:
        if syntax.uid == uid:
            if syntax.codec is Codec.NONE:
                raise InputRefused(f"{called}: {syntax.name} inside DICOM is not read", do="export the clip as MP4 and open it with file:")
            return syntax
    shown = uid if uid and all(c in "0123456789." for c in uid) and len(uid) <= 64 else "damaged"
    raise InputRefused(f"{called}: transfer syntax {shown} is not known", do="export it as JPEG, RLE or uncompressed")


def require_decoder(syntax: Syntax, called: str) -> None:
    """Raises MachineLacks, naming syntax and package, when what decodes it is not installed."""
    if not _loads(syntax.module):
        raise MachineLacks(f"{called}: {syntax.name} needs a decoder that is not installed", do=f"pip install {syntax.package}")


def missing_decoders() -> tuple[Syntax, ...]:
    """The syntaxes that this machine cannot decode for want of a package (for `doctor`)."""
    return tuple(syntax for syntax in SYNTAXES if not _loads(syntax.module))


def _loads(module: str | None) -> bool:
    if module is None:
        return True
    try:
        import_module(module)
    except ImportError:
        return False
    return True
