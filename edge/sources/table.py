"""The door to every source: `open_source("file:clip.mp4")`, in the calling process (lockstep). `isolate` and `live` are the live doors."""

from edge.frame import Source
from edge.sources.schemes import SCHEMES, Scheme, find_scheme, known_schemes, load_module
from edge.sources.uri import SourceUri, parse_uri

__all__ = ["SCHEMES", "Scheme", "known_schemes", "open_parsed", "open_source"]


def open_source(uri: str) -> Source:
    """Open what a person typed; a bare path is understood.

    Raises UsageError (unknown scheme, option or value), InputRefused (no such file, not readable as what it is),
    SourceUnreachable (camera or stream not there), MachineLacks (library or permission missing).
    """
    return open_parsed(parse_uri(uri))


def open_parsed(uri: SourceUri) -> Source:
    """Open a source that was parsed already. Raises as `open_source`."""
    source: Source = load_module(find_scheme(uri.scheme)).open_source(uri)
    return source
