"""`sonoderm classify`: every picture and every frame, in order, none dropped, no smoothing between them."""

import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.engine_options import EngineOption, FormOption, ModelOption, ThreadsOption
from edge.cli.inputs import Item, expand, open_file
from edge.cli.opened import named, opened_model
from edge.cli.output import Progress, answer, print_json_line, say
from edge.cli.stretches import Moving, StateCount, states_line
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

    states: StateCount = field(default_factory=StateCount)
    moving: int = 0  # files that are clips or cines
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

    A clip is shown as its stretches of equal answers; --json has every frame.
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
            say(_summary(count, len(items.files), named(opened)))
    if count.refused or count.partial:
        damaged = [f"{count.refused} refused" if count.refused else "", f"{count.partial} partial" if count.partial else ""]
        what, do = f"of {len(items.files)} files: {', '.join(filter(None, damaged))}", "see the line of each above"
        raise MachineLacks(what, do=do) if count.lacking == count.refused + count.partial else InputRefused(what, do=do)


def _one_file(item: Item, model: Model, as_json: bool, count: Count, progress: Progress | None) -> None:
    """Prints what was seen in one file; a damaged one gives its good frames and then the line that says so."""
    done = 0
    clip = Moving()
    try:
        with open_file(item.path) as source:
            for warning in source.info.warnings:
                say(f"{_shown(item.name)}: {warning}")
            moves = source.info.frames != 1
            for frame in source:
                reading = replace(model.classify(frame.pixels), frame=frame.index)
                of_table = frame.path is not None and Path(frame.path) != item.path
                if as_json:
                    _print_line(reading, frame if moves and not of_table else replace(frame, time_s=None), item)
                elif moves and not of_table:
                    if not done:
                        print(_shown(item.name))
                    _print_all(clip.feed(reading, frame.index, frame.time_s))
                else:
                    print(f"{_shown(_name(frame, item))}  {reading.state.value}  {answer(reading)}".rstrip(), flush=True)
                done += 1
                count.states.add(reading)
                if progress is not None:
                    progress.advance()
        _print_all(clip.end())
    except (InputRefused, MachineLacks) as error:
        _print_all(clip.end())
        count.lacking += isinstance(error, MachineLacks)
        if done:
            count.partial += 1
        else:
            count.refused += 1
        if as_json:
            print_json_line(encode(refused_line(error, path=item.name, now_ns=time.monotonic_ns(), at=_now())))
        else:
            print(f"{_shown(item.name)}  {'PARTIAL' if done else 'REFUSED'}  {error.line()}", flush=True)
    count.moving += bool(clip.count.states)


def _summary(count: Count, files: int, model: str) -> str:
    """What the whole came to: `3 pictures in 3 files with M: READY 3 (mel 2, nv 1). Research use only.`"""
    seen = count.states.states.total()
    what = f"{seen} {'frame' if count.moving else 'picture'}{'' if seen == 1 else 's'} in {files} file{'' if files == 1 else 's'}"
    states = f": {states_line(count.states)}" if seen else ""
    return f"{what} with {model}{states}. Research use only."


def _print_all(lines: list[str]) -> None:
    for line in lines:
        print(line, flush=True)


def _name(frame: Frame, item: Item) -> str:
    """A table among the inputs names each of its pictures; a file is named as it was written."""
    return frame.path if frame.path is not None and Path(frame.path) != item.path else item.name


def _print_line(reading: Reading, frame: Frame, item: Item) -> None:
    line = reading_line(
        reading, now_ns=time.monotonic_ns(), at=_now(), path=_name(frame, item), time_s=frame.time_s, rendered=frame.rendered
    )
    print_json_line(encode(line))


def _now() -> datetime:
    return datetime.now().astimezone()


def _shown(name: str) -> str:
    """A file name without characters that would move the cursor."""
    return "".join(c if c.isprintable() else "\ufffd" for c in name)
