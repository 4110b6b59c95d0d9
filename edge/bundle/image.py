"""The container: an MCUboot image, read strictly, and trusted only by key or by pinned digest. docs/bundle.md has the layout.

Rules, in the order in which they are applied; the first that fails refuses the image:

1. 65 B to 64 MB; magic, load address 0, flags 0, build number 0, padding of one byte value.
2. payload, protected area, trailing area and the end of the file meet without a gap: every byte belongs to one of them.
3. protected area: security counter, then optionally vendor id, then optionally class id; trailing area: SHA-256, key hash,
   ed25519 signature. Exactly these, in this order, each once, each of its exact length.
4. SHA-256 over header, payload and protected area is the one written: otherwise the file is damaged.
5. Neither the key, nor the payload, nor the image is revoked. Nothing outweighs this.
6. The whole file is pinned by its digest; or a key with the role `bundle` is trusted, and its signature over that SHA-256 holds.
"""

import hashlib
import struct
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.bundle.trust import Role, Trust
from edge.errors import BundleRefused

__all__ = ["HEADER_B", "MAX_BUNDLE_B", "PINNED", "VerifiedImage", "verify_image"]

MAX_BUNDLE_B: Final = 64 * 1024 * 1024
HEADER_B: Final = 32
MAX_HEADER_B: Final = 4096  # a header may be padded, for microcontrollers that align code
PINNED: Final = "pinned"

_HEADER = struct.Struct("<IIHHIIBBHII")
_AREA = struct.Struct("<HH")
_TLV = struct.Struct("<HH")  # MCUboot: type in one byte, a zero byte, length; read as two shorts, a type above 255 is unknown
_MAGIC = 0x96F3B83D
_PROTECTED_MAGIC, _TRAILING_MAGIC = 0x6908, 0x6907
_SEC_CNT, _VENDOR, _CLASS = 0x50, 0x74, 0x75
_SHA256, _KEYHASH, _ED25519 = 0x10, 0x01, 0x24
_PROTECTED_SHAPES = (((_SEC_CNT, 4),), ((_SEC_CNT, 4), (_VENDOR, 16)), ((_SEC_CNT, 4), (_VENDOR, 16), (_CLASS, 16)))
_TRAILING_SHAPES = (((_SHA256, 32), (_KEYHASH, 32), (_ED25519, 64)),)

_COPY_AGAIN = "copy it again from where it came from"
_MAKE_AGAIN = "make it with sonoderm export, or ask its sender for another copy"


@dataclass(frozen=True, slots=True)
class VerifiedImage:
    """What a verified image holds. Digests are lower-case hex.

    payload_sha256: of the payload; the identity of the model, whoever signed it. image_sha256: of the whole file, as `sha256sum` prints it.
    mcuboot_sha256: what the signature covers, and what an SMP client shows as the image's hash. signer: key hash, or "pinned".
    """

    payload: bytes
    payload_sha256: str
    image_sha256: str
    mcuboot_sha256: str
    version: str
    security_counter: int
    vendor_id: UUID | None
    class_id: UUID | None
    signer: str
    size_b: int


@dataclass(frozen=True, slots=True)
class _Parts:
    """Where everything lies, before anything is believed."""

    payload: slice
    signed_b: int  # header + payload + protected area
    version: str
    security_counter: int
    vendor_id: UUID | None
    class_id: UUID | None
    sha256: bytes
    key_hash: bytes
    signature: bytes


def verify_image(data: bytes, trust: Trust) -> VerifiedImage:
    """The bytes of one bundle file -> what may be believed of it. Raises BundleRefused, and nothing else, for any other bytes."""
    parts = _parts(data)
    digest = hashlib.sha256(memoryview(data)[: parts.signed_b]).digest()
    if digest != parts.sha256:
        raise BundleRefused("it is damaged: its content differs from its own SHA-256", do=_COPY_AGAIN)
    payload = data[parts.payload]
    payload_sha256 = hashlib.sha256(payload).hexdigest()
    image_sha256 = hashlib.sha256(data).hexdigest()
    key_hash = parts.key_hash.hex()
    _refuse_revoked(trust, key=key_hash, payload=payload_sha256, image=image_sha256, content=digest.hex())
    if image_sha256 in trust.pinned:
        signer = PINNED
    else:
        _check_signature(parts, digest, trust)
        signer = key_hash
    return VerifiedImage(
        payload=payload,
        payload_sha256=payload_sha256,
        image_sha256=image_sha256,
        mcuboot_sha256=digest.hex(),
        version=parts.version,
        security_counter=parts.security_counter,
        vendor_id=parts.vendor_id,
        class_id=parts.class_id,
        signer=signer,
        size_b=len(data),
    )


def _refuse_revoked(trust: Trust, *, key: str, payload: str, image: str, content: str) -> None:
    for what, digest in (("key", key), ("payload", payload), ("file", image), ("image", content)):
        if digest in trust.revoked:
            raise BundleRefused(f"its {what} {digest[:12]} is revoked by revoked.txt", do="ask its sender for a newer one")


def _check_signature(parts: _Parts, digest: bytes, trust: Trust) -> None:
    key_hash = parts.key_hash.hex()
    known = [key for key in trust.keys if key.hash == key_hash]
    key = next((key for key in known if key.role is Role.BUNDLE), None)
    if key is None and known:
        raise BundleRefused(
            f"key {key_hash[:12]} ({known[0].path.name}) may sign profiles only", do="ask its sender which key signs bundles"
        )
    if key is None:
        raise BundleRefused(
            f"it is signed by key {key_hash[:12]}, which is not trusted here",
            do="ask its sender for the public key, make sure that it is theirs, then: sonoderm trust add KEY.pub",
        )
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(parts.signature, digest)
    except InvalidSignature:
        raise BundleRefused(f"its signature does not fit the trusted key {key_hash[:12]}", do=_COPY_AGAIN) from None


def _parts(data: bytes) -> _Parts:
    header_b, protected_b, payload_b, version = _header(data)
    protected_at = header_b + payload_b
    signed_b = protected_at + protected_b
    if signed_b >= len(data):
        raise BundleRefused(f"it is cut off: {len(data)} bytes of at least {signed_b}", do=_COPY_AGAIN)
    protected = _area(data[protected_at:signed_b], _PROTECTED_MAGIC, _PROTECTED_SHAPES, "protected area")
    trailing = _area(data[signed_b:], _TRAILING_MAGIC, _TRAILING_SHAPES, "trailing area")
    return _Parts(
        payload=slice(header_b, protected_at),
        signed_b=signed_b,
        version=version,
        security_counter=int.from_bytes(protected[_SEC_CNT], "little"),
        vendor_id=UUID(bytes=protected[_VENDOR]) if _VENDOR in protected else None,
        class_id=UUID(bytes=protected[_CLASS]) if _CLASS in protected else None,
        sha256=trailing[_SHA256],
        key_hash=trailing[_KEYHASH],
        signature=trailing[_ED25519],
    )


def _header(data: bytes) -> tuple[int, int, int, str]:
    """Size of header, protected area and payload in bytes, and the version."""
    if len(data) > MAX_BUNDLE_B:
        raise BundleRefused(f"it is larger than {MAX_BUNDLE_B} bytes, the most a bundle may have", do=_MAKE_AGAIN)
    if data[:4] != _MAGIC.to_bytes(4, "little")[: len(data)] or not data:
        raise BundleRefused("it is no bundle: it does not begin with an MCUboot header", do=_MAKE_AGAIN)
    if len(data) < HEADER_B:
        raise BundleRefused(f"it is cut off within its header, after {len(data)} bytes", do=_COPY_AGAIN)
    _, load_addr, header_b, protected_b, payload_b, flags, major, minor, revision, build, zero = _HEADER.unpack_from(data)
    if load_addr or flags or build or zero:
        raise BundleRefused("its header asks for what a bundle cannot have (load address, flags, build number or padding)", do=_MAKE_AGAIN)
    if not HEADER_B <= header_b <= MAX_HEADER_B or len(set(data[HEADER_B:header_b])) > 1:
        raise BundleRefused(f"its header of {header_b} bytes is malformed", do=_MAKE_AGAIN)
    return header_b, protected_b, payload_b, f"{major}.{minor}.{revision}"


def _area(area: bytes, magic: int, shapes: tuple[tuple[tuple[int, int], ...], ...], name: str) -> dict[int, bytes]:
    """A TLV area -> value by type, when its types and lengths are exactly one of `shapes`."""
    if len(area) < _AREA.size:
        raise BundleRefused(f"its {name} is cut off or missing", do=_COPY_AGAIN)
    found_magic, size_b = _AREA.unpack_from(area)
    if found_magic != magic:
        raise BundleRefused(f"its {name} is missing or malformed", do=_MAKE_AGAIN)
    if size_b != len(area):
        raise BundleRefused(f"its {name} has {len(area)} bytes and says {size_b}: cut off, or bytes were added", do=_COPY_AGAIN)
    values: list[tuple[int, bytes]] = []
    at_b = _AREA.size
    while at_b < size_b:
        if at_b + _TLV.size > size_b:
            raise BundleRefused(f"its {name} ends within an entry", do=_MAKE_AGAIN)
        kind, value_b = _TLV.unpack_from(area, at_b)
        at_b += _TLV.size + value_b
        values.append((kind, area[at_b - value_b : at_b]))
    if tuple((kind, len(value)) for kind, value in values) not in shapes or at_b != size_b:
        kinds = " ".join(f"{kind:#x}" for kind, _ in values[:8])
        raise BundleRefused(f"its {name} has entries missing, unknown, doubled or out of order ({kinds})", do=_MAKE_AGAIN)
    return dict(values)
