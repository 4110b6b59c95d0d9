"""A disk that can lose its power: what POSIX promises of files and folders, and nothing that one file system gives on top.

Until its sync, each write may be on the disk whole, in half, as zeros or not at all; until the folder's sync, each new, renamed or removed
name may be there or not; in any combination. After a failed sync what was not written stays in doubt for ever, also when a later sync
succeeds (Rebello et al., ATC 2020: the pages count as clean). Pillai et al., OSDI 2014, found all of these in real file systems.
"""

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

__all__ = ["Fault", "Files", "FullDisk", "SimulatedDisk"]

Files = Mapping[str, bytes]  # a folder, as a process finds it after the power is back
MOST_COMBINATIONS: Final = 4096  # of what is in doubt at one moment; a play that needs more is wrong, and told so


@dataclass(frozen=True, slots=True)
class _Written:
    """empties: a truncation, everything is gone."""

    inode: int
    at_b: int
    data: bytes
    empties: bool = False

    def outcomes(self) -> tuple["_Written | None", ...]:
        if self.empties:
            return None, self
        half, zeros = replace(self, data=self.data[: len(self.data) // 2]), replace(self, data=bytes(len(self.data)))
        return None, self, half, zeros


@dataclass(frozen=True, slots=True)
class _Named:
    """One change of the folder, which happens whole or not: each name gets its inode, or goes (None)."""

    changes: tuple[tuple[str, int | None], ...]

    def outcomes(self) -> tuple["_Named | None", ...]:
        return None, self


@dataclass(slots=True)
class _Logged:
    change: _Written | _Named
    certain: bool = False
    doomed: bool = False  # its sync failed: no later one makes it certain

    def outcomes(self) -> tuple[_Written | _Named | None, ...]:
        if self.certain:
            return (self.change,)
        return (None, self.change) if self.doomed else self.change.outcomes()


@dataclass(frozen=True, slots=True)
class Fault:
    """At the operation number `at`: EIO of a sync, or a disk that is full (for that operation alone, or from then on)."""

    kind: str  # "sync fails", "disk full once", "disk full"
    at: int


@dataclass(slots=True)
class _Durable:
    names: dict[str, int] = field(default_factory=dict)
    contents: dict[int, bytes] = field(default_factory=dict)

    def apply(self, change: _Written | _Named) -> None:
        if isinstance(change, _Named):
            for name, inode in change.changes:
                if inode is None:
                    self.names.pop(name, None)
                else:
                    self.names[name] = inode
        elif change.empties:
            self.contents[change.inode] = b""
        else:
            before = self.contents.get(change.inode, b"").ljust(change.at_b, b"\0")
            self.contents[change.inode] = before[: change.at_b] + change.data + before[change.at_b + len(change.data) :]

    def copy(self) -> "_Durable":
        return _Durable(dict(self.names), dict(self.contents))

    def files(self) -> Files:
        return {name: self.contents.get(inode, b"") for name, inode in sorted(self.names.items())}


class SimulatedDisk:
    """`SlotFiles` on such a disk. on_change: called after each operation; `states` then gives every folder that a cut may leave.

    syncs: False for a disk that ignores every sync, with which the sweep must find bad states.
    """

    def __init__(self, files: Files | None = None, *, fault: Fault | None = None, syncs: bool = True) -> None:
        self._now = _Durable()
        for inode, (name, data) in enumerate((files or {}).items()):
            self._now.names[name], self._now.contents[inode] = inode, data
        self._base = self._now.copy()
        self._log: list[_Logged] = []
        self._next_inode = len(self._now.names)
        self._fault, self._syncs = fault, syncs
        self.operations = 0
        self.on_change: Callable[[], None] = lambda: None

    # ---- SlotFiles ------------------------------------------------------------------------------

    def read(self, name: str) -> bytes | None:
        inode = self._now.names.get(name)
        return None if inode is None else self._now.contents[inode]

    def create(self, name: str) -> None:
        failure = self._begins()
        if failure:
            raise failure
        inode = self._now.names.get(name)
        if inode is None:
            inode, self._next_inode = self._next_inode, self._next_inode + 1
            self._now.contents[inode] = b""
            self._do(_Named(((name, inode),)))
        else:
            self._do(_Written(inode, 0, b"", empties=True))
        self.on_change()

    def write(self, name: str, at_b: int, data: bytes) -> None:
        self._write(self._inode(name), at_b, data)

    def append(self, name: str, data: bytes) -> None:
        if name not in self._now.names:
            self.create(name)
        inode = self._now.names[name]
        self._write(inode, len(self._now.contents[inode]), data)

    def sync(self, name: str) -> None:
        inode = self._inode(name)
        self._sync([logged for logged in self._log if isinstance(logged.change, _Written) and logged.change.inode == inode])

    def rename(self, old: str, new: str) -> None:
        failure = self._begins()
        if failure:
            raise failure
        inode = self._inode(old)
        self._do(_Named(((old, None), (new, inode))))
        self.on_change()

    def remove(self, name: str) -> None:
        self._begins(may_fill=False)
        if name in self._now.names:
            self._do(_Named(((name, None),)))
        self.on_change()

    def sync_folder(self) -> None:
        self._sync([logged for logged in self._log if isinstance(logged.change, _Named)])

    # ---- what a cut leaves ----------------------------------------------------------------------

    def states(self) -> Iterator[Files]:
        """Every folder that may be found if the power goes now. Raises RuntimeError when too much is in doubt to try all of it."""
        choices = [logged.outcomes() for logged in self._log]
        count = 1
        for choice in choices:
            count *= len(choice)
        if count > MOST_COMBINATIONS:
            raise RuntimeError(f"{count} combinations of what is not synced: use fewer chunks between two syncs")
        for chosen in product(*choices):
            disk = self._base.copy()
            for change in chosen:
                if change is not None:
                    disk.apply(change)
            yield disk.files()

    def view(self) -> Files:
        """The folder as running processes see it."""
        return self._now.files()

    # ---- inside ---------------------------------------------------------------------------------

    def _inode(self, name: str) -> int:
        if name not in self._now.names:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return self._now.names[name]

    def _write(self, inode: int, at_b: int, data: bytes) -> None:
        failure = self._begins()
        data = data[: len(data) // 2] if failure else data  # a full disk takes what fits
        self._do(_Written(inode, at_b, data))
        self.on_change()
        if failure:
            raise failure

    def _sync(self, concerned: list[_Logged]) -> None:
        failure = self._begins(syncs=True)
        for logged in concerned:
            if failure:
                logged.doomed = True
            elif self._syncs and not logged.doomed:
                logged.certain = True
        while self._log and self._log[0].certain:
            self._base.apply(self._log.pop(0).change)
        self.on_change()
        if failure:
            raise failure

    def _do(self, change: _Written | _Named) -> None:
        self._now.apply(change)
        self._log.append(_Logged(change))

    def _begins(self, *, syncs: bool = False, may_fill: bool = True) -> OSError | None:
        """Counts the operation -> the error that it must end with."""
        at, fault = self.operations, self._fault
        self.operations += 1
        if fault is None:
            return None
        if syncs:
            is_hit = fault.kind == "sync fails" and at == fault.at
            return OSError(errno.EIO, os.strerror(errno.EIO)) if is_hit else None
        is_full = (fault.kind == "disk full" and at >= fault.at) or (fault.kind == "disk full once" and at == fault.at)
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) if is_full and may_fill else None


class FullDisk:
    """`SlotFiles` over files that can be read, on a disk without any room."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self.read = read

    def create(self, name: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)

    def write(self, name: str, at_b: int, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), f"{name} {at_b} {len(data)}")

    def append(self, name: str, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), f"{name} {len(data)}")

    def sync(self, name: str) -> None:
        """Nothing was written."""

    def rename(self, old: str, new: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), f"{old} {new}")

    def remove(self, name: str) -> None:
        """Nothing that is there is needed."""

    def sync_folder(self) -> None:
        """Nothing was renamed."""
