"""What is sent, waited for or refused, from what a device says of itself: no port, no file."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bundle.image import PINNED
from edge.bundle.slots import Installed, Slot
from edge.errors import InputRefused, MachineLacks, NotTrusted, UsageError
from firmware_bridge.flash.offer import Action, Offer, Speed, plan
from firmware_bridge.flash.result import COLUMNS, Outcome, Report, Result
from firmware_bridge.wire.cbor import decode, encode
from firmware_bridge.wire.own import DeviceInfo, Held, RunState, as_map, from_map

OLD = Held("a", "1.0.0", "aa" * 32, "a1" * 32, 7, True)
NEW = Held("b", "1.0.1", "bb" * 32, "b1" * 32, 8, False)


def an_offer(*, signer: str = "key-1", **changes: object) -> Offer:
    """changes: of what the device would install."""
    installed = Installed(Slot("1.0.1", "bb" * 32, "ff" * 32, "b1" * 32, 8), "derm7", None, None)
    return Offer(replace(installed, **changes), signer, b"x" * 1000)  # type: ignore[arg-type]


def an_info(**changes: object) -> DeviceInfo:
    info = DeviceInfo(
        serial="d-1", model="derm7", link="usb", confirm="auto", running=OLD, floor=7, room_b=1 << 30, trusts=("key-1",), run=RunState()
    )
    return msgspec.structs.replace(info, **changes)


@pytest.mark.parametrize(
    ("info", "action"),
    [
        (an_info(), Action.UPLOAD),
        (an_info(running=None), Action.UPLOAD),
        (an_info(waiting=NEW), Action.TEST),
        (an_info(waiting=NEW, trial="asked"), Action.WAIT),
        (an_info(running=NEW, waiting=OLD, trial="runs"), Action.WAIT),
        (an_info(running=msgspec.structs.replace(NEW, confirmed=True)), Action.NOTHING),
    ],
)
def test_only_what_is_missing_is_done(info: DeviceInfo, action: Action) -> None:
    assert plan(an_offer(), info).action is action


@pytest.mark.parametrize(
    ("offer", "info", "kind", "words"),
    [
        (an_offer(name="breast-us"), an_info(), NotTrusted, "this device runs derm7"),
        (an_offer(vendor_id="v"), an_info(vendor_id="w"), NotTrusted, "for vendor v, this device is w"),
        (an_offer(class_id="c"), an_info(), NotTrusted, "this device is of none"),
        (an_offer(), an_info(running=msgspec.structs.replace(OLD, counter=9)), NotTrusted, "below this device's floor 9"),
        (an_offer(), an_info(trusts=("key-2",)), NotTrusted, "does not trust key key-1"),
        (an_offer(), an_info(trusts=()), NotTrusted, "trusts no key yet"),
        (an_offer(), an_info(room_b=1 << 20), MachineLacks, "free"),
        (an_offer(), an_info(running=msgspec.structs.replace(NEW, digest="cc" * 32), waiting=OLD, trial="runs"), UsageError, "trial"),
    ],
)
def test_what_the_device_would_refuse_costs_no_byte(offer: Offer, info: DeviceInfo, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        plan(offer, info)


def test_a_shipped_bundle_is_for_the_device_to_judge() -> None:
    assert plan(an_offer(signer=PINNED), an_info(trusts=())).action is Action.UPLOAD


def test_a_site_calibration_that_will_be_void_is_said_before_the_start() -> None:
    notes = plan(an_offer(), an_info(run=RunState(profile="clinic-3", examination=True))).notes
    assert notes[0].startswith("what profile clinic-3 calibrated on the running model will be void")
    assert "examination" in notes[1]


def test_the_time_follows_round_trips_and_bytes() -> None:
    slow_line = Speed(round_s=0.002, byte_s=10 / 115_200)
    assert 900 < slow_line.upload_s(8_388_608, 4_000, 1) < 1100  # the measured 987 to 1088 s at 115200 baud
    assert Speed(0.016, 0.0).upload_s(1_000_000, 1_000, 4) == pytest.approx(4.0)


def test_a_device_tells_itself_whole_through_cbor_and_a_newer_one_may_say_more() -> None:
    info = an_info(waiting=NEW, last_revert="too slow")
    assert from_map(decode(encode(as_map(info) | {"of_tomorrow": 1}))) == info


STRANGE = st.one_of(st.none(), st.integers(-100, 100), st.text(max_size=9))


@given(st.dictionaries(st.sampled_from(["v", "serial", "model", "link", "running", "trusts"]), STRANGE))
def test_a_strange_device_is_refused_by_name(body: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        from_map(decode(encode(body)))


def a_result(**changes: object) -> Result:
    return msgspec.structs.replace(Result(serial="d-1", outcome=Outcome.FLASHED, version="1.0.1"), **changes)


def test_a_report_grows_and_never_becomes_a_formula(tmp_path: Path) -> None:
    report = Report(tmp_path / "fleet.csv")
    for _ in range(2):
        report.prepare()
        report.add(a_result(reason='=cmd("x"), and "quotes"\nand lines'))
    lines = report.path.read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert report.path.read_text().count("serial,port") == 1
    assert report.path.read_text().count("\"'=cmd") == 2


def test_a_report_with_other_columns_is_refused_before_anything_is_flashed(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputRefused, match="other columns"):
        Report(tmp_path / "other.csv").prepare()
    with pytest.raises(MachineLacks, match="No such file"):
        Report(tmp_path / "none" / "x.csv").prepare()
