"""The manifest is parsed once and strictly: what one reader could understand otherwise than another is refused."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bundle.manifest import Outputs, Scope, parse
from tests.builders import a_decision, a_manifest

Tree = dict[str, Any]


def a_tree() -> Tree:
    tree: Tree = json.loads(msgspec.json.encode(a_manifest()))
    return tree


def refusal(tree: Tree | bytes) -> str:
    with pytest.raises(ValueError, match=r".+") as refused:
        parse(tree if isinstance(tree, bytes) else json.dumps(tree).encode())
    return str(refused.value)


def test_encode_then_parse_is_identity() -> None:
    manifest = a_manifest(outputs=Outputs(embedding="embedding", gate="gate"), scope=Scope(n=10, dim=3, k=5), bank=bytes(30))
    assert parse(msgspec.json.encode(manifest)) == manifest


def test_every_field_is_needed_or_has_a_default_and_none_is_unknown() -> None:
    needed = {
        "name",
        "version",
        "modality",
        "labels",
        "input",
        "outputs",
        "forms",
        "pairs",
        "licence",
        "intended_use",
        "provenance",
        "members",
    }
    for field in a_tree():
        tree = a_tree()
        del tree[field]
        if field in needed:
            assert field in refusal(tree)
    for path in ((), ("input",), ("outputs",), ("labels", 0), ("pairs", 0, "decision"), ("provenance",), ("aggregation",), ("members", 0)):
        tree = a_tree()
        at: Any = tree
        for step in path:
            at = at[step]
        at["surprise"] = 1
        assert "surprise" in refusal(tree)


CHANGES: dict[str, tuple[Callable[[Tree], object], str]] = {
    "name with a line end": (lambda t: t.update(name="p-colour\n"), "name"),
    "name with a slash": (lambda t: t.update(name="../x"), "name"),
    "digest with a line end": (lambda t: t["members"][0].update(sha256="0" * 64 + "\n"), "sha256"),
    "version of two parts": (lambda t: t.update(version="1.0"), "version"),
    "version with a leading zero": (lambda t: t.update(version="1.00.0"), "version"),
    "version in other digits": (lambda t: t.update(version="١.0.0"), "version"),
    "version too large for the header": (lambda t: t.update(version="1.0.65536"), "header"),
    "one label": (lambda t: t.update(labels=t["labels"][:1]), "labels"),
    "label twice": (lambda t: t.update(labels=[t["labels"][0]] * 3), "twice"),
    "label that steers a terminal": (lambda t: t["labels"][0].update(name="\x1b[2J"), "screen"),
    "label with a space at its end": (lambda t: t["labels"][0].update(code="red "), "spaces"),
    "label turned around": (lambda t: t["labels"][0].update(name="benign\u202emalignant"), "screen"),
    "temperature of zero": (lambda t: t["pairs"][0]["decision"].update(temperature=0), "temperature"),
    "bias of another length": (lambda t: t["pairs"][0]["decision"].update(bias=[0.0]), "bias"),
    "threshold above one": (lambda t: t["pairs"][0]["decision"].update(set_at=[2.0, 0.1, 0.1]), "set_at"),
    "pair of no form": (lambda t: t["pairs"][0].update(form="int8"), "no form"),
    "pair twice": (lambda t: t["pairs"].append(t["pairs"][0]), "twice"),
    "unknown engine": (lambda t: t["pairs"][0].update(engine="magic"), "engine"),
    "form twice": (lambda t: t["forms"].append(t["forms"][0]), "twice"),
    "form whose member is not listed": (lambda t: t["forms"][0].update(member="forms/other.onnx"), "not listed"),
    "golden frame that is not listed": (lambda t: t["golden"][0].update(frame="golden/9.png"), "not listed"),
    "card that is not listed": (lambda t: t.update(card="other.md"), "not listed"),
    "golden outputs for fewer frames": (lambda t: t["pairs"][0].update(golden_outputs=t["pairs"][0]["golden_outputs"][:1]), "golden"),
    "golden outputs of another length": (lambda t: t["pairs"][0].update(golden_outputs=[[0.0], [0.0]]), "length"),
    "passed without golden frames": (lambda t: (t.update(golden=[]), t["pairs"][0].update(golden_outputs=[])), "no golden frame"),
    "scope threshold without scope": (lambda t: t["pairs"][0]["decision"].update(out_of_scope_above=1.0), "scope"),
    "prevalence of another length": (lambda t: t.update(calibration_prevalence=[0.5]), "calibration_prevalence"),
    "operating point of no label": (
        lambda t: t.update(operating_points=[{"name": "s", "label": "x", "at_least": 0.5, "measured_on": "dev"}]),
        "no label",
    ),
    "member twice": (lambda t: t["members"].append(t["members"][0]), "twice"),
    "member outside": (lambda t: t["members"][0].update(name="../x"), "name"),
    "vendor without class": (lambda t: t.update(vendor_id="00000000-0000-0000-0000-00000000000b"), "together"),
    "vendor that is no UUID": (lambda t: t.update(vendor_id="acme", class_id="acme"), "vendor_id"),
    "newer schema": (lambda t: t.update(schema=2, surprise=1), "newer sonoderm"),
    "older schema": (lambda t: t.update(schema=0), "schema"),
    "text for a number": (lambda t: t["input"].update(width_px="64"), "width_px"),
    "picture too large": (lambda t: t["input"].update(width_px=4096), "width_px"),
    "standard deviation of zero": (lambda t: t["input"].update(std=[1.0, 0.0, 1.0]), "std"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_manifest_that_leaves_a_question_is_refused(change: str) -> None:
    tree = a_tree()
    make, word = CHANGES[change]
    make(tree)
    assert word in refusal(tree)


@pytest.mark.parametrize(
    ("scope", "bank", "outputs", "word"),
    [
        (Scope(n=10, dim=3, k=5), bytes(29), Outputs(embedding="embedding"), "29"),
        (Scope(n=10, dim=3, k=11), bytes(30), Outputs(embedding="embedding"), "11 neighbours"),
        (Scope(n=10, dim=3, k=5), bytes(30), Outputs(gate="gate"), "no embedding"),
    ],
)
def test_a_bank_that_does_not_fit_its_words_is_refused(scope: Scope, bank: bytes, outputs: Outputs, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        a_manifest(scope=scope, bank=bank, outputs=outputs, decision=a_decision(out_of_scope_above=2.0))


def test_a_field_that_stands_twice_is_refused_at_any_depth() -> None:
    text = msgspec.json.encode(a_manifest())
    assert "twice" in refusal(text.replace(b'"licence":', b'"licence":"MIT","licence":'))
    assert "twice" in refusal(text.replace(b'"bias":', b'"bias":[9,9,9],"bias":'))


@pytest.mark.parametrize(
    "text", [b"", b"null", b"[]", b"{}", b"{", b'{"schema":1e999}', b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"[" * 100_000, b"{}" * 2]
)
def test_what_is_no_manifest_is_refused(text: bytes) -> None:
    refusal(text)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_unnamed(data: bytes) -> None:
    refusal(data)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_no_damage_raises_anything_unnamed(at: int, new: bytes) -> None:
    text = bytearray(msgspec.json.encode(a_manifest()))
    text[at % len(text) : at % len(text) + len(new)] = new
    try:
        parse(bytes(text))
    except ValueError:
        return
