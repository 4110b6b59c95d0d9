"""`sonoderm demo`: the live path on a rendered phantom, with real faults on order and a stopwatch to the banner."""

import signal
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from os import environ
from typing import Annotated

import typer

from edge.cli.output import say
from edge.cli.trust_option import TrustOption
from edge.demo.plays import STEADY, plays
from edge.demo.script import play_faults
from edge.demo.sinks import KeptOpen
from edge.demo.stage import Play, Stage
from edge.demo.words import closing_lines, is_passed
from edge.pipeline.options import LiveModel
from edge.pipeline.process_age import process_began_ns
from edge.reading import Reason, Sink
from edge.sinks.table import Surroundings, open_sink

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None)
EXIT_NO = 1
EXIT_INTERRUPTED = 130


@app.command()
def demo(
    *,
    headless: Annotated[bool, typer.Option("--headless", help="In the terminal: the faults one after the other, each timed.")] = False,
    seconds: Annotated[float | None, typer.Option("--seconds", min=1, help="End after so long (headless: 20).")] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of the page on this machine; 0 takes a free one.")] = 0,
    model: Annotated[str, typer.Option("--model", "-m", help="A shipped name or a bundle file.")] = "phantom",
    source: Annotated[str | None, typer.Option("--source", help="What to play instead of the phantom.")] = None,
    trust: TrustOption = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Print the page's address, open no browser.")] = False,
) -> None:
    """Play a rendered phantom, break it, and watch how long the screen takes to say so.

    The faults happen in the capture process: its driver hangs, crashes, repeats. With --headless, exit code 0 when each got its
    banner in time and no stale label was shown, else 1. The page ends with Ctrl-C (exit code 0) or after --seconds.
    """

    def open_model(name: str, step: Callable[[Reason], None]) -> LiveModel:
        from edge.model import OpenOptions
        from edge.model import open_model as open_verified

        return open_verified(name, trust, options=OpenOptions(on_step=step, say=say))

    if headless:
        _headless(seconds or 20.0, model, source, open_model)
    else:
        _page(seconds, port, model, source, open_model, opens=not no_open)


def _headless(seconds: float, model: str, source: str | None, open_model: Callable[[str, Callable[[Reason], None]], LiveModel]) -> None:
    deadline_ns = time.monotonic_ns() + round(seconds * 1e9)
    sinks: list[Sink] = [open_sink("console:", Surroundings(say=say))] if sys.stdout.isatty() else [open_sink("null:")]
    stage = Stage(sinks, open_model, say, started_ns=process_began_ns())
    play = Play("phantom", "Rendered phantom", model, source or f"phantom:derm?seed=1&{STEADY}", f"phantom:ultrasound?seed=2&{STEADY}")
    tell = (lambda _line: None) if sys.stdout.isatty() else say
    try:
        stage.start(play)
        untried = play_faults(stage, tell, deadline_ns)
        stage.pause(max(0.0, (deadline_ns - time.monotonic_ns()) / 1e9) if not untried else 0.0)
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_INTERRUPTED) from None
    finally:
        stage.close()
    if stage.trouble is not None:
        raise stage.trouble
    for line in closing_lines(stage.summaries, stage.trials, untried, repeat_trials=True):
        print(line)
    if not is_passed(stage.summaries, stage.trials, untried):
        raise typer.Exit(EXIT_NO)


def _page(
    seconds: float | None,
    port: int,
    model: str,
    source: str | None,
    open_model: Callable[[str, Callable[[Reason], None]], LiveModel],
    *,
    opens: bool,
) -> None:
    from edge.demo.panel import Panel
    from edge.sinks.web.sink import WebSink, bind

    offered = plays(model, source)
    panel = Panel(offered)
    web = WebSink(bind("127.0.0.1", port), Surroundings(say=say), [panel.extra()])
    kept = KeptOpen(web)
    stage = Stage([kept], open_model, say, started_ns=process_began_ns(), home=offered[0])
    panel.attach(stage)
    done = threading.Event()
    before = [signal.signal(number, lambda *_: done.set()) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        stage.start(offered[0])
        say("press Ctrl-C to end, with a summary")
        if opens and _has_screen():
            webbrowser.open(web.url)
        done.wait(seconds)
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)
        stage.close()
        kept.end()
        panel.close()
    for line in closing_lines(stage.summaries, stage.trials, repeat_trials=True):
        print(line)


def _has_screen() -> bool:
    return sys.platform == "darwin" or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
