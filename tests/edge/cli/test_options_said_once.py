"""The options that choose an engine read the same in every command that has them."""

import importlib

import pytest
import typer

COMMANDS = ("run", "classify", "evaluate", "check", "bench")


@pytest.mark.parametrize("option", ["--engine", "--form", "--threads"])
def test_an_engine_option_has_one_help_text(option: str) -> None:
    said = set()
    for name in COMMANDS:
        command = typer.main.get_command(importlib.import_module(f"edge.cli.{name}").app)
        said.add(next(getattr(parameter, "help", None) for parameter in command.params if option in parameter.opts))
    assert len(said) == 1
    assert None not in said
