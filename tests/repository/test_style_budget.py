"""A counted budget: modules stay small enough to have one idea, and a module's name is a noun."""

import ast
import re
import statistics
from functools import cache
from pathlib import Path

import pytest

PACKAGES = ("edge", "export", "calibration", "firmware_bridge")
MOST_LINES = 400
MEDIAN_LINES = 150
MOST_LINES_OF_A_FUNCTION = 80
NO_NOUN = re.compile(r"(^|_)(util|utils|helper|helpers|manager|common|base|misc|stuff|tools)(_|$)")


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def modules(root: Path) -> list[Path]:
    return [file for package in PACKAGES for file in sorted((root / package).rglob("*.py"))]


def test_the_median_module_is_small_and_none_needs_a_scroll_bar(root: Path) -> None:
    lines = {file: len(file.read_text("utf-8").splitlines()) for file in modules(root) if file.name != "__init__.py"}
    assert statistics.median(lines.values()) < MEDIAN_LINES
    assert {str(file.relative_to(root)): n for file, n in lines.items() if n > MOST_LINES} == {}


def test_a_function_fits_on_a_screen(root: Path) -> None:
    long = {}
    for file in modules(root):
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                start = node.body[0].lineno  # a signature with its options explained is not the function's idea
                if node.end_lineno - start > MOST_LINES_OF_A_FUNCTION:
                    long[f"{file.relative_to(root)}::{node.name}"] = node.end_lineno - start
    assert long == {}


def test_every_module_is_named_by_a_noun(root: Path) -> None:
    assert [str(file.relative_to(root)) for file in modules(root) if NO_NOUN.search(file.stem)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_is_caught_and_dropped(root: Path, package: str) -> None:
    """No bare `except`, and no handler of everything whose body is `pass`."""
    found = []
    for file in sorted((root / package).rglob("*.py")):
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.ExceptHandler):
                everything = node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
                drops = all(isinstance(statement, ast.Pass | ast.Continue) for statement in node.body)
                if node.type is None or (everything and drops):
                    found.append(f"{file.relative_to(root)}:{node.lineno}")
    assert found == []


def test_wall_clocks_decide_nothing(root: Path) -> None:
    """Pure parts never read a clock: time is an argument."""
    clock = re.compile(r"\btime\.(time|monotonic|perf_counter)(_ns)?\(|datetime\.(now|utcnow)\(|\bmonotonic_ns\(")
    pure = ["aggregate.py", "classify.py", "quality", "preprocess", "bundle/image.py", "pipeline/health.py", "sources/reconnect.py"]
    pure += ["sources/liveness.py"]
    files = [file for name in pure for place in [root / "edge" / name] for file in ([place] if place.is_file() else place.rglob("*.py"))]
    assert files
    assert [str(file.relative_to(root)) for file in files if clock.search(file.read_text("utf-8"))] == []
