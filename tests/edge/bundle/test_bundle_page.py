"""docs/bundle.md is enough to write a second reader from: the reader on that page is run, and the page names every field."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature

from edge.bundle.manifest import Manifest
from edge.bundle.open import open_bundle
from edge.errors import BundleRefused
from tests.builders import BuiltBundle, a_bundle, a_key

Reader = Callable[[bytes, Any], dict[str, bytes]]


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "bundle.md").read_text()


@pytest.fixture(scope="module")
def read_bundle(page: str) -> Reader:
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "docs/bundle.md", "exec"), names)
    reader: Reader = names["read_bundle"]
    return reader


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuiltBundle:
    return a_bundle(tmp_path_factory.mktemp("b"), version="1.20.300")


def test_the_second_reader_sees_the_same_members(read_bundle: Reader, built: BuiltBundle) -> None:
    members = read_bundle(built.data, built.key.public_key())
    bundle = open_bundle(built.path, built.trust)
    assert list(members) == ["manifest.json", *(member.name for member in bundle.manifest.members)]
    assert all(members[member.name] == bundle.member(member.name) for member in bundle.manifest.members)


def test_the_second_reader_refuses_what_the_first_refuses(read_bundle: Reader, built: BuiltBundle, tmp_path: Path) -> None:
    data = built.data
    positions = [*range(32), *range(32, len(data), 997), *range(len(data) - 156, len(data))]
    damaged = [data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in positions]
    damaged += [data[:n] for n in range(0, len(data), 501)] + [data + b"\0", data + data]
    path = tmp_path / "x.bundle"
    for changed in damaged:
        path.write_bytes(changed)
        with pytest.raises(BundleRefused):
            open_bundle(path, built.trust)
        with pytest.raises((ValueError, InvalidSignature)):
            read_bundle(changed, built.key.public_key())
    with pytest.raises(ValueError, match="another key"):
        read_bundle(data, a_key().public_key())


def fields_of(kind: type[msgspec.Struct]) -> set[str]:
    """Names of the fields of a struct and of the structs within it."""
    found: set[str] = set()
    waiting: list[Any] = [msgspec.inspect.type_info(kind)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, msgspec.inspect.StructType):
            found |= {field.encode_name for field in node.fields}
            waiting += [field.type for field in node.fields]
        else:
            waiting += [*getattr(node, "types", ()), *getattr(node, "item_types", ())]
            waiting += [node.item_type] if hasattr(node, "item_type") else []
    return found


def test_the_page_names_every_field_of_the_manifest(page: str) -> None:
    named = set(re.findall(r"`([a-z_0-9]+)`", page))
    assert fields_of(Manifest) - named == set()
