"""The payload has one form, and the reader takes no other. Oracle: Python's zipfile."""

import io
import struct
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bundle.archive import MAX_MEMBERS, ArchiveFault, read_archive, write_archive

MEMBERS = {"manifest.json": b"{}", "forms/a.onnx": b"model", "card.md": b""}
NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}(/[a-z0-9][a-z0-9.]{0,9}){0,2}", fullmatch=True)


def by_zipfile(members: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] | None = None, comment: bytes = b"") -> bytes:
    """What docs/bundle.md tells a Python program to write."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = comment
        for name, data in members.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0o644 << 16
            if change:
                change(info)
            archive.writestr(info, data)
    return file.getvalue()


def refusal(payload: bytes) -> str:
    with pytest.raises(ArchiveFault) as refused:
        read_archive(payload)
    return str(refused.value)


def test_the_form_is_the_one_that_zipfile_writes() -> None:
    assert write_archive(MEMBERS) == by_zipfile(MEMBERS)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(NAMES, st.binary(max_size=200), min_size=1, max_size=6))
def test_write_then_read_is_identity_and_zipfile_agrees(members: dict[str, bytes]) -> None:
    payload = write_archive(members)
    entries = read_archive(payload)
    assert {e.name: payload[e.start_b : e.start_b + e.size_b] for e in entries} == members
    assert [e.name for e in entries] == list(members)
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == list(members)
    assert payload == by_zipfile(members)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_unnamed(data: bytes) -> None:
    refusal(data)
    refusal(b"PK\x03\x04" + data)
    refusal(write_archive(MEMBERS)[:40] + data)


def test_every_byte_of_the_archive_counts() -> None:
    payload = write_archive(MEMBERS)
    for at in range(len(payload)):
        for xor in (1, 0x80, 0xFF):
            refusal(payload[:at] + bytes([payload[at] ^ xor]) + payload[at + 1 :])


def test_every_truncation_is_refused() -> None:
    payload = write_archive(MEMBERS)
    for n in range(len(payload)):
        refusal(payload[:n])


def compressed(info: zipfile.ZipInfo) -> None:
    info.compress_type = zipfile.ZIP_DEFLATED


def dated(info: zipfile.ZipInfo) -> None:
    info.date_time = (2026, 1, 1, 0, 0, 0)


def executable(info: zipfile.ZipInfo) -> None:
    info.external_attr = 0o755 << 16


def commented(info: zipfile.ZipInfo) -> None:
    info.comment = b"hidden"


def with_extra(info: zipfile.ZipInfo) -> None:
    info.extra = struct.pack("<HH", 0xCAFE, 0)


def from_windows(info: zipfile.ZipInfo) -> None:
    info.create_system = 0


@pytest.mark.parametrize("change", [compressed, dated, executable, commented, with_extra, from_windows])
def test_a_zip_that_carries_more_than_names_and_bytes_is_refused(change: Callable[[zipfile.ZipInfo], None]) -> None:
    refusal(by_zipfile(MEMBERS, change))


def test_an_archive_comment_trailing_bytes_and_leading_bytes_are_refused() -> None:
    payload = write_archive(MEMBERS)
    assert "directory" in refusal(by_zipfile(MEMBERS, comment=b"hello"))
    assert "directory" in refusal(payload + b"\0")
    assert "not a zip" in refusal(b"\0" + payload)


def test_compressed_and_encrypted_members_are_called_so() -> None:
    assert "compressed" in refusal(by_zipfile({"a": b"x" * 99}, compressed))
    encrypted = bytearray(write_archive(MEMBERS))
    encrypted[6] |= 1
    assert "encrypted" in refusal(bytes(encrypted))


def test_a_name_that_stands_twice_is_refused() -> None:
    """Built from one member whose local entry is repeated: a writer of zips would warn, or refuse."""
    once = write_archive({"a": b"one"})
    local = once[: 30 + 1 + 3]
    assert "twice" in refusal(local + once)


def test_a_second_directory_over_other_members_is_refused() -> None:
    """The classic: one reader walks from the front, another from the back, and they see two different archives."""
    first, second = write_archive(MEMBERS), write_archive({"manifest.json": b"[]"})
    refusal(first + second)
    refusal(second + first)


@pytest.mark.parametrize(
    "name", ["../etc", "/etc/passwd", "a/../b", "a//b", "a/", "", "ä", "a b", "a\\b", "C:x", ".hidden", "a/.b", "a\n", "-a", "x" * 121]
)
def test_names_that_could_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(ArchiveFault):
        write_archive({name: b""})
    if name:
        refusal(by_zipfile({name: b""}))


def test_a_folder_entry_is_refused() -> None:
    refusal(by_zipfile({"forms/": b"", "forms/a": b"x"}))


def test_the_number_of_members_is_bounded() -> None:
    most = {f"m{i}": b"" for i in range(MAX_MEMBERS)}
    assert len(read_archive(write_archive(most))) == MAX_MEMBERS
    with pytest.raises(ArchiveFault):
        write_archive(most | {"one-more": b""})
    with pytest.raises(ArchiveFault):
        write_archive({})
    assert "more than" in refusal(by_zipfile(most | {"one-more": b""}))


def test_zip64_has_no_place() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, archive.open("a", "w", force_zip64=True) as member:
        member.write(b"x")
    refusal(file.getvalue())


def test_a_zip_written_as_a_stream_is_refused() -> None:
    """Sizes after the data (bit 3 of the flags): where a member ends would be a guess."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.data += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a", (1980, 1, 1, 0, 0, 0)), b"x")
    refusal(bytes(pipe.data))
