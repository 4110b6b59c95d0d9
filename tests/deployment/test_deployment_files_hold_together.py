"""docs/deployment: the files are laid out as install.sh does it, and judged by systemd's own tools where they are."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[2] / "docs" / "deployment"
UNITS = ("sonoderm-run.service", "sonoderm-serve.service", "sonoderm-gadget.service", "var-lib-sonoderm.mount")
SYSTEM_UNITS = Path("/usr/lib/systemd/system")
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(
    ANALYZE is None or not (SYSTEM_UNITS / "sysinit.target").exists(), reason="no systemd-analyze here: units were parsed, not verified"
)
MATCH = re.compile(r'^(SUBSYSTEM|KERNEL|ACTION|DRIVER|(ATTR|ATTRS)\{\w+\})=="[^"]+"$')
ASSIGN = re.compile(r'^((GROUP|MODE|SYMLINK|TAG)\+?|(ENV|ATTR)\{\w+\})\+?="[^"]+"$')


def install(root: Path, *options: str) -> None:
    subprocess.run(["sh", HERE / "install.sh", "--root", root, *options], check=True, timeout=30, capture_output=True)


@pytest.fixture
def device(tmp_path: Path) -> Path:
    install(tmp_path, "--jetson", "--read-only-root")
    return tmp_path


def lines_of(unit: Path) -> Iterator[tuple[str, str, str]]:
    section = ""
    for line in unit.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = line.strip("[]")
            continue
        key, equals, value = line.partition("=")
        assert equals, f"{unit.name}: {line!r}"
        yield section, key, value


def values(unit: str, key: str) -> list[str]:
    return [value for _, name, value in lines_of(HERE / unit) if name == key]


def test_every_file_of_the_folder_has_its_place(device: Path) -> None:
    placed = {path.name for path in device.rglob("*") if path.is_file()}
    assert placed == {path.name for path in HERE.iterdir()} - {"install.sh", "journald.conf"} | {"sonoderm.conf"}
    assert os.access(device / "usr/local/lib/sonoderm/usb-gadget", os.X_OK)


def test_a_second_install_keeps_what_the_owner_wrote(device: Path) -> None:
    own = device / "etc/sonoderm/device.env"
    own.write_text("SONODERM_SOURCE=camera:7\n")
    install(device)
    assert own.read_text() == "SONODERM_SOURCE=camera:7\n"


@pytest.mark.parametrize("unit", ["sonoderm-run.service", "sonoderm-serve.service"])
def test_a_service_is_watched_and_started_again_for_ever(unit: str) -> None:
    assert values(unit, "Type") == ["notify"]
    assert values(unit, "Restart") == ["always"]
    assert values(unit, "StartLimitIntervalSec") == ["0"]
    assert int(values(unit, "WatchdogSec")[0]) > 0
    assert values(unit, "RestartPreventExitStatus") == ["2"]


@pytest.mark.parametrize("unit", ["sonoderm-run.service", "sonoderm-serve.service"])
def test_a_service_writes_under_its_own_folder_alone(unit: str) -> None:
    assert values(unit, "ProtectSystem") == ["strict"]
    assert values(unit, "ReadWritePaths") == []
    assert values(unit, "StateDirectory") == ["sonoderm"]
    assert values(unit, "CapabilityBoundingSet") == [""]
    home = dict(pair.split("=", 1) for pair in values(unit, "Environment")[0].split())
    assert all(path.startswith(("/var/lib/sonoderm", "/var/cache/sonoderm")) for name, path in home.items() if name[:3] in ("HOM", "XDG"))


def test_every_variable_of_a_unit_stands_in_device_env_with_words_of_the_program() -> None:
    given = dict(line.split("=", 1) for line in (HERE / "device.env").read_text().splitlines() if line and not line.startswith("#"))
    used = {name for unit in UNITS for line in values(unit, "ExecStart") for name in re.findall(r"\$\{?(\w+)\}?", line)}
    assert used <= set(given)
    assert set(given) - used == {"SONODERM_TRUST"}  # read by the program itself
    from edge.sources.uri import parse_uri
    from firmware_bridge.display.line import parse_place

    assert parse_uri(given["SONODERM_SOURCE"]).scheme == "camera"
    display = next(word for word in given["SONODERM_RUN_OPTIONS"].split() if word.startswith("mcu:"))
    assert parse_place(display.removeprefix("mcu:")).path == "/dev/sonoderm-display"


def test_udev_rules_parse_and_name_the_ports_that_device_env_names() -> None:
    text = (HERE / "60-sonoderm.rules").read_text()
    for line in text.splitlines():
        if line and not line.startswith("#"):
            parts = [part.strip() for part in line.split(", ")]
            assert all(MATCH.match(part) or ASSIGN.match(part) for part in parts), line
            assert any(MATCH.match(part) for part in parts)
    assert 'SYMLINK+="sonoderm-display"' in text


@needs_systemd
@pytest.mark.parametrize("unit", UNITS)
def test_systemd_takes_the_units(device: Path, unit: str) -> None:
    program = device / "opt/sonoderm/bin/sonoderm"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    system = device / "usr/lib/systemd/system"
    system.mkdir(parents=True)
    for known in SYSTEM_UNITS.glob("*"):
        if known.suffix in (".target", ".slice", ".mount", ".socket") or known.name.startswith(("modprobe@", "systemd-fsck")):
            shutil.copy(known, system / known.name, follow_symlinks=False)
    done = subprocess.run(
        [str(ANALYZE), "verify", "--man=no", f"--root={device}", unit], capture_output=True, text=True, timeout=60, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "sonoderm" in line and "Failed to create" not in line]
    assert ours == []


@needs_systemd
@pytest.mark.parametrize("unit", ["sonoderm-run.service", "sonoderm-serve.service"])
def test_the_services_are_locked_down(device: Path, unit: str) -> None:
    done = subprocess.run(
        [str(ANALYZE), "security", "--offline=yes", "--threshold=20", "--no-pager", f"--root={device}", unit],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-500:]


class Board:
    """A copy of what the gadget script sees: configfs, the controllers, /dev, and systemctl that writes down what it was asked."""

    def __init__(self, folder: Path, *, controller: str | None = "3550000.usb") -> None:
        self.configfs, self.dev, self.asked = folder / "usb_gadget", folder / "dev", folder / "asked"
        for made in (self.configfs, self.dev, folder / "udc"):
            made.mkdir()
        if controller is not None:
            (folder / "udc" / controller).mkdir()
        (folder / "serial").write_bytes(b"1423522\0")
        systemctl = folder / "systemctl"
        systemctl.write_text(f'#!/bin/sh\necho "$@" >>{self.asked}\n')
        systemctl.chmod(0o755)
        self._environment = {
            "PATH": os.environ["PATH"],
            "CONFIGFS": str(self.configfs),
            "UDC_DIR": str(folder / "udc"),
            "DEV": str(self.dev),
            "SERIAL_FILE": str(folder / "serial"),
            "SYSTEMCTL": str(systemctl),
        }

    def a_gadget(self, name: str, bound: str) -> Path:
        gadget = self.configfs / name
        (gadget / "configs/c.1").mkdir(parents=True)
        (gadget / "UDC").write_text(f"{bound}\n")
        return gadget

    def give_number(self, gadget: Path, number: int) -> None:
        """The kernel does it when a function is made."""
        made = gadget / "functions/acm.sonoderm"
        made.mkdir(parents=True)
        (made / "port_num").write_text(f"{number}\n")

    def run(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh", HERE / "usb-gadget"], env=self._environment, capture_output=True, text=True, timeout=30, check=False)


def test_the_boards_own_gadget_gets_one_port_more_and_keeps_its_console(tmp_path: Path) -> None:
    board = Board(tmp_path)
    l4t = board.a_gadget("l4t", "3550000.usb")
    board.give_number(l4t, 1)
    done = board.run()
    assert done.returncode == 0, done.stderr
    assert (l4t / "configs/c.1/acm.sonoderm").is_symlink()
    assert (l4t / "UDC").read_text() == "3550000.usb\n"
    assert os.readlink(board.dev / "sonoderm-flash") == "ttyGS1"
    assert "stop serial-getty@ttyGS1.service" in board.asked.read_text()
    assert not (board.configfs / "sonoderm").exists()
    assert board.run().returncode == 0  # again: nothing is added twice


def test_a_board_without_a_gadget_gets_one_with_its_serial_number(tmp_path: Path) -> None:
    board = Board(tmp_path)
    gadget = board.configfs / "sonoderm"
    board.give_number(gadget, 0)
    done = board.run()
    assert done.returncode == 0, done.stderr
    assert (gadget / "strings/0x409/serialnumber").read_text() == "1423522"
    assert (gadget / "strings/0x409/product").read_text() == "sonoderm\n"
    assert (gadget / "UDC").read_text() == "3550000.usb\n"


def test_a_board_without_a_usb_controller_is_told_the_other_way(tmp_path: Path) -> None:
    done = Board(tmp_path, controller=None).run()
    assert done.returncode == 6
    assert "a header UART works too" in done.stderr


@pytest.mark.parametrize("script", ["install.sh", "usb-gadget"])
def test_the_scripts_are_plain_shell(script: str) -> None:
    shell = shutil.which("dash") or "/bin/sh"
    subprocess.run([shell, "-n", HERE / script], check=True, timeout=10)
