"""A bundle that was signed by a trusted key opens, and gives back what was put in."""

from pathlib import Path

from edge.bundle.open import open_bundle
from tests.builders import a_bundle


def test_a_bundle_signed_by_a_trusted_key_opens(tmp_path: Path) -> None:
    built = a_bundle(tmp_path)
    bundle = open_bundle(built.path, built.trust)
    assert bundle.manifest == built.manifest
