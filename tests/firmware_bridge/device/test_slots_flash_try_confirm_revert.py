"""Flash, trial, confirm, revert, resume and refusal, each on a real folder with a store opened anew."""

import hashlib
from pathlib import Path

import pytest

from edge.bundle.slotboot import LIFE_NS, Started, start
from edge.bundle.slotfiles import DiskFiles, note, read_history, writing
from edge.errors import BundleRefused, MachineLacks, NotTrusted, UsageError
from firmware_bridge.device.slots import CHECKPOINT_B, SlotStore
from tests.builders import BuiltBundle, a_bundle, a_key

AT = "2026-01-01T00:00:00Z"
KEY = a_key()


def a_version(folder: Path, counter: int, **content: object) -> BuiltBundle:
    return a_bundle(folder / f"made-{counter}", key=KEY, security_counter=counter, version=f"1.0.{counter}", **content)  # type: ignore[arg-type]


def a_store(folder: Path, built: BuiltBundle) -> SlotStore:
    folder.mkdir(exist_ok=True)
    return SlotStore(DiskFiles(folder), built.trust, lock=lambda: writing(folder))


def upload(store: SlotStore, data: bytes) -> None:
    at_b = store.begin(hashlib.sha256(data).hexdigest(), len(data))
    while at_b < len(data):
        at_b = store.chunk(at_b, data[at_b : at_b + 65_000])


def flash(folder: Path, built: BuiltBundle) -> None:
    store = a_store(folder, built)
    upload(store, built.data)
    store.install(AT)
    store.test(AT)


def run(folder: Path, built: BuiltBundle) -> Started:
    return start(DiskFiles(folder), built.trust, AT, lock=lambda: writing(folder))


def confirmed(folder: Path, built: BuiltBundle) -> None:
    flash(folder, built)
    trial = run(folder, built).trial
    assert trial is not None
    trial.check_passed(0)
    assert not trial.step(LIFE_NS - 1, AT)
    assert trial.step(LIFE_NS, AT)


@pytest.fixture
def slots(tmp_path: Path) -> tuple[Path, BuiltBundle, BuiltBundle]:
    """A folder that runs counter 7, and the bundles 7 and 8."""
    seven, eight = a_version(tmp_path, 7), a_version(tmp_path, 8)
    a_store(tmp_path / "slots", seven).init(seven.manifest.name)
    confirmed(tmp_path / "slots", seven)
    return tmp_path / "slots", seven, eight


def test_a_confirmed_trial_runs_and_a_failed_one_returns_to_the_old_model_with_its_reason(
    slots: tuple[Path, BuiltBundle, BuiltBundle],
) -> None:
    folder, seven, eight = slots
    flash(folder, eight)
    tried = run(folder, seven)
    assert tried.trial is not None
    assert tried.bundle.manifest.version == "1.0.8"
    tried.trial.failed("golden frames pass but too slow", AT)
    again = run(folder, seven)
    assert (again.bundle.manifest.version, again.trial, again.last_revert) == ("1.0.7", None, "golden frames pass but too slow")
    confirmed(folder, eight)
    assert run(folder, seven).bundle.manifest.version == "1.0.8"


def test_three_starts_without_an_outcome_end_the_trial(slots: tuple[Path, BuiltBundle, BuiltBundle]) -> None:
    folder, seven, eight = slots
    flash(folder, eight)
    assert [run(folder, seven).bundle.manifest.version for _ in range(4)] == ["1.0.8"] * 3 + ["1.0.7"]
    assert run(folder, seven).last_revert == "3 starts ended before it was confirmed"


def test_after_a_rollback_a_corrupt_active_slot_leaves_the_other_running(slots: tuple[Path, BuiltBundle, BuiltBundle]) -> None:
    folder, seven, eight = slots
    confirmed(folder, eight)
    a_store(folder, seven).rollback(AT)
    trial = run(folder, seven).trial
    assert trial is not None
    trial.check_passed(0)
    assert trial.step(LIFE_NS, AT)
    active = a_store(folder, seven).record().active
    (folder / active).write_bytes(b"rotten")
    assert run(folder, seven).bundle.manifest.version == "1.0.8"
    for which in "ab":
        (folder / which).write_bytes(b"rotten")
    with pytest.raises(MachineLacks, match="neither slot"):
        run(folder, seven)


def test_an_upload_alone_changes_nothing_that_runs(slots: tuple[Path, BuiltBundle, BuiltBundle]) -> None:
    folder, seven, eight = slots
    store = a_store(folder, seven)
    upload(store, eight.data)
    store.install(AT)
    assert run(folder, seven).bundle.manifest.version == "1.0.7"


def test_the_floor_is_the_lowest_confirmed_counter(slots: tuple[Path, BuiltBundle, BuiltBundle], tmp_path: Path) -> None:
    folder, seven, eight = slots
    confirmed(folder, eight)
    confirmed(folder, eight)
    store = a_store(folder, seven)
    upload(store, seven.data)
    with pytest.raises(NotTrusted, match="below this device's floor 8"):
        store.install(AT)
    assert run(folder, seven).bundle.manifest.version == "1.0.8"


def test_another_model_and_a_damaged_upload_are_refused(slots: tuple[Path, BuiltBundle, BuiltBundle], tmp_path: Path) -> None:
    folder, seven, eight = slots
    store = a_store(folder, seven)
    upload(store, a_version(tmp_path, 9, name="stranger").data)
    with pytest.raises(NotTrusted, match="the bundle is stranger"):
        store.install(AT)
    upload(store, eight.data[:-1] + bytes([eight.data[-1] ^ 1]))
    with pytest.raises(BundleRefused):
        store.install(AT)
    assert run(folder, seven).bundle.manifest.version == "1.0.7"


def test_an_upload_goes_on_where_a_new_process_finds_it_durable(slots: tuple[Path, BuiltBundle, BuiltBundle]) -> None:
    folder, seven, _ = slots
    data = bytes(range(256)) * 8192 + b"end"
    sha256 = hashlib.sha256(data).hexdigest()
    store = a_store(folder, seven)
    assert store.begin(sha256, len(data)) == 0
    at_b = store.chunk(0, data[:CHECKPOINT_B])
    assert store.chunk(at_b, data[at_b : at_b + 100]) == CHECKPOINT_B + 100
    assert store.begin(sha256, len(data)) == CHECKPOINT_B + 100  # unplugged
    assert a_store(folder, seven).begin(sha256, len(data)) == CHECKPOINT_B  # lost its power
    assert store.chunk(5, b"x") == CHECKPOINT_B + 100  # a repeated chunk writes nothing


def test_a_cut_between_the_upload_record_and_its_empty_file_does_not_block_the_next_upload(
    slots: tuple[Path, BuiltBundle, BuiltBundle],
) -> None:
    folder, seven, eight = slots
    upload(a_store(folder, seven), eight.data)
    a_store(folder, seven).begin(hashlib.sha256(seven.data).hexdigest(), len(seven.data))
    (folder / "staging").write_bytes(b"old" * len(seven.data))  # longer, from before
    store = a_store(folder, seven)
    upload(store, seven.data)
    assert store.install(AT).version == "1.0.7"


def test_a_running_trial_keeps_both_slots(slots: tuple[Path, BuiltBundle, BuiltBundle], tmp_path: Path) -> None:
    folder, seven, eight = slots
    flash(folder, eight)
    run(folder, seven)
    store = a_store(folder, seven)
    upload(store, a_version(tmp_path, 9).data)
    with pytest.raises(UsageError, match="a trial is under way"):
        store.install(AT)


def test_a_torn_line_of_the_history_harms_only_itself(tmp_path: Path) -> None:
    files = DiskFiles(tmp_path)
    note(files, AT, "one")
    files.append("history.jsonl", b'{"at": "20')
    note(files, AT, "two")
    assert [line.what for line in read_history(files)] == ["one", "two"]
