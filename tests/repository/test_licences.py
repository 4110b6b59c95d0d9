"""Licences: the code's, the weights', and those of what is installed beside it."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

from edge.bundle.open import open_shipped
from edge.bundle.shipped import MODELS, read_pins
from edge.bundle.trust import load_trust


@pytest.fixture
def project(root: Path) -> dict[str, object]:
    found: dict[str, object] = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    return found


def test_the_code_is_under_the_whole_text_of_apache_2(root: Path) -> None:
    text = (root / "LICENSE").read_text("utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_every_shipped_model_has_its_licence_beside_it_and_in_the_package_s_expression(project: dict[str, object]) -> None:
    expression = set(re.split(r"\s+(?:AND|OR|WITH)\s+", str(project["license"])))
    for pin in read_pins():
        licence = open_shipped(pin, load_trust(None)).manifest.licence
        beside = [file for file in MODELS.glob("*.LICENSE.md") if file.name.startswith(pin.name)]
        assert beside, f"{pin.name} has no licence file"
        for part in re.split(r"\s+(?:AND|OR|WITH)\s+", licence.strip("()")):
            assert part in expression or part.startswith("LicenseRef-"), f"{part} of {pin.name} is not in the package's licence expression"


def test_nothing_that_is_installed_with_the_device_is_under_the_gpl(project: dict[str, object]) -> None:
    """Every distribution that the base install needs, and what those need in turn."""
    wanted = [re.split(r"[<>=!~;\[ (]", str(need))[0] for need in project["dependencies"]]  # type: ignore[attr-defined]
    seen: dict[str, str] = {}
    while wanted:
        name = wanted.pop().lower()
        if name in seen:
            continue
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        meta = found.metadata
        classifiers = " ".join(value for value in meta.get_all("Classifier") or [] if value.startswith("License"))
        short = (meta.get("License") or "")[:100]
        seen[name] = f"{meta.get('License-Expression') or ''} {short} {classifiers}"
        wanted += [re.split(r"[<>=!~;\[ (]", need)[0] for need in found.requires or [] if "extra ==" not in need]
    assert len(seen) > 15
    assert {
        name: says for name, says in seen.items() if re.search(r"(?<!L)GPL|General Public License", says) and "Lesser" not in says
    } == {}
    assert "pylibjpeg-libjpeg" not in seen
