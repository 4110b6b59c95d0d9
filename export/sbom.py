"""CycloneDX 1.6 bill of materials of the tools that made a bundle, as JSON bytes. The same installation gives the same bytes."""

import json
import re
from collections.abc import Iterable
from importlib import metadata
from typing import Final

__all__ = ["sbom"]

SPEC: Final = "1.6"


def sbom(roots: Iterable[str]) -> bytes:
    """roots: distributions that did the work; what they need follows them. One that is not installed is left out."""
    found = {_canonical(dist.name): dist for dist in metadata.distributions()}
    edges: dict[str, list[str]] = {}
    todo = [name for name in map(_canonical, roots) if name in found]
    while todo:
        name = todo.pop()
        if name in edges:
            continue
        edges[name] = sorted({need for need in map(_needed, found[name].requires or ()) if need and need in found and need != name})
        todo += edges[name]
    names = sorted(edges)
    purl = {name: f"pkg:pypi/{name}@{found[name].version.replace('+', '%2B')}" for name in names}
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "version": 1,
        "components": [
            {"type": "library", "bom-ref": purl[n], "name": found[n].name, "version": found[n].version, "purl": purl[n]} for n in names
        ],
        "dependencies": [{"ref": purl[n], "dependsOn": [purl[need] for need in edges[n]]} for n in names],
    }
    return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _needed(requirement: str) -> str | None:
    """Name of a requirement that is no extra."""
    if "extra ==" in requirement.replace("extra==", "extra =="):
        return None
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    return _canonical(match[0]) if match else None
