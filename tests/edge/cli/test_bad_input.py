"""Every bad input, over all commands: the documented exit code, one line that says what to do, no traceback."""

import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest
from PIL import Image

from tests.builders import RED, a_bundle, a_key, a_picture, a_trust_folder

ROOT_ONLY = pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything: permissions are not tested here")


@dataclass(frozen=True)
class World:
    """A folder with everything that can be wrong in it."""

    at: Path
    model: tuple[str, ...]  # options that name a good bundle and the keys that trust it

    def path(self, name: str) -> str:
        return str(self.at / name)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    at = tmp_path_factory.mktemp("world")
    built = a_bundle(at / "good")
    data = built.path.read_bytes()
    (at / "cut.bundle").write_bytes(data[: len(data) // 2])
    (at / "long.bundle").write_bytes(data + b"\0")
    (at / "flipped.bundle").write_bytes(data[:200] + bytes([data[200] ^ 1]) + data[201:])
    (at / "text.bundle").write_text("no bundle at all\n")
    (at / "empty.bundle").write_bytes(b"")
    os.symlink(at / "nowhere", at / "dangling.bundle")
    a_trust_folder(at / "strangers", a_key())
    (at / "open").mkdir()
    (at / "open").chmod(0o777)
    (at / "badkey").mkdir()
    (at / "badkey" / "x.pub").write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    cv2.imwrite(str(at / "red.png"), cv2.cvtColor(a_picture(RED, width_px=120, height_px=90), cv2.COLOR_RGB2BGR))
    good = (at / "red.png").read_bytes()
    (at / "empty.jpg").write_bytes(b"")
    (at / "text.png").write_text("this is no picture\n")
    (at / "cut.png").write_bytes(good[: len(good) // 2])
    (at / "cut.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\x02\0")
    (at / "text.dcm").write_text("no DICOM\n")
    (at / "text.mp4").write_text("no clip\n")
    (at / "empty.mp4").write_bytes(b"")
    Image.new("RGB", (2, 2)).save(at / "tiny.bmp")
    (at / "nothing").mkdir()
    (at / "onlytext").mkdir()
    (at / "onlytext" / "README.md").write_text("hello\n")
    os.mkfifo(at / "pipe.png")
    tables = {
        "good.csv": "image,label,fold,patient\nred.png,red,1,a\n",
        "strange.csv": "image,label\nred.png,purple\n",
        "nolabel.csv": "image,class\nred.png,red\n",
        "gone.csv": "image,label\ngone.png,red\n",
        "conflict.csv": "image,label\nred.png,red\nred.png,blue\n",
        "unreadable.csv": "image,label\ntext.png,red\n",
        "quote.csv": 'image,label\n"red.png,red\n',
        "empty.csv": "",
    }
    for name, text in tables.items():
        (at / name).write_text(text)
    (at / "utf16.csv").write_text(tables["good.csv"], "utf-16")
    (at / "cp1252.csv").write_bytes("image,label\nGr\u00fcn.png,red\n".encode("cp1252"))
    (at / "result.json").write_text('{"v": 999}')
    (at / "key.pub").write_text("not a key\n")
    return World(at, ("--model", str(built.path), "--trust", str(built.trust_dir)))


M = "MODEL"  # stands for the options that name a good bundle
BAD = [
    # the root
    ("no-such-command", ["evluate"], 2, "did you mean: sonoderm evaluate"),
    ("no-such-option", ["--nonsense"], 2, "--nonsense"),
    ("no-such-option-of-a-command", ["classify", "{red.png}", M, "--smooth"], 2, "--smooth"),
    ("two-values", ["evaluate", "{good.csv}", "{good.csv}", M], 2, "unexpected extra argument"),
    # the model
    ("no-model-named", ["classify", "{red.png}"], 2, "--model"),
    ("an-unknown-model", ["classify", "{red.png}", "--model", "derm8"], 2, "there is no model 'derm8'"),
    ("a-slot", ["classify", "{red.png}", "--model", "slot:/x"], 2, "no such slots folder"),
    ("a-bundle-that-is-absent", ["classify", "{red.png}", "--model", "{gone.bundle}"], 3, "gone.bundle"),
    ("a-dangling-link", ["classify", "{red.png}", "--model", "{dangling.bundle}"], 3, "dangling.bundle"),
    ("a-bundle-that-is-a-folder", ["classify", "{red.png}", "--model", "{nothing}"], 3, "nothing"),
    ("a-bundle-that-is-empty", ["classify", "{red.png}", "--model", "{empty.bundle}"], 5, "refused"),
    ("a-bundle-that-is-text", ["classify", "{red.png}", "--model", "{text.bundle}"], 5, "refused"),
    ("a-bundle-cut-in-half", ["classify", "{red.png}", "--model", "{cut.bundle}"], 5, "refused"),
    ("a-bundle-with-a-byte-more", ["classify", "{red.png}", "--model", "{long.bundle}"], 5, "refused"),
    ("a-bundle-with-a-bit-flipped", ["run", "{red.png}", "--model", "{flipped.bundle}", "--sink", "null:"], 5, "refused"),
    ("a-bundle-signed-by-a-stranger", ["classify", "{red.png}", M, "--trust", "{strangers}"], 5, "trust"),
    ("a-trust-folder-that-is-absent", ["classify", "{red.png}", M, "--trust", "{gone}"], 2, "trust folder"),
    ("a-trust-folder-that-anybody-may-write", ["classify", "{red.png}", M, "--trust", "{open}"], 5, "open"),
    ("a-trust-folder-with-a-broken-key", ["classify", "{red.png}", M, "--trust", "{badkey}"], 5, "x.pub"),
    # engine and form
    ("an-unknown-engine", ["classify", "{red.png}", M, "--engine", "onnx"], 2, "there is no engine 'onnx'"),
    ("an-engine-that-is-not-here", ["classify", "{red.png}", M, "--engine", "tensorrt"], 6, "tensorrt"),
    ("a-form-that-the-bundle-lacks", ["classify", "{red.png}", M, "--form", "int4"], 2, "int4"),
    ("no-thread", ["classify", "{red.png}", M, "--threads", "0"], 2, "threads"),
    ("threads-in-words", ["classify", "{red.png}", M, "--threads", "two"], 2, "threads"),
    # pictures, clips, DICOM
    ("nothing-to-classify", ["classify", M], 2, "INPUT"),
    ("a-file-that-is-absent", ["classify", "{gone.png}", M], 3, "1 refused"),
    ("an-empty-picture", ["classify", "{empty.jpg}", M], 3, "1 refused"),
    ("text-named-as-a-picture", ["classify", "{text.png}", M], 3, "1 refused"),
    ("a-picture-cut-in-half", ["classify", "{cut.png}", M], 3, "1 refused"),
    ("a-pipe", ["classify", "{pipe.png}", M], 3, "1 refused"),
    ("text-named-as-a-clip", ["classify", "{text.mp4}", M], 3, "1 refused"),
    ("an-empty-clip", ["classify", "{empty.mp4}", M], 3, "1 refused"),
    ("text-named-as-dicom", ["classify", "{text.dcm}", M], 3, "1 refused"),
    ("dicom-cut-in-its-head", ["classify", "{cut.dcm}", M], 3, "1 refused"),
    ("an-empty-folder", ["classify", "{nothing}", M], 3, "holds no picture"),
    ("a-folder-without-pictures", ["classify", "{onlytext}", M], 3, "holds no picture"),
    ("a-live-source", ["classify", "camera:0", M], 2, "sonoderm run camera:0"),
    ("an-endless-phantom", ["classify", "phantom:derm", M], 2, "sonoderm run phantom:derm"),
    ("motion-without-live", ["classify", "dir:{nothing}?motion=tremor", M], 2, "without motion"),
    # label tables
    ("a-table-that-is-absent", ["evaluate", "{gone-table.csv}", M], 3, "is not there"),
    ("a-table-that-is-a-folder", ["evaluate", "{nothing}", M], 3, "is a folder"),
    ("an-empty-table", ["evaluate", "{empty.csv}", M], 3, "is empty"),
    ("a-table-in-utf-16", ["evaluate", "{utf16.csv}", M], 3, "UTF-16"),
    ("a-table-in-cp1252", ["evaluate", "{cp1252.csv}", M], 3, "cp1252"),
    ("a-table-without-labels", ["evaluate", "{nolabel.csv}", M], 3, "no column 'label'"),
    ("an-open-quotation-mark", ["evaluate", "{quote.csv}", M], 3, "line 2"),
    ("a-label-that-the-model-lacks", ["evaluate", "{strange.csv}", M], 3, "'purple'.*--unknown out-of-scope"),
    ("an-image-that-is-not-there", ["evaluate", "{gone.csv}", M], 3, "--allow-missing"),
    ("an-image-under-two-labels", ["evaluate", "{conflict.csv}", M], 3, "--exclude-conflicts"),
    ("only-images-that-cannot-be-read", ["evaluate", "{unreadable.csv}", M], 3, "none of 1"),
    ("a-filter-that-is-none", ["evaluate", "{good.csv}", M, "--where", "fold"], 2, "COLUMN=VALUE"),
    ("a-filter-on-no-column", ["evaluate", "{good.csv}", M, "--where", "site=x"], 2, "no column 'site'.*fold"),
    ("a-filter-that-leaves-nothing", ["evaluate", "{good.csv}", M, "--where", "fold=9"], 3, "no row is left"),
    ("a-group-that-is-no-column", ["evaluate", "{good.csv}", M, "--group", "lesion"], 2, "no column 'lesion'"),
    ("an-image-root-that-is-absent", ["evaluate", "{good.csv}", M, "--image-root", "{gone}"], 2, "is no folder"),
    ("a-long-side-of-one", ["evaluate", "{good.csv}", M, "--long-side", "1"], 2, "long-side"),
    ("an-unknown-way-with-the-unknown", ["evaluate", "{good.csv}", M, "--unknown", "guess"], 2, "unknown"),
    # live
    ("a-scheme-that-is-none", ["run", "cam:0", M, "--sink", "null:"], 2, "no source of the kind 'cam'"),
    ("an-option-that-a-source-lacks", ["run", "phantom:derm?speed=2", M, "--sink", "null:"], 2, "no option 'speed'"),
    ("a-value-out-of-range", ["run", "phantom:derm?seed=-1", M, "--sink", "null:"], 2, "seed"),
    ("a-camera-that-is-not-there", ["run", "camera:/dev/video99", M, "--sink", "null:"], 4, "video99"),
    ("a-clip-that-is-not-there", ["run", "file:{gone.mp4}", M, "--sink", "null:"], 3, "gone.mp4"),
    ("an-address-that-is-none", ["run", "url:ftp://x", M, "--sink", "null:"], 2, "url:"),
    ("nobody-at-the-address", ["run", "url:http://127.0.0.1:1/x.mjpg", M, "--sink", "null:"], 4, "127.0.0.1"),
    ("a-sink-that-is-none", ["run", "phantom:derm", M, "--sink", "paper:"], 2, "paper"),
    ("a-window-without-a-screen", ["run", "phantom:derm", M, "--sink", "window:"], 6, "DISPLAY|screen"),
    ("a-port-that-is-none", ["run", "phantom:derm", M, "--sink", "web:127.0.0.1:99999"], 2, "99999"),
    ("a-port-that-is-taken", ["run", "phantom:derm", M, "--sink", "web:127.0.0.1:{PORT}"], 6, "in use|taken"),
    ("a-log-that-cannot-be-written", ["run", "phantom:derm", M, "--sink", "jsonl:{gone}/x/y.jsonl"], 6, "y.jsonl|gone"),
    ("an-age-limit-of-a-minute", ["run", "phantom:derm", M, "--age-limit-ms", "60000", "--sink", "null:"], 2, "age-limit"),
    ("a-profile-that-is-absent", ["run", "phantom:derm", M, "--profile", "{gone.json}", "--sink", "null:"], 3, "gone.json"),
    # the others
    ("check-of-a-broken-bundle", ["check", "--model", "{cut.bundle}"], 5, "refused"),
    ("bench-of-a-size-that-is-none", ["bench", M, "--size", "big"], 2, "big"),
    ("bench-against-nothing", ["bench", M, "--seconds", "0.2", "--compare", "{gone.json}"], 3, "gone.json"),
    ("bench-against-another-format", ["bench", M, "--seconds", "0.2", "--compare", "{result.json}"], 3, "result.json"),
    ("show-of-nothing", ["models", "show"], 2, "MODEL"),
    ("verify-of-text", ["models", "verify", "{text.bundle}"], 5, "."),
    ("trust-in-what-is-no-key", ["trust", "add", "{key.pub}"], 3, "key.pub"),
    ("trust-in-an-absent-key", ["trust", "add", "{gone.pub}"], 3, "gone.pub"),
    ("removal-of-an-unknown-key", ["trust", "remove", "00000000"], 2, "00000000"),
    ("demo-on-a-port-that-is-none", ["demo", "--port", "70000"], 2, "port"),
]


def filled(args: list[str], world: World, port: int) -> list[str]:
    out: list[str] = []
    for arg in args:
        if arg == M:
            out.extend(world.model)
            continue
        out.append(re.sub(r"\{([^}]+)\}", lambda found: str(port) if found[1] == "PORT" else world.path(found[1]), arg))
    if out.count("--trust") == 2:  # the test's own trust folder stands for the good one
        at = out.index("--trust")
        del out[at : at + 2]
    return out


@pytest.mark.parametrize(("args", "code", "says"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_input_ends_in_one_line_with_its_code(sonoderm, world: World, monkeypatch, args: list[str], code: int, says: str) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = sonoderm(*filled(args, world, taken.getsockname()[1]))
    last = ended.said[-1]
    assert ended.code == code, ended.err
    assert last.startswith("sonoderm: "), ended.err
    assert re.search(says, last), last
    assert " -> " in last, "it does not say what to do"
    assert sum(line.startswith("sonoderm: ") for line in ended.said) == 1
    assert "Traceback" not in ended.err + ended.out


def test_there_are_at_least_forty_distinct_bad_inputs() -> None:
    assert len({case[0] for case in BAD}) == len(BAD) >= 40


@ROOT_ONLY
def test_a_file_that_may_not_be_read_is_refused(sonoderm, world: World, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    locked = tmp_path / "locked.png"
    locked.write_bytes((world.at / "red.png").read_bytes())
    locked.chmod(0)
    ended = sonoderm("classify", str(locked), *world.model)
    assert ended.code == 3
    assert "permission" in (ended.out + ended.err).lower()


def test_a_batch_goes_on_after_each_kind_of_bad_file(sonoderm, world: World) -> None:  # type: ignore[no-untyped-def]
    """Good, bad, good …: every good one has its label, every bad one its line, in order, and the code is 3."""
    bad = ["empty.jpg", "text.png", "cut.png", "text.mp4", "text.dcm", "cut.dcm", "gone.png"]
    mixed = [name for each in bad for name in ("red.png", each)] + ["red.png"]
    ended = sonoderm("classify", *[world.path(name) for name in mixed], *world.model, "--json")
    assert ended.code == 3
    assert len(ended.out.splitlines()) == len(mixed)
    for name, line in zip(mixed, ended.out.splitlines(), strict=True):
        assert f'/{name}"' in line
        assert ('"state":null' in line and '"error":"' in line) == (name != "red.png")
