"""Which class of processor this is: INT8 arithmetic differs between classes, and golden outputs are held per class.

The words are those of `Pair.isa` in the manifest. A class is the best INT8 path that the engines take on it.
"""

import platform
from pathlib import Path
from typing import Final

__all__ = ["CLASSES", "processor_class", "read_flags"]

# (class, the flags of /proc/cpuinfo that it needs), best first
CLASSES: Final = (
    ("x86-amx-int8", ("amx_int8", "avx512_vnni")),
    ("x86-avx512-vnni", ("avx512_vnni",)),
    ("x86-avx-vnni", ("avx_vnni", "avx2")),
    ("x86-avx512", ("avx512f", "avx512bw")),
    ("x86-avx2", ("avx2",)),
    ("x86", ("sse2",)),
    ("arm-i8mm", ("i8mm", "asimddp")),
    ("arm-dotprod", ("asimddp",)),
    ("arm-neon", ("asimd",)),
)


def processor_class(flags: frozenset[str]) -> str:
    """The class of a processor with these flags; "other" where it is none that we know."""
    return next((name for name, needed in CLASSES if flags.issuperset(needed)), "other")


def read_flags(root: Path = Path("/")) -> frozenset[str]:
    """Flags of the first processor in /proc/cpuinfo (x86: flags, ARM: Features); empty where it cannot be read."""
    try:
        text = (root / "proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return frozenset()
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset({"asimd"}) if platform.machine() == "aarch64" and root == Path("/") else frozenset()
