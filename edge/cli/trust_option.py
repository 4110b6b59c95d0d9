"""`--trust DIR`, the same for every command."""

from pathlib import Path
from typing import Annotated

import typer

from edge.errors import UsageError

__all__ = ["TrustOption", "named_folder"]


def named_folder(text: str) -> Path:
    """Raises UsageError for an empty name, such as that of an unset variable: Path("") would be the current folder."""
    if not text:
        raise UsageError("--trust: an empty name", do="name the folder of the keys to trust, or leave --trust out")
    return Path(text)


TrustOption = Annotated[
    Path | None, typer.Option("--trust", metavar="DIR", parser=named_folder, help="Trust the keys in this folder, and no others.")
]
