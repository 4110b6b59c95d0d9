"""HTML from text: everything that comes from outside is escaped here, and nothing refers to another host."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from calibration.report.style import STYLE

__all__ = ["Cell", "bar", "document", "missing", "section", "share", "table", "text"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"  # even a fault of ours cannot make the page call out


@dataclass(frozen=True, slots=True)
class Cell:
    """One `<td>…</td>`, made here: a text that looks like one is still a text."""

    markup: str


def text(value: object) -> str:
    """Escaped, and without characters that steer (right-to-left marks in a label would turn the line around)."""
    return escape("".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in str(value)))


def document(title: str, body: Sequence[str]) -> str:
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><title>{text(title)}</title><style>{STYLE}</style>'
    )
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(body) + "\n</body></html>\n"


def section(title: str, *body: str) -> str:
    return f"<section><h2>{text(title)}</h2>\n" + "\n".join(body) + "\n</section>"


def missing(what: str) -> str:
    """A part that was not measured says so, in its place."""
    return f'<p class="none">{text(what)}</p>'


def table(caption: str, heading: Sequence[str], rows: Sequence[Sequence[str | Cell]]) -> str:
    """rows: of `Cell`s, which are markup already, or plain text, which is escaped."""
    head = "".join(f'<th scope="col">{text(h)}</th>' for h in heading)
    body = "".join("<tr>" + "".join(c.markup if isinstance(c, Cell) else f"<td>{text(c)}</td>" for c in row) + "</tr>\n" for row in rows)
    made = f"<table><caption>{text(caption)}</caption><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>"
    return f'<div class="wide" tabindex="0">{made}</div>'


def bar(count: int, of: int) -> Cell:
    """A cell with a count and its share of the row, shaded by the share."""
    part = count / of if of else 0.0
    said = f"{part:.0%}" if of else "none"
    return Cell(f'<td class="s" style="--s:{part:.3f}">{count}<small>{said}</small></td>')


def share(value: float | None, ci95: tuple[float, float] | None) -> str:
    """0.912 (0.88 to 0.94), or what is lacking."""
    if value is None:
        return "not measured"
    return f"{value:.3f} ({ci95[0]:.3f} to {ci95[1]:.3f})" if ci95 else f"{value:.3f} (too few for an interval)"
