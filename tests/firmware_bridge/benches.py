"""Simulated devices in a process of their own, and `sonoderm flash` called in this one."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from typer.testing import CliRunner, Result

from edge.errors import SonodermError
from firmware_bridge.commands import app as device_app
from firmware_bridge.flash.commands import app as flash_app
from tests.builders import BuiltBundle, a_bundle, a_key

HURRY = 20
VENDOR, CLASS = UUID(int=1), UUID(int=2)
SIMULATE = "from firmware_bridge.commands import app; app()"
FLASH = "from firmware_bridge.flash.commands import app; app()"


@dataclass(frozen=True)
class Bench:
    """ports: the file for --ports. folder: one slots folder a device."""

    ports: Path
    folder: Path
    trust_dir: Path
    process: subprocess.Popen[bytes]

    def is_here(self, number: int = 1) -> bool:
        return f"sim-{number:02d}" in self.ports.read_text()

    def port(self, number: int = 1) -> str:
        return next(line.split()[0] for line in self.ports.read_text().splitlines() if line.endswith(f"sim-{number:02d}"))


@dataclass(frozen=True)
class Bundles:
    """Of one model, signed with one key: what the devices run at first, and what is flashed."""

    old: BuiltBundle
    new: BuiltBundle


def bundles(folder: Path, **new: object) -> Bundles:
    key = a_key()
    ids = {"vendor_id": VENDOR, "class_id": CLASS}
    old = a_bundle(folder / "old", key=key, security_counter=1, version="1.0.0", **ids)
    return Bundles(old, a_bundle(folder / "new", key=key, security_counter=2, version="1.0.1", **ids, **new))  # type: ignore[arg-type]


@contextmanager
def a_bench(folder: Path, made: Bundles, count: int, *options: str) -> Iterator[Bench]:
    folder.mkdir(parents=True, exist_ok=True)
    ports, slots = folder / "ports", folder / "slots"
    command = [sys.executable, "-c", SIMULATE, "simulate", str(count), "--model", str(made.old.path), "--slots", str(slots)]
    command += ["--ports", str(ports), "--trust", str(made.old.trust_dir), "--hurry", str(HURRY), *options]
    with (folder / "talk").open("wb") as talk:
        process = subprocess.Popen(command, stdout=talk, stderr=talk, env=os.environ | {"OMP_NUM_THREADS": "1"})
    try:
        wait_for(lambda: ports.exists() or process.poll() is not None, 120)
        assert process.poll() is None, (folder / "talk").read_text()
        yield Bench(ports, slots, made.old.trust_dir, process)
    finally:
        process.terminate()
        process.wait(20)


def wait_for(condition: object, at_most_s: float) -> None:
    end_s, waiting = time.monotonic() + at_most_s, threading.Event()
    while not condition() and time.monotonic() < end_s:  # type: ignore[operator]
        waiting.wait(0.05)


def flash(bench: Bench, bundle: BuiltBundle, *options: str, ports: tuple[str, ...] | None = None) -> Result:
    """Over every port of the bench, unless some are named."""
    where = [f"--port={port}" for port in ports] if ports else ["--ports", str(bench.ports)]
    return CliRunner().invoke(flash_app, [str(bundle.path), *where, "--trust", str(bench.trust_dir), "--json", *options])


def flash_at(port: str, bundle: BuiltBundle, *options: str) -> Result:
    return CliRunner().invoke(flash_app, [str(bundle.path), "--port", port, "--trust", str(bundle.trust_dir), "--json", *options])


def flash_beside(port: str, bundle: BuiltBundle, *, at_most_s: int) -> "subprocess.Popen[bytes]":
    """The same in a process of its own, ended by force after so long."""
    words = ["timeout", str(at_most_s), sys.executable, "-c", FLASH, str(bundle.path), "--port", port]
    return subprocess.Popen([*words, "--trust", str(bundle.trust_dir), "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def device(*words: str) -> Result:
    return CliRunner().invoke(device_app, list(words))


def rows(result: Result) -> list[dict[str, object]]:
    return [msgspec.json.decode(line) for line in result.stdout.splitlines()]


def error_of(result: Result) -> SonodermError:
    if not isinstance(result.exception, SonodermError):
        pytest.fail(f"{result.exception!r}\n{result.output}")
    return result.exception
