"""A small fuzzer for machines without atheris: seeded mutations of a growing corpus; an input that reaches a new line joins it."""

import random
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any, Final

from benchmarks.fuzz_targets import Target

__all__ = ["fuzz", "mutated"]

INTERESTING: Final = (0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF)
TRACED: Final = 16  # one input in so many is watched for new lines: tracing costs ten times the decoder


def mutated(data: bytes, corpus: Sequence[bytes], chance: random.Random, longest_b: int) -> bytes:
    """One to four changes: bits, bytes, cuts, doubles, insertions, a splice with another input."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(out) + 1)
        size_b = chance.randint(1, 8)
        match chance.randrange(7):
            case 0 if at < len(out):
                out[at] ^= 1 << chance.randrange(8)
            case 1 if at < len(out):
                out[at] = chance.choice(INTERESTING)
            case 2:
                del out[at : at + size_b]
            case 3:
                out[at:at] = out[at : at + size_b]
            case 4:
                out[at:at] = chance.randbytes(size_b)
            case 5:
                out[at:] = b""
            case _:
                other = chance.choice(corpus)
                out[at:] = other[chance.randrange(len(other) + 1) :]
    return bytes(out[:longest_b])


class _Lines:
    """Lines of the watched modules that were reached so far."""

    def __init__(self, modules: Sequence[str]) -> None:
        self.seen: set[tuple[str, int]] = set()
        self._files = {sys.modules[name].__file__ for name in modules}
        self.has_new = False

    def __call__(self, at: FrameType, event: str, _argument: Any) -> Any:
        if at.f_code.co_filename not in self._files:
            return None
        if event == "line" and (where := (at.f_code.co_filename, at.f_lineno)) not in self.seen:
            self.seen.add(where)
            self.has_new = True
        return self


def fuzz(target: Target, inputs: int, seed: int, seconds: float) -> tuple[int, int]:
    """-> (inputs run, inputs kept). Raises what a target raises: a finding."""
    chance, corpus, lines = random.Random(seed), list(target.seeds), _Lines(target.modules)
    ends_s, done = time.monotonic() + seconds, 0
    for i in range(inputs):
        if time.monotonic() > ends_s:
            break
        done += 1
        data = corpus[i] if i < len(corpus) else mutated(chance.choice(corpus), corpus, chance, target.longest_b)
        lines.has_new = False
        if i < len(target.seeds) or i % TRACED == 0:
            sys.settrace(lines)
        try:
            target.run(data)
        except BaseException:
            print(f"input {i}: {data.hex()}", file=sys.stderr)
            raise
        finally:
            sys.settrace(None)
        if lines.has_new:
            corpus.append(data)
    return done, len(corpus)
