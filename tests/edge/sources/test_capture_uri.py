"""What a person types for a source."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputRefused, SonodermError, UsageError
from edge.sources.schemes import SCHEMES
from edge.sources.sniff import Kind, kind_of_head
from edge.sources.table import open_source
from edge.sources.uri import SourceUri, parse_uri, public_address


def test_a_scheme_a_target_and_options_are_told_apart() -> None:
    assert parse_uri("camera:/dev/video2?size=1280x720&fps=30") == SourceUri("camera", "/dev/video2", (("size", "1280x720"), ("fps", "30")))


def test_an_option_value_reaches_from_the_first_equals_sign_on(tmp_path: Path) -> None:
    assert parse_uri(f"dir:{tmp_path}?where=split=val&where=fold=0").all("where") == ("split=val", "fold=0")


@pytest.mark.parametrize("name", ["ümläut ä.mp4", "a b.mp4", "a#b.mp4", "-x.mp4", "%03d.mp4", "what?.mp4", "a:b.mp4", "q?fps=3.mp4"])
def test_a_file_of_any_name_is_found_with_and_without_its_scheme(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"clip")
    assert parse_uri(f"{tmp_path}/{name}") == SourceUri("file", f"{tmp_path}/{name}")
    assert parse_uri(f"file:{tmp_path}/{name}") == SourceUri("file", f"{tmp_path}/{name}")


def test_a_name_that_looks_like_a_scheme_is_a_file_when_it_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("case:7.mp4").write_bytes(b"clip")
    assert parse_uri("case:7.mp4") == SourceUri("file", "case:7.mp4")


@pytest.mark.parametrize(
    ("name", "content", "scheme"),
    [
        ("x.png", b"\x89PNG\r\n\x1a\n", "dir"),
        ("x.mp4", b"\xff\xd8\xff\xe0", "dir"),  # a picture under a clip's name
        ("x.mjpeg", b"\xff\xd8\xff\xe0", "file"),
        ("x.png", b"", "dir"),
        ("x", b"\0" * 128 + b"DICM", "dicom"),
        ("x.png", b"\0" * 128 + b"DICM", "dicom"),
        ("x.csv", b"image,label\n", "dir"),
        ("x.webp", b"RIFF\0\0\0\0WEBP", "dir"),
        ("x.avi", b"RIFF\0\0\0\0AVI ", "file"),
        ("x.mp4", b"\0\0\0\x20ftypisom", "file"),
        ("x.jpg", b"\0\0\0\x20ftypisom", "file"),
    ],
)
def test_a_bare_path_is_understood_by_its_content_first(name: str, content: bytes, scheme: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert parse_uri(str(tmp_path / name)).scheme == scheme


def test_a_folder_an_address_and_a_device_are_understood_bare(tmp_path: Path) -> None:
    assert parse_uri(str(tmp_path)).scheme == "dir"
    assert parse_uri("rtsp://cam/1") == SourceUri("url", "rtsp://cam/1")
    assert parse_uri("/dev/video9?fps=5") == SourceUri("camera", "/dev/video9", (("fps", "5"),))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("cam:0", "camera:"),
        ("camera:", "target"),
        ("file:", "target"),
        ("camera:0?colour=blue", "white_balance"),
        ("camera:0?fps", "NAME=VALUE"),
        ("url:ftp://x/y", "rtsp"),
        ("url:http://", "http"),
        ("url:rtsp://host:notaport/x", "no address"),
        ("url:http://a b/c", "no address"),
        ("url:http://host/x#speed=9", "read_timeout_s"),
        ("file:\0.mp4", "empty"),
    ],
)
def test_what_cannot_be_understood_is_wrong_usage_that_names_what_is_valid(text: str, word: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_uri(text)
    assert word in caught.value.line()


@pytest.mark.parametrize(
    "text",
    ["camera:0?size=big", "camera:0?fps=fast", "camera:0?fps=0", "camera:0?exposure=nan", "camera:0?fourcc=MJPEG", "camera:0?range=wide",
     "url:http://127.0.0.1:9/#read_timeout_s=forever", "url:rtsp://127.0.0.1:9/#transport=pigeon"],
)  # fmt: skip
def test_an_option_with_a_wrong_value_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError):
        open_source(text)


def test_an_absent_path_is_refused_and_a_bare_number_is_told_of_the_camera() -> None:
    with pytest.raises(InputRefused, match="no such file") as caught:
        parse_uri("0")
    assert "camera:0" in caught.value.line()


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://admin:s3cret@cam/live",
        "http://cam/live?user=admin&pwd=s3cret",
        "http://s3cret@cam:8080/x",
        "http://u:s3cret%40@[fe80::1]:80/x",
    ],
)
def test_no_name_password_or_token_of_an_address_is_ever_written(address: str) -> None:
    uri = parse_uri(f"url:{address}#read_timeout_s=2")
    assert "s3cret" not in str(uri)
    assert "admin" not in str(uri)
    assert "s3cret" in uri.exact
    assert "s3cret" not in uri.scrubbed(f"driver: cannot open {address}")
    assert parse_uri(uri.exact) == uri
    assert public_address(address).startswith(address.split("://", 1)[0] + "://")


def test_the_options_of_an_address_never_reach_the_server() -> None:
    assert parse_uri("url:http://cam/live?fps=3#read_timeout_s=2") == SourceUri("url", "http://cam/live?fps=3", (("read_timeout_s", "2"),))


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused_by_an_error_of_ours(text: str) -> None:
    with contextlib.suppress(SonodermError):
        assert parse_uri(text).scheme


@given(st.binary(max_size=200), st.sampled_from(["", ".png", ".csv", ".mjpeg", ".dcm"]))
def test_any_beginning_of_a_file_is_of_some_kind(head: bytes, suffix: str) -> None:
    assert kind_of_head(head, suffix) in Kind


def test_every_scheme_of_the_table_has_its_module_with_its_two_names() -> None:
    import importlib

    for scheme in SCHEMES:
        module = importlib.import_module(scheme.module)
        assert callable(module.open_source)
        assert isinstance(module.OPTIONS, frozenset)
