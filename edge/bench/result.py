"""What a benchmark says, as one versioned object: every number with the conditions that it was measured under."""

import msgspec

from edge.errors import InputRefused

__all__ = ["STAGES", "VERSION", "BenchResult", "Conditions", "Run", "Sensor", "Stage", "parse_result"]

VERSION = 1
STAGES = ("prepare", "quality", "infer", "classify", "all")


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Sensor(_Strict, frozen=True, kw_only=True):
    """One sensor. value: degrees Celsius or milliwatts, as the list says that it stands in."""

    name: str
    value: float


class Stage(_Strict, frozen=True, kw_only=True):
    """Quantiles in ms. blocks_p50_ms: medians of ten consecutive parts of the run. histogram: (upper edge in ms, n)."""

    name: str
    p50_ms: float
    p95_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    blocks_p50_ms: tuple[float, ...]
    histogram: tuple[tuple[float, int], ...]


class Run(_Strict, frozen=True, kw_only=True):
    """One way of feeding. mode: "free-running" (one frame after the other) or "paced" (a frame each 1/fps, as a camera does).

    late: paced frames that began later than one frame period. power_mw: mean of the whole board; energy_mj: of one label.
    cpu_share: of one core, used by this process. others_share: of all cores, used by everything else meanwhile.
    """

    mode: str
    fps: float | None
    frames: int
    seconds: float
    late: int
    stages: tuple[Stage, ...]
    cpu_share: float
    others_share: float
    power_mw: float | None = None
    energy_mj: float | None = None
    rails_mw: tuple[Sensor, ...] = ()


class Conditions(_Strict, frozen=True, kw_only=True):
    """None and empty: this machine does not tell. throttled: how often a cooling device or the CPU's own brake came in during the run."""

    cpu: str
    isa: str
    cores: int
    board: str | None
    l4t: str | None
    gpu: str | None
    kernel: str
    python: str
    governors: tuple[str, ...]
    cpu_mhz: tuple[float, ...]
    cpu_max_mhz: tuple[float, ...]
    gpu_mhz: float | None
    power_mode: str | None
    load_1m: float
    celsius_before: tuple[Sensor, ...]
    celsius_after: tuple[Sensor, ...]
    throttled: int | None
    warnings: tuple[str, ...]


class BenchResult(_Strict, frozen=True, kw_only=True):
    v: int = VERSION
    at: str
    sonoderm: str
    model: str
    version: str
    digest: str
    engine: str
    engine_version: str
    form: str
    threads: int
    picture: str
    conditions: Conditions
    runs: tuple[Run, ...]


def parse_result(data: bytes, origin: str) -> BenchResult:
    """What `sonoderm bench --json` wrote. Raises InputRefused."""
    try:
        result = msgspec.json.decode(data, type=BenchResult)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputRefused(
            f"{origin} is no result of sonoderm bench ({error})", do="write one with: sonoderm bench --json > FILE"
        ) from error
    if result.v != VERSION:
        raise InputRefused(f"{origin} is version {result.v} of a result, and this sonoderm reads {VERSION}", do="measure it again")
    return result
