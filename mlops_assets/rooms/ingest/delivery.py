"""Files land all or none: they are written in a hidden folder, and its renaming decides; a killed delivery is ended."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

STAGED: Final = ".staged-"
DECIDED: Final = ".decided-"


def stamp(now: datetime | None = None) -> str:
    """A name for what arrives now, which sorts by time and is safe in a batch's name.

    >>> stamp(datetime(2013, 1, 31, 23, 5, tzinfo=UTC))
    '2013-01-31T230500.000000Z'
    """
    return (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H%M%S.%fZ")


@contextmanager
def delivery(landing: Path, name: str) -> Iterator[Path]:
    """Give a folder to write files into; when the block ends they land together, when it fails none does.

    Args:
        landing: the dataset's landing folder; the caller holds its lock.
        name: of this delivery, used by no other.
    """
    staged, decided = landing / f"{STAGED}{name}", landing / f"{DECIDED}{name}"
    staged.mkdir(parents=True)
    try:
        yield staged
        for file in staged.iterdir():
            flush(file)
        flush(staged)
        staged.rename(decided)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    _land(decided, landing)


def complete(landing: Path) -> None:
    """End the deliveries that were killed: what was decided lands, what was not is dropped; the caller has the lock."""
    for decided in sorted(landing.glob(f"{DECIDED}*")):
        _land(decided, landing)
    for staged in landing.glob(f"{STAGED}*"):
        shutil.rmtree(staged)


def flush(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _land(decided: Path, landing: Path) -> None:
    flush(landing)
    for file in sorted(decided.iterdir()):
        file.replace(landing / file.name)
    flush(landing)
    decided.rmdir()
