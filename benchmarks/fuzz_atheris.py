"""The child of `benchmarks.fuzz`: one decoder under atheris (libFuzzer), coverage-guided. libFuzzer ends the process, so it has its own."""

import sys

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

with atheris.instrument_imports(
    include=["firmware_bridge", *(f"edge.bundle.{name}" for name in ("image", "archive", "signedtext", "trust_signed"))]
):
    from benchmarks.fuzz_targets import TARGETS


def main() -> None:
    """`DECODER` and the flags of libFuzzer."""
    target = TARGETS[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
