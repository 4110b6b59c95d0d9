"""The table of moves, walked at random: whatever is asked of a device in whatever order, a confirmed model is never lost."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bundle.open import resolve_model, verify_bundle
from edge.bundle.slotboot import Rescue, start
from edge.bundle.slotfiles import DiskFiles, load_record, writing
from edge.bundle.slotrun import RunState, is_alive, read_run, write_run
from edge.bundle.slots import (
    TRIES,
    Boot,
    Installed,
    Record,
    Slot,
    SlotId,
    ask,
    boot,
    clear_spare,
    confirm,
    give_back,
    install,
    passed,
    revert,
    rollback,
)
from edge.errors import InputRefused, MachineLacks, NotTrusted, SonodermError, UsageError
from tests.builders import a_bundle

WORDS = ("install", "clear", "test", "permanent", "rollback", "boot", "passed", "confirm", "revert", "stop", "rot a", "rot b")


def a_slot(counter: int, *, confirmed: bool = False) -> Slot:
    return Slot(f"1.0.{counter}", f"{counter:064x}", f"{counter:064x}", f"{counter:064x}", counter, confirmed)


def a_record(**changes: object) -> Record:
    return msgspec.structs.replace(Record(name="m", active="a", a=a_slot(7, confirmed=True)), **changes)


class Walk:
    """A device, and which of its files are good."""

    def __init__(self) -> None:
        self.record, self.good = Record(name="m"), set[SlotId]()
        self.counter, self.starts = 6, 0
        self.booted: Boot | None = None

    def take(self, word: str) -> None:
        before = self.record
        match word:
            case "rot a" | "rot b":
                self.good.discard("a" if word[-1] == "a" else "b")
            case "boot":
                self.booted = boot(self.record, frozenset(self.good))
                self.record = self.booted.move.record
                self.starts = self.starts + 1 if self.booted.trial else 0
            case "install":
                self.counter += 1
                new = Installed(a_slot(self.counter), "m", None, None)
                self.record = install(self.record, new, frozenset(self.good)).record
                self.good.add(self.record.spare)
            case "clear":
                self.record = clear_spare(self.record).record
            case "test" | "permanent":
                self.record = ask(self.record, "test" if word == "test" else "permanent").record
            case "rollback":
                self.record = rollback(self.record).record
            case "passed":
                self.record = passed(self.record, 1).record
            case "confirm":
                self.record = confirm(self.record).record
            case "revert":
                self.record = revert(self.record, "a reason").record
            case "stop":
                self.starts -= self.record.trying
                self.record = give_back(self.record).record
        if self.record.pending is None:
            self.starts = 0
        self._must_hold(word, before)

    def _must_hold(self, word: str, before: Record) -> None:
        record = self.record
        assert not (record.trying and record.pending is None)
        assert not (record.checked and not record.trying)
        assert 0 <= record.tries_left <= TRIES
        assert self.starts <= TRIES, "no trial is started for ever"
        if record.active != before.active:
            assert (word == "confirm" and before.trying) or word == "boot"
            now = record.slot(record.active)
            assert now is not None
            assert now.confirmed, "only what was confirmed becomes active"
        elif before.active == record.active:
            assert record.slot(record.active) == before.slot(before.active), "no move touches what is active"
        last = boot(record, frozenset(self.good))
        confirmed = [w for w in ("a", "b") if w in self.good and (s := record.slot(w)) and s.confirmed]
        assert last.slot is not None or not confirmed, "never nothing"
        runs = record.slot(record.active)
        assert runs is None or runs.confirmed


@given(st.lists(st.sampled_from(WORDS), max_size=60))
def test_whatever_is_asked_in_whatever_order_a_confirmed_model_is_never_lost(words: list[str]) -> None:
    walk = Walk()
    for word in words:
        try:
            walk.take(word)
        except (UsageError, NotTrusted):
            continue


def test_a_trial_that_is_never_confirmed_ends_after_three_starts_and_says_how_far_it_came() -> None:
    record = ask(a_record(b=a_slot(8)), "test").record
    for _ in range(TRIES):
        record = boot(record, frozenset("ab")).move.record  # type: ignore[arg-type]
    unchecked, checked = (boot(r, frozenset("ab")).move.record for r in (record, passed(record, None).record))  # type: ignore[arg-type]
    assert unchecked.last_revert == "3 starts ended before it was confirmed"
    assert checked.last_revert == "golden frames pass but run crashes: 3 starts ended before it was confirmed"


def test_a_start_that_a_person_ended_is_not_counted_and_gives_no_more_than_was_taken() -> None:
    record = ask(a_record(b=a_slot(8)), "test").record
    assert give_back(record) == replace(give_back(record), record=record), "nothing was started"
    for _ in range(9):
        record = give_back(boot(record, frozenset("ab")).move.record).record  # type: ignore[arg-type]
    assert (record.tries_left, record.pending) == (TRIES, "test")


def test_what_a_start_would_run_is_the_spare_only_while_it_has_a_try() -> None:
    record = a_record(b=a_slot(8))
    assert record.wanted == record.a
    assert ask(record, "test").record.wanted == record.b
    assert msgspec.structs.replace(record, pending="test", trying=True, tries_left=0).wanted == record.b, "its last try runs"
    assert msgspec.structs.replace(record, pending="test", tries_left=0).wanted == record.a


def test_a_record_of_an_older_version_is_read() -> None:
    old = b'{"schema":1,"name":"m","vendor_id":null,"class_id":null,"active":"a","a":null,"pending":null,"trying":false,"tries_left":0}'
    assert msgspec.json.decode(old, type=Record) == Record(name="m")


def test_a_folder_without_a_record_or_with_a_damaged_one_is_refused_by_name(tmp_path: Path) -> None:
    built = a_bundle(tmp_path / "made")
    with pytest.raises(InputRefused, match="no slot record"):
        start(DiskFiles(tmp_path), built.trust, "")
    (tmp_path / "record.json").write_bytes(b"{")
    with pytest.raises(InputRefused, match="cannot be read"):
        load_record(DiskFiles(tmp_path))
    with pytest.raises(MachineLacks, match="cannot be locked"), writing(tmp_path / "gone"):
        pass


def test_a_command_that_does_not_run_live_gets_what_is_confirmed_and_starts_no_trial(tmp_path: Path) -> None:
    seven = a_bundle(tmp_path / "made", version="1.0.7")
    slots = tmp_path / "slots"
    slots.mkdir()
    image = seven.data
    held = verify_bundle(image, seven.trust, origin="7").image
    slot = Slot(held.version, held.payload_sha256, held.image_sha256, held.mcuboot_sha256, held.security_counter, confirmed=True)
    record = Record(name="p-colour", a=slot, b=msgspec.structs.replace(slot, confirmed=False), pending="test", tries_left=TRIES)
    (slots / "a").write_bytes(image)
    (slots / "b").write_bytes(image)
    (slots / "record.json").write_bytes(msgspec.json.encode(record))
    assert resolve_model(f"slot:{slots}", seven.trust).manifest.version == "1.0.7"
    assert load_record(DiskFiles(slots)) == record
    (slots / "a").write_bytes(b"rotten")
    with pytest.raises(Rescue, match="neither slot"):
        resolve_model(f"slot:{slots}", seven.trust)


def a_run_state(**changes: object) -> RunState:
    state = RunState(
        pid=1,
        digest="ab",
        version="1.0.7",
        trial=None,
        waiting=False,
        in_examination=True,
        trouble=None,
        heartbeat_ns=10**12,
        at="2026-01-01T00:00:00Z",
    )
    return msgspec.structs.replace(state, **changes)


def test_run_json_is_read_back_and_a_torn_one_is_as_none(tmp_path: Path) -> None:
    assert read_run(tmp_path) is None
    write_run(tmp_path, a_run_state())
    assert read_run(tmp_path) == a_run_state()
    (tmp_path / "run.json").write_bytes(b"")
    assert read_run(tmp_path) is None


@pytest.mark.parametrize(("age_s", "alive"), [(-1, False), (0, True), (5, True), (5.1, False), (3600, False)])
def test_a_heartbeat_is_believed_for_five_seconds_and_never_from_the_future(age_s: float, alive: bool) -> None:
    assert is_alive(a_run_state(), 10**12 + int(age_s * 1e9)) is alive
    assert not is_alive(None, time.monotonic_ns())


def test_every_refusal_of_a_move_says_what_the_device_does_and_what_to_do() -> None:
    trying = boot(ask(a_record(b=a_slot(8)), "test").record, frozenset("ab")).move.record  # type: ignore[arg-type]
    new = Installed(a_slot(9), "m", None, None)
    asked: tuple[Callable[[], object], ...] = (
        lambda: install(trying, new, frozenset()),
        lambda: install(a_record(), replace(new, name="other"), frozenset()),
        lambda: install(a_record(), replace(new, vendor_id="someone"), frozenset()),
        lambda: install(a_record(), replace(new, slot=a_slot(6)), frozenset("a")),  # type: ignore[arg-type]
        lambda: clear_spare(trying),
        lambda: ask(a_record(), "test"),
        lambda: rollback(a_record(b=a_slot(8))),
    )
    for ask_it in asked:
        with pytest.raises(SonodermError) as refused:
            ask_it()
        assert refused.value.state
        assert refused.value.do
