"""The one root of our errors. Each carries the exit code that the command line ends with.

An error says what happened, what the device does now, and what to do. It is raised where the cause is known
and caught once, at the rim (`edge.cli.main`), which prints it as one line on stderr.
"""

from typing import ClassVar

__all__ = [
    "BackendFault",
    "BundleRefused",
    "CheckFailed",
    "InputRefused",
    "MachineLacks",
    "NotTrusted",
    "PartialInput",
    "SonodermError",
    "SourceUnreachable",
    "UsageError",
]


class SonodermError(Exception):
    """An expected failure, in words for a person.

    what: what happened, to what. state: what the device does now. do: the next action.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, state: str | None = None, do: str | None = None) -> None:
        self.what, self.state, self.do = what, state, do
        super().__init__(what)

    def line(self) -> str:
        """The whole error as one line, without control characters."""
        parts = [self.what, *(f"[{self.state}]" for _ in [0] if self.state), *(f"-> {self.do}" for _ in [0] if self.do)]
        return " ".join("".join(c if c.isprintable() else " " for c in " ".join(parts)).split())


class CheckFailed(SonodermError):
    """The work was done, and the answer is no (a check failed, a gate was missed)."""

    exit_code = 1


class UsageError(SonodermError):
    """The command was called in a way that cannot work."""

    exit_code = 2


class InputRefused(SonodermError):
    """A file, picture, table or clip that we will not read."""

    exit_code = 3


class PartialInput(InputRefused):
    """Good frames were delivered, then the input broke off: what was read is right, and is not all there was."""


class SourceUnreachable(SonodermError):
    """A camera, stream or device that cannot be opened, or that was lost."""

    exit_code = 4


class NotTrusted(SonodermError):
    """A signature, digest, key or downgrade that trust forbids."""

    exit_code = 5


class BundleRefused(NotTrusted):
    """A bundle that is damaged, malformed, or signed by nobody we trust."""


class MachineLacks(SonodermError):
    """This machine lacks an extra, an engine, a library or a permission."""

    exit_code = 6


class BackendFault(SonodermError):
    """An inference engine refused a model, or failed while running it."""

    exit_code = 6
