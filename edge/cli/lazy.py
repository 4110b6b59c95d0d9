"""A group of commands of which only the called one is imported: `--help`, completion and a mistyped name import none."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import typer
import typer.core
import typer.main

from edge.cli.failures import missing_module
from edge.errors import UsageError

__all__ = ["LazyGroup", "Row"]

COMPLETION = {"install_completion", "show_completion"}  # for a whole program: the root offers them, once


@dataclass(frozen=True, slots=True)
class Row:
    """A command: its line of help, and what imports it and gives its typer.Typer."""

    name: str
    help: str
    load: Callable[[], Any]


class LazyGroup(typer.core.TyperGroup):
    """Lists its rows, in their order; loads one when it is asked for."""

    _only_names = False

    def rows(self) -> tuple[Row, ...]:
        """What the group holds; given by the class that is made of it."""
        raise NotImplementedError

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        return [row.name for row in self.rows()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        row = next((row for row in self.rows() if row.name == cmd_name), None)
        if row is None:
            return None
        if self._only_names:
            return typer.core.TyperCommand(cmd_name, help=row.help)
        try:
            loaded = row.load()
        except ImportError as error:
            if ctx.resilient_parsing:  # shell completion: a command that cannot be loaded is not offered
                return None
            raise missing_module(error, f"{ctx.command_path} {cmd_name}".partition(" ")[2]) from error
        command: Any = typer.main.get_command(loaded) if isinstance(loaded, typer.Typer) else loaded
        command.params = [param for param in command.params if param.name not in COMPLETION]
        return command

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Names of commands with their help, again without importing one."""
        self._only_names = True
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            self._only_names = False

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in known and not ctx.resilient_parsing:
            import difflib

            near = difflib.get_close_matches(args[0], known, n=1)
            do = f"did you mean: {ctx.command_path} {near[0]}" if near else f"{ctx.command_path} --help lists them"
            raise UsageError(f"there is no command '{args[0]}'", do=do)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Typer's signature
        with formatter.section("Commands"):
            formatter.write_dl([(row.name, row.help) for row in self.rows()])
