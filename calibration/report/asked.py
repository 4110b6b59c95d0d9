"""The command on top of a page: what was asked for, to be typed again."""

import shlex
from pathlib import Path

import typer

__all__ = ["command_line"]


def command_line(ctx: typer.Context) -> str:
    """Every option that was given. Of files and folders the names alone: a page is passed on, and a path tells of its machine."""
    words = ["sonoderm", "calibrate", str(ctx.command.name)]
    for param in ctx.command.params:
        source = ctx.get_parameter_source(param.name or "")
        if source is None or source.name != "COMMANDLINE":
            continue
        value = ctx.params[param.name or ""]
        option = [] if param.param_type_name == "argument" else [max(param.opts, key=len)]
        for one in value if isinstance(value, (list, tuple)) else [value]:
            is_place = isinstance(one, Path) or param.name == "model"
            words += option if one is True else [*option, Path(one).name if is_place else str(one)]
    return shlex.join(words)
