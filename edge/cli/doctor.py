"""`sonoderm doctor`: what is loaded from where, what is missing or broken, and the one line that helps."""

import datetime
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.doctor_finding import Finding, Level
from edge.cli.doctor_libraries import find_decoders, find_libraries
from edge.cli.output import print_json
from edge.cli.trust_option import TrustOption
from edge.errors import CheckFailed

__all__ = ["app", "as_json_object", "as_text"]

MARKS = {Level.OK: "ok    ", Level.NOTE: "note  ", Level.BROKEN: "BROKEN"}

app = typer.Typer(rich_markup_mode=None)


@app.command()
def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The findings as one JSON object.")] = False,
    profile: Annotated[Path | None, typer.Option("--profile", metavar="FILE", help="Also what was measured on this device.")] = None,
    trust: TrustOption = None,
) -> None:
    """What is loaded from where, what is missing, and the line that helps. Exit code 1 when something needed is broken."""
    findings = tuple(_findings(trust, profile))
    if as_json:
        print_json(as_json_object(findings))
    else:
        print(as_text(findings))
    broken = [finding for finding in findings if finding.level is Level.BROKEN]
    if broken:
        raise CheckFailed(f"{len(broken)} broken: {', '.join(f.name for f in broken[:6])}", do="follow the arrow of each line above")


def as_json_object(findings: tuple[Finding, ...]) -> dict[str, object]:
    """Version 1: ok, and a list of findings with topic, name, level, says and do."""
    listed = [{"topic": f.topic, "name": f.name, "level": f.level.value, "says": f.says, "do": f.do} for f in findings]
    return {"v": 1, "sonoderm": version("sonoderm"), "ok": all(f.level is not Level.BROKEN for f in findings), "findings": listed}


def as_text(findings: tuple[Finding, ...]) -> str:
    """One line for each finding under its topic; what to do stands behind an arrow."""
    width = max((len(finding.name) for finding in findings), default=0)
    lines: list[str] = []
    for topic in dict.fromkeys(finding.topic for finding in findings):
        lines.append(topic)
        for finding in findings:
            if finding.topic == topic:
                do = f" -> {finding.do}" if finding.do else ""
                lines.append(f"  {MARKS[finding.level]} {finding.name.ljust(width)}  {finding.says}{do}")
    return "\n".join(lines)


def _findings(trust: Path | None, profile: Path | None) -> Iterator[Finding]:
    """In the order in which one thing needs the other; what needs a broken library is not asked for."""
    libraries = tuple(find_libraries())
    yield from libraries
    broken = {finding.name for finding in libraries if finding.level is Level.BROKEN}
    if broken & {"pydicom", "numpy", "cv2", "msgspec", "cryptography"}:
        return
    from edge.cli.doctor_machine import find_devices, find_machine
    from edge.cli.doctor_models import find_engines, find_models, find_tuning
    from edge.cli.doctor_profile import find_profile

    yield from find_decoders()
    yield from find_machine()
    yield from find_devices()
    yield from find_engines(broken)
    yield from find_models(trust)
    yield from find_profile(profile, trust, datetime.datetime.now(datetime.UTC).date())
    yield from find_tuning()
