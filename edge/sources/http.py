"""Opening an http(s) address: one request, our time-outs, and errors in words that hold no secret."""

import http.client
import ssl
import urllib.error
import urllib.request
from http.client import HTTPResponse
from urllib.parse import unquote, urlsplit, urlunsplit

from edge.errors import SourceUnreachable
from edge.reading import Reason
from edge.sources.lost import SourceLost
from edge.sources.uri import public_address

__all__ = ["open_http"]


def open_http(address: str, timeout_s: float) -> HTTPResponse:
    """GET it; the answer's body is unread. timeout_s holds for each step: connecting, each read.

    User and password of the address are sent to its own host alone, when it asks (Basic or Digest). Proxies are not used: a camera is
    a neighbour. Raises SourceLost, SourceUnreachable.
    """
    shown = public_address(address)
    bare, user, password = _without_credentials(address)
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if user is not None:
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, bare, user, password or "")
        handlers += [urllib.request.HTTPBasicAuthHandler(passwords), urllib.request.HTTPDigestAuthHandler(passwords)]
    try:
        answer: HTTPResponse = urllib.request.build_opener(*handlers).open(bare, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in {401, 403}:
            raise SourceUnreachable(
                f"{shown}: refuses this user and password ({error.code})", do="url:http://USER:PASSWORD@HOST/…"
            ) from None
        raise SourceUnreachable(f"{shown}: the server answers {error.code}", do="check the path of the address") from None
    except urllib.error.URLError as error:
        raise _unreachable(shown, error.reason, timeout_s) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unreachable(shown, error, timeout_s) from None
    return answer


def _without_credentials(address: str) -> tuple[str, str | None, str | None]:
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    user = unquote(parts.username) if parts.username is not None else None
    password = unquote(parts.password) if parts.password is not None else None
    return urlunsplit((parts.scheme, host, parts.path or "/", parts.query, "")), user, password


def _unreachable(shown: str, cause: object, timeout_s: float) -> SourceLost:
    """A failure to connect, in words; `cause` is looked at, never quoted: it may hold the address."""
    if isinstance(cause, TimeoutError):
        return SourceLost(f"{shown}: no answer within {timeout_s:g} s", reason=Reason.STALLED, do="is the camera on, and on this network?")
    if isinstance(cause, ConnectionRefusedError):
        return SourceLost(f"{shown}: nothing listens there", reason=Reason.UNPLUGGED, do="check host and port")
    if isinstance(cause, ssl.SSLError):
        return SourceLost(f"{shown}: its certificate is not accepted", reason=Reason.UNPLUGGED, do="install its authority, or use http:")
    if isinstance(cause, OSError):
        words = cause.strerror or type(cause).__name__
        return SourceLost(f"{shown}: not reachable ({words})", reason=Reason.UNPLUGGED, do="check host, port and network")
    return SourceLost(f"{shown}: does not speak HTTP ({type(cause).__name__})", reason=Reason.UNPLUGGED, do="is it rtsp:// perhaps?")
