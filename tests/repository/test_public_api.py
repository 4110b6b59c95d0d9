"""The API is what this list says; a new name is added here on purpose."""

import importlib
import pkgutil
from pathlib import Path

import pytest

import edge
import edge.errors
import edge.reading

PUBLIC = ["Frame", "Model", "ModelIdentity", "Reading", "Reason", "SonodermError", "State", "open_model", "run"]


def test_the_public_names_are_these() -> None:
    assert sorted(edge.__all__) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(edge, name).__doc__


def test_a_name_that_is_not_public_says_so() -> None:
    with pytest.raises(AttributeError, match="no attribute 'classify_everything'"):
        _ = edge.classify_everything  # type: ignore[attr-defined]


def test_every_error_has_a_documented_exit_code() -> None:
    for name in edge.errors.__all__:
        assert getattr(edge.errors, name).exit_code in {1, 2, 3, 4, 5, 6}


def test_every_module_says_what_it_offers() -> None:
    for module in pkgutil.walk_packages(edge.__path__, "edge."):
        loaded = importlib.import_module(module.name)
        assert loaded.__doc__, f"{module.name} has no docstring"
        if not module.ispkg:
            assert hasattr(loaded, "__all__"), f"{module.name} has no __all__"
            for name in loaded.__all__:
                assert hasattr(loaded, name), f"{module.name} offers {name}, which it does not have"


@pytest.mark.parametrize("package", ["edge", "export", "calibration", "firmware_bridge"])
def test_every_package_carries_its_types(root: Path, package: str) -> None:
    assert (root / package / "py.typed").is_file()
