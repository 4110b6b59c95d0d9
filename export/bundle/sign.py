"""A payload, or a bundle that is trusted already -> a bundle signed by this key. imgtool writes it; our own reader has the last word."""

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final
from uuid import UUID

from calibration.profile.signing import read_signing_key
from edge.bundle.durable import replace_durably
from edge.bundle.image import HEADER_B
from edge.bundle.open import VerifiedBundle, verify_bundle
from edge.bundle.trust import Role, Trust, TrustedKey
from edge.errors import CheckFailed, MachineLacks, UsageError

__all__ = ["resign", "sign", "write_bundle"]

MAX_COUNTER: Final = 2**32 - 1
SLOT_ROOM_B: Final = 1 << 20  # imgtool wants room for a bootloader's trailer in a slot that we do not have
TIMEOUT_S: Final = 120.0


def sign(
    payload: bytes,
    key: Path,
    *,
    version: str,
    security_counter: int,
    vendor_id: UUID | None = None,
    class_id: UUID | None = None,
) -> bytes:
    """payload (from `edge.bundle.pack.build_payload`) -> the bytes of a bundle that a device with this key's public half opens.

    version: MAJOR.MINOR.REVISION, the one of the manifest. vendor_id and class_id bind it to a kind of device; class asks for vendor.
    Raises UsageError for numbers that no header can hold, InputRefused for a key that cannot sign, BundleRefused when the payload
    would be refused by a reader, MachineLacks without imgtool.
    """
    public = read_signing_key(key).public
    if importlib.util.find_spec("imgtool") is None:
        raise MachineLacks("signing needs imgtool, which is not installed here", do="pip install 'sonoderm[export]'")
    if not 0 <= security_counter <= MAX_COUNTER:
        raise UsageError(f"security counter {security_counter} is not within 0 to {MAX_COUNTER}", do="count up by one for each release")
    if not _fits_header(version):
        raise UsageError(f"version {version} does not fit an image header (255.255.65535 at most)", do="choose a smaller one")
    if class_id is not None and vendor_id is None:
        raise UsageError("a class id needs the vendor id that it belongs to", do="give both")
    data = _imgtool(payload, key, version=version, security_counter=security_counter, vendor_id=vendor_id, class_id=class_id)
    trust = Trust(keys=(TrustedKey(public.hash, Role.BUNDLE, key, public.raw),))
    bundle = verify_bundle(data, trust, origin="the new bundle")
    if bundle.image.payload != payload or bundle.image.security_counter != security_counter:
        raise CheckFailed("imgtool signed something else than it was given", do="check the version of imgtool: sonoderm doctor")
    return data


def resign(
    bundle: VerifiedBundle,
    key: Path,
    *,
    security_counter: int | None = None,
    vendor_id: UUID | None = None,
    class_id: UUID | None = None,
) -> bytes:
    """The same payload, byte for byte, under another key. What is not given stays as it was. Only what is trusted here can be re-signed."""
    image = bundle.image
    return sign(
        image.payload,
        key,
        version=image.version,
        security_counter=image.security_counter if security_counter is None else security_counter,
        vendor_id=vendor_id or image.vendor_id,
        class_id=class_id or image.class_id,
    )


def write_bundle(data: bytes, folder: Path, *, name: str, version: str) -> Path:
    """folder/NAME-VERSION.bundle, whole or not there; an older one of the same name and version is replaced. Raises OSError."""
    path = folder / f"{name}-{version}.bundle"
    replace_durably(path, data)
    return path


def _fits_header(version: str) -> bool:
    parts = version.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and str(int(part)) == part for part in parts):
        return False
    return all(int(part) <= most for part, most in zip(parts, (255, 255, 65535), strict=True))


def _imgtool(payload: bytes, key: Path, *, version: str, security_counter: int, vendor_id: UUID | None, class_id: UUID | None) -> bytes:
    """Its command line, not its Python API: that is the part of imgtool that is documented and stable."""
    with tempfile.TemporaryDirectory(prefix="sonoderm-sign-") as name:
        source, target = Path(name) / "payload.bin", Path(name) / "image.bin"
        source.write_bytes(payload)
        words = [sys.executable, "-m", "imgtool.main", "sign", "--key", str(key.absolute()), "--version", version]
        words += ["--header-size", str(HEADER_B), "--pad-header", "--slot-size", str(len(payload) + SLOT_ROOM_B), "--align", "1"]
        words += ["--security-counter", str(security_counter)]
        words += [word for flag, value in (("--vid", vendor_id), ("--cid", class_id)) if value for word in (flag, str(value))]
        done = subprocess.run(
            [*words, str(source), str(target)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        if done.returncode != 0 or not target.exists():
            last = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
            raise CheckFailed(f"imgtool did not sign: {last}", do="sonoderm doctor says whether imgtool is installed; else report this")
        return target.read_bytes()
