"""`sonoderm calibrate confidence`: on the engine that will run; an overlay that the device takes over, or the old profile untouched."""

import csv
import datetime
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from calibration.cli import app
from calibration.profile.store import previous_of
from calibration.site.overlay import entry_of
from edge.bundle.manifest import Decision
from edge.bundle.trust import Role, load_trust
from edge.errors import InputRefused, NotTrusted, SonodermError, UsageError
from edge.model import OpenOptions, open_model
from edge.profile import OverlayEntry, load_profile
from tests.builders import BuiltBundle, a_bundle, a_trust_folder

DIGEST = "ab" * 32
CODES = ("red", "green", "blue")


@dataclass(frozen=True)
class Bench:
    """A bundle, a folder that trusts its key and a profile key, and a table of pictures whose truth is known."""

    built: BuiltBundle
    key: Path
    labels: Path
    profile: Path

    @property
    def signed(self) -> tuple[str, ...]:
        return ("--profile", str(self.profile), "--key", str(self.key))

    def run(self, *words: str, command: str = "confidence") -> tuple[int, str]:
        """Exit code and standard output. Our own errors are raised, as the root's caller gets them."""
        done = CliRunner().invoke(
            app, [command, *words, "--model", str(self.built.path), "--trust", str(self.built.trust_dir)], prog_name="calibrate"
        )
        if isinstance(done.exception, SonodermError):
            raise done.exception
        return done.exit_code, done.stdout


def a_table(folder: Path, n: int, *, sureness: float, name: str = "labels.csv", seed: int = 1) -> Path:
    """n pictures, each of its own patient. P-colour says 10 * mean colour; its truth is drawn from softmax(that / sureness)."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(exist_ok=True)
    rows = []
    for i in range(n):
        colour = rng.integers(60, 200, 3)
        odds = colour / 255 * 10 / sureness
        p = np.exp(odds - odds.max())
        cv2.imwrite(str(folder / "images" / f"{seed}-{i}.png"), np.full((8, 8, 3), colour[::-1], np.uint8))
        rows.append((f"images/{seed}-{i}.png", CODES[rng.choice(3, p=p / p.sum())], f"patient {i}"))
    path = folder / name
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("image", "label", "patient"), *rows])
    return path


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    built = a_bundle(tmp_path / "bundle", calibration_prevalence=(1 / 3,) * 3)
    key = Ed25519PrivateKey.generate()
    pem = tmp_path / "site.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    a_trust_folder(built.trust_dir, key, role=Role.PROFILE)
    return Bench(built, pem, a_table(tmp_path, 240, sureness=4.0), tmp_path / "clinic.json")


def test_methods_are_compared_on_the_engine_and_the_temperature_is_found(bench: Bench) -> None:
    code, out = bench.run(str(bench.labels), "--group", "patient", "--half", "all", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["engine"], found["form"], found["n"], found["chosen"]) == ("onnxruntime", "fp32", 240, "temperature")
    assert found["temperature"] == pytest.approx(4.0, rel=0.35)
    assert [row["method"] for row in found["methods"]] == ["none", "temperature", "bias", "vector"]


def test_the_text_names_every_method_with_its_error_and_the_prevalence(bench: Bench) -> None:
    _, out = bench.run(str(bench.labels), "--group", "patient")
    assert "the simplest within one standard error" in out
    assert "all 3 classes equally frequent" in out


def test_a_sites_overlay_is_taken_over_by_the_device_and_the_bundle_is_not_touched(bench: Bench) -> None:
    before = bench.built.path.read_bytes()
    code, out = bench.run("--site", str(bench.labels), "--group", "patient", *bench.signed, "--json")
    found = json.loads(out)
    assert (code, found["verdict"]) == (0, "helped")
    assert 1.5 < found["temperature_new"] < 6
    assert bench.built.path.read_bytes() == before
    trust = load_trust(bench.built.trust_dir)
    with open_model(bench.built.path, trust, options=OpenOptions(profile=bench.profile)) as model:
        assert model.decision.temperature == pytest.approx(found["temperature_new"], abs=1e-4)
        assert model.identity.notes == ("no scope check",)


def test_unsigned_a_flatter_overlay_counts_since_it_is_more_cautious(bench: Bench) -> None:
    bench.run("--site", str(bench.labels), "--group", "patient", "--profile", str(bench.profile))
    with open_model(bench.built.path, load_trust(bench.built.trust_dir), options=OpenOptions(profile=bench.profile)) as model:
        assert model.decision.temperature > 1.5
        assert any("unsigned: applied because it is more cautious" in note for note in model.identity.notes)


def test_cases_that_cannot_tell_leave_the_profile_as_it_is(bench: Bench, tmp_path: Path) -> None:
    true = a_table(tmp_path, 40, sureness=1.0, name="true.csv", seed=2)
    code, out = bench.run("--site", str(true), "--group", "patient", "--profile", str(bench.profile))
    assert code == 1
    assert out.startswith("cannot tell")
    assert not bench.profile.exists()


def test_another_prevalence_is_signed_and_stands_on_the_detail_line(bench: Bench) -> None:
    words = ("--prevalence", "red=0.8,green=0.1", *bench.signed)
    assert bench.run(*words)[0] == 0
    first = bench.profile.read_bytes()
    with open_model(bench.built.path, load_trust(bench.built.trust_dir), options=OpenOptions(profile=bench.profile)) as model:
        assert model.identity.prevalence == "red 80 %, green 10 %, blue 10 %"
        grey = model.classify(np.full((64, 64, 3), 120, np.uint8))
        assert dict(grey.probabilities)["red"] == pytest.approx(0.8, abs=1e-3)
    bench.run("--prevalence", "red=0.2,green=0.2", *bench.signed)
    with open_model(bench.built.path, load_trust(bench.built.trust_dir), options=OpenOptions(profile=bench.profile)) as model:
        grey = model.classify(np.full((64, 64, 3), 120, np.uint8))
        assert dict(grey.probabilities)["blue"] == pytest.approx(0.6, abs=1e-3), "from the prevalence in force, not from the bundle's"
    assert previous_of(bench.profile).read_bytes() == first


def ten(bench: Bench, folder: Path) -> Path:
    return a_table(folder, 10, sureness=1.0, name="ten.csv", seed=3)


def one_class(bench: Bench, folder: Path) -> Path:
    path = folder / "one.csv"
    lines = bench.labels.read_text().splitlines()
    path.write_text("\n".join(line for line in lines if ",label," in line or ",red," in line))
    return path


def no_labels(bench: Bench, folder: Path) -> Path:
    path = folder / "wrong.csv"
    path.write_text("picture,diagnosis\nimages/1-0.png,red\n")
    return path


def strange_label(bench: Bench, folder: Path) -> Path:
    path = folder / "strange.csv"
    path.write_text(bench.labels.read_text().replace("red", "purple", 1))
    return path


def gone(bench: Bench, folder: Path) -> Path:
    path = folder / "gone.csv"
    path.write_text(bench.labels.read_text().replace("images/1-5.png", "images/none.png"))
    return path


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (ten, "10 local cases"),
        (one_class, "all local cases are of one class"),
        (no_labels, "has no column"),
        (strange_label, "has no label 'purple'"),
        (gone, "none.png"),
    ],
)
def test_a_bad_table_is_one_line_and_the_old_profile_stays(
    bench: Bench, tmp_path: Path, table: Callable[[Bench, Path], Path], words: str
) -> None:
    bench.run("--prevalence", "red=0.5,green=0.3", *bench.signed)
    before = bench.profile.read_bytes()
    with pytest.raises((InputRefused, UsageError), match=words) as refused:
        bench.run("--site", str(table(bench, tmp_path)), *bench.signed)
    assert "\n" not in refused.value.line()
    assert bench.profile.read_bytes() == before
    assert not previous_of(bench.profile).exists()


def test_a_forged_profile_is_not_built_upon_and_not_touched(bench: Bench) -> None:
    bench.run("--prevalence", "red=0.5,green=0.3", *bench.signed)
    forged = bench.profile.read_bytes().replace(b"clinic", b"c1inic", 1)
    bench.profile.write_bytes(forged)
    with pytest.raises(NotTrusted, match="signature does not hold"):
        bench.run("--site", str(bench.labels), *bench.signed, "--group", "patient")
    assert bench.profile.read_bytes() == forged


def test_an_overlay_of_another_bundle_or_one_that_expired_stays_and_does_not_count(bench: Bench, tmp_path: Path) -> None:
    """What is refitted starts from what is in force: neither of the two is."""
    other = a_bundle(tmp_path / "other", version="1.0.1", key=bench.built.key)
    strange = Bench(
        BuiltBundle(other.path, bench.built.trust_dir, other.trust, other.manifest, other.key), bench.key, bench.labels, bench.profile
    )
    strange.run("--prevalence", "red=0.8,green=0.1", *bench.signed)
    code, out = bench.run("--site", str(bench.labels), "--group", "patient", *bench.signed, "--json")
    assert (code, json.loads(out)["temperature_old"]) == (0, 1.0)
    overlay = load_profile(bench.profile, load_trust(bench.built.trust_dir)).profile.overlay
    assert len(overlay) == 2
    assert {bool(entry.bias) for entry in overlay} == {True, False}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "give one of"),
        (("--prevalence", "red=0.8,green=0.1"), "only in a signed profile"),
        (("--site", "x.csv", "--prevalence", "red=0.8"), "give one of"),
        (("--prevalence", "red=0.8,green=0.1", "--camera", "c", "--profile", "p", "--key", "k"), "for local cases"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(bench: Bench, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        bench.run(*words)


def test_the_record_of_a_profile_reads_back_what_was_written(bench: Bench) -> None:
    bench.run("--prevalence", "red=0.8,green=0.1", *bench.signed, "--valid-days", "30")
    loaded = load_profile(bench.profile, load_trust(bench.built.trust_dir))
    (entry,) = loaded.profile.overlay
    assert loaded.signer is not None
    assert entry.prevalence == pytest.approx((0.8, 0.1, 0.1))
    assert msgspec.json.decode(msgspec.json.encode(entry), type=type(entry)) == entry


def test_a_limit_of_scope_in_force_stays_beside_a_new_temperature_and_lives_no_longer(tmp_path: Path) -> None:
    shipped = Decision(bias=(0.0,) * 3, set_at=(0.2,) * 3, out_of_scope_above=3.0)
    old = OverlayEntry(digest=DIGEST, form="fp32", engine="onnxruntime", expires_on=datetime.date(2026, 6, 1), out_of_scope_above=2.0)
    new = msgspec.structs.replace(shipped, temperature=1.4, out_of_scope_above=2.0)
    where = {"digest": DIGEST, "form": "fp32", "engine": "onnxruntime", "expires_on": datetime.date(2026, 9, 1)}
    both = entry_of(new, shipped, old, measured=frozenset({"temperature"}), **where)  # type: ignore[arg-type]
    assert (both.temperature, both.out_of_scope_above, both.expires_on) == (1.4, 2.0, datetime.date(2026, 6, 1))
    plain = msgspec.structs.replace(shipped, temperature=1.4)
    again = entry_of(plain, shipped, msgspec.structs.replace(old, out_of_scope_above=None), measured=frozenset({"temperature"}), **where)  # type: ignore[arg-type]
    assert (again.bias, again.expires_on) == ((), datetime.date(2026, 9, 1))
