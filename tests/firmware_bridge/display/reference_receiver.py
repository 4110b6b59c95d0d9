"""The C receiver as a process, and the Python one behind the same words, so that both can be held against each other."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from firmware_bridge.display.codes import COMMANDS, STATE_IDS
from firmware_bridge.display.receiver import Receiver, Screen, Shows

HERE = Path(__file__).parent
REFERENCE = HERE.parents[2] / "firmware_bridge" / "reference"
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


@dataclass(frozen=True)
class Step:
    """what: i, b, p, o or s, as in reference_harness.c; `said` is the line without the letter."""

    what: str
    at: int
    said: str = ""

    def line(self) -> str:
        return f"{self.what} {self.at} {self.said}".rstrip()


def compile_c(out: Path, *sources: Path, extra: tuple[str, ...] = ()) -> Path:
    assert COMPILER is not None
    command = [COMPILER, *WARNINGS, *extra, "-O1", f"-I{REFERENCE}", "-o", str(out), *map(str, sources)]
    built = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert built.returncode == 0, built.stderr
    return out


class CReceiver:
    """One process for many streams. Answers are those of the steps o and s, in order."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=20)
        assert self._process.returncode == 0

    def play(self, steps: list[Step]) -> list[str]:
        return self.ask("".join(f"{step.line()}\n" for step in steps), sum(step.what in "os" for step in steps))

    def ask(self, lines: str, answers: int) -> list[str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(lines)
        self._process.stdin.flush()
        said = [self._process.stdout.readline().rstrip("\n") for _ in range(answers)]
        if self._process.poll() is not None and self._process.stderr is not None:
            raise AssertionError(self._process.stderr.read())
        return said


def play_python(steps: list[Step]) -> list[str]:
    receiver, answers = Receiver(0), []
    for step in steps:
        match step.what:
            case "i":
                receiver = Receiver(step.at)
            case "b":
                receiver.feed(bytes.fromhex(step.said), step.at)
            case "p":
                receiver.press(COMMANDS[int(step.said)], step.at)
            case "o":
                answers.append(receiver.poll(step.at).hex() or "-")
            case "s":
                answers.append(plain(receiver.screen(step.at), receiver.damaged))
    return answers


def plain(screen: Screen, damaged: int) -> str:
    """A screen as one line, as the harness prints it."""
    words = [screen.shows.value, f"button={screen.button.value.replace(' ', '-')}", f"activity={screen.activity}"]
    words += [f"other={int(screen.other_version)}", f"damaged={damaged}", f"title={_hex(screen.title)}"]
    said = screen.said
    if said is not None:
        live = 15 if said.live_state is None else STATE_IDS[said.live_state]
        words += [f"state={STATE_IDS[said.state]}", f"live={live}", f"reason={said.reason}", f"rendered={int(said.rendered)}"]
        words += [f"age={said.frozen_age_s}"]
    if said is not None and screen.shows is Shows.LIVE:
        words += [f"confidence={255 if said.confidence is None else said.confidence}", f"fits={said.fits:08x}"]
        if screen.label is not None:
            words += [f"code={_hex(screen.label[0])}", f"name={_hex(screen.label[1])}"]
    return " ".join(words)


def _hex(text: str) -> str:
    return text.encode().hex() or "-"
