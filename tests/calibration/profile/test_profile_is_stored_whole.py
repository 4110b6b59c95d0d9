"""A profile is in force whole or not at all, the one before is kept, and nothing unbelieved is carried into a new one."""

import datetime
import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from calibration.profile import store
from calibration.profile.command import app
from calibration.profile.parts import Color, Geometry, Measured, put
from calibration.profile.signing import encode, read_signing_key, signed
from calibration.profile.store import previous_of, read_current, restore, write
from edge.bundle.durable import replace_durably
from edge.bundle.keyfile import PublicKey
from edge.bundle.trust import Trust, load_trust
from edge.cli.doctor_finding import Level
from edge.cli.doctor_profile import find_profile
from edge.errors import InputRefused, MachineLacks, NotTrusted, UsageError
from edge.profile import ColorEvidence, ColorResponse, DeviceProfile, Setting, corrections_for, load_profile

TODAY = datetime.date(2026, 3, 1)
HERE = Setting(camera="Microscope 3", optic="10x", width_px=640, height_px=480)
UNIT = ColorResponse(matrix=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
EVIDENCE = ColorEvidence(method="chart", chart="classic-24", measured_at="2026-02-01T00:00:00Z", median_de00=1.2, worst_de00=3.4)
REGION = ((10, 10), (600, 10), (600, 400), (10, 400))


class Site:
    """A key, the trust that believes it, and a folder for the profile."""

    def __init__(self, folder: Path) -> None:
        key = Ed25519PrivateKey.generate()
        self.key_file = folder / "site.profile.pem"
        self.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.trust_folder = folder / "trust"
        self.trust_folder.mkdir(mode=0o700)
        (self.trust_folder / "site.profile.pub").write_bytes(PublicKey.of(key.public_key()).pem)
        self.key = read_signing_key(self.key_file)
        self.file = folder / "clinic.json"

    @property
    def trust(self) -> Trust:
        return load_trust(self.trust_folder)

    def run(self, *words: str) -> Any:
        return CliRunner().invoke(app, [*words, "--trust", str(self.trust_folder)])


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def a_profile(name: str = "clinic-3", *, until: datetime.date = TODAY) -> DeviceProfile:
    return put(Measured(HERE, until, Color(UNIT, EVIDENCE)), None, name=name, made_at="2026-02-01T00:00:00Z").profile


def test_what_is_written_and_signed_is_applied_by_the_device(site: Site) -> None:
    write(site.file, a_profile(), site.key, None)
    corrections, notes = corrections_for(load_profile(site.file, site.trust), HERE, TODAY)
    assert notes == ()
    assert corrections is not None
    assert corrections.color is not None


def test_a_second_write_keeps_the_first(site: Site) -> None:
    write(site.file, a_profile("first"), site.key, None)
    written = write(site.file, a_profile("second"), site.key, read_current(site.file, site.trust))
    assert written.kept == previous_of(site.file)
    assert load_profile(previous_of(site.file), site.trust).profile.name == "first"


def test_restoring_twice_is_once_around(site: Site) -> None:
    write(site.file, a_profile("first"), site.key, None)
    write(site.file, a_profile("second"), site.key, read_current(site.file, site.trust))
    assert restore(site.file, site.trust).profile.name == "first"
    assert load_profile(site.file, site.trust).profile.name == "first"
    assert restore(site.file, site.trust).profile.name == "second"


def test_without_a_key_a_signed_profile_stays_in_force_and_the_new_one_is_a_draft(site: Site) -> None:
    write(site.file, a_profile("first"), site.key, None)
    before = site.file.read_bytes()
    written = write(site.file, a_profile("second"), None, read_current(site.file, site.trust))
    assert written.is_draft
    assert site.file.read_bytes() == before
    assert load_profile(written.path, site.trust).signer is None


def test_signing_a_draft_puts_it_in_force_and_keeps_the_old_one(site: Site) -> None:
    write(site.file, a_profile("first"), site.key, None)
    draft = write(site.file, a_profile("second"), None, read_current(site.file, site.trust)).path
    ended = site.run("sign", str(draft), "--key", str(site.key_file))
    assert ended.exit_code == 0, ended.output
    assert load_profile(site.file, site.trust).profile.name == "second"
    assert load_profile(site.file, site.trust).signer == site.key.hash
    assert not draft.exists()
    assert previous_of(site.file).is_file()


def test_a_profile_that_changed_meanwhile_is_not_overwritten(site: Site) -> None:
    write(site.file, a_profile("first"), site.key, None)
    seen = read_current(site.file, site.trust)
    write(site.file, a_profile("another-hand"), site.key, seen)
    with pytest.raises(InputRefused, match="changed by somebody else"):
        write(site.file, a_profile("late"), site.key, seen)


def test_a_forged_profile_is_not_built_upon(site: Site) -> None:
    site.file.write_bytes(signed(encode(a_profile()), site.key).replace(b"clinic-3", b"clinic-4"))
    before = site.file.read_bytes()
    with pytest.raises(NotTrusted, match="does not hold"):
        read_current(site.file, site.trust)
    assert site.file.read_bytes() == before


def test_a_previous_profile_that_was_changed_is_not_restored(site: Site) -> None:
    write(site.file, a_profile("first"), site.key, None)
    write(site.file, a_profile("second"), site.key, read_current(site.file, site.trust))
    previous_of(site.file).write_bytes(previous_of(site.file).read_bytes().replace(b"first", b"third"))
    with pytest.raises(NotTrusted):
        restore(site.file, site.trust)
    assert load_profile(site.file, site.trust).profile.name == "second"


def test_nothing_to_restore_says_so(site: Site) -> None:
    with pytest.raises(InputRefused, match="no profile is kept"):
        restore(site.file, site.trust)


@pytest.mark.parametrize("steps", range(8))
def test_a_kill_at_any_step_leaves_a_whole_profile_in_force(site: Site, monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    class Killed(BaseException):
        pass

    write(site.file, a_profile("first"), site.key, None)
    write(site.file, a_profile("second"), site.key, read_current(site.file, site.trust))
    left = [steps]

    def maybe(*_: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    real_replace = Path.replace

    def stepping(self: Path, target: Path) -> Path:
        maybe()
        return real_replace(self, target)

    def durable(path: Path, data: bytes) -> None:
        maybe()
        replace_durably(path, data)

    monkeypatch.setattr("calibration.profile.store.replace_durably", durable)
    monkeypatch.setattr(Path, "replace", stepping)
    try:
        restore(site.file, site.trust)
        write(site.file, a_profile("third"), site.key, read_current(site.file, site.trust))
    except Killed:
        pass
    monkeypatch.undo()
    assert load_profile(site.file, site.trust).profile.name in {"first", "second", "third"}
    write(site.file, a_profile("fourth"), site.key, read_current(site.file, site.trust))
    assert restore(site.file, site.trust).profile.name in {"first", "second", "third"}


def test_a_folder_that_is_not_there_is_named(site: Site, tmp_path: Path) -> None:
    with pytest.raises(MachineLacks, match="nowhere"):
        write(tmp_path / "nowhere" / "p.json", a_profile(), None, None)


# putting a measurement in


def test_a_new_color_leaves_the_geometry_and_other_settings_alone() -> None:
    other = Setting(camera="Scanner", width_px=800, height_px=600)
    old = put(Measured(other, TODAY, Geometry(REGION, ())), None, name="x", made_at="t").profile
    old = put(Measured(HERE, TODAY, Geometry(REGION, ())), old, name="x", made_at="t").profile
    new = put(Measured(HERE, TODAY, Color(UNIT, EVIDENCE)), old, name="ignored", made_at="u").profile
    assert new.name == "x"
    here = next(c for c in new.corrections if c.setting == HERE)
    assert here.scan_region == REGION
    assert here.color == UNIT
    assert any(c.setting == other for c in new.corrections)


def test_the_earlier_of_two_last_days_counts_and_is_said() -> None:
    old = put(Measured(HERE, TODAY, Geometry(REGION, ())), None, name="x", made_at="t").profile
    later = TODAY + datetime.timedelta(days=90)
    made = put(Measured(HERE, later, Color(UNIT, EVIDENCE)), old, name="x", made_at="u")
    assert made.profile.corrections[0].expires_on == TODAY
    assert "scan region" in made.notes[0]


def test_a_measurement_that_no_profile_may_hold_is_refused() -> None:
    wild = ColorResponse(matrix=((99.0, 0.0, 0.0), *UNIT.matrix[1:]))
    with pytest.raises(UsageError, match=r"<= 32.0.*color.matrix"):
        put(Measured(HERE, TODAY, Color(wild, EVIDENCE)), None, name="x", made_at="t")


# keys


def test_keys_that_cannot_sign_are_said_by_name(tmp_path: Path) -> None:
    path = tmp_path / "odd.pem"
    secret = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pass"))
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    cut = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    for content, word in (
        (secret, "passphrase"),
        (curve, "another kind"),
        (cut, "damaged"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "public key"),
        (b"", "no private key"),
        (b"\xff", "no private"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputRefused, match=word) as refused:
            read_signing_key(path)
        assert "odd.pem" in refused.value.what


# showing


def test_show_says_what_is_applied_by_whom_until_when(site: Site) -> None:
    write(site.file, a_profile(until=datetime.date(2099, 1, 1)), site.key, None)
    shown = json.loads(site.run("show", str(site.file), "--json").stdout)
    assert shown["signer_name"] == "site"
    assert shown["entries"][0]["standing"] == "applied"
    assert "median ΔE00 1.2" in shown["entries"][0]["holds"][0]


@pytest.mark.parametrize(
    ("until", "with_key", "says"),
    [
        (TODAY, False, "ignored"),
        (TODAY + datetime.timedelta(days=400), True, "applied until"),
        (TODAY + datetime.timedelta(days=3), True, "but only until"),
        (TODAY - datetime.timedelta(days=1), True, "expired"),
    ],
)
def test_doctor_says_what_is_applied_and_until_when(site: Site, until: datetime.date, with_key: bool, says: str) -> None:
    write(site.file, a_profile(until=until), site.key if with_key else None, None)
    findings = list(find_profile(site.file, site.trust_folder, TODAY))
    assert any(says in finding.says for finding in findings)


def test_doctor_names_a_profile_that_is_refused(site: Site) -> None:
    site.file.write_text("{}")
    assert [finding.level for finding in find_profile(site.file, site.trust_folder, TODAY)] == [Level.BROKEN]


def test_two_writers_wait_for_each_other(site: Site) -> None:
    with store._alone(site.file):
        handle = os.open(site.file.parent, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(handle)
