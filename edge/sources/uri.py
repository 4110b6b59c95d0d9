"""What a person types for a source, as a typed value: `camera:/dev/video2?size=1280x720&fps=30`, `file:clip.mp4`, or a bare path.

Grammar: SCHEME ":" TARGET [ "?" NAME "=" VALUE { "&" NAME "=" VALUE } ]. A target is taken as it stands ("#", "%03d", umlauts and
blanks are part of a file's name); a target that exists with its question mark is a file of that name. Option values are
percent-decoded, and reach from the first "=" on (`where=split=val`); an option may be repeated. In `url:` everything up to "#"
belongs to the address, and our options stand behind it, where no server ever sees them: `url:rtsp://host/1#transport=udp`.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from edge.errors import InputRefused, UsageError
from edge.sources.schemes import find_scheme, load_module
from edge.sources.sniff import Kind, kind_of_file

__all__ = ["SourceUri", "parse_uri"]

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):(.*)", re.DOTALL)
_NETWORK = frozenset({"http", "https", "rtsp", "rtsps"})
_SIZE = re.compile(r"(\d{2,5})x(\d{2,5})")


@dataclass(frozen=True, slots=True)
class SourceUri:
    """One source: its scheme (a name of the table), its target, and its options in the order given."""

    scheme: str
    target: str
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """As a person would type it, without any name, password or token of an address (see `exact` for the whole)."""
        return self._written(public_address(self.target) if self.scheme == "url" else self.target)

    @property
    def exact(self) -> str:
        """The same source as text, credentials included: for the capture process, never for a message."""
        return self._written(self.target)

    def scrubbed(self, text: str) -> str:
        """Foreign words about this source (a driver's last line) without what its address keeps secret."""
        for secret in _secrets(self.target) if self.scheme == "url" else ():
            text = text.replace(secret, "…")
        return text

    def _written(self, target: str) -> str:
        options = "&".join(f"{name}={_quote(value)}" for name, value in self.options)
        mark = "#" if self.scheme == "url" else "?"
        return f"{self.scheme}:{target}{mark + options if options else ''}"

    def get(self, name: str) -> str | None:
        """The value of an option; the last one where it was repeated; None where it was not given."""
        return next((value for key, value in reversed(self.options) if key == name), None)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of an option that may be repeated."""
        return tuple(value for key, value in self.options if key == name)

    def number(self, name: str, *, low: float, high: float) -> float | None:
        """An option that is a number within [low, high]. Raises UsageError."""
        text = self.get(name)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise UsageError(f"{name}={text!r} is no number from {low:g} to {high:g}", do=f"{self.scheme}:…?{name}={low:g}")
        return value

    def integer(self, name: str, *, low: int, high: int) -> int | None:
        """An option that is a whole number within [low, high]. Raises UsageError."""
        text = self.get(name)
        if text is None:
            return None
        value = self.number(name, low=low, high=high)
        if value is None or value != int(value):
            raise UsageError(f"{name}={text!r} is no whole number", do=f"{self.scheme}:…?{name}={low}")
        return int(value)

    def choice(self, name: str, valid: tuple[str, ...]) -> str | None:
        """An option with a few valid words. Raises UsageError that names them."""
        text = self.get(name)
        if text is not None and text not in valid:
            raise UsageError(f"{name}={text!r} is unknown", do=f"use one of {', '.join(valid)}")
        return text

    def size_px(self, name: str) -> tuple[int, int] | None:
        """An option WIDTHxHEIGHT in pixels -> (width, height). Raises UsageError."""
        text = self.get(name)
        if text is None:
            return None
        found = _SIZE.fullmatch(text)
        if found is None:
            raise UsageError(f"{name}={text!r} is no picture size", do=f"write it as {name}=1280x720")
        return int(found[1]), int(found[2])


def parse_uri(text: str) -> SourceUri:
    """What was typed -> SourceUri, its options checked against the module of its scheme.

    Raises UsageError (unknown scheme or option), InputRefused (a bare path that is not there), MachineLacks (module does not load).
    """
    uri = _split(text)
    module = load_module(find_scheme(uri.scheme))
    valid: frozenset[str] = module.OPTIONS
    for name, _ in uri.options:
        if name not in valid:
            words = ", ".join(sorted(valid)) or "none at all"
            raise UsageError(f"{uri.scheme}: has no option {name!r}", do=f"valid options: {words}")
    return uri


def public_address(address: str) -> str:
    """An address without user, password, query and fragment: any of them may hold a secret."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return address.split(":", 1)[0] + "://…"
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{port}{parts.path}{'?…' if parts.query else ''}"


def _secrets(address: str) -> tuple[str, ...]:
    """User, password and query values of an address, as they stand and as they are sent, longest first."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return (address,)
    values = [pair.partition("=")[2] for pair in parts.query.split("&")]
    written = [part for part in (parts.username, parts.password, parts.query, *values) if part]
    return tuple(sorted({form for part in written for form in (part, unquote(part)) if len(form) > 2}, key=len, reverse=True))


def _split(text: str) -> SourceUri:
    if not text or "\0" in text:
        raise UsageError("an empty source", do="name one, e.g. camera:0, file:clip.mp4 or phantom:derm")
    found = _SCHEME.fullmatch(text)
    if found is None:
        return _bare(text)
    scheme, rest = found[1], found[2]
    if scheme in _NETWORK and rest.startswith("//"):
        return _network(text)
    if _exists(text):  # a file that is really called "a:b.mp4"
        return _bare(text)
    find_scheme(scheme)
    if scheme == "url":
        return _network(rest)
    if rest and scheme in {"file", "dir", "dicom"} and _exists(rest):
        return SourceUri(scheme, rest)
    target, mark, options = rest.partition("?")
    if not target:
        raise UsageError(f"{scheme}: says no target", do=f"for example {find_scheme(scheme).example}")
    return SourceUri(scheme, target, _options(options, scheme) if mark else ())


def _network(address: str) -> SourceUri:
    target, mark, options = address.partition("#")
    scheme, separator, rest = target.partition("://")
    if scheme not in _NETWORK or not separator or not rest:
        raise UsageError(f"url: takes {', '.join(sorted(_NETWORK))} addresses", do="for example url:http://camera.local/stream.mjpg")
    try:
        parts = urlsplit(target)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or any(character <= " " for character in target):
        raise UsageError(f"url: is no address: {public_address(target)}", do="for example url:rtsp://192.168.0.20:554/live")
    return SourceUri("url", target, _options(options, "url") if mark else ())


def _bare(text: str) -> SourceUri:
    options: tuple[tuple[str, str], ...] = ()
    target = text
    if not _exists(text) and "?" in text:
        target, _, rest = text.partition("?")
        options = _options(rest, target)
    if target.startswith("/dev/"):
        return SourceUri("camera", target, options)
    if not _exists(target):
        say = f"for a camera write camera:{target}" if target.isdigit() else "check the path; a source is a path or SCHEME:TARGET"
        raise InputRefused(f"{target}: no such file or folder", do=say)
    kind = kind_of_file(Path(target))
    scheme = {Kind.FOLDER: "dir", Kind.TABLE: "dir", Kind.PICTURE: "dir", Kind.DICOM: "dicom", Kind.OTHER: "file"}[kind]
    return SourceUri(scheme, target, options)


def _options(text: str, scheme: str) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for part in text.split("&"):
        name, mark, value = part.partition("=")
        if not mark or not name:
            raise UsageError(f"{scheme}: cannot read the option {part!r}", do="options are NAME=VALUE, joined by &")
        pairs.append((name, unquote(value)))
    return tuple(pairs)


def _quote(value: str) -> str:
    return value.replace("%", "%25").replace("&", "%26").replace("#", "%23")


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False
