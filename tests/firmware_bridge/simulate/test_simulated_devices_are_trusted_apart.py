"""Simulated devices have a trust folder each: what is rehearsed on one is not done to another, nor to this machine."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.builders import a_key, key_hash
from tests.firmware_bridge.benches import a_bench, bundles, device, error_of, rows, wait_for

pytest.importorskip("serial")


def test_a_key_that_one_device_takes_is_unknown_to_the_next(tmp_path: Path) -> None:
    made, next_key = bundles(tmp_path / "made"), a_key()
    owner, public = tmp_path / "owner.pem", tmp_path / "next.pub"
    owner.write_bytes(made.old.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(next_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with a_bench(tmp_path / "bench", made, 2) as bench:
        before = bench.port(1)
        added = device("trust", "add", str(public), "--role", "profile", "--sign-with", str(owner), "--port", before)
        assert added.exit_code == 0, added.output
        wait_for(lambda: bench.is_here(1) and bench.port(1) != before, 20)
        listed = rows(device("trust", "list", "--ports", str(bench.ports), "--json"))
        known = {one["serial"]: {key["hash"] for key in one["keys"]} for one in listed}  # type: ignore[attr-defined]
        assert known == {"sim-01": {key_hash(made.old.key), key_hash(next_key)}, "sim-02": {key_hash(made.old.key)}}
        lone = device("trust", "remove", key_hash(made.old.key), "--sign-with", str(owner), "--port", bench.port(2))
        assert "sim-02: no key would be left" in error_of(lone).what
    assert [path.suffix for path in made.old.trust_dir.iterdir()] == [".pub"]
