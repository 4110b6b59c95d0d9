"""`sonoderm export bundle`: the words of the command line -> one signed file, written whole or not at all."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from calibration.profile.signing import read_signing_key
from edge.bundle.durable import replace_durably, require_folder
from edge.bundle.manifest import Name, Version
from edge.errors import UsageError
from export.bundle.sign import sign
from export.own.bundle import About, own_payload, payload_of, read_labels
from export.own.graph import Asked, make_graph
from export.own.proven import proven_parts
from export.own.shown import read_shown

__all__ = ["Made", "Words", "make_bundle"]

CHOICES = {
    "--fit": ("crop", "letterbox", "squash"),
    "--field": ("dermatoscope", "ultrasound", "none"),
    "--modality": ("dermoscopy", "ultrasound", "other"),
    "--output-is": ("auto", "logits", "probabilities"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """The options as a person wrote them."""

    onnx: Path
    labels: str
    name: str | None = None
    version: str = "0.1.0"
    size: str | None = None
    mean: str | None = None
    std: str | None = None
    fit: str = "crop"
    field: str = "none"
    modality: str = "other"
    output: str | None = None
    output_is: str = "auto"
    licence: str = "LicenseRef-not-stated"
    intended_use: str = "Research only. Not a medical device."
    pictures: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """image: the bytes written. digest: of the payload."""

    image: bytes
    name: str
    digest: str


def make_bundle(words: Words, key: Path, out: Path, security_counter: int, say: Callable[[str], None]) -> Made:
    """Raises UsageError, InputRefused, CheckFailed and OSError; nothing is written then."""
    labels = read_labels(words.labels)
    asked = Asked(
        file=words.onnx,
        codes=tuple(label.code for label in labels),
        size=_size(words.size),
        mean=_numbers("--mean", words.mean),
        std=_numbers("--std", words.std),
        fit=_choice("--fit", words.fit),
        field=_choice("--field", words.field),
        output=words.output,
        output_is=_choice("--output-is", words.output_is),
    )
    name = words.name or re.sub(r"[^a-z0-9]+", "-", words.onnx.stem.lower()).strip("-")[:40].strip("-") or "model"
    _fits(Name, "--name", name, "small letters, digits and dashes, 40 at most")
    _fits(Version, "--version", words.version, "MAJOR.MINOR.REVISION, such as 1.0.0")
    modality = _choice("--modality", words.modality)
    read_signing_key(key)  # what cannot be signed or written is said before the work, not after it
    require_folder(out)
    own = make_graph(asked)
    for note in own.notes:
        say(note)
    source = sha256(words.onnx.read_bytes()).hexdigest()
    about = About(name, words.version, modality, labels, words.licence, words.intended_use, source)
    if words.pictures is None:
        payload = own_payload(about, own)
        say("no scope check: this model answers whatever it is shown")
    else:
        shown = read_shown(words.pictures, asked.codes, own.spec)
        payload = payload_of(about, own, proven_parts(about, own, shown, say))
    image = sign(payload, key, version=words.version, security_counter=security_counter)
    replace_durably(out, image)
    return Made(image, name, sha256(payload).hexdigest())


def _fits(kind: Any, option: str, text: str, rule: str) -> None:
    try:
        msgspec.convert(text, kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"{option} {text} does not fit a bundle", do=f"write it as {rule}") from error


def _choice(option: str, text: str) -> Any:
    if text not in CHOICES[option]:
        raise UsageError(f"{option} {text} is none of {', '.join(CHOICES[option])}", do="choose one of these")
    return text


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if match is None:
        raise UsageError(f"--size {text} is no size", do="write it as --size 224x224 (width x height)")
    return int(match[1]), int(match[2])


def _numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError as error:
        raise UsageError(f"{option} {text} is no list of numbers", do=f"write it as {option} 0.5 or {option} 0.5,0.5,0.5") from error
