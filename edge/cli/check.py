"""`sonoderm check`: is this model fit to run on this machine? `--accept` records it for a form not proven; `--tune` makes it fast."""

import datetime
import os
import time
from dataclasses import dataclass
from typing import Annotated

import typer

from edge.backends.tuning import Tuned, write_tuned
from edge.bundle.open import VerifiedBundle, resolve_model
from edge.bundle.shipped import read_pins
from edge.bundle.trust import Trust, load_trust
from edge.check import EVERYDAY, FOR_PROOF, Candidate, CheckReport, Limits, Tuning, accept, check_model, tune
from edge.cli.engine_options import EngineOption, FormOption, ThreadsOption
from edge.cli.output import Progress, columns, print_json, say
from edge.cli.trust_option import TrustOption
from edge.errors import CheckFailed, UsageError
from edge.model import OpenOptions, open_model
from edge.model.opening import Surroundings, look_around

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is printed for one model, as JSON too. v: version of this object. tuning_refused: why tuned is null though it was asked for."""

    report: CheckReport
    tuned: Tuned | None
    candidates: tuple[Candidate, ...]
    accepted: bool
    tuning_refused: str | None = None
    v: int = 1


@dataclass(frozen=True, slots=True)
class _Asked:
    engine: str | None
    form: str | None
    threads: int | None
    tune: bool
    accept: bool
    limits: Limits
    load: float  # before any work of ours


@app.command()
def check(
    model: Annotated[list[str] | None, typer.Option("--model", help="Shipped name or path, repeatable; default: all shipped.")] = None,
    tune_it: Annotated[bool, typer.Option("--tune", help="Measure engines, forms and threads, and keep the fastest.")] = False,
    accept_it: Annotated[bool, typer.Option("--accept", help="Record that this form is proven on this machine, if it is.")] = False,
    engine: EngineOption = None,
    form: FormOption = None,
    threads: ThreadsOption = None,
    fps: Annotated[float, typer.Option("--fps", min=1.0, help="Frame rate of the live run.")] = EVERYDAY.fps,
    age_limit_ms: Annotated[float, typer.Option("--age-limit-ms", min=50.0, help="How old a label may become.")] = EVERYDAY.age_limit_ms,
    trust: TrustOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole answer as JSON.")] = False,
) -> None:
    """Is this model fit to run on this machine? Golden frames, agreement, speed, memory. Exit code 1 when the answer is no."""
    if tune_it and (engine or form or threads):
        raise UsageError("--tune chooses engine, form and threads itself", do="leave --engine, --form and --threads out")
    base = FOR_PROOF if accept_it else EVERYDAY
    limits = Limits(fps, age_limit_ms, base.memory_b, base.pictures, base.least_decided)
    asked = _Asked(engine, form, threads, tune_it, accept_it, limits, os.getloadavg()[0])
    known = load_trust(trust)
    names = model or [pin.name for pin in read_pins()]
    if not names:
        raise UsageError("no model is shipped with this install", do="sonoderm check --model FILE.bundle")
    answers = [_answer(resolve_model(name, known), known, asked) for name in names]
    if as_json:
        print_json(answers[0] if len(answers) == 1 else answers)
    else:
        for answer in answers:
            _print(answer)
    failed = [answer.report.model.name for answer in answers if not answer.report.passed]
    if failed:
        raise CheckFailed(f"not fit to run here as asked: {', '.join(failed)}", do="see the lines marked with a cross")
    refused = [answer for answer in answers if answer.tuning_refused is not None]
    if refused:
        who = ", ".join(answer.report.model.name for answer in refused)
        raise CheckFailed(
            f"{who}: not tuned, {refused[0].tuning_refused}", state="tuning.json is as it was", do="close other programs and tune again"
        )


def _answer(bundle: VerifiedBundle, trust: Trust, asked: _Asked) -> Answer:
    around = look_around(None, None, say)
    tuning = _tune(bundle, around, asked.load) if asked.tune else None
    choice = tuning.choice if tuning is not None else None
    engine, form, threads = (choice.engine, choice.form, choice.threads) if choice else (asked.engine, asked.form, asked.threads)
    options = OpenOptions(say=say)
    total = asked.limits.pictures
    with open_model(bundle, trust, engine=engine, form=form, threads=threads, options=options) as opened:
        with Progress(f"checking {bundle.manifest.name}", total) as progress:
            report = check_model(opened, asked.limits, on_picture=lambda _: progress.advance())
        wants_proof = opened.pair.gate == "unrun"
        if asked.accept and not wants_proof:
            say(f"{bundle.manifest.name}: form {report.model.form} on {report.model.engine} was proven at export: nothing to accept")
        accepted = asked.accept and wants_proof and report.passed
        if accepted:
            accept(opened, report, around, datetime.datetime.now(datetime.UTC))
    if tuning is None:
        return Answer(report, None, (), accepted)
    refused = tuning.refused if report.passed else "the check of the fastest form failed"
    if refused is None:
        write_tuned(around.places.cache, tuning.choice)
    return Answer(report, None if refused else tuning.choice, tuning.candidates, accepted, refused)


def _tune(bundle: VerifiedBundle, around: Surroundings, load: float) -> Tuning:
    with Progress(f"tuning {bundle.manifest.name}", None) as progress:
        return tune(
            bundle,
            around,
            datetime.datetime.now(datetime.UTC),
            time.perf_counter_ns,
            load=load,
            say=say,
            on_round=lambda _done, _total: progress.advance(),
        )


MARKS = {True: "✔", False: "✘", None: "–"}


def _print(answer: Answer) -> None:
    report = answer.report
    who = report.model
    threads = f"{report.threads} thread{'s' if report.threads > 1 else ''}"
    print(f"{who.name} {who.version}  form {who.form} on {who.engine} {report.engine_version}, {threads}, {report.isa}, gate {report.gate}")
    rows = [(MARKS[line.ok], line.name, line.value, f"limit {line.limit}" if line.limit else "", line.note) for line in report.lines]
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    for row in rows:
        print("  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]).rstrip())
    for note in who.notes:
        print(f"  note: {note}")
    if answer.candidates:
        print(columns(_candidate_rows(answer), indent=2))
    if answer.tuned is not None:
        tuned = answer.tuned
        print(f"  kept in tuning.json: {tuned.form} on {tuned.engine}, threads {tuned.threads}, p50 {tuned.p50_ms:.2f} ms")
    if answer.accepted:
        print(f"  accepted: form {who.form} on {who.engine} may speak on this machine")
    elif report.gate == "unrun" and report.passed:
        print("  not proven here: run it again with --accept to let this form speak on this machine")


def _candidate_rows(answer: Answer) -> list[tuple[str, str, str, str, str]]:
    rows = [("engine", "form", "threads", "p50 ms", "p95 ms")]
    for found in answer.candidates:
        if found.p50_ms is None or found.p95_ms is None:
            rows.append((found.engine, found.form, str(found.threads), "-", found.fault or ""))
        else:
            rows.append((found.engine, found.form, str(found.threads), f"{found.p50_ms:.2f}", f"{found.p95_ms:.2f}"))
    return rows
