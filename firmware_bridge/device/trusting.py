"""Changes of trust on the device: judged by `edge.bundle.trust_signed`, then done in one step that a cut leaves whole or undone.

The order of writes: a line of the history, a new nonce, the change itself. After a cut between the last two the old file is void, and
trust as it was: the technician makes the change anew.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.bundle.keyfile import parse_public_key
from edge.bundle.revoked import MAX_REVOKED_B, REVOKED
from edge.bundle.slotboot import Lock
from edge.bundle.slotfiles import DiskFiles, SlotFiles, replace_file, writing
from edge.bundle.trust import Trust, load_trust, trust_folders
from edge.bundle.trust_signed import KEPT, AddKey, RemoveKey, Revoke, TrustChange, is_done, judge, read_change, words
from edge.errors import MachineLacks, NotTrusted, UsageError
from firmware_bridge.wire.own import KnownKey, TrustState

__all__ = ["NONCE", "TrustStore", "trust_store"]

NONCE: Final = "change.nonce"
_KEYS_TOLD: Final = 200  # what fits a message


class _TrustFiles(DiskFiles):
    """Read by all, written by one, whatever the umask: a file that anyone may write to would end all trust."""

    def create(self, name: str) -> None:
        super().create(name)
        (self.folder / name).chmod(0o644)


@dataclass(frozen=True, slots=True)
class TrustStore:
    """files: the folder whose keys can be changed. load: all that counts, from the disk. note: a line of the history, durable."""

    files: SlotFiles
    load: Callable[[], Trust]
    serial: str
    note: Callable[[str], None]
    lock: Lock = nullcontext

    def state(self) -> TrustState:
        """What a change is made for. Raises NotTrusted (a bad trust folder), MachineLacks."""
        with self.lock():
            trust = self.load()
            keys = tuple(KnownKey(key.hash, key.role.value, key.name, key.hash in trust.revoked) for key in trust.keys)
            return TrustState(serial=self.serial, nonce=self._nonce(), keys=keys[:_KEYS_TOLD], revoked=len(trust.revoked))

    def change(self, data: bytes) -> bool:
        """False: it was so already. Raises NotTrusted, InputRefused, UsageError (as it was); MachineLacks, OSError (old or new)."""
        with self.lock():
            trust = self.load()
            signed = read_change(data, trust)
            if not judge(signed.change, trust, device=self.serial, nonce=self._nonce()):
                return False
            name, content = self._file_after(signed.change, trust)
            self.note(f"trust: {words(signed.change)}, by order of key {signed.signer[:12]}")
            self._new_nonce()
            if content is not None:
                replace_file(self.files, name, content)
            else:
                self.files.remove(name)
                self.files.sync_folder()
            if not is_done(signed.change, self.load()):
                raise MachineLacks("the change of trust was written, and does not count", do="look at the trust folders of the device")
            return True

    def _file_after(self, change: TrustChange, trust: Trust) -> tuple[str, bytes | None]:
        """The one file of the folder that changes, and what it holds then; None: it goes. Raises UsageError where it cannot be so."""
        match change:
            case AddKey():
                name = f"{change.name}.{change.role}.pub"
                if self.files.read(name) is not None:
                    raise UsageError(f"the device holds another key of the name {change.name}", state=KEPT, do="give it another: --name")
                return name, change.public.pem
            case RemoveKey():
                path = next(key.path for key in trust.keys if (key.hash, key.role) == (change.hash, change.role))
                data = self.files.read(path.name)
                if data is None or parse_public_key(data, path).hash != change.hash:
                    what = f"key {change.hash[:12]} stands in {path.parent}, which no cable changes"
                    raise UsageError(what, state=KEPT, do="revoke it instead")
                return path.name, None
            case Revoke():
                return REVOKED, _with_line(self.files.read(REVOKED) or b"", f"{change.digest} {change.remark}")

    def _nonce(self) -> str:
        known = (self.files.read(NONCE) or b"").decode("ascii", "replace").strip()
        return known if len(known) == 32 else self._new_nonce()

    def _new_nonce(self) -> str:
        made = secrets.token_hex(16)
        replace_file(self.files, NONCE, made.encode() + b"\n")
        return made


def _with_line(data: bytes, line: str) -> bytes:
    made = data + (b"" if data.endswith(b"\n") or not data else b"\n") + line.strip().encode() + b"\n"
    if len(made) > MAX_REVOKED_B:
        raise NotTrusted(f"{REVOKED} of the device is full", state=KEPT, do="clear it on the device itself")
    return made


def trust_store(trust_dir: Path | None, serial: str, note: Callable[[str], None]) -> TrustStore:
    """Over the folders of this machine; the one for new keys is made when it is first asked about."""
    folder = trust_folders(trust_dir, os.environ).for_adding

    @contextmanager
    def lock() -> Iterator[None]:
        try:
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError as error:
            raise MachineLacks(f"{error.filename}: {error.strerror}", state=KEPT, do="give the device a trust folder: --trust") from error
        with writing(folder):
            yield

    return TrustStore(_TrustFiles(folder), lambda: load_trust(trust_dir), serial, note, lock)
