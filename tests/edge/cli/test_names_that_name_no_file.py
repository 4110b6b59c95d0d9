"""A name that is empty, too long, a pipe, a device or out of reach gets one line and its exit code; the other files go on."""

import os
from pathlib import Path

import cv2
import pytest

from edge.cli.inputs import expand, open_file
from edge.errors import InputRefused, UsageError
from edge.labels import TroubleKind, read_labels
from edge.sources.table import open_source
from tests.builders import RED, BuiltBundle, a_picture
from tests.edge.cli.command_words import model

LONG = "x" * 300 + ".png"  # file systems take 255 bytes


@pytest.fixture
def red(tmp_path: Path) -> Path:
    path = tmp_path / "red.png"
    cv2.imwrite(str(path), cv2.cvtColor(a_picture(RED, width_px=120, height_px=90), cv2.COLOR_RGB2BGR))
    return path


def test_a_name_longer_than_the_file_system_takes_is_refused_and_the_batch_goes_on(sonoderm, built: BuiltBundle, red: Path) -> None:  # type: ignore[no-untyped-def]
    ended = sonoderm("classify", LONG, f"file:{LONG}", red, *model(built))
    assert ended.code == 3
    lines = ended.out.splitlines()
    assert ["REFUSED" in line for line in lines] == [True, True, False]
    assert "2 refused" in ended.said[-1]


@pytest.mark.parametrize("scheme", ["file", "dicom", "dir"])
def test_a_source_with_a_name_that_is_too_long_is_refused(scheme: str) -> None:
    with pytest.raises(InputRefused):
        open_source(f"{scheme}:{LONG}")


def test_a_row_with_a_name_that_is_too_long_is_missing_and_the_others_count(tmp_path: Path, red: Path) -> None:
    (tmp_path / "labels.csv").write_text(f"image,label\n{LONG},red\n{red.name},red\n")
    table = read_labels(tmp_path / "labels.csv")
    assert [row.image for row in table.rows] == [red]
    assert [(trouble.kind, trouble.rows) for trouble in table.troubles] == [(TroubleKind.MISSING, (2,))]


def test_an_image_root_with_a_name_that_is_too_long_is_a_mistake_in_the_call(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("image,label\na.png,red\n")
    with pytest.raises(UsageError, match="is no folder"):
        read_labels(tmp_path / "labels.csv", image_root=Path(LONG))


def test_what_cannot_be_looked_at_in_a_folder_is_refused_by_name_and_the_rest_goes_on(tmp_path: Path, red: Path) -> None:
    link = tmp_path / "locked.png"
    link.symlink_to(LONG)  # stat fails, as it does for /proc/1/cwd without permission
    items = expand([str(tmp_path)])
    assert [item.path for item in items.files] == [link, red]
    with pytest.raises(InputRefused, match="cannot be read"):
        open_file(link)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything: permissions are not tested here")
def test_a_folder_that_may_not_be_read_is_refused_by_name(tmp_path: Path, red: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o000)
    items = expand([str(tmp_path)])
    assert [item.path for item in items.files] == [tmp_path / "closed", red]
    with pytest.raises(InputRefused, match="cannot be read"):
        open_file(tmp_path / "closed")


def test_hidden_files_and_folders_stay_out_and_files_come_in_order(tmp_path: Path, red: Path) -> None:
    for name in (".git/a.png", "sub/.b.png", "sub/b.png", "sub/notes.md", "a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    items = expand([str(tmp_path)])
    assert [str(item.path.relative_to(tmp_path)) for item in items.files] == ["a.png", "red.png", "sub/b.png"]
    assert items.left_out == 1


@pytest.mark.parametrize("text", ["", "file:", "dicom:", "dir:"])
def test_an_empty_name_does_not_mean_the_current_folder(text: str) -> None:
    with pytest.raises(UsageError, match=r"an empty name|says no target"):
        expand([text])


@pytest.mark.parametrize("command", [("classify", "a.png", "--model", "phantom"), ("trust", "list"), ("models", "list"), ("doctor",)])
def test_an_empty_trust_folder_does_not_mean_the_current_folder(command: tuple[str, ...], sonoderm) -> None:  # type: ignore[no-untyped-def]
    ended = sonoderm(*command, "--trust", "")
    assert (ended.code, len(ended.said)) == (2, 1)
    assert "an empty name" in ended.err


def test_evaluate_refuses_a_pipe_and_a_device_without_reading_them(tmp_path: Path, sonoderm_process, built: BuiltBundle) -> None:  # type: ignore[no-untyped-def]
    os.mkfifo(tmp_path / "labels.csv")
    for path, kind in ((tmp_path / "labels.csv", "a pipe"), (Path("/dev/zero"), "a device")):
        with pytest.raises(InputRefused, match=kind):
            read_labels(path)
    ended = sonoderm_process("evaluate", tmp_path / "labels.csv", *model(built))
    assert (ended.code, len(ended.said)) == (3, 1)
