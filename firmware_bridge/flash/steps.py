"""Flashing one device: preflight, upload, verification on the device, trial, and success only once the new model is confirmed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol, assert_never

from edge.errors import BundleRefused, CheckFailed, SonodermError, SourceUnreachable
from firmware_bridge.flash.client import DeviceRefused
from firmware_bridge.flash.offer import Action, Offer, Plan, plan
from firmware_bridge.flash.result import Outcome
from firmware_bridge.flash.session import Session
from firmware_bridge.flash.upload import Stop, Upload, UploadStopped
from firmware_bridge.wire.own import DeviceInfo

__all__ = ["Options", "Watch", "flash_one"]

_POLL_S: Final = 0.4
_INSTALL_S: Final = 120.0
_NOBODY_S: Final = 60.0  # nothing takes the new model: no `run` is alive
_UPLOADS: Final = 3  # a damaged chunk that passed its CRC is found by the device's SHA-256: the whole is sent again
_SLOW_S: Final = 120.0


class Watch(Protocol):
    """Told what happens to one device. note: to be read before it begins, or after a dry run. say: the step under way."""

    def note(self, text: str) -> None: ...
    def say(self, text: str) -> None: ...
    def sent(self, done_b: int, total_b: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Options:
    """wait_s: for the trial, an examination included. confirm: a device that waits for a person's yes gets it."""

    dry_run: bool = False
    wait_s: float = 1800.0
    confirm: bool = False


def flash_one(offer: Offer, session: Session, options: Options, watch: Watch, pause: Callable[[float], None] = time.sleep) -> Outcome:
    """Raises SonodermError with the state that the device is in, and Interrupted."""
    steps = _Steps(offer, session, options, watch, pause)
    return steps.run()


class _Steps:
    def __init__(self, offer: Offer, session: Session, options: Options, watch: Watch, pause: Callable[[float], None]) -> None:
        self._offer, self._session, self._options, self._watch, self._pause = offer, session, options, watch, pause
        self._acked_b = 0

    def run(self) -> Outcome:
        info = self._session.first_info
        made = plan(self._offer, info)
        for note in made.notes:
            self._watch.note(note)
        if made.action is Action.NOTHING:
            return Outcome.ALREADY
        if self._options.dry_run:
            self._watch.note(self._forecast(made))
            return Outcome.WOULD_FLASH
        match made.action:
            case Action.UPLOAD:
                self._watch.note(self._forecast(made))
                self._store()
                self._activate()
            case Action.TEST:
                self._watch.say("it waits on the device already: nothing to send")
                self._activate()
            case Action.WAIT:
                self._watch.say("it is on trial already")
            case _:
                assert_never(made.action)
        try:
            return self._await_trial(info)
        except SourceUnreachable as error:
            state = "the new model is stored; the device tries it by itself, and keeps the old one if it fails"
            raise SourceUnreachable(error.what, state=state, do="bring it back and ask it: sonoderm device info") from error

    def _forecast(self, made: Plan) -> str:
        runs = self._session.first_info.running
        old = "an empty device" if runs is None else f"{runs.version} {runs.digest[:12]}"
        text = f"{old} -> {self._offer.slot.version} {self._offer.slot.digest[:12]}"
        if made.action is not Action.UPLOAD:
            return text
        size_b, speed = len(self._offer.data), self._session.speed()
        text += f", {size_b / 1e6:.1f} MB"
        if speed is None:
            return text + "; the line loses messages: it will take longer than it should"
        about_s = speed.upload_s(size_b, self._session.message_b, self._session.window)
        slow = " on this line (USB is faster)" if about_s > _SLOW_S else ""
        return f"{text}, about {_duration(about_s)}{slow}"

    def _store(self) -> None:
        """Uploads until the device has verified the bundle in its spare slot."""
        for left in reversed(range(_UPLOADS)):
            self._upload()
            self._watch.say("the device verifies it")
            info = self._await_install()
            if info.waiting is not None and info.waiting.hash == self._offer.slot.mcuboot_sha256:
                return
            why = info.install_failure or "the device does not hold it after the upload"
            if left == 0 or "what was stored is not what was sent" not in why:
                raise BundleRefused(f"the device refused the bundle: {why}", state=_kept(info))
            self._watch.say("it arrived damaged: sending it again")

    def _upload(self) -> None:
        offer, session = self._offer, self._session
        upload = Upload(
            offer.data,
            offer.sha256,
            buffer_b=session.message_b,
            window=session.window,
            line_b=session.first_info.line_b,
            byte_ns=session.byte_ns,
        )
        try:
            session.send(upload, self._sent)
        except UploadStopped as error:
            if error.stop is not Stop.DIFFERENT:  # else the device's own verdict follows, and with it another try
                raise self._stopped(error, error.stop) from error
        except SourceUnreachable as error:
            do = "plug it in and flash again: it goes on from there"
            raise SourceUnreachable(error.what, state=f"{_kept(session.first_info)}; {self._share()} has arrived", do=do) from error

    def _sent(self, acked_b: int) -> None:
        self._acked_b = acked_b
        self._watch.sent(acked_b, len(self._offer.data))

    def _stopped(self, error: UploadStopped, stop: Literal[Stop.REFUSED, Stop.NOISY, Stop.SILENT]) -> SonodermError:
        state = f"{_kept(self._session.first_info)}; {self._share()} has arrived and is kept"
        match stop:
            case Stop.REFUSED:
                return CheckFailed(f"the device refused the upload: {error.reason}", state=state, do="sonoderm device log says more")
            case Stop.NOISY:
                do = "use a shorter or better cable, another hub or a lower --baud, then flash again: it goes on from there"
                return SourceUnreachable(f"the line is too noisy: {error.reason}", state=state, do=do)
            case Stop.SILENT:
                return SourceUnreachable(error.reason, state=state, do="restart the device, then flash again: it goes on from there")
            case _:
                assert_never(stop)

    def _share(self) -> str:
        return f"{self._acked_b * 100 // len(self._offer.data)} % of the new one"

    def _await_install(self) -> DeviceInfo:
        until_s = time.monotonic() + _INSTALL_S
        while (info := self._session.info()).installing:
            if time.monotonic() > until_s:
                raise CheckFailed(
                    f"the device has been verifying the bundle for {_INSTALL_S:.0f} s", state=_kept(info), do="ask again: device info"
                )
            self._pause(_POLL_S)
        return info

    def _activate(self) -> None:
        try:
            self._session.ask(lambda client: client.test(bytes.fromhex(self._offer.slot.mcuboot_sha256)))
        except DeviceRefused:
            if not self._is_ours(self._session.info()):
                raise
            return  # a reply was lost, and the device has taken it meanwhile
        self._watch.say("it restarts")
        self._session.reset()

    def _await_trial(self, before: DeviceInfo) -> Outcome:
        """Success is what the device says after the trial: this model runs, confirmed. Nothing less."""
        started_s = nobody_s = time.monotonic()
        said = ""
        while True:
            info = self._session.info()
            now_s = time.monotonic()
            is_ours = self._is_ours(info)
            if is_ours and info.trial == "none":
                return Outcome.FLASHED
            if not is_ours and info.trial == "none":
                raise self._reverted(info)
            if is_ours and info.run is not None and info.run.awaits_yes:
                if not self._options.confirm:
                    return Outcome.ON_TRIAL
                self._session.ask(lambda client: client.confirm())
                continue
            text = _trial_text(info, is_ours)
            if text != said:
                self._watch.say(text)
                said = text
            if info.run is not None:
                nobody_s = now_s
            if now_s - nobody_s > _NOBODY_S:
                raise CheckFailed(
                    "the new model is stored, but nothing takes it: no `sonoderm run` is alive on the device",
                    state=_kept(before),
                    do="start `sonoderm run --model slot:DIR` there; it takes the new model at its start",
                )
            if now_s - started_s > self._options.wait_s:
                if info.run is not None and info.run.examination:
                    return Outcome.WAITING
                raise CheckFailed(f"the trial has not ended within {self._options.wait_s:.0f} s", state=_kept(info), do="device info")
            self._pause(_POLL_S)

    def _is_ours(self, info: DeviceInfo) -> bool:
        return info.running is not None and info.running.digest == self._offer.slot.digest

    def _reverted(self, info: DeviceInfo) -> CheckFailed:
        why = info.last_revert or "no reason was kept"
        return CheckFailed(
            f"the device tried the new model and went back: {why}",
            state=_kept(info),
            do="flash another model; its log: sonoderm device log",
        )


def _kept(info: DeviceInfo) -> str:
    held = info.running
    return "the device holds no model" if held is None else f"slot {held.slot} still runs {info.model} {held.version}"


def _trial_text(info: DeviceInfo, is_ours: bool) -> str:
    if is_ours:
        return "it runs on trial, check passed" if info.run is not None and info.run.checked else "it runs on trial, being checked"
    if info.run is not None and info.run.examination:
        return "waiting for the end of the examination"
    return "waiting for the new model to start"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
