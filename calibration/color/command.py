"""`sonoderm calibrate color`: photographs of a chart (or a grey card) to the color response of this camera, in its profile."""

import datetime
from pathlib import Path
from typing import Annotated

import typer

from calibration.color.measure import ChartMeasured, measure_chart, measure_grey_card, read_photos
from calibration.color.reference import built_in, read_chart
from calibration.profile.deliver import (
    CameraOption,
    KeyOption,
    NameOption,
    OpticOption,
    ProfileOption,
    ValidOption,
    deliver,
    last_of,
    prepare,
)
from calibration.profile.pictures import setting_of, take
from edge.bundle.durable import replace_durably, require_folder
from edge.cli.listing import print_pairs
from edge.cli.output import print_json, say
from edge.cli.trust_option import TrustOption
from edge.errors import UsageError

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)
PICTURES = 8  # of a camera: their mean has a third of the noise


@app.command()
def color(
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO...", help="Photographs of one chart, or the camera itself: camera:0")],
    chart: Annotated[str, typer.Option(help="classic-24, classic-24-before-2014, or a CSV file of the chart's own values.")] = "classic-24",
    grey_card: Annotated[
        bool, typer.Option("--grey-card", help="A grey card in place of a chart: takes away a cast, nothing else.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only compare with the last measurement; exit code 1 when it drifted.")] = False,
    camera: CameraOption = None,
    optic: OpticOption = "",
    profile: ProfileOption = None,
    key: KeyOption = None,
    name: NameOption = None,
    valid_days: ValidOption = 180,
    report: Annotated[Path | None, typer.Option(help="An HTML page with the photograph and every patch.")] = None,
    trust: TrustOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON object.")] = False,
) -> None:
    """A chart's photograph to the color response of this camera.

    Exposure, white balance and focus must be as they will be in use, and fixed. Without --profile the result is shown and not kept.
    """
    if check and profile is None:
        raise UsageError("--check compares with a profile, and there is no --profile", do="give --profile FILE")
    if grey_card and (report or check):
        raise UsageError("--report and --check need a chart", do="leave --grey-card out")
    if report is not None:
        require_folder(report)
    reference = read_chart(Path(chart)) if chart.lower().endswith(".csv") or Path(chart).is_file() else built_in(chart)
    now = datetime.datetime.now(datetime.UTC)
    delivery = prepare(profile, key, name, valid_days, trust, now)
    taken = [take(photo, PICTURES) for photo in photos]
    if len({each.size for each in taken}) > 1:
        raise UsageError("the photographs are of different sizes", do="measure each size by itself: a profile is kept for one size")
    for note in dict.fromkeys(note for each in taken for note in each.notes):
        say(note)
    setting = setting_of(taken[0], camera, optic) if delivery else None
    last = last_of(delivery, setting) if setting else None
    read = read_photos(taken)
    measured = measure_grey_card(read, now) if grey_card else measure_chart(read, reference, last, now)
    if report is not None and isinstance(measured, ChartMeasured):
        replace_durably(report, measured.page().encode())
        say(f"report: {report}")
    if as_json:
        print_json(measured.facts)
    else:
        print_pairs(measured.lines())
    if isinstance(measured, ChartMeasured):
        if check:
            measured.require_no_drift()
            return
        measured.require_help()
    if delivery and setting:
        for line in deliver(delivery, setting, measured.color):
            say(line)
    elif not delivery:
        say("nothing was kept: give --profile FILE")
