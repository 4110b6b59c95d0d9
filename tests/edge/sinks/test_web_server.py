"""The web view over a real socket: who is let in, what a viewer is told, how many there may be."""

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from edge.reading import Command, State
from edge.sinks.web.access import Access
from edge.sinks.web.hub import FULL, NONSENSE, REFUSED, VIEWERS_MAX
from edge.sinks.web.sink import WebSink, bind
from tests.edge.sinks.around import Around
from tests.edge.sinks.views import a_view


class Told:
    """A command port that remembers."""

    def __init__(self) -> None:
        self.commands: list[Command] = []

    def __call__(self, command: Command) -> None:
        self.commands.append(command)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def web(around: Around, told: Told) -> Iterator[WebSink]:
    sink = WebSink(bind("127.0.0.1", 0), around.world)
    sink.open(told)
    yield sink
    sink.close()


def watch(web: WebSink, **how: Any) -> ClientConnection:
    return connect(web.url.replace("http", "ws", 1) + "live", max_size=None, open_timeout=10, **how).__enter__()


def hear(viewer: ClientConnection) -> tuple[dict[str, Any], bytes]:
    data = viewer.recv(timeout=10)
    assert isinstance(data, bytes)
    length = int.from_bytes(data[:4], "big")
    return json.loads(data[4 : 4 + length]), data[4 + length :]


def hear_until(viewer: ClientConnection, state: State) -> tuple[dict[str, Any], bytes]:
    while True:
        header, jpeg = hear(viewer)
        viewer.send(json.dumps({"ack": header["n"]}))
        if header["face"]["state"] == state.value:
            return header, jpeg


def hear_to_the_end(viewer: ClientConnection) -> None:
    while True:
        viewer.recv(timeout=10)


def get(web: WebSink, path: str, **headers: str) -> http.client.HTTPResponse:
    port = int(web.url.rstrip("/").rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def test_a_viewer_gets_the_picture_with_its_reading_also_when_it_comes_later(web: WebSink) -> None:
    web.show(a_view(State.FROZEN))  # before anyone looks: nothing is encoded, and nothing is lost
    viewer = watch(web)
    header, jpeg = hear(viewer)
    assert header["face"]["state"] == "FROZEN"
    assert header["picture"]["frame"] == header["line"]["frame"] == 1840
    assert jpeg.startswith(b"\xff\xd8")
    viewer.close()


def test_a_silent_loop_is_heard_as_no_signal_by_the_servers_own_clock(web: WebSink, around: Around) -> None:
    viewer = watch(web)
    web.show(a_view(State.READY))
    assert hear_until(viewer, State.READY)[0]["line"]["label"] == "bkl"
    around.now_ns += 600_000_000
    header, jpeg = hear_until(viewer, State.NO_SIGNAL)
    assert (header["line"]["label"], header["picture"], jpeg) == (None, None, b"")
    viewer.close()


def test_a_viewer_that_draws_nothing_gets_two_messages_and_then_only_the_newest(web: WebSink) -> None:
    viewer = watch(web)
    web.show(a_view(State.READY, seq=1))
    first, second = hear(viewer)[0], hear(viewer)[0]
    for seq in range(2, 60):
        web.show(a_view(State.READY if seq % 2 else State.UNSURE, seq=seq))
    with pytest.raises(TimeoutError):
        viewer.recv(timeout=0.4)
    viewer.send(json.dumps({"ack": second["n"]}))
    assert hear(viewer)[0]["seq"] == 59
    assert first["n"] < second["n"]
    viewer.close()


def test_words_of_a_page_reach_the_command_port_and_nonsense_ends_it(web: WebSink, told: Told) -> None:
    viewer = watch(web)
    viewer.send('{"cmd":"toggle"}')
    viewer.send('{"ping":12.5}')
    while isinstance(answer := viewer.recv(timeout=10), bytes):
        pass
    assert json.loads(answer)["pong"] == 12.5
    assert told.commands == [Command.TOGGLE]
    viewer.send("{nonsense")
    with pytest.raises(ConnectionClosed) as closed:
        hear_to_the_end(viewer)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == NONSENSE


def test_more_viewers_than_the_limit_are_told_so_and_a_free_place_is_taken_again(web: WebSink) -> None:
    viewers = [watch(web) for _ in range(VIEWERS_MAX)]
    for viewer in viewers:
        viewer.send('{"ping":1}')
        viewer.recv(timeout=10)
    extra = watch(web)
    with pytest.raises(ConnectionClosed) as closed:
        extra.recv(timeout=10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == FULL
    for viewer in viewers:
        viewer.close()


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_a_foreign_name_or_page_gets_nothing(web: WebSink, headers: dict[str, str]) -> None:
    assert get(web, "/", **headers).status == 403
    assert get(web, "/").status == 200


def test_a_socket_from_a_foreign_page_is_refused(web: WebSink) -> None:
    with pytest.raises(InvalidStatus):
        watch(web, origin="http://evil.example")


def test_every_answer_forbids_other_hosts_and_is_never_kept(web: WebSink) -> None:
    for path in ("/", "/app.js", "/theme.json", "/style.css"):
        answer = get(web, path)
        assert answer.status == 200
        assert "default-src 'self'" in (answer.headers["content-security-policy"] or "")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
    for path in ("/../pyproject.toml", "/page/", "/sink.py", "/live", "/docs"):
        assert get(web, path).status in (403, 404, 405)


def test_off_loopback_the_socket_stays_shut_without_the_token(around: Around, told: Told) -> None:
    sink = WebSink(bind("0.0.0.0", 0), around.world)
    assert sink._access.token is not None
    sink.open(told)
    try:
        port = sink._access.port
        assert any("open to this network" in line for line in around.said)
        assert f"#t={sink._access.token}" in around.said[-1]
        sink.show(a_view(State.FROZEN))
        with connect(f"ws://127.0.0.1:{port}/live", open_timeout=10) as stranger:
            stranger.send('{"token":"wrong"}')
            with pytest.raises(ConnectionClosed) as closed:
                stranger.recv(timeout=10)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == REFUSED
        with connect(f"ws://127.0.0.1:{port}/live", open_timeout=10, max_size=None) as friend:
            friend.send(json.dumps({"token": sink._access.token}))
            assert hear(friend)[0]["face"]["state"] == "FROZEN"
    finally:
        sink.close()


def test_the_port_is_free_again_after_the_end(around: Around, told: Told) -> None:
    sink = WebSink(bind("127.0.0.1", 0), around.world)
    access: Access = sink._access
    sink.open(told)
    viewer = watch(sink)
    sink.close()
    with pytest.raises(ConnectionClosed):
        hear_to_the_end(viewer)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", access.port))
    sink.show(a_view())  # a late view finds nobody, and that is no error
