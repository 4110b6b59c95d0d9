"""Every single-byte change and every truncation of an 8 KB bundle is refused; of each shipped bundle, a seeded sample of 2,000."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest

from edge.bundle.image import verify_image
from edge.bundle.open import open_shipped
from edge.bundle.pack import build_payload
from edge.bundle.shipped import MODELS, read_pins
from edge.bundle.trust import Trust
from edge.errors import BundleRefused
from tests.builders import a_content, a_key, a_trust, sign_image

SIZE_B = 8192
HEADER_B = 32
AFTER_PAYLOAD_B = (4 + 8) + (4 + 36 + 36 + 68)  # protected area with the counter; trailing area
PAYLOAD = range(HEADER_B, SIZE_B - AFTER_PAYLOAD_B)
AROUND = [*range(HEADER_B), *range(PAYLOAD.stop, SIZE_B)]
SHIPPED = sorted(path.name for path in MODELS.glob("*.bundle"))


@cache
def eight_kilobytes() -> tuple[bytes, Trust]:
    """A bundle of exactly 8,192 bytes, and the trust that believes its key."""
    key = a_key()
    content = a_content(unrun=("onnxruntime",), golden=())
    members = {name: data for name, data in content.members.items() if not name.startswith("golden/")}
    bare_b = len(sign_image(build_payload(content.manifest, members), key))
    more_b = SIZE_B - bare_b - 2  # its size in the manifest grows from two digits to four
    members["card.md"] = members["card.md"].ljust(len(members["card.md"]) + more_b)
    data = sign_image(build_payload(content.manifest, members), key)
    assert len(data) == SIZE_B
    return data, a_trust(key)


def pinned(data: bytes) -> Trust:
    return Trust(pinned=frozenset([hashlib.sha256(data).hexdigest()]))


def is_refused(data: bytes, trust: Trust) -> bool:
    try:
        verify_image(data, trust)
    except BundleRefused:
        return True
    return False


def survivors(data: bytes, trust: Trust, positions: Iterable[int], changes: Iterable[int]) -> list[tuple[int, int]]:
    """(position, xor) of the changes that were not refused."""
    copy, found, changes = bytearray(data), [], tuple(changes)
    for at in positions:
        for xor in changes:
            copy[at] = data[at] ^ xor
            if not is_refused(bytes(copy), trust):
                found.append((at, xor))
        copy[at] = data[at]
    return found


def test_the_unchanged_bundle_is_taken_by_key_and_by_pin() -> None:
    data, trust = eight_kilobytes()
    assert not is_refused(data, trust)
    assert not is_refused(data, pinned(data))


def test_every_value_of_every_byte_outside_the_payload_is_refused() -> None:
    data, trust = eight_kilobytes()
    assert survivors(data, trust, AROUND, range(1, 256)) == []


def test_a_pin_holds_the_key_hash_and_the_signature_too() -> None:
    data, _ = eight_kilobytes()
    assert survivors(data, pinned(data), AROUND, (1, 0x80, 0xFF)) == []


def test_every_bit_of_every_byte_of_the_payload_is_refused() -> None:
    """The payload meets nothing but SHA-256, so that a bit tells as much as all 255 values (those: the test below, marked slow)."""
    data, trust = eight_kilobytes()
    assert survivors(data, trust, PAYLOAD, (1, 2, 4, 8, 16, 32, 64, 128)) == []


@pytest.mark.slow
def test_every_value_of_every_byte_of_the_payload_is_refused() -> None:
    data, trust = eight_kilobytes()
    assert survivors(data, trust, PAYLOAD, range(1, 256)) == []


def test_every_truncation_is_refused() -> None:
    data, trust = eight_kilobytes()
    assert [n for n in range(SIZE_B) if not is_refused(data[:n], trust)] == []


def test_every_cut_at_the_front_is_refused() -> None:
    data, trust = eight_kilobytes()
    assert [n for n in range(1, SIZE_B) if not is_refused(data[n:], trust)] == []


def test_bytes_added_at_the_end_are_refused() -> None:
    data, trust = eight_kilobytes()
    assert [n for n in range(1, 300) if not is_refused(data + bytes(n), trust)] == []
    assert is_refused(data + data, trust)


@pytest.mark.parametrize("file", SHIPPED or [pytest.param("", marks=pytest.mark.skip(reason="no bundle is shipped in edge/models yet"))])
def test_a_seeded_sample_of_changes_of_a_shipped_bundle_is_refused(file: str) -> None:
    """1,500 bytes changed and 500 truncations; SHA-256 lets go of the interpreter, so two threads halve the time."""
    pin = next(pin for pin in read_pins() if pin.file == file)
    data, trust = (MODELS / file).read_bytes(), Trust(pinned=frozenset([pin.image_sha256]))
    assert open_shipped(pin, trust).digest == pin.payload_sha256
    draw = np.random.default_rng(int(pin.image_sha256[:8], 16))
    after = len(data) - AFTER_PAYLOAD_B
    positions = [*draw.integers(0, HEADER_B, 100), *draw.integers(HEADER_B, after, 1200), *draw.integers(after, len(data), 200)]
    values = draw.integers(1, 256, len(positions))

    def change(at: int, xor: int) -> bool:
        copy = bytearray(data)
        copy[at] ^= xor
        return is_refused(bytes(copy), trust)

    with ThreadPoolExecutor(2) as pool:
        changed = list(pool.map(change, map(int, positions), map(int, values)))
    lengths = [int(n) for n in draw.integers(0, len(data), 500)]
    cut = [is_refused(data[:n], trust) for n in lengths]
    assert len(changed) + len(cut) == 2000
    assert all(changed)
    assert all(cut)
