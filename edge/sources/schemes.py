"""Which kinds of source there are: a table one can read aloud; entry points (`sonoderm.sources`) add to it.

A scheme names a module with two things in it: `open_source(uri: SourceUri) -> Source` and `OPTIONS: frozenset[str]`,
the options it understands. A third party's package adds a scheme with a line in its own pyproject:

    [project.entry-points."sonoderm.sources"]
    scanner = "their_package.scanner"

The module is imported when its scheme is used, never before.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from edge.errors import MachineLacks, UsageError

__all__ = ["GROUP", "SCHEMES", "Scheme", "find_scheme", "known_schemes", "load_module"]

GROUP = "sonoderm.sources"


@dataclass(frozen=True, slots=True)
class Scheme:
    """One kind of source. example: what a person would type."""

    name: str
    module: str
    says: str
    example: str


SCHEMES: tuple[Scheme, ...] = (
    Scheme("camera", "edge.sources.camera", "a camera or frame grabber of this machine", "camera:0?size=1280x720&fps=30"),
    Scheme("file", "edge.sources.clip", "a video clip", "file:clip.mp4"),
    Scheme("dir", "edge.sources.folder", "pictures of a folder or a label table", "dir:pictures?motion=tremor&seed=1"),
    Scheme("dicom", "edge.sources.dicom", "a DICOM image or cine", "dicom:cine.dcm"),
    Scheme("url", "edge.sources.stream", "a stream or clip over the network", "url:http://camera.local/stream.mjpg"),
    Scheme("phantom", "edge.sources.phantom", "a rendered test picture in motion", "phantom:derm?seed=1"),
    Scheme("demo", "edge.demo.source", "any of these, with faults on order", "demo:SWITCH?of=phantom:derm"),
)


def known_schemes() -> Iterator[Scheme]:
    """Our own schemes in the order of the table, then those that installed packages add. Ours win over a namesake."""
    yield from SCHEMES
    from importlib.metadata import entry_points  # a tenth of the capture process's start, for a name that is seldom needed

    ours = {scheme.name for scheme in SCHEMES}
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        if point.name not in ours:
            yield Scheme(point.name, point.value, "added by an installed package", f"{point.name}:…")


def find_scheme(name: str) -> Scheme:
    """The scheme of that name. Raises UsageError that lists the valid ones."""
    for scheme in SCHEMES:
        if scheme.name == name:
            return scheme
    others = {scheme.name: scheme for scheme in known_schemes()}
    if name in others:
        return others[name]
    valid = ", ".join(f"{name}:" for name in others)
    raise UsageError(f"no source of the kind {name!r}", do=f"use one of {valid} or a plain path (./{name}:… if that is a file's name)")


def load_module(scheme: Scheme) -> ModuleType:
    """The module behind a scheme, imported now. Raises MachineLacks when it cannot be imported."""
    try:
        return import_module(scheme.module)
    except ImportError as error:
        raise MachineLacks(
            f"{scheme.name}: cannot be used, {scheme.module} does not load ({error})",
            do="sonoderm doctor says what is missing",
        ) from error
