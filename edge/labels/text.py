"""The bytes of a table, by their content: encoding by name or refusal, the delimiter by the heading, cells without hidden characters.

A spreadsheet's export is UTF-8 with or without a byte order mark, with commas, semicolons or tabs, with CRLF or LF.
Anything else would be read with wrong letters, so it is refused by the name of its encoding.
"""

import csv
import io
import unicodedata
from collections.abc import Iterator

from edge.errors import InputRefused

__all__ = ["MAX_TABLE_B", "clean", "read_cells"]

MAX_TABLE_B = 256 * 1024 * 1024  # a table of millions of rows is smaller; a picture or a disk image named .csv is not read
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u00ad"  # what a spreadsheet or a web page leaves at the ends of a cell


def clean(cell: str) -> str:
    """A cell as a person sees it: composed letters (NFC), no white space or invisible characters at its ends."""
    return unicodedata.normalize("NFC", cell).strip().strip(_INVISIBLE).strip()


def decode(data: bytes, name: str) -> str:
    """UTF-8 bytes, with or without a byte order mark -> text. Raises InputRefused that names the encoding found."""
    for mark, encoding in (
        (b"\xff\xfe\x00\x00", "UTF-32"),
        (b"\x00\x00\xfe\xff", "UTF-32"),
        (b"\xff\xfe", "UTF-16"),
        (b"\xfe\xff", "UTF-16"),
    ):
        if data.startswith(mark):
            raise _other_encoding(name, encoding)
    head = data[:4096]
    if b"\0" in head:
        nulls = max(head[0::2].count(0), head[1::2].count(0))
        if nulls > len(head) * 0.3:
            raise _other_encoding(name, "UTF-16 without a byte order mark")
        raise InputRefused(f"{name} is no text (it has NUL bytes)", do="give a table of text: UTF-8, with the columns image and label")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        try:
            data.decode("cp1252")
            encoding = "cp1252 (Windows-1252)"
        except UnicodeDecodeError:
            encoding = "no UTF-8"
        raise _other_encoding(name, encoding, f", first at line {row}, byte 0x{data[error.start]:02x}") from error


def _other_encoding(name: str, encoding: str, where: str = "") -> InputRefused:
    seems = encoding if encoding == "no UTF-8" else f"{encoding}, not UTF-8"
    return InputRefused(f"{name} is {seems}{where}", do="save it again as 'CSV UTF-8', so that no letter is read wrongly")


def _delimiter(heading: str, wanted: str) -> str:
    """The delimiter under which the heading has the wanted column and most columns; the comma when none has it."""
    best, most = ",", 0
    for delimiter in DELIMITERS:
        names = [clean(cell) for cell in next(csv.reader([heading], delimiter=delimiter), [])]
        if len(names) > most and wanted in names:
            best, most = delimiter, len(names)
    if not most:  # not there at all: name the columns as the most likely delimiter cuts them
        best = max(DELIMITERS, key=heading.count)
    return best


def read_cells(data: bytes, name: str, wanted: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank as (line number where it starts, cleaned cells); the heading comes first. Lines count from 1.

    wanted: a column that the heading must have; it tells the delimiter. Raises InputRefused on another encoding, an open
    quotation mark, an oversized cell, or an empty file.
    """
    text = decode(data, name).replace("\r\n", "\n").replace("\r", "\n")
    skipped = 0
    lines = text.split("\n")
    while skipped < len(lines) and (not lines[skipped].strip() or lines[skipped].strip().lower().startswith("sep=")):
        skipped += 1  # blank lines before the heading, and the 'sep=;' that Excel writes
    if skipped == len(lines):
        raise InputRefused(f"{name} is empty", do="give a table with the columns image and label")
    delimiter = _delimiter(lines[skipped], wanted)
    reader = csv.reader(io.StringIO("\n".join(lines[skipped:]), newline=""), delimiter=delimiter, strict=True)
    start = skipped + 1
    try:
        for row in reader:
            cells = [clean(cell) for cell in row]
            if any(cells):
                yield start, cells
            start = skipped + reader.line_num + 1
    except csv.Error as error:
        raise InputRefused(f"{name}, line {start}: {error}", do="mend the quotation marks of that line") from error
