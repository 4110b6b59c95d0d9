"""A profile in words: what is applied, until when, and what is not applied and why. The same lines for `doctor` and `profile show`."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from edge.profile.read import LoadedProfile
from edge.profile.record import Correction, OverlayEntry

__all__ = ["Part", "Standing", "describe"]


class Standing(StrEnum):
    """applied: today, where its setting is met. limited: unsigned, so that only more caution is taken over. The others: not at all."""

    APPLIED = "applied"
    LIMITED = "applied where more cautious"
    UNSIGNED = "ignored: unsigned"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Part:
    """One entry of a profile. of: what it was measured for. holds: what it would change. expires_on: the last day (UTC)."""

    of: str
    holds: tuple[str, ...]
    expires_on: datetime.date
    standing: Standing


def describe(loaded: LoadedProfile, today: datetime.date) -> tuple[Part, ...]:
    """Every entry of the profile as it stands on `today` (UTC)."""
    return tuple(_parts(loaded, today))


def _parts(loaded: LoadedProfile, today: datetime.date) -> Iterator[Part]:
    is_signed = loaded.signer is not None
    for correction in loaded.profile.corrections:
        standing = Standing.APPLIED if is_signed else Standing.UNSIGNED
        if today > correction.expires_on:
            standing = Standing.EXPIRED
        yield Part(_place(correction), tuple(_corrects(correction)), correction.expires_on, standing)
    for entry in loaded.profile.overlay:
        standing = Standing.APPLIED if is_signed else Standing.LIMITED
        if today > entry.expires_on:
            standing = Standing.EXPIRED
        of = f"bundle {entry.digest[:12]}, {entry.form} on {entry.engine}"
        yield Part(of, tuple(_decides(entry)), entry.expires_on, standing)


def _place(correction: Correction) -> str:
    setting = correction.setting
    optic = f" with {setting.optic}" if setting.optic else ""
    return f"{setting.camera}{optic} at {setting.width_px}x{setting.height_px}"


def _corrects(correction: Correction) -> Iterator[str]:
    if correction.scan_region is not None:
        yield f"scan region of {len(correction.scan_region)} corners"
    if correction.text_masks:
        yield f"{len(correction.text_masks)} text masks"
    if correction.color is not None:
        evidence = correction.color_evidence
        if evidence is None:
            yield "color (no record of its measurement)"
        elif evidence.median_de00 is None:
            yield f"color by {evidence.method}, measured {evidence.measured_at}"
        else:
            yield f"color by {evidence.method}, median ΔE00 {evidence.median_de00:.1f}, measured {evidence.measured_at}"


def _decides(entry: OverlayEntry) -> Iterator[str]:
    if entry.temperature is not None:
        yield f"temperature {entry.temperature:g}"
    if entry.bias:
        yield f"bias of {len(entry.bias)} classes"
    if entry.set_at:
        yield f"thresholds of {len(entry.set_at)} classes"
    if entry.out_of_scope_above is not None:
        yield f"out of scope above {entry.out_of_scope_above:g}"
    if entry.guard_at:
        yield "points of classes that must not be missed"
    if entry.settled_temperature is not None:
        yield f"settled temperature {entry.settled_temperature:g}"
    if entry.prevalence:
        yield "a prevalence of its own"
