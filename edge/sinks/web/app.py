"""The web view as an ASGI application: a few files from memory, one socket, and the same judgement before each."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from edge.sinks.theme import BACKGROUND, LOOKS, RENDERED, RESEARCH
from edge.sinks.web.access import Access
from edge.sinks.web.hub import REFUSED, Hub
from edge.sinks.web.wire import parse_from_page

__all__ = ["Extra", "PageFile", "make_app", "page_file"]

TOKEN_WAIT_S = 5.0
HEADERS = (
    (
        "content-security-policy",
        "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
)


@dataclass(frozen=True, slots=True)
class PageFile:
    path: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Extra:
    """What a program may add to the page (the demo does): files, routes of its own, and the script that the page loads."""

    script: str
    files: tuple[PageFile, ...] = ()
    routes: tuple[BaseRoute, ...] = ()


_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def page_file(package: str, folder: str, name: str, path: str | None = None) -> PageFile:
    """A file of an installed package, read once."""
    data = (files(package) / folder / name).read_bytes()
    return PageFile(path or f"/{name}", _TYPES[name.rpartition(".")[2]], data)


def _page() -> list[PageFile]:
    names = ("index.html", "style.css", "app.js", "link.js", "clock.js", "screen.js", "shapes.js", "icon.svg")
    return [page_file("edge.sinks", "page", name, "/" if name == "index.html" else None) for name in names]


def theme_json(extras: Sequence[Extra]) -> bytes:
    """The table of looks as the page reads it: the shapes as SVG path data in a box of GRID units."""
    looks = {
        state.value: {
            "colour": look.colour,
            "meaning": look.meaning,
            "strokes": [{"d": "M" + "L".join(f"{x:g} {y:g}" for x, y in s.points), "filled": s.filled} for s in look.shape],
        }
        for state, look in LOOKS.items()
    }
    return msgspec.json.encode(
        {"background": BACKGROUND, "research": RESEARCH, "rendered": RENDERED, "looks": looks, "extras": [e.script for e in extras]}
    )


def make_app(hub: Hub, access: Access, extras: Sequence[Extra] = ()) -> ASGIApp:
    theme = PageFile("/theme.json", "application/json", theme_json(extras))
    served = [*_page(), theme, *(file for extra in extras for file in extra.files)]

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        beat = asyncio.create_task(hub.beat())
        yield
        beat.cancel()

    async def socket(ws: WebSocket) -> None:
        await ws.accept()
        if access.token is not None and not await _shows_token(ws, access):
            await ws.close(REFUSED, "token")
            return
        await hub.serve(ws)

    routes: list[BaseRoute] = [Route(file.path, _responder(file), methods=["GET"]) for file in served]
    routes += [route for extra in extras for route in extra.routes]
    routes.append(WebSocketRoute("/live", socket))
    return _Guard(Starlette(routes=routes, lifespan=lifespan), access)


async def _shows_token(ws: WebSocket, access: Access) -> bool:
    try:
        said = parse_from_page(await asyncio.wait_for(ws.receive_text(), TOKEN_WAIT_S))
    except (TimeoutError, WebSocketDisconnect, KeyError, RuntimeError):
        return False
    return said is not None and access.may_see(said.token)


def _responder(file: PageFile) -> Callable[[Request], Response]:
    def respond(_request: Request) -> Response:
        return Response(file.data, media_type=file.media_type)

    return respond


class _Guard:
    """Host and Origin before anything else; the same headers on everything that leaves."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host")
        if not (self._access.may_ask(host) and self._access.may_come_from(headers.get("origin"), host)):
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            else:
                await PlainTextResponse("this address does not serve that name\n", 403)(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *((n.encode(), v.encode()) for n, v in HEADERS)]
            await send(message)

        await self._app(scope, receive, send_with_headers)
