"""From process start to the first label on standard output, as a person waits for it: whole processes, one after the other.

python benchmarks/start.py                            # phantom source and model
python benchmarks/start.py --source "dir:docs/examples?motion=tremor" --model breast-us --runs 10
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

PROMISE_S = 2.0


def first_label_s(source: str, model: str, engine: str | None) -> float:
    """Seconds from the start of the process to the line of its first READY."""
    words = [sys.executable, "-m", "edge.cli.main", "run", source, "--model", model, "--sink", "jsonl:-", "--seconds", "20"]
    words += ["--engine", engine] if engine else []
    began = time.monotonic()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["state"] == "READY":
                took = time.monotonic() - began
                process.terminate()
                process.stdout.close()
                return took
    raise SystemExit(f"{source} with {model}: no label within 20 s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", default="phantom:derm")
    parser.add_argument("--model", default="phantom")
    parser.add_argument("--engine")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    first_label_s(options.source, options.model, options.engine)  # fills the disk cache: a device is not started from a cold disk twice
    took = sorted(first_label_s(options.source, options.model, options.engine) for _ in range(options.runs))
    result = {"source": options.source, "model": options.model, "runs": len(took), "median_s": statistics.median(took), "max_s": took[-1]}
    if options.json:
        print(json.dumps(result))
    else:
        print(f"first label: median {result['median_s']:.2f} s, slowest {took[-1]:.2f} s of {len(took)} starts (promise: {PROMISE_S} s)")
    return 0 if took[-1] <= PROMISE_S else 1


if __name__ == "__main__":
    sys.exit(main())
