"""The log of a prediction service: nothing that was acknowledged is lost when its process is killed.

A record is a line: eight hex digits of CRC-32, a blank, and JSON. The records of a batch are one `write` before their
replies, so that the kernel holds them whatever becomes of the process; the disk has them 100 ms later. A segment is
sealed by a rename; one whose writer died is sealed by whoever finds its lock free. A torn last line was never
acknowledged, and is left out.
"""

import contextlib
import errno
import fcntl
import json
import os
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from mlops_assets.errors import StoreError
from mlops_assets.stores.prediction_frames import rows

OPEN: Final = ".open"
SEALED: Final = ".log"
TAKEN: Final = "taken"
SEGMENT_BYTES: Final = 16_000_000
SEGMENT_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Segment:
    """A sealed file of records.

    Attributes:
        path: where it lies.
        stream: of one writer; its segments are numbered from 0 without a gap.
        number: of the segment.
    """

    path: Path
    stream: str
    number: int

    @classmethod
    def of(cls, path: Path) -> "Segment":
        """Read stream and number from the name.

        >>> Segment.of(Path("ab12-000007.log")).number
        7
        """
        stream, _, number = path.stem.rpartition("-")
        return cls(path, stream, int(number))


class LogWriter:
    """The one writer of a stream; `write` returns when the kernel has the records.

    Attributes:
        trouble: why a write has failed, until `retry` has found room for as much; empty while all is well.
    """

    def __init__(self, folder: Path, *, seconds: float = SEGMENT_SECONDS, size: int = SEGMENT_BYTES) -> None:
        """Begin a stream of its own below a folder; the first segment is made with the first record."""
        self.folder = folder
        self.stream = f"{time.time_ns():x}{uuid4().hex[:8]}"
        self.dirty = False
        self.trouble, self._lacking = "", 0
        self._seconds, self._size = seconds, size
        self._number = 0
        self._file: int | None = None
        self._sealed: list[int] = []
        self._syncing = threading.Lock()
        self._bytes = 0
        self._born = 0.0

    def write(self, records: Sequence[bytes]) -> None:
        """Add records, all or none, by one write.

        Raises:
            StoreError: the disk is full or gone; nothing of the records stays.
        """
        lines = b"".join([part for record in records for part in (b"%08x " % zlib.crc32(record), record, b"\n")])
        try:
            self._put(lines)
        except OSError as error:
            self.trouble, self._lacking = error.strerror or str(error), len(lines)
            raise StoreError.of(
                "the prediction log cannot be written", got=error.strerror, step="free the disk"
            ) from None
        self._bytes += len(lines)
        self.dirty = True

    def _put(self, lines: bytes) -> None:
        """Write all or nothing."""
        file = self._open()
        if os.write(file, lines) < len(lines):
            self._undo(file)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _undo(self, file: int) -> None:
        """Take a write back; the next record must not follow a torn one."""
        os.ftruncate(file, self._bytes)
        os.lseek(file, self._bytes, os.SEEK_SET)

    def retry(self) -> None:
        """After a write that failed: whether as many bytes have room by now, which is tried, and taken back."""
        if not self.trouble:
            return
        with contextlib.suppress(OSError):
            self._put(bytes(self._lacking))
            self._undo(self._open())
            self.trouble = ""

    def sync(self) -> None:
        """Bring what was written to the disk; may run in a thread beside `write`."""
        with self._syncing:
            file = self._file
            if file is not None and self.dirty:
                self.dirty = False
                os.fdatasync(file)
            while self._sealed:
                sealed = self._sealed.pop()
                os.fdatasync(sealed)
                os.close(sealed)

    def seal_if_due(self) -> None:
        """Seal the open segment when it is old or large enough."""
        if self._file is not None and (self._bytes >= self._size or time.monotonic() - self._born >= self._seconds):
            self.seal()

    def seal(self) -> None:
        """End the open segment; the next record begins another, and the next `sync` brings this one to the disk."""
        if self._file is None:
            return
        file, self._file = self._file, None
        path = self._path()
        path.rename(path.with_suffix(SEALED))
        self._sealed.append(file)
        self._number += 1

    def _open(self) -> int:
        if self._file is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            self._file, self._bytes, self._born = file, 0, time.monotonic()
        return self._file

    def _path(self) -> Path:
        return self.folder / f"{self.stream}-{self._number:06d}{OPEN}"


def seal_orphans(folder: Path) -> int:
    """Seal the segments whose writers are dead; how many."""
    sealed = 0
    for path in sorted(folder.glob(f"*{OPEN}")):
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                    path.rename(path.with_suffix(SEALED))
                    sealed += 1
        except (BlockingIOError, FileNotFoundError):
            continue  # its writer lives, or somebody else sealed it
    return sealed


def segments(folder: Path) -> list[Segment]:
    """The sealed segments that nobody has taken yet, by stream and number."""
    found = [Segment.of(path) for path in folder.glob(f"*{SEALED}")]
    return sorted(found, key=lambda segment: (segment.stream, segment.number))


def take(segment: Segment) -> None:
    """Put a segment aside, once the lake has it."""
    aside = segment.path.parent / TAKEN
    aside.mkdir(exist_ok=True)
    segment.path.rename(aside / segment.path.name)


@dataclass(frozen=True)
class Frames:
    """What a segment holds.

    Attributes:
        records: whole ones, in order.
        torn: whether the last line was cut off.
        damaged: lines whose sum does not fit, other than a torn last one.
    """

    records: list[dict[str, Any]]
    torn: bool
    damaged: int


def read(path: Path) -> Frames:
    """The records of a segment; one whose sum does not fit is counted, never believed."""
    content = path.read_bytes()
    *lines, tail = content.split(b"\n")
    whole = [record for record in map(_record, lines) if record is not None]
    return Frames([row for record in whole for row in rows(record)], bool(tail), len(lines) - len(whole))


def replayed(folder: Path) -> Iterator[dict[str, Any]]:
    """Every record that was ever written below a folder, taken or not, oldest stream first."""
    sealed = [*folder.glob(f"*{SEALED}"), *(folder / TAKEN).glob(f"*{SEALED}")]
    for path in sorted(sealed, key=lambda path: path.name):
        yield from read(path).records


def _record(line: bytes) -> dict[str, Any] | None:
    head, _, body = line.partition(b" ")
    try:
        if int(head, 16) != zlib.crc32(body):
            return None
        found: dict[str, Any] = json.loads(body)
    except ValueError:
        return None
    return found
