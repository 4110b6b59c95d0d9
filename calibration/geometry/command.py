"""`sonoderm calibrate geometry`: a scanner's screen to its scan region and text masks, in the profile of this device."""

import datetime
from pathlib import Path
from typing import Annotated

import cv2
import msgspec
import numpy as np
import typer

from calibration.geometry.draw import draw
from calibration.geometry.locate import locate
from calibration.profile.deliver import (
    CameraOption,
    KeyOption,
    NameOption,
    OpticOption,
    ProfileOption,
    ValidOption,
    deliver,
    prepare,
)
from calibration.profile.pictures import setting_of, take
from edge.bundle.durable import replace_durably, require_folder
from edge.cli.listing import print_pairs
from edge.cli.output import print_json, say
from edge.cli.trust_option import TrustOption

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)
PICTURES = 24  # of a clip or camera, spread over it: letters stand still, tissue does not


class GeometryFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints. share: of the picture. polygons in pixels, as in the profile."""

    v: int = 1
    how: str
    share: float
    scan_region: tuple[tuple[int, int], ...]
    text_masks: tuple[tuple[tuple[int, int], ...], ...]
    notes: tuple[str, ...]


@app.command()
def geometry(
    screen: Annotated[str, typer.Argument(metavar="PHOTO|DICOM|CLIP", help="The scanner's screen, or its camera: camera:0")],
    camera: CameraOption = None,
    optic: OpticOption = "",
    profile: ProfileOption = None,
    key: KeyOption = None,
    name: NameOption = None,
    valid_days: ValidOption = 730,
    report: Annotated[Path | None, typer.Option(help="A PNG of the screen with what was found drawn into it.")] = None,
    trust: TrustOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON object.")] = False,
) -> None:
    """A scanner's screen to its scan region and text masks.

    What a DICOM file states about its regions comes first. A clip tells more than a picture: letters on the tissue stand still in it.
    """
    if report is not None:
        require_folder(report)
    delivery = prepare(profile, key, name, valid_days, trust, datetime.datetime.now(datetime.UTC))
    taken = take(screen, PICTURES)
    setting = setting_of(taken, camera, optic) if delivery else None
    located = locate(taken)
    found = located.geometry
    for note in (*taken.notes, *located.notes):
        say(note)
    if report is not None:
        ok, data = cv2.imencode(".png", np.ascontiguousarray(draw(taken.pictures[0], located)[..., ::-1]))
        assert ok, "a uint8 picture of three channels can be stored as PNG"
        replace_durably(report, data.tobytes())
        say(f"report: {report}; it shows the screen as it was, also a patient's name on it")
    if as_json:
        facts = GeometryFacts(
            how=located.how,
            share=located.share,
            scan_region=located.polygon,
            text_masks=found.text_masks,
            notes=located.notes,
        )
        print_json(facts)
    else:
        masks = f"{len(found.text_masks)} over letters and marks on the tissue"
        print_pairs([("told by", located.how), ("scan region", f"{located.share:.0%} of the picture"), ("text masks", masks)])
    if delivery and setting:
        for line in deliver(delivery, setting, found):
            say(line)
    else:
        say("nothing was kept: give --profile FILE")
