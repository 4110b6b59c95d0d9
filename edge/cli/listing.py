"""Tables of a listing: Rich on a terminal, plain aligned text everywhere else."""

import sys
from collections.abc import Sequence

from edge.cli.output import columns

__all__ = ["plain_text", "print_pairs", "print_table"]


def plain_text(text: str) -> str:
    """Text from a bundle or a file name, with line ends and tabs kept and nothing that could steer a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows of cells under headings. The last column takes what room is left."""
    cells = [[plain_text(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        print(columns([[heading.upper() for heading in headings], *cells]))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(*headings, box=SIMPLE_HEAD, pad_edge=False)
    for row in cells:
        table.add_row(*row)
    console = Console(markup=False, highlight=False)
    console.print(table)


def print_pairs(rows: Sequence[tuple[str, str]]) -> None:
    """What: value, one below the other; a name that is empty goes on with the line above."""
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        print(f"{name.ljust(width)}  {plain_text(value)}".rstrip())
