"""Who may look: the rules of the web view, pure. Every request and every socket is judged here before it is served.

1. On loopback, a request must name this machine by a loopback name and our port (`Host`): a foreign page that resolves its
   own name to 127.0.0.1 (DNS rebinding) is refused.
2. On any other address, the picture and the commands demand a token of 128 bits. It stands in the URL's fragment, which a
   browser never sends; the page hands it over as the socket's first word. `Host` must be an address or this machine's name.
3. A browser that says where a page came from (`Origin`) must have it from us. Programs without an origin are not browsers.
"""

import hmac
import ipaddress
import secrets
import socket
from dataclasses import dataclass

__all__ = ["Access", "is_loopback", "new_token", "split_host"]

TOKEN_B = 16


def new_token() -> str:
    return secrets.token_urlsafe(TOKEN_B)


def is_loopback(host: str) -> bool:
    """True for localhost and loopback addresses; a name that is no address is not looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def split_host(value: str) -> tuple[str, int | None] | None:
    """A Host header -> (name, port or None); None where it is none."""
    if value.startswith("["):
        name, bracket, rest = value[1:].partition("]")
        if not bracket:
            return None
    else:
        name, _, rest = value.partition(":")
        rest = f":{rest}" if ":" in value else ""
    if not name or (rest and not rest.startswith(":")):
        return None
    if not rest:
        return name.lower(), None
    if not (rest[1:].isascii() and rest[1:].isdigit()) or len(rest) > 6:
        return None
    return name.lower(), int(rest[1:])


@dataclass(frozen=True, slots=True)
class Access:
    """host, port: what the socket is bound to. token: demanded where the address is not loopback."""

    host: str
    port: int
    token: str | None

    def may_ask(self, host_header: str | None) -> bool:
        """True for a request that names us as this address may be named."""
        named = split_host(host_header) if host_header else None
        if named is None or (named[1] or 80) != self.port:
            return False
        if self.token is None:
            return is_loopback(named[0])
        return named[0] in _own_names() or _is_address(named[0])

    def may_come_from(self, origin: str | None, host_header: str | None) -> bool:
        """True for a page of ours, and for a program that is no browser."""
        return origin is None or origin == f"http://{host_header}"

    def may_see(self, token: str | None) -> bool:
        """True without a demand for a token, and with the right one (compared in constant time)."""
        return self.token is None or (token is not None and hmac.compare_digest(token.encode(), self.token.encode()))

    def url(self) -> str:
        """What a person types or clicks."""
        name = self.host
        if name in ("0.0.0.0", "::"):
            name = socket.gethostname()
        shown = f"[{name}]" if ":" in name else name
        return f"http://{shown}:{self.port}/" + (f"#t={self.token}" if self.token else "")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _own_names() -> tuple[str, ...]:
    name = socket.gethostname().lower()
    return ("localhost", name, f"{name}.local")
