"""`sonoderm classify`: every picture and every frame, in order, none dropped, no smoothing between them."""

import time
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.engine_options import EngineOption, FormOption, ModelOption, ThreadsOption
from edge.cli.inputs import Item, expand, open_file
from edge.cli.opened import named, opened_model
from edge.cli.output import Progress, answer, print_json_line, say
from edge.cli.trust_option import TrustOption
from edge.errors import InputRefused, MachineLacks
from edge.frame import Frame
from edge.model import Model
from edge.reading import Reading
from edge.sinks.record import encode, reading_line, refused_line

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None)


@dataclass
class Count:
    """What one run did, for its last line and its exit code."""

    readings: int = 0
    refused: int = 0
    partial: int = 0
    lacking: int = 0  # of those, for want of a decoder on this machine


@app.command()
def classify(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Pictures, folders, clips, DICOM files, dir:labels.csv?where=COLUMN=VALUE.")
    ],
    *,
    model: ModelOption,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each picture or frame.")] = False,
    trust: TrustOption = None,
    engine: EngineOption = None,
    form: FormOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Classify pictures, folders, clips and DICOM files, every frame in order.

    A file that cannot be read gets its line too, the others go on, and the exit code is 3 at the end.
    """
    items = expand(inputs)
    if items.left_out:
        say(f"{items.left_out} files in the folders are no pictures, clips or DICOM by name and were left out")
    count = Count()
    several = len(items.files) > 1
    with (
        opened_model(model, trust, engine, form, threads) as opened,
        Progress("classifying", len(items.files) if several else None) as progress,
    ):
        for item in items.files:
            _one_file(item, opened, as_json, count, None if several else progress)
            if several:
                progress.advance()
        if not as_json:
            say(f"{count.readings} pictures in {len(items.files)} files with {named(opened)}. Research use only.")
    if count.refused or count.partial:
        damaged = [f"{count.refused} refused" if count.refused else "", f"{count.partial} partial" if count.partial else ""]
        what, do = f"of {len(items.files)} files: {', '.join(filter(None, damaged))}", "see the line of each above"
        raise MachineLacks(what, do=do) if count.lacking == count.refused + count.partial else InputRefused(what, do=do)


def _one_file(item: Item, model: Model, as_json: bool, count: Count, progress: Progress | None) -> None:
    """Prints a line for each frame; a damaged file gives its good frames and then the line that says so."""
    done = 0
    try:
        with open_file(item.path) as source:
            for warning in source.info.warnings:
                say(f"{_shown(item.name)}: {warning}")
            moves = source.info.frames != 1
            for frame in source:
                reading = replace(model.classify(frame.pixels), frame=frame.index)
                of_table = frame.path is not None and Path(frame.path) != item.path
                _print_reading(reading, frame if moves and not of_table else replace(frame, time_s=None), item, as_json)
                done += 1
                count.readings += 1
                if progress is not None:
                    progress.advance()
    except (InputRefused, MachineLacks) as error:
        count.lacking += isinstance(error, MachineLacks)
        if done:
            count.partial += 1
        else:
            count.refused += 1
        if as_json:
            print_json_line(encode(refused_line(error, path=item.name, now_ns=time.monotonic_ns(), at=_now())))
        else:
            print(f"{_shown(item.name)}  {'PARTIAL' if done else 'REFUSED'}  {error.line()}", flush=True)


def _print_reading(reading: Reading, frame: Frame, item: Item, as_json: bool) -> None:
    """One line. A table among the inputs names each of its pictures; a file is named as it was written."""
    name = frame.path if frame.path is not None and Path(frame.path) != item.path else item.name
    if as_json:
        line = reading_line(reading, now_ns=time.monotonic_ns(), at=_now(), path=name, time_s=frame.time_s, rendered=frame.rendered)
        print_json_line(encode(line))
        return
    moment = f"  {frame.time_s:8.3f} s" if frame.time_s is not None else ""
    print(f"{_shown(name)}{moment}  {reading.state.value}  {answer(reading)}".rstrip(), flush=True)


def _now() -> datetime:
    return datetime.now().astimezone()


def _shown(name: str) -> str:
    """A file name without characters that would move the cursor."""
    return "".join(c if c.isprintable() else "\ufffd" for c in name)
