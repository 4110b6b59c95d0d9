"""What is done to a device while its power is cut: plays of acts, each with what the device must run once the act is acknowledged."""

import hashlib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

from benchmarks.power_cuts_open import AT
from edge.bundle.slotboot import LIFE_NS, Trial, start
from edge.bundle.slotfiles import SlotFiles, load_record
from edge.bundle.trust import Trust
from edge.errors import MachineLacks
from firmware_bridge.device.slots import CHECKPOINT_B, SlotStore

__all__ = ["AGAIN", "PLAYS", "RESUMED", "Act", "Kit", "Play", "init"]


@dataclass(frozen=True, slots=True)
class Kit:
    """bundles: signed, of one model; the key is the counter, the version 1.0.COUNTER."""

    name: str
    trust: Trust
    bundles: dict[int, bytes]


@dataclass(frozen=True, slots=True)
class Act:
    """runs: what a start must give once `do` has returned; while it is under way, that or what it was before."""

    name: str
    do: Callable[[SlotFiles, Kit], None]
    runs: str


@dataclass(frozen=True, slots=True)
class Play:
    """before: what was done, with the power on, until the play begins."""

    name: str
    before: tuple[Callable[[SlotFiles, Kit], None], ...]
    acts: tuple[Act, ...]


def init(files: SlotFiles, kit: Kit) -> None:
    SlotStore(files, kit.trust).init(kit.name)


def _upload(counter: int, *, processes: int = 1) -> Callable[[SlotFiles, Kit], None]:
    """processes: how many servers, one after the other, it takes; each goes on where the disk says."""

    def do(files: SlotFiles, kit: Kit) -> None:
        data = kit.bundles[counter]
        chunk_b = min(CHECKPOINT_B // 2, (len(data) + 1) // 2)  # two writes between two syncs
        for process in range(1, processes + 1):
            store = SlotStore(files, kit.trust)
            at_b = store.begin(hashlib.sha256(data).hexdigest(), len(data))
            while at_b < len(data) * process // processes:
                at_b = store.chunk(at_b, data[at_b : at_b + chunk_b])

    return do


def _install(files: SlotFiles, kit: Kit) -> None:
    SlotStore(files, kit.trust).install(AT)


def _test(files: SlotFiles, kit: Kit) -> None:
    SlotStore(files, kit.trust).test(AT)


def _permanent(files: SlotFiles, kit: Kit) -> None:
    SlotStore(files, kit.trust).permanent(AT)


def _rollback(files: SlotFiles, kit: Kit) -> None:
    SlotStore(files, kit.trust).rollback(AT)


def _confirm(files: SlotFiles, kit: Kit) -> None:
    SlotStore(files, kit.trust).confirm(AT)


def _boot(files: SlotFiles, kit: Kit) -> None:
    """A start that falls back because the disk refuses is not acknowledged: it says so."""
    started = start(files, kit.trust, AT)
    if started.trouble is not None:
        raise MachineLacks(started.trouble)


def _trial(files: SlotFiles) -> Trial:
    """Of what runs; when the act is done again after a failing disk, it may look decided already."""
    record = load_record(files)
    slot = record.slot(record.spare if record.trying else record.active)
    return Trial(files, nullcontext, slot.digest if slot else "")


def _passes(files: SlotFiles, kit: Kit) -> None:  # noqa: ARG001 - an act
    trial = _trial(files)
    trial.check_passed(0)
    trial.step(LIFE_NS, AT)


def _ends(files: SlotFiles, kit: Kit) -> None:  # noqa: ARG001 - an act
    _trial(files).ended()


def _fails(files: SlotFiles, kit: Kit) -> None:  # noqa: ARG001 - an act
    _trial(files).failed("golden frames pass but too slow", AT)


def _rots(*which: str) -> Callable[[SlotFiles, Kit], None]:
    def do(files: SlotFiles, kit: Kit) -> None:  # noqa: ARG001 - as an act
        for name in which:
            files.create(name)
            files.write(name, 0, b"rotten")

    return do


def _runs(version: str, full: str | None = None) -> str:
    return f"{version} (full disk: {full or version})"


def _on_trial(version: str, left: int, full: str) -> str:
    return _runs(f"{version} on trial, {left} left", full)


def _flashed(counter: int) -> tuple[Callable[[SlotFiles, Kit], None], ...]:
    return (_upload(counter), _install, _test, _boot, _passes)


SEVEN, EIGHT, NINE, RESCUE, UNBOUND = "1.0.7", "1.0.8", "1.0.9", "rescue", "no record"
BOUND: Final = (init,)
RUNS_7: Final = (*BOUND, *_flashed(7))
RUNS_8_OVER_7: Final = (*RUNS_7, *_flashed(8))


def _flash(old: str, new: str, counter: int, *, processes: int = 1) -> tuple[Act, ...]:
    return (
        Act("upload", _upload(counter, processes=processes), _runs(old)),
        Act("install", _install, _runs(old)),
        Act("test", _test, _on_trial(new, 2, old)),
        Act("first start", _boot, _on_trial(new, 1, old)),
    )


PLAYS: Final = (
    Play("bind an empty folder", (), (Act("init", init, _runs(RESCUE)),)),
    Play("flash an empty device, confirm", BOUND, (*_flash(RESCUE, SEVEN, 7), Act("confirm", _passes, _runs(SEVEN)))),
    Play("flash an empty device, revert", BOUND, (*_flash(RESCUE, SEVEN, 7), Act("revert", _fails, _runs(RESCUE)))),
    Play("flash, confirm", RUNS_7, (*_flash(SEVEN, EIGHT, 8), Act("confirm", _passes, _runs(EIGHT)))),
    Play("flash, revert", RUNS_7, (*_flash(SEVEN, EIGHT, 8), Act("revert", _fails, _runs(SEVEN)))),
    Play("flash over a spare, confirmed by the tool", RUNS_8_OVER_7, (*_flash(EIGHT, NINE, 9), Act("confirm", _confirm, _runs(NINE)))),
    Play(
        "flash, three starts without an outcome",
        RUNS_7,
        (
            *_flash(SEVEN, EIGHT, 8),
            Act("second start", _boot, _on_trial(EIGHT, 0, SEVEN)),
            Act("third start", _boot, _runs(SEVEN)),
            Act("fourth start", _boot, _runs(SEVEN)),
        ),
    ),
    Play("flash, a run that is stopped", RUNS_7, (*_flash(SEVEN, EIGHT, 8), Act("stop", _ends, _on_trial(EIGHT, 2, SEVEN)))),
    Play("flash as permanent", RUNS_7, (*_flash(SEVEN, EIGHT, 8)[:2], Act("permanent", _permanent, _on_trial(EIGHT, 2, SEVEN)))),
    Play(
        "roll back, confirm",
        RUNS_8_OVER_7,
        (
            Act("rollback", _rollback, _on_trial(SEVEN, 2, EIGHT)),
            Act("first start", _boot, _on_trial(SEVEN, 1, EIGHT)),
            Act("confirm", _passes, _runs(SEVEN)),
        ),
    ),
    Play("flash, roll back during the trial", RUNS_7, (*_flash(SEVEN, EIGHT, 8), Act("rollback", _rollback, _runs(SEVEN)))),
    Play("the active slot rots", (*RUNS_8_OVER_7, _rots("a")), (Act("start", _boot, _runs(SEVEN)),)),
    Play("the spare slot rots", (*RUNS_8_OVER_7, _rots("b")), (Act("start", _boot, _runs(EIGHT)),)),
    Play(
        "the active slot rots, flash again",
        (*RUNS_8_OVER_7, _rots("a"), _boot),
        (*_flash(SEVEN, NINE, 9), Act("confirm", _passes, _runs(NINE))),
    ),
    Play(
        "both slots rot, flash again", (*RUNS_8_OVER_7, _rots("a", "b")), (*_flash(RESCUE, NINE, 9), Act("confirm", _passes, _runs(NINE)))
    ),
)
RESUMED: Final = Play("a long upload by three processes", RUNS_7, _flash(SEVEN, "1.0.10", 10, processes=3))
AGAIN: Final = (_boot, _passes, _upload(9), _install, _test, _boot, _passes)  # what follows the first cut; a rescue answers too
