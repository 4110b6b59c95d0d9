"""`sonoderm flash BUNDLE`: a verified model onto one device or fifty."""

import getpass
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from edge.bundle.open import resolve_model
from edge.bundle.trust import load_trust
from edge.cli.output import print_json_line, say
from edge.cli.trust_option import TrustOption
from edge.errors import CheckFailed, InputRefused, MachineLacks, NotTrusted, SourceUnreachable, UsageError
from firmware_bridge.flash.fleet import INTERRUPTED, Line, flash_fleet, trouble_result
from firmware_bridge.flash.offer import Offer, offer_of
from firmware_bridge.flash.progress import open_screen
from firmware_bridge.flash.result import Outcome, Report, Result, ending
from firmware_bridge.flash.steps import Options
from firmware_bridge.flash.where import AllOption, BaudOption, OperatorOption, PortOption, PortsOption, ReportOption, Where

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


_FAMILIES = (CheckFailed, UsageError, InputRefused, SourceUnreachable, NotTrusted, MachineLacks)  # one for each exit code


@app.command()
def flash(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="A bundle file, or the name of a shipped model.")],
    port: PortOption = None,
    ports: PortsOption = None,
    everything: AllOption = False,
    baud: BaudOption = 115_200,
    trust: TrustOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; send nothing of the bundle.")] = False,
    confirm: Annotated[bool, typer.Option("--confirm", help="Say yes to a model that passed its check on a device set to manual.")] = False,
    wait_s: Annotated[float, typer.Option("--wait-s", min=1, help="For the trial, an examination included.")] = 1800.0,
    replug_s: Annotated[float, typer.Option("--replug-s", min=1, help="For a device whose cable was pulled, or that restarts.")] = 60.0,
    report: ReportOption = None,
    operator: OperatorOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, one line a device, as each ends.")] = False,
) -> None:
    """Put a model onto devices, and wait until it has booted there and passed its check.

    Finds the device on USB; --port, --ports and --all name others. What failed says in which state the device is, and what to do.
    """
    offer = _offer(bundle, trust)
    rows = Report(report) if report is not None else None
    if rows is not None:
        rows.prepare()
    who = operator or getpass.getuser()
    reached = Where(port, ports, everything, baud).reach()
    results = [trouble_result(trouble, who) for trouble in reached.troubles]
    total = len(results) + len(reached.found)
    with open_screen() as screen:

        def on_result(result: Result) -> None:
            if total > 1 or result.outcome is not Outcome.FAILED or result.exit_code == INTERRUPTED:  # else said as the error
                screen.end(result)
            if rows is not None:
                rows.add(result)
            if as_json:
                print_json_line(msgspec.json.encode(result))

        for result in results:
            on_result(result)
        results += flash_fleet(
            offer, reached.found, reached.book, Line(baud, replug_s), Options(dry_run, wait_s, confirm), who, screen.watch, on_result
        )
    _conclude(results)


def _offer(bundle: str, trust: Path | None) -> Offer:
    verified = resolve_model(bundle, load_trust(trust))
    if verified.path is None:
        raise InputRefused(f"{bundle}: it is no file", do="name a bundle file")
    try:
        data = verified.path.read_bytes()
    except OSError as error:
        raise InputRefused(f"{verified.path}: {error.strerror}", do="check the file") from error
    return offer_of(verified, data)


def _conclude(results: list[Result]) -> None:
    failed = [result for result in results if result.exit_code]
    if len(results) == 1 and failed:
        family = next((each for each in _FAMILIES if each.exit_code == failed[0].exit_code), CheckFailed)
        raise family(ending(failed[0]))
    if failed:
        names = ", ".join(result.serial or result.port for result in failed)
        raise CheckFailed(
            f"{len(failed)} of {len(results)} devices were not flashed: {names}", do="the lines above say why, and what to do"
        )
    if len(results) > 1:
        say(f"{len(results)} devices: all done")
