"""Who may look at the web view, and what its messages are: the pure parts."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import MachineLacks, UsageError
from edge.reading import State
from edge.sinks.theme import LOOKS
from edge.sinks.web.access import Access, new_token, split_host
from edge.sinks.web.app import theme_json
from edge.sinks.web.picture import JpegMaker
from edge.sinks.web.sink import bind, parse_target
from edge.sinks.web.wire import PictureNote, header_of, pack, parse_from_page
from tests.edge.sinks.views import MS, a_picture, a_view

HOME = Access("127.0.0.1", 8080, None)
OPEN = Access("192.168.0.7", 8080, "secret-token")


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "LOCALHOST:8080"])
def test_loopback_answers_to_its_own_names(host: str) -> None:
    assert HOME.may_ask(host)


FOREIGN = [None, "", "evil.example:8080", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:8080:1", "[::1", "192.168.0.7:8080"]


@pytest.mark.parametrize("host", FOREIGN)
def test_loopback_answers_to_no_other_name_so_that_a_rebound_page_is_refused(host: str | None) -> None:
    assert not HOME.may_ask(host)


def test_an_open_address_answers_to_addresses_and_never_to_foreign_names() -> None:
    assert OPEN.may_ask("192.168.0.7:8080")
    assert not OPEN.may_ask("evil.example:8080")


def test_a_page_of_another_origin_is_refused_and_a_program_without_one_is_not() -> None:
    assert HOME.may_come_from(None, "127.0.0.1:8080")
    assert HOME.may_come_from("http://127.0.0.1:8080", "127.0.0.1:8080")
    for origin in ("http://evil.example", "null", "http://127.0.0.1:9090", "https://127.0.0.1:8080"):
        assert not HOME.may_come_from(origin, "127.0.0.1:8080")


def test_off_loopback_only_the_token_opens_and_it_stands_in_the_fragment_alone() -> None:
    assert HOME.may_see(None)
    assert not OPEN.may_see(None)
    assert not OPEN.may_see("secret-toke")
    assert not OPEN.may_see("sécret-token")
    assert OPEN.may_see("secret-token")
    assert OPEN.url() == "http://192.168.0.7:8080/#t=secret-token"
    assert len(new_token()) >= 22
    assert new_token() != new_token()


@given(st.text(max_size=40))
def test_any_host_header_is_a_name_and_port_or_nothing(value: str) -> None:
    named = split_host(value)
    assert named is None or (named[0] and (named[1] is None or named[1] >= 0))


@settings(deadline=None)
@given(st.one_of(st.text(max_size=60), st.dictionaries(st.text(max_size=6), st.integers()).map(json.dumps)))
def test_whatever_a_page_says_is_understood_or_nothing(text: str) -> None:
    parse_from_page(text)


def test_a_page_may_say_four_words_and_no_others() -> None:
    said = parse_from_page('{"cmd":"freeze"}')
    assert said is not None
    assert said.cmd == "freeze"
    assert parse_from_page('{"cmd":"shutdown"}') is None
    assert parse_from_page('{"cmd":"freeze","more":1}') is None


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("", ("127.0.0.1", 0)),
        ("8080", ("127.0.0.1", 8080)),
        (":8080", ("127.0.0.1", 8080)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:8080", ("::1", 8080)),
        ("localhost", ("localhost", 0)),
    ],
)
def test_addresses_are_understood_as_people_type_them(target: str, address: tuple[str, int]) -> None:
    assert parse_target(target) == address


@pytest.mark.parametrize("target", ["127.0.0.1:http", "1.2.3.4:99999", "a b:80", "host:80/path", "::::x"])
def test_what_is_no_address_is_a_usage_error(target: str) -> None:
    with pytest.raises(UsageError):
        parse_target(target)


def test_a_port_in_use_and_a_foreign_address_are_one_line_before_any_camera_opens() -> None:
    held = bind("127.0.0.1", 0)
    try:
        with pytest.raises(MachineLacks, match="is in use"):
            bind("127.0.0.1", held.getsockname()[1])
    finally:
        held.close()
    with pytest.raises(MachineLacks, match="no address of this machine"):
        bind("192.0.2.1", 0)  # TEST-NET-1, RFC 5737


def test_one_message_carries_the_picture_and_the_reading_with_one_index() -> None:
    view = a_view()
    now_ns = view.shown_ns + 1
    header = header_of(view, PictureNote(5, view.reading.frame, 640, 480), 9, now_ns, datetime.now(UTC))
    data = pack(header, b"JPEG")
    length = int.from_bytes(data[:4], "big")
    said = json.loads(data[4 : 4 + length])
    assert data[4 + length :] == b"JPEG"
    assert said["picture"]["frame"] == said["line"]["frame"] == view.reading.frame
    assert said["age_limit_ms"] == 500
    assert said["captured_ms"] == 1000
    assert said["face"]["state"] == "READY"


def test_a_header_made_past_the_age_limit_speaks_no_label() -> None:
    said = json.loads(header_of(a_view(), None, 1, 1_501 * MS, datetime.now(UTC)))
    assert said["face"]["state"] == "NO SIGNAL"
    assert said["line"]["label"] is None


def test_a_picture_is_encoded_once_and_a_large_one_shrunk() -> None:
    maker = JpegMaker()
    pixels = a_picture()
    first = maker.encode(pixels)
    assert maker.encode(pixels) is first
    assert maker.encode(pixels.copy()).key == first.key + 1
    assert first.jpeg.startswith(b"\xff\xd8")


def test_the_page_reads_the_same_table_of_looks() -> None:
    table = json.loads(theme_json(()))
    assert set(table["looks"]) == {state.value for state in State}
    assert table["looks"]["READY"]["colour"] == LOOKS[State.READY].colour
