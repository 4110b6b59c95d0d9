"""Fuzzes the decoders of foreign bytes from valid seeds: no crash, no hang, bounded memory.

    python -m benchmarks.fuzz DECODER… [--inputs 1000000] [--seconds 3600] [--seed 1] [--json FILE]

DECODER: console smp cbor image trust display, or all.

Coverage-guided by atheris where it is installed (`pip install atheris`), else by the small fuzzer of `fuzz_mutate.py`, which says so. A
finding ends the decoder's run with its input; exit code 1.
"""

import argparse
import importlib.util
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.fuzz_mutate import fuzz
from benchmarks.fuzz_targets import TARGETS

HANG_S: Final = 20  # for one input, by the clock on the wall; a decoder takes microseconds, a busy machine takes its time
MEMORY_MB: Final = 512


@dataclass(frozen=True)
class Result:
    """finding: None, or the end of what was said. peak_mb: resident memory of the fuzzing process, interpreter and libraries included."""

    decoder: str
    by: str
    inputs: int
    kept: int
    seconds: float
    peak_mb: int
    finding: str | None


def by_atheris(decoder: str, inputs: int, seed: int, seconds: int) -> Result:
    target = TARGETS[decoder]
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for i, data in enumerate(target.seeds):
            (corpus / f"seed-{i}").write_bytes(data)
        flags = [f"-runs={inputs}", f"-seed={seed}", f"-max_len={target.longest_b}", f"-timeout={HANG_S}", f"-rss_limit_mb={MEMORY_MB}"]
        command = [
            sys.executable,
            "-m",
            "benchmarks.fuzz_atheris",
            decoder,
            *flags,
            f"-max_total_time={seconds}",
            "-print_final_stats=1",
            "-artifact_prefix=./",
            str(corpus),
        ]
        began_s = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        took_s = time.monotonic() - began_s
    return Result(
        decoder,
        "atheris",
        _stat(done.stderr, "number_of_executed_units"),
        _kept(done.stderr),
        took_s,
        _stat(done.stderr, "peak_rss_mb"),
        None if done.returncode == 0 else done.stderr[-2000:],
    )


def _stat(said: str, name: str) -> int:
    found = re.search(rf"stat::{name}:\s*(\d+)", said)
    return int(found[1]) if found else 0


def _kept(said: str) -> int:
    """Inputs in libFuzzer's corpus at the end."""
    found = re.findall(r"corp: (\d+)/", said)
    return int(found[-1]) if found else 0


def by_mutation(decoder: str, inputs: int, seed: int, seconds: int) -> Result:
    began_s = time.monotonic()
    finding, done, kept = None, 0, 0
    try:
        done, kept = fuzz(TARGETS[decoder], inputs, seed, seconds)
    except Exception as error:  # noqa: BLE001 - whatever a decoder raises is the finding
        finding = f"{type(error).__name__}: {error}"
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return Result(decoder, "own mutations", done, kept, time.monotonic() - began_s, peak_mb, finding)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("decoders", nargs="+", choices=[*TARGETS, "all"])
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=3600, help="for one decoder at most; the table says how many inputs there were")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--own", action="store_true", help="the small fuzzer, also where atheris is installed")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    has_atheris = importlib.util.find_spec("atheris") is not None and not asked.own
    if not has_atheris:
        print("atheris is not used: own mutations, whose coverage is coarse")
    print(f"{platform.machine()}, Python {platform.python_version()}, seed {asked.seed}")
    print(f"{'decoder':10} {'inputs':>10} {'kept':>6} {'inputs/s':>9} {'peak MB':>8}  finding")
    results = []
    for decoder in TARGETS if "all" in asked.decoders else asked.decoders:
        result = (by_atheris if has_atheris else by_mutation)(decoder, asked.inputs, asked.seed, asked.seconds)
        results.append(result)
        rate = result.inputs / max(result.seconds, 1e-9)
        print(f"{decoder:10} {result.inputs:10,} {result.kept:6} {rate:9,.0f} {result.peak_mb:8}  {result.finding or 'none'}", flush=True)
    if asked.json:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode({"v": 1, "results": [asdict(r) for r in results]}), indent=2))
    if any(result.finding for result in results):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
