"""`sonoderm calibrate`: a table of commands, each in a module of its own; the one that is called is the only one that is imported."""

from functools import partial
from importlib import import_module

import typer

from edge.cli.lazy import LazyGroup, Row

__all__ = ["app"]


def _app_of(package: str) -> typer.Typer:
    found: typer.Typer = import_module(f"calibration.{package}.command").app
    return found


COMMANDS = (  # in the order in which a device is calibrated
    ("confidence", "Make a probability mean what it says: temperature, bias, prevalence, site."),
    ("conformal", "Sets of classes that hold the truth as often as stated, class by class."),
    ("scope", "What is none of the model's business: the score that tells, and its threshold."),
    ("settled", "The temperature of what is shown after pictures were averaged in time."),
    ("color", "A chart's photograph to the color response of this camera."),
    ("geometry", "A scanner's screen to its scan region and text masks."),
    ("latency", "Glass to label, measured with a blinking target."),
    ("report", "All of it on unseen pictures, as one HTML file that opens offline."),
)


class _Calibrate(LazyGroup):
    def rows(self) -> tuple[Row, ...]:
        return tuple(Row(name, says, partial(_app_of, name)) for name, says in COMMANDS)


app = typer.Typer(cls=_Calibrate, rich_markup_mode=None)


@app.callback(no_args_is_help=True)
def _calibrate() -> None:
    """Numbers that mean what they say on this device."""
