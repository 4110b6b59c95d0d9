"""Many devices side by side, one thread each; each ends with a Result, whatever happens to it."""

import datetime
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import msgspec

from edge.errors import CheckFailed, SonodermError
from firmware_bridge.flash.offer import Offer
from firmware_bridge.flash.ports import Found, Interrupted, PortBook, PortTrouble
from firmware_bridge.flash.result import Outcome, Result
from firmware_bridge.flash.session import Session
from firmware_bridge.flash.steps import Options, Watch, flash_one
from firmware_bridge.wire.own import DeviceInfo

__all__ = ["INTERRUPTED", "Line", "flash_fleet", "result_of", "trouble_result"]

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Line:
    """baud, replug_s: as `Session` takes them."""

    baud: int
    replug_s: float


def result_of(info: DeviceInfo, port: str, operator: str, outcome: Outcome) -> Result:
    """What a device says of itself, as a row."""
    held = info.running
    return Result(
        serial=info.serial,
        port=port,
        outcome=outcome,
        reason=info.last_revert or "",
        model=info.model,
        version=held.version if held else "",
        digest=held.digest if held else "",
        slot=held.slot if held else "",
        vendor_id=info.vendor_id or "",
        class_id=info.class_id or "",
        profile=(info.run.profile if info.run else None) or "",
        operator=operator,
        at=_now(),
    )


def trouble_result(trouble: PortTrouble, operator: str) -> Result:
    """A port on which no device was reached."""
    return Result(
        port=trouble.port,
        outcome=Outcome.FAILED,
        reason=trouble.error.line(),
        operator=operator,
        at=_now(),
        exit_code=trouble.error.exit_code,
    )


def flash_fleet(
    offer: Offer,
    devices: Sequence[Found],
    book: PortBook,
    line: Line,
    options: Options,
    operator: str,
    watch: Callable[[str], Watch],
    on_result: Callable[[Result], None],
) -> list[Result]:
    """watch: serial -> who is told of this device. on_result is called from this thread, as each device ends.

    KeyboardInterrupt stops every device between two messages, gives their results, and is raised again.
    """
    stop = threading.Event()
    results: list[Result] = []
    with ThreadPoolExecutor(max_workers=max(1, len(devices)), thread_name_prefix="flash") as pool:
        running: set[Future[Result]] = {
            pool.submit(_one, offer, found, book, line, options, operator, watch(found.info.serial), stop) for found in devices
        }
        interrupted = False
        while running:
            try:
                done, running = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in done:
                    results.append(future.result())
                    on_result(results[-1])
            except KeyboardInterrupt:
                interrupted = True
                stop.set()
        if interrupted:
            raise KeyboardInterrupt
    return results


def _one(
    offer: Offer, found: Found, book: PortBook, line: Line, options: Options, operator: str, watch: Watch, stop: threading.Event
) -> Result:
    started_s, before = time.monotonic(), found.info
    session = Session(found, book, baud=line.baud, replug_s=line.replug_s, stop=stop, say=watch.say)
    old = before.running

    def row(outcome: Outcome, info: DeviceInfo, reason: str = "", exit_code: int = 0) -> Result:
        made = result_of(info, session.port, operator, outcome)
        return msgspec.structs.replace(
            made,
            reason=reason,
            profile=(before.run.profile if before.run else None) or "",
            old_version=old.version if old else "",
            old_digest=old.digest if old else "",
            took_s=round(time.monotonic() - started_s, 1),
            exit_code=exit_code,
        )

    try:
        outcome = flash_one(offer, session, options, watch)
        info = before if outcome in (Outcome.ALREADY, Outcome.WOULD_FLASH) else session.info()
        return row(outcome, info, exit_code=CheckFailed.exit_code if outcome is Outcome.WAITING else 0)
    except SonodermError as error:
        return row(Outcome.FAILED, _now_known(session, before, error), error.line(), error.exit_code)
    except Interrupted:
        do = "flash again: it goes on from there"
        return row(Outcome.FAILED, before, SonodermError("interrupted", state="what arrived is kept", do=do).line(), INTERRUPTED)
    finally:
        session.close()


def _now_known(session: Session, before: DeviceInfo, error: SonodermError) -> DeviceInfo:
    """After a trial that was lost the device says what runs; one that is gone is as it was."""
    if not isinstance(error, CheckFailed):
        return before
    try:
        return session.info()
    except SonodermError:
        return before


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
