"""The rows that were posted for a dataset and are no batch yet: what was acknowledged survives any kill."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import Conflict, LandingError, StoreError
from mlops_assets.rooms.ingest.delivery import complete, delivery, flush, stamp
from mlops_assets.rooms.ingest.parcels import batch_name, stretch_sql
from mlops_assets.rooms.ingest.posts import Post, names
from mlops_assets.spec.dataset import Dataset
from mlops_assets.stores import sql

if TYPE_CHECKING:
    from io import FileIO

OPEN: Final = ".open-"
_NAME_OF_TIME: Final = "%Y-%m-%dT%H%M%S.%fZ"


class Journal:
    """An append-only file of JSON lines, which becomes a batch by its size or age; one process has it at a time."""

    def __init__(self, dataset: Dataset, home: Path) -> None:
        """Remember the dataset; nothing is opened before `recover`."""
        self.dataset = dataset
        self.folder = home / "data" / "landing" / dataset.name
        self.name = ""
        self.rows = 0
        self._spelt: dict[str, str] = {}
        self._file: FileIO | None = None
        self._lock: int | None = None

    def recover(self) -> None:
        """Take up what an earlier process left: whole rows are kept, half a row was never acknowledged.

        Raises:
            Conflict: another process has the journal.
        """
        import fcntl

        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            self._lock = None
            step = "stop it; one process takes the posts of a dataset"
            raise Conflict.of(
                f"dataset '{self.dataset.name}' is being ingested by another process", step=step
            ) from None
        complete(self.folder)
        for left in sorted(self.folder.glob(f"{OPEN}*.jsonl")):
            name = left.stem.removeprefix(OPEN)
            landed = [file for file in self.folder.glob(f"*{name}.jsonl") if not file.name.startswith(".")]
            if landed:  # it was sealed, and then the process was killed
                left.unlink()
                continue
            self.name, self.rows = name, _mend(left)
            self.seal()

    def admit(self, post: Post) -> None:
        """Refuse keys that no table could tell apart from those of the rows before.

        Raises:
            LandingError: a key came before in another spelling.
        """
        for name in sorted(post.names):
            known = self._spelt.setdefault(name.lower(), name)
            if known != name:
                raise LandingError.of(f"the key {name!r} came before in another spelling", allowed=repr(known))

    def append(self, rows: list[bytes]) -> str:
        """Add rows; when this returns they are on the disk. The name of their batch to be.

        Raises:
            StoreError: the disk refused; none of the rows is kept.
        """
        try:
            file = self._opened()
            size = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise _full(error) from error
        try:
            left = memoryview(b"".join(row + b"\n" for row in rows))
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError as error:
            os.ftruncate(file.fileno(), size)  # what was half written
            raise _full(error) from error
        self.rows += len(rows)
        return self.name

    def due(self, now: datetime | None = None) -> bool:
        """Whether the batch is large or old enough to be cut."""
        if not self.rows:
            return False
        source = self.dataset.source
        return self.rows >= source.rows or (now or datetime.now(UTC)) - _begun(self.name) >= source.every

    def seal(self) -> list[str]:
        """Cut the batch: its rows land, a file a stretch of the dataset's period; the names of the batches."""
        open_file = self.folder / f"{OPEN}{self.name}.jsonl"
        if self._file:
            self._file.close()
            self._file = None
        if not self.rows:
            open_file.unlink(missing_ok=True)
            return []
        if self.dataset.period is None:
            open_file.replace(self.folder / f"{self.name}.jsonl")
            flush(self.folder)
            batches = [self.name]
        else:
            batches = self._split(open_file)
            open_file.unlink()
        self.rows = 0
        return batches

    def close(self) -> None:
        """Land what there is, and let another process have the journal."""
        if self._lock is not None:
            self.seal()
            os.close(self._lock)
            self._lock = None

    def _opened(self) -> "FileIO":
        if self._file is None:
            if not self.rows:
                self.name = stamp()
            self._file = (self.folder / f"{OPEN}{self.name}.jsonl").open("ab", buffering=0)
            flush(self.folder)
        return self._file

    def _split(self, file: Path) -> list[str]:
        import pyarrow as pa

        dataset = self.dataset
        rows, time = file.read_bytes().rstrip(b"\n").split(b"\n"), dataset.event_time or ""
        times = pa.array([_time(json.loads(row).get(time)) for row in rows], pa.string())
        with sql.connect() as connection:
            connection.register("posted", pa.table({"n": range(len(rows)), time: times}))
            stretch = stretch_sql(dataset.period, time) if dataset.period else "''"
            chosen = connection.execute(f"select {stretch} from posted order by n").fetchall()
        parts: dict[str, list[bytes]] = {}
        for row, (value,) in zip(rows, chosen, strict=True):
            parts.setdefault(batch_name(value, dataset, self.name), []).append(row + b"\n")
        with delivery(self.folder, self.name) as staged:
            for batch, part in parts.items():
                (staged / f"{batch}.jsonl").write_bytes(b"".join(part))
        return sorted(parts)


def _mend(file: Path) -> int:
    """Cut a file behind its last whole row; the rows that it has."""
    size = rows = 0
    with file.open("rb") as held:
        for line in held:
            try:
                names(line.removesuffix(b"\n") if line.endswith(b"\n") else b"")
            except (ValueError, RecursionError):
                break
            size, rows = size + len(line), rows + 1
    os.truncate(file, size)
    flush(file)
    return rows


def _time(value: Any) -> str | None:
    return None if value is None else str(value)


def _begun(name: str) -> datetime:
    return datetime.strptime(name, _NAME_OF_TIME).replace(tzinfo=UTC)


def _full(error: OSError) -> StoreError:
    step = "make room on the disk, then post them again"
    return StoreError.of(f"the rows could not be kept: {error.strerror or error}", step=step)
