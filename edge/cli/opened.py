"""The model that a command was asked for, or the one line that says why it may not speak here."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.bundle.trust import Trust
from edge.cli.output import say
from edge.model import Model, OpenOptions, open_model

__all__ = ["named", "opened_model"]


@contextmanager
def opened_model(
    model: str, trust: Trust | Path | None, engine: str | None, form: str | None, threads: int | None, options: OpenOptions | None = None
) -> Iterator[Model]:
    """A warm model, closed at the end. Raises its fault at once: figures of a model that may not speak are worth nothing."""
    with open_model(model, trust, engine=engine, form=form, threads=threads, options=options or OpenOptions(say=say)) as opened:
        if opened.fault is not None:
            raise opened.fault
        for note in opened.identity.notes:
            say(f"{named(opened)}: {note}")
        yield opened


def named(model: Model) -> str:
    """Name, version, form and engine, for people."""
    who = model.identity
    return f"{who.name} {who.version} ({who.form} on {who.engine})"
