"""The way of one picture: prepare, assess, run, judge. The same for a camera, a clip, a folder, `check` and `bench`."""

import datetime
from dataclasses import dataclass, replace
from time import monotonic_ns
from types import TracebackType
from typing import Self

import msgspec
import numpy as np

from edge.backends.session import RawOutput, Session
from edge.bundle.manifest import Decision, Manifest, Pair
from edge.bundle.open import VerifiedBundle
from edge.classify import BLURS, Judgement, guards_of, judge, outranks_blur, read_bank, still_verdict
from edge.errors import BundleRefused, InputRefused
from edge.frame import F32, U8, Frame
from edge.model.fault import ModelFault
from edge.model.golden import OutputDrift, compare_outputs, read_golden
from edge.model.look import Look, Timings
from edge.model.prevalence import prevalence_words
from edge.preprocess.follow import FieldMemory
from edge.preprocess.prepare import Prepared, prepare
from edge.profile import Corrections, LoadedProfile, Setting, corrections_for, decision_for, entry_for
from edge.quality import assess, assess_still
from edge.reading import ModelIdentity, Reading, Reason, State

__all__ = ["Device", "Model"]

WARM_RUNS = 5  # the first runs of an engine page its weights in and plan its threads
NS_PER_S = 1e9


@dataclass(frozen=True, slots=True)
class Device:
    """What was measured on this device, and the day it is read (UTC: profiles expire). optic: lens, tube or probe in use."""

    profile: LoadedProfile | None = None
    optic: str = ""
    today: datetime.date = datetime.date.min


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What is remembered of the stream between two frames."""

    stream: tuple[str, int]
    captured_ns: int
    small: U8
    memory: FieldMemory | None


class Model:
    """An opened model. Made by `open_model`; used on one thread at a time.

    fault: why it may not speak here, or None. `look` raises it, `classify` says FAULT.
    decision: what turns outputs into labels, with this device's overlay; shipped: without it. prevalence: what its probabilities speak of,
    () where not known. bundle, session, pair: for `check` and `bench`.
    """

    def __init__(
        self, bundle: VerifiedBundle, session: Session, pair: Pair, *, device: Device = Device(), notes: tuple[str, ...] = ()
    ) -> None:
        self.bundle, self.session, self.pair = bundle, session, pair
        self.manifest = bundle.manifest
        self.codes = self.manifest.codes()
        self.fault: ModelFault | None = None
        self._device = device
        self._seen: _Seen | None = None
        self._setting: Setting | None = None
        self._corrections: Corrections | None = None
        self._correction_notes: tuple[str, ...] = ()
        self._bank = _bank(bundle)
        self.shipped = _guarded(pair.decision, self.manifest)
        self.decision, overlay_notes = self._decision()
        profile = device.profile.profile.name if device.profile else None
        notes = (*self._own_notes(), *notes, *overlay_notes)
        manifest = self.manifest
        labels = tuple((label.code, label.name) for label in manifest.labels)
        self.prevalence = self._prevalence()
        words = prevalence_words(self.codes, self.prevalence)
        who = (manifest.name, manifest.version, bundle.digest, session.engine, session.form)
        self._identity = ModelIdentity(*who, profile, notes, labels, words)

    @property
    def identity(self) -> ModelIdentity:
        """Who speaks, with what the detail line must say of it now."""
        if not self._correction_notes:
            return self._identity
        return replace(self._identity, notes=(*self._identity.notes, *self._correction_notes))

    def _decision(self) -> tuple[Decision, tuple[str, ...]]:
        """The one place where a device's overlay is applied."""
        device, pair = self._device, self.pair
        if device.profile is None:
            return self.shipped, ()
        return decision_for(device.profile, self.shipped, self.bundle.digest, pair.form, pair.engine, device.today)

    def _prevalence(self) -> tuple[float, ...]:
        """The mix of classes that the probabilities speak of, of the overlay that is applied, else of the bundle; () where not known."""
        profile, pair = self._device.profile, self.pair
        if profile is not None and self.decision != self.shipped:
            entry = entry_for(profile, self.bundle.digest, pair.form, pair.engine)
            if entry is not None and entry.prevalence:
                return entry.prevalence
        return self.manifest.calibration_prevalence

    def _own_notes(self) -> tuple[str, ...]:
        notes = []
        if self.decision.out_of_scope_above is None:
            notes.append("no scope check")
        if self.manifest.rendered_only:
            notes.append("for rendered phantoms, never for a patient")
        if self.pair.gate == "passed" and self.pair.isa and self.session.isa not in self.pair.isa:
            notes.append(f"tested on {', '.join(self.pair.isa)}, and this processor is {self.session.isa}")
        return tuple(notes)

    def warm(self) -> tuple[OutputDrift, ...]:
        """Runs the golden tensors, so that the first picture is as fast as the next, and sets `fault` where an output moved too far."""
        golden = read_golden(self.bundle)
        drifts = compare_outputs(self.session, golden, self.pair)
        spec = self.manifest.input
        tensor = golden[0].tensor if golden else np.zeros((spec.height_px, spec.width_px, 3), np.uint8)
        for _ in range(WARM_RUNS - len(drifts)):
            self.session.run(tensor)
        worst = max(drifts, key=lambda found: found.drift - found.tolerance, default=None)
        if worst is not None and not worst.holds and self.fault is None:
            what = f"golden frame '{worst.note}' gives outputs that differ by {worst.drift:.3g} (allowed {worst.tolerance:.3g})"
            where = f"{self.manifest.name}, form {self.pair.form} on {self.session.engine} {self.session.engine_version}"
            self.fault = ModelFault(Reason.GOLDEN_DIFFERS, f"{where}: {what}", do="sonoderm check; choose another engine or form")
        return drifts

    def prepare(self, frame: Frame) -> Prepared:
        """The tensor of a frame, with this device's corrections. Remembers the field between frames of one stream."""
        seen = self._seen
        memory = seen.memory if seen is not None and _continues(seen, frame) else None
        return prepare(frame.pixels, self.manifest.input, self._corrections_of(frame), memory, frame.captured_ns)

    def judge(self, raw: RawOutput) -> Judgement:
        return judge(raw, self.decision, self.manifest.outputs, self.manifest.scope, self._bank)

    def look(self, frame: Frame) -> Look:
        """One frame of a stream. The model is not asked about a picture that quality refuses, but for the scope of a blurred one.

        Raises ModelFault and BackendFault.
        """
        if self.fault is not None:
            raise self.fault
        return self._look(frame, ask_anyway=False)

    def examine(self, frame: Frame) -> Look:
        """As `look`, asking the model whatever its fault and the picture's quality: for `check` and `bench`, which show no label."""
        return self._look(frame, ask_anyway=True)

    def _look(self, frame: Frame, *, ask_anyway: bool) -> Look:
        at_start = monotonic_ns()
        prepared = self.prepare(frame)
        at_prepared = monotonic_ns()
        quality = self._assess(frame, prepared)
        at_assessed = monotonic_ns()
        if quality is not None and not (ask_anyway or self._may_be_outranked(quality)):
            timings = Timings(at_prepared - at_start, at_assessed - at_prepared)
            return Look(frame.index, frame.captured_ns, quality, None, timings, prepared.field)
        raw = self.session.run(prepared.tensor)
        at_run = monotonic_ns()
        judgement = self.judge(raw)
        timings = Timings(at_prepared - at_start, at_assessed - at_prepared, at_run - at_assessed, monotonic_ns() - at_run)
        quality = self._in_order(quality, judgement)
        said = judgement if quality is None or ask_anyway else None
        return Look(frame.index, frame.captured_ns, quality, said, timings, prepared.field)

    def _may_be_outranked(self, quality: Reason) -> bool:
        return quality in BLURS and self.decision.blurred_out_of_scope_above is not None

    def _in_order(self, quality: Reason | None, judgement: Judgement) -> Reason | None:
        """What quality still has to say, once scope was asked: nothing of a blurred picture that is none of this model's business."""
        return None if quality is not None and outranks_blur(quality, judgement, self.decision) else quality

    def classify(self, image: U8) -> Reading:
        """One picture alone, (h, w) or (h, w, 3) uint8 RGB: no memory, no smoothing. The model is asked whatever its quality.

        Raises InputRefused for an array of another kind, BackendFault where the engine fails.
        """
        pixels = _as_picture(image)
        if self.fault is not None:
            return Reading(None, None, State.FAULT, self.fault.reason, model=self.identity, do=self.fault.do)
        prepared = prepare(pixels, self.manifest.input)
        quality = assess_still(prepared.small, prepared.field)
        judgement = self.judge(self.session.run(prepared.tensor))
        return self._reading(self._in_order(quality, judgement), judgement)

    def close(self) -> None:
        """Frees the engine. The model is of no use afterwards."""
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self.close()

    def _assess(self, frame: Frame, prepared: Prepared) -> Reason | None:
        seen = self._seen
        self._seen = _Seen((frame.source, frame.scene), frame.captured_ns, prepared.small, prepared.memory)
        if frame.still:
            return assess_still(prepared.small, prepared.field)
        if seen is None or not _continues(seen, frame):
            return assess(prepared.small, prepared.field)
        return assess(prepared.small, prepared.field, seen.small, (frame.captured_ns - seen.captured_ns) / NS_PER_S)

    def _corrections_of(self, frame: Frame) -> Corrections | None:
        """The one place where corrections are chosen: by camera, optic and picture size, looked up when one of them changes."""
        if self._device.profile is None:
            return None
        height, width = frame.pixels.shape[:2]
        camera = frame.source[:200] or "unnamed"
        if self._setting is None or (self._setting.camera, self._setting.width_px, self._setting.height_px) != (camera, width, height):
            self._setting = Setting(camera=camera, optic=self._device.optic, width_px=width, height_px=height)
            found = corrections_for(self._device.profile, self._setting, self._device.today)
            self._corrections, self._correction_notes = found
        return self._corrections

    def _reading(self, quality: Reason | None, judgement: Judgement) -> Reading:
        probabilities = tuple((code, float(p)) for code, p in zip(self.codes, judgement.probabilities, strict=True))
        if quality is not None:
            return Reading(None, None, State.POOR_IMAGE, quality, probabilities=probabilities, model=self.identity)
        verdict = still_verdict(judgement, guards_of(self.manifest, self.decision))
        label = self.manifest.labels[verdict.label] if verdict.label is not None else None
        return Reading(
            captured_ns=None,
            frame=None,
            state=verdict.state,
            reason=verdict.reason,
            label=label.code if label else None,
            label_name=label.name if label else None,
            confidence=verdict.confidence,
            probabilities=probabilities,
            set=tuple(self.codes[at] for at in verdict.set),
            model=self.identity,
        )


def _continues(seen: _Seen, frame: Frame) -> bool:
    return seen.stream == (frame.source, frame.scene) and frame.captured_ns > seen.captured_ns


def _guarded(decision: Decision, manifest: Manifest) -> Decision:
    """With the points of classes that must not be missed in it, wherever the manifest has them: an overlay is held against all numbers."""
    at = {guard.label: guard.at_least for guard in guards_of(manifest, decision)}
    return msgspec.structs.replace(decision, guard_at=tuple(at.get(c) for c in range(len(decision.bias))) if at else ())


def _bank(bundle: VerifiedBundle) -> F32 | None:
    scope = bundle.manifest.scope
    if scope is None or scope.bank is None:
        return None
    try:
        return read_bank(bundle.member(scope.bank), scope)
    except ValueError as error:
        raise BundleRefused(f"{bundle.manifest.name}: {error}", do="export the bundle again") from error


def _as_picture(image: U8) -> U8:
    """(h, w) or (h, w, 3) uint8 -> (h, w, 3) uint8, C-contiguous."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise InputRefused(f"a picture is a uint8 array, and this is {kind}", do="scale it to 0..255 and convert it to uint8")
    if image.size == 0 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise InputRefused(
            f"a picture has the shape (height, width) or (height, width, 3), and this has {image.shape}", do="give RGB or grey"
        )
    pixels = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
    return np.ascontiguousarray(pixels)
