"""Documents keep their word: links lead somewhere, promises name tests that exist, examples run."""

import ast
import re
import runpy
from pathlib import Path

import pytest

from edge.bundle.shipped import read_pins
from edge.cli.commands import COMMANDS

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
NAMED_TEST = re.compile(r"`(tests/[\w/.-]+\.py)::(test_\w+)`")


def documents(root: Path) -> list[Path]:
    return [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]


def test_every_link_between_documents_leads_to_a_file(root: Path) -> None:
    broken = [
        f"{document.relative_to(root)}: {target}"
        for document in documents(root)
        for target in LINK.findall(document.read_text("utf-8"))
        if "://" not in target and not target.startswith("mailto:") and not (document.parent / target).exists()
    ]
    assert broken == []


def test_every_guarantee_names_a_test_that_exists(root: Path) -> None:
    text = (root / "docs/guarantees.md").read_text("utf-8")
    promises = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| we promise", "|---"))]
    named = NAMED_TEST.findall(text)
    assert len(promises) >= 10
    assert all(NAMED_TEST.search(promise) for promise in promises)
    for file, test in named:
        tree = ast.parse((root / file).read_text("utf-8"))
        assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}, f"{file}::{test}"


def test_the_readme_fits_and_says_on_its_first_screen_what_may_not_be_sold(root: Path) -> None:
    lines = (root / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 150
    first = "\n".join(lines[:15])
    assert "not a medical device" in first
    assert "non-commercial" in first


def test_the_architecture_fits_on_a_page_and_names_every_part(root: Path) -> None:
    text = (root / "docs/architecture.md").read_text("utf-8")
    assert len(text.splitlines()) <= 75
    parts = {place.name for place in (root / "edge").iterdir() if place.is_dir() and not place.name.startswith("__")}
    parts |= {place.name for place in (root / "edge").glob("*.py") if place.name != "__init__.py"}
    assert {part for part in parts if part.removesuffix(".py") not in text} == set()


def test_every_command_of_the_readme_is_one_that_we_have(root: Path) -> None:
    text = (root / "README.md").read_text("utf-8")
    blocks = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    called = {name for block in blocks for name in re.findall(r"sonoderm ([a-z]+)", block)}
    assert called <= {command.name for command in COMMANDS}


def test_the_python_example_of_the_readme_runs(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    if "breast-us" not in {pin.name for pin in read_pins()}:
        pytest.skip("breast-us is not shipped in this tree: the example of the README is not run here")
    example = re.search(r"```python\n(.*?)```", (root / "README.md").read_text("utf-8"), re.DOTALL)
    assert example is not None
    script = tmp_path / "example.py"
    script.write_text(example[1], "utf-8")
    monkeypatch.chdir(root)
    runpy.run_path(str(script))
    assert re.match(r"[A-Z ]+ \S+ \S+\n", capsys.readouterr().out)


def test_nothing_in_the_repository_names_the_machine_that_made_it(root: Path) -> None:
    """A path of one machine, or its package index, would work nowhere else."""
    places = re.compile(r"(?<![\w.])/(?:work|root|home/\w+)/\w+|/opt/(?:wheels|pypi)|\.pyenv")
    found = [
        str(file.relative_to(root))
        for folder in ("edge", "export", "calibration", "firmware_bridge", "benchmarks", "docs", "tests", ".ci")
        for file in sorted((root / folder).rglob("*"))
        if file.suffix in {".py", ".md", ".toml", ".html", ".js", ".css", ".sh", ".txt", ".json", ""}
        and file.is_file()
        and file != Path(__file__)
        if "__pycache__" not in file.parts and places.search(file.read_text("utf-8", "replace"))
    ]
    assert found == []
