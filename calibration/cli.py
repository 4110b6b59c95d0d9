"""`sonoderm calibrate`: a table of commands, each in a module of its own; the one that is called is the only one that is imported."""

import importlib
from dataclasses import dataclass
from typing import Any

import typer
import typer.core
import typer.main

__all__ = ["TABLE", "Row", "app"]


@dataclass(frozen=True, slots=True)
class Row:
    """A command: the module whose `app` (a typer.Typer) it is, and its line of help."""

    name: str
    module: str
    help: str


TABLE = (  # in the order in which a device is calibrated
    Row("confidence", "calibration.confidence.command", "Make a probability mean what it says: temperature, bias, prevalence, site."),
    Row("conformal", "calibration.conformal.command", "Sets of classes that hold the truth as often as stated, class by class."),
    Row("scope", "calibration.scope.command", "What is none of the model's business: the score that tells, and its threshold."),
    Row("settled", "calibration.settled.command", "The temperature of what is shown after pictures were averaged in time."),
    Row("color", "calibration.color.command", "A chart's photograph to a color matrix of this camera."),
    Row("geometry", "calibration.geometry.command", "A scanner's screen to its scan region and text masks."),
    Row("latency", "calibration.latency.command", "Glass to label, measured with a blinking target."),
    Row("report", "calibration.report.command", "All of it on unseen pictures, as one HTML file that opens offline."),
)


class LazyGroup(typer.core.TyperGroup):
    """Lists the table; loads one row when it is asked for. `--help` imports none."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        return [row.name for row in TABLE]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        from edge.cli.failures import missing_module

        row = next((row for row in TABLE if row.name == cmd_name), None)
        if row is None:
            return None
        try:
            loaded = importlib.import_module(row.module).app
        except ImportError as error:
            if ctx.resilient_parsing:  # shell completion: a command that cannot be loaded is not offered
                return None
            raise missing_module(error, f"calibrate {cmd_name}") from error
        return typer.main.get_command(loaded) if isinstance(loaded, typer.Typer) else loaded

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Typer's signature
        with formatter.section("Commands"):
            formatter.write_dl([(row.name, row.help) for row in TABLE])


app = typer.Typer(cls=LazyGroup, rich_markup_mode=None)


@app.callback(no_args_is_help=True)
def _calibrate() -> None:
    """Numbers that mean what they say on this device."""
