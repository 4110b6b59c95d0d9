"""Label tables from the world's spreadsheets: the same rows whatever the delimiter, mark or line end; troubles by row (cases O19, O20)."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputRefused, UsageError
from edge.labels import TroubleKind, audit, parse_where, read_labels, require_clean, without_copies_of_another_label
from edge.labels.text import clean, read_cells

NAMES = ("Grün 1.png", "b.png", "c.png")


def pictures(folder: Path, *names: str) -> None:
    for n, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"picture %d" % n)


def table(folder: Path, text: str | bytes, name: str = "labels.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def kinds(path: Path, **options: object) -> dict[TroubleKind, tuple[int, ...]]:
    return {t.kind: t.rows for t in audit(read_labels(path, **options)).troubles}  # type: ignore[arg-type]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with BOM"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_a_spreadsheet_s_export_gives_the_same_rows_as_the_plain_file(tmp_path: Path, delimiter: str, end: str, mark: bytes) -> None:
    pictures(tmp_path, *NAMES)
    lines = [["image", "label"], [NAMES[0], "benign"], [NAMES[1], "malignant"], [NAMES[2], "benign"], [""]]
    text = end.join(delimiter.join(line) for line in lines) + end
    rows = read_labels(table(tmp_path, mark + text.encode())).rows
    assert [(row.name, row.label, row.row) for row in rows] == [
        (NAMES[0], "benign", 2),
        (NAMES[1], "malignant", 3),
        (NAMES[2], "benign", 4),
    ]


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("cp1252", "cp1252"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16"), ("utf-32", "UTF-32")],
)
def test_another_encoding_is_refused_by_its_name(tmp_path: Path, encoding: str, named: str) -> None:
    path = table(tmp_path, f"image;label\r\n{NAMES[0]};benign\r\n".encode(encoding))
    with pytest.raises(InputRefused, match=named) as refused:
        read_labels(path)
    assert "UTF-8" in refused.value.line()


def test_a_heading_that_excel_begins_with_sep_is_understood(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png")
    assert read_labels(table(tmp_path, "sep=;\r\nimage;label\r\na.png;x\r\n")).rows[0].row == 3


def test_a_cell_may_hold_a_line_end_and_the_next_row_keeps_its_line_number(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png")
    rows = read_labels(table(tmp_path, 'image,label,note\na.png,x,"two\nlines"\nb.png,y,\n')).rows
    assert [(row.row, row.extra("note")) for row in rows] == [(2, "two\nlines"), (4, "")]


def test_names_written_in_another_unicode_form_are_found(tmp_path: Path) -> None:
    pictures(tmp_path, "Gru\u0308n.png")  # as macOS writes it: u and a combining diaeresis
    assert read_labels(table(tmp_path, "image,label\nGrün.png,x\n")).rows[0].image.is_file()


@pytest.mark.parametrize("name", ["a b.png", "a#1.png", "-a.png", "%03d.png", "a?b.png", "../up/a.png", "a:b.png"])
def test_names_that_other_readers_trip_over_are_plain_names(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "table"
    folder.mkdir()
    pictures(folder, name)
    assert read_labels(table(folder, f"image,label\n{name},x\n")).rows[0].image.is_file()


def test_every_trouble_is_counted_with_its_rows(tmp_path: Path) -> None:
    pictures(tmp_path, *[f"{n}.png" for n in range(10)])
    (tmp_path / "copy.png").write_bytes((tmp_path / "0.png").read_bytes())
    (tmp_path / "copy of 1.png").write_bytes((tmp_path / "1.png").read_bytes())
    rows = [
        "0.png,red",
        "1.png,red",
        "1.png,red",
        "2.png,red",
        "2.png,blue",
        "copy.png,blue",
        "gone.png,red",
        "away.png,red",
        "3,red",
        "copy of 1.png,red",
    ]
    path = table(tmp_path, "image,label\n" + "\n".join(rows) + "\n")
    assert kinds(path) == {
        TroubleKind.CONFLICT: (5, 6),
        TroubleKind.MISSING: (8, 9),
        TroubleKind.DUPLICATE: (3, 4),
        TroubleKind.COPY: (3, 11),
        TroubleKind.COPY_OTHER_LABEL: (2, 7),
        TroubleKind.UNLISTED: (),
    }
    read = audit(read_labels(path))
    assert [row.name for row in read.rows] == ["0.png", "1.png", "copy.png", "3", "copy of 1.png"]
    assert next(t.n for t in read.troubles if t.kind is TroubleKind.UNLISTED) == 6  # 4.png … 9.png
    assert [row.name for row in without_copies_of_another_label(read).rows] == ["1.png", "3", "copy of 1.png"]


def test_conflicts_and_missing_files_stop_unless_they_are_allowed_by_name(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png")
    read = read_labels(table(tmp_path, "image,label\na.png,x\na.png,y\nb.png,x\ngone.png,x\n"))
    with pytest.raises(InputRefused, match=r"several labels.*rows 2, 3"):
        require_clean(read, {TroubleKind.MISSING})
    with pytest.raises(InputRefused, match=r"not there: gone.png \(rows 5\)"):
        require_clean(read, {TroubleKind.CONFLICT})
    require_clean(read, {TroubleKind.CONFLICT, TroubleKind.MISSING})


def test_a_name_without_extension_is_resolved_or_refused_but_never_guessed(tmp_path: Path) -> None:
    pictures(tmp_path, "one.png", "two.png", "two.jpg", "t[w]o.bmp")
    path = table(tmp_path, "image,label\none,x\ntwo,x\nt[w]o,x\n")
    read = read_labels(path)
    assert [row.image.name for row in read.rows] == ["one.png", "t[w]o.bmp"]
    assert kinds(path)[TroubleKind.AMBIGUOUS] == (3,)
    with pytest.raises(InputRefused, match="fits several files"):
        require_clean(read)


def test_where_joins_columns_by_and_and_values_of_one_column_by_or(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png", "c.png", "d.png")
    path = table(tmp_path, "image,label,fold,site\na.png,x,1,v\nb.png,x,2,v\nc.png,x,3,v\nd.png,x,2,w\n")
    chosen = read_labels(path, where=parse_where(["fold=2", "fold=3", "site=v"]))
    assert [row.name for row in chosen.rows] == ["b.png", "c.png"]
    assert (chosen.n_read, chosen.n_chosen) == (4, 2)


def test_pictures_that_the_filter_leaves_out_are_not_called_unlisted(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png")
    assert kinds(table(tmp_path, "image,label,fold\na.png,x,1\nb.png,x,2\n"), where=(("fold", "1"),)) == {}


def test_a_row_without_group_is_a_group_of_its_own_and_said_so(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png")
    path = table(tmp_path, "image,label,patient\na.png,x,7\nb.png,x,\n")
    assert [row.group for row in read_labels(path, group="patient").rows] == ["7", None]
    assert kinds(path, group="patient") == {TroubleKind.NO_GROUP: (3,)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("\n\n\r\n", "is empty"),
        ("Image,Label\na.png,x\n", "rename 'Image' to 'image'"),
        ("file,label\na.png,x\n", "no column 'image'.*file, label"),
        ("image\na.png\n", "no column 'label'"),
        ("image,label,label\na.png,x,y\n", "two columns 'label'"),
        ("image,label\n,x\n", "line 2 names no image"),
        ("image,label\na.png,\n", "line 2 gives no label"),
        ("image,label\na,b.png,x,y\n", "line 2 has 4 cells"),
        ('image,label\n"a.png,x\n', "line 2"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "no text"),
        ("image,label\n" + "x" * 200_000 + ",y\n", "line 2"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_in_one_line_with_what_to_do(tmp_path: Path, text: str | bytes, says: str) -> None:
    with pytest.raises(InputRefused) as refused:
        read_labels(table(tmp_path, text))
    assert re.search(says, refused.value.line())
    assert refused.value.do
    assert "\n" not in refused.value.line()


def test_a_table_that_is_a_folder_or_absent_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(InputRefused):
            read_labels(path)


@pytest.mark.parametrize("text", ["split", "=val", " =x"])
def test_a_filter_that_is_none_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError):
        parse_where([text])


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    path = table(tmp_path, "image,label,fold\na.png,x,1\n")
    for options in ({"where": (("split", "val"),)}, {"group": "patient"}):
        with pytest.raises(UsageError, match=r"has no column") as refused:
            read_labels(path, **options)  # type: ignore[arg-type]
        assert "fold" in str(refused.value.do)


def test_a_filter_that_leaves_no_row_is_refused(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png")
    with pytest.raises(InputRefused, match="no row is left by --where"):
        require_clean(read_labels(table(tmp_path, "image,label,fold\na.png,x,1\n"), where=(("fold", "9"),)))


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_our_refusal(data: bytes) -> None:
    with suppress(InputRefused):
        list(read_cells(data, "t.csv", "image"))


@given(st.text(max_size=30))
def test_cleaning_a_cell_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


def test_the_data_sets_beside_the_repository_are_read_without_a_stopping_trouble(shared: Path) -> None:
    for name, group, n in (("isic2018", "lesion_id", 2011), ("busbra", "patient", None), ("busi", "cluster", None)):
        where = (("split", "val"),) if n else ()
        read = read_labels(shared / "data" / name / "labels.csv", where=where, group=group)
        require_clean(read)
        assert n is None or len(read.rows) == n
