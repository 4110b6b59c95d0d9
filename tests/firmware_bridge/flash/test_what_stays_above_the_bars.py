"""The bars of `flash` on a terminal."""

import pytest

from firmware_bridge.flash.bars import Bars
from firmware_bridge.flash.result import Outcome, Result


def test_what_must_be_read_before_the_first_byte_stays_above_the_bars(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal, to Rich
    monkeypatch.setenv("COLUMNS", "80")
    with Bars() as bars:
        watch = bars.watch("d-1")
        watch.note("site calibration abc will be void")
        watch.sent(1, 2)
        watch.say("waiting for the end of the examination")
        watch.sent(2, 2)
        bars.end(Result(serial="d-1", outcome=Outcome.WOULD_FLASH))
    said = capsys.readouterr().err.splitlines()
    assert any(line.endswith("d-1: site calibration abc will be void") for line in said)
    assert any(line.endswith("d-1: would be flashed") for line in said)
