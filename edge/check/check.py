"""check_model: golden frames, agreement with another form, speed against the age limit, memory."""

from collections.abc import Callable

from edge.backends.session import Place, Session
from edge.backends.table import available, open_session
from edge.bundle.manifest import Pair
from edge.check.agreement import reference_pair
from edge.check.limits import EVERYDAY, Limits
from edge.check.memory import process_memory_b
from edge.check.questions import agreement_line, ask_agreement, ask_outputs, ask_speed, ask_tensors, memory_line
from edge.check.report import CheckReport, Line
from edge.model import Model
from edge.model.golden import read_golden

__all__ = ["check_model"]


def _nothing(done: int) -> None:  # noqa: ARG001 - nobody asked to be told
    return


def check_model(model: Model, limits: Limits = EVERYDAY, *, on_picture: Callable[[int], None] = _nothing) -> CheckReport:
    """Asks everything, also of a model that may not speak here. Raises BundleRefused and BackendFault where it cannot be asked."""
    golden = read_golden(model.bundle)
    reference = _open_reference(model)
    try:
        tensor_line = ask_tensors(model, golden)
        output_line, drifts = ask_outputs(model, golden, reference)
        agreement = ask_agreement(model, golden, reference, limits, on_picture)
    finally:
        if reference is not None:
            reference[0].close()
    agreed_line = agreement_line(agreement, limits)
    p50_ms, p95_ms = ask_speed(model, golden)
    speed_line = Line(
        "speed", p95_ms <= limits.p95_ms, f"p95 {p95_ms:.1f} ms", f"{limits.p95_ms:.0f} ms", f"p50 {p50_ms:.1f} ms a frame, all stages"
    )
    memory_b = process_memory_b()
    lines = (tensor_line, output_line, agreed_line, speed_line, memory_line(memory_b, limits))
    proven = all(line.ok for line in (tensor_line, output_line)) and (agreed_line.ok or (reference is None and model.pair.gate == "passed"))
    return CheckReport(
        model=model.identity,
        engine_version=model.session.engine_version,
        threads=model.session.threads,
        isa=model.session.isa,
        gate=model.pair.gate,
        lines=lines,
        passed=all(line.ok is not False for line in lines),
        proven=bool(proven),
        golden=len(drifts),
        pictures=agreement.pictures if agreement else 0,
        decided=agreement.decided if agreement else 0,
        agreement=agreement.share if agreement else None,
        reference=agreement.reference if agreement else None,
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        memory_b=memory_b,
    )


def _open_reference(model: Model) -> tuple[Session, Pair] | None:
    installed = frozenset(found.engine.name for found in available() if found.is_here)
    pair = reference_pair(model.manifest, model.pair, installed)
    if pair is None:
        return None
    return open_session(model.bundle, pair.form, pair.engine, 1, Place(None, _silent)), pair


def _silent(text: str) -> None:  # noqa: ARG001 - the reference says nothing of its own
    return
