"""tuning.json and accepted.json: whole or not there, private, and ignored aloud when damaged."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.backends.private import is_private, make_private, write_private
from edge.backends.proofs import Proof, ProofKey, proof_of, read_proofs, write_proof
from edge.backends.tuning import Tuned, read_tuning, tuned_for, write_tuned
from edge.errors import MachineLacks

KEY = ProofKey("m" * 16, "Orin", "tensorrt", "10.16", "a" * 64, "trt-in")
PROOF = Proof(KEY, 6, 500, 412, 0.995, "u8s8 on onnxruntime 1.32.0", "2026-01-01T00:00:00+00:00")
TUNED = Tuned("a cpu", "a" * 64, "openvino", "2026.4.1", "u8s8", 2, 2.5, 3.5, "2026-01-01T00:00:00+00:00")


def test_a_proof_holds_for_its_key_alone(tmp_path: Path) -> None:
    write_proof(tmp_path, PROOF)
    proofs, warning = read_proofs(tmp_path)
    assert warning is None
    assert proof_of(proofs, KEY) == PROOF
    for field in ProofKey.__struct_fields__:
        assert proof_of(proofs, msgspec.structs.replace(KEY, **{field: "another"})) is None


def test_a_later_proof_takes_the_place_of_an_earlier_one_and_leaves_others(tmp_path: Path) -> None:
    other = msgspec.structs.replace(PROOF, key=msgspec.structs.replace(KEY, form="fp16"))
    for proof in (PROOF, other, msgspec.structs.replace(PROOF, decided=300)):
        write_proof(tmp_path, proof)
    proofs, _ = read_proofs(tmp_path)
    assert {(p.key.form, p.decided) for p in proofs} == {("trt-in", 300), ("fp16", 412)}


def test_a_proof_that_others_may_write_to_proves_nothing(tmp_path: Path) -> None:
    write_proof(tmp_path, PROOF)
    (tmp_path / "accepted.json").chmod(0o666)
    proofs, warning = read_proofs(tmp_path)
    assert proofs == ()
    assert "others may write" in str(warning)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_damaged_records_are_ignored_aloud(tmp_path: Path, data: bytes) -> None:
    for name in ("accepted.json", "tuning.json"):
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).chmod(0o600)
    proofs, proofs_warning = read_proofs(tmp_path)
    tuned, tuning_warning = read_tuning(tmp_path)
    assert (proofs, tuned) == ((), ())
    for warning in (proofs_warning, tuning_warning):
        assert warning is None or "sonoderm check --" in warning
    if not data.strip().startswith(b"{"):
        assert proofs_warning
        assert tuning_warning


def test_absent_records_are_no_warning(tmp_path: Path) -> None:
    assert read_proofs(tmp_path / "none") == ((), None)
    assert read_tuning(tmp_path / "none") == ((), None)


def test_a_tuning_is_found_by_processor_and_bundle(tmp_path: Path) -> None:
    write_tuned(tmp_path, TUNED)
    write_tuned(tmp_path, msgspec.structs.replace(TUNED, bundle="b" * 64, threads=1))
    write_tuned(tmp_path, msgspec.structs.replace(TUNED, threads=4))
    tuned, warning = read_tuning(tmp_path)
    assert warning is None
    found = tuned_for(tuned, "a cpu", "a" * 64)
    assert found is not None
    assert found.threads == 4
    assert tuned_for(tuned, "another cpu", "a" * 64) is None
    assert tuned_for(tuned, "a cpu", "c" * 64) is None


def test_a_file_is_private_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "folder" / "file"
    write_private(path, b"one")
    write_private(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert is_private(path)
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(MachineLacks, match="others may write"):
        make_private(folder)


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MachineLacks) as caught:
        write_private(tmp_path / "file" / "folder" / "x", b"data")
    assert "XDG_CACHE_HOME" in caught.value.line()
