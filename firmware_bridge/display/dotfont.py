"""Letters of a dot-matrix display, 5 x 7 dots, drawn in half blocks: four lines of a terminal, readable at arm's length."""

from collections.abc import Sequence
from typing import Final

__all__ = ["dots", "wrap"]

CELL: Final = 6  # columns a letter, the gap included
ROWS: Final = 8
_BLOCKS: Final = " ▀▄█"

# Columns from left to right, the lowest bit on top: the classic character generator of small displays.
_COLUMNS: Final = {
    " ": "0000000000", "!": "00005F0000", "%": "2313086462", "'": "0005030000", "(": "001C224100", ")": "0041221C00",
    "+": "08083E0808", ",": "0050300000", "-": "0808080808", ".": "0060600000", "/": "2010080402", "0": "3E5149453E",
    "1": "00427F4000", "2": "4261514946", "3": "2141454B31", "4": "1814127F10", "5": "2745454539", "6": "3C4A494930",
    "7": "0171090503", "8": "3649494936", "9": "064949291E", ":": "0036360000", "?": "0201510906", "A": "7E1111117E",
    "B": "7F49494936", "C": "3E41414122", "D": "7F4141221C", "E": "7F49494941", "F": "7F09090901", "G": "3E4149497A",
    "H": "7F0808087F", "I": "00417F4100", "J": "2040413F01", "K": "7F08142241", "L": "7F40404040", "M": "7F020C027F",
    "N": "7F0408107F", "O": "3E4141413E", "P": "7F09090906", "Q": "3E4151215E", "R": "7F09192946", "S": "4649494931",
    "T": "01017F0101", "U": "3F4040403F", "V": "1F2040201F", "W": "3F4038403F", "X": "6314081463", "Y": "0708700807",
    "Z": "6151494543",
}  # fmt: skip


def dots(text: str) -> tuple[str, ...]:
    """One line of text as four lines of half blocks; () where a letter has no dots."""
    letters = text.upper()
    if not letters or any(letter not in _COLUMNS for letter in letters):
        return ()
    columns = b"".join(bytes.fromhex(_COLUMNS[letter]) + b"\0" for letter in letters)
    return tuple("".join(_BLOCKS[column >> row & 3] for column in columns).rstrip() for row in range(0, ROWS, 2))


def wrap(text: str, columns: int) -> Sequence[str]:
    """Words of text in lines that fit `columns` as dots; () when a word does not."""
    lines: list[str] = []
    for word in text.split():
        if len(word) * CELL > columns:
            return ()
        if lines and (len(lines[-1]) + 1 + len(word)) * CELL <= columns:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
