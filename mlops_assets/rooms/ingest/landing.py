"""The landing: which files have arrived for a dataset, and which batch each of them is."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mlops_assets.errors import LandingError
from mlops_assets.rooms.ingest.readers import suffix
from mlops_assets.spec.dataset import Dataset

_BATCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")


@dataclass(frozen=True)
class Arrival:
    """A file that has landed.

    Attributes:
        batch: the file's name without its suffixes.
        path: where it lies; it is never moved or changed.
        fingerprint: SHA-256 of its content, 64 hex digits.
        bytes: its size.
    """

    batch: str
    path: Path
    fingerprint: str
    bytes: int


def arrivals(dataset: Dataset, home: Path) -> list[Arrival]:
    """The files that have landed for a dataset and can be batches, sorted by batch; the others are `refusals`.

    Args:
        dataset: whose source lands as files below a glob relative to `home`.
        home: the platform's home.
    """
    claims = sorted(_claims(dataset, home).items())
    return [_arrival(batch, paths[0]) for batch, paths in claims if not _refusal(dataset, batch, paths)]


def refusals(dataset: Dataset, home: Path) -> list[LandingError]:
    """Why the other files can't be batches: a name that can't name one, or two files with the same."""
    found = (_refusal(dataset, batch, paths) for batch, paths in sorted(_claims(dataset, home).items()))
    return [problem for problem in found if problem]


def locate(dataset: Dataset, home: Path, batch: str) -> Arrival:
    """The file of one batch.

    Raises:
        LandingError: it has gone, or more than one file claims the batch.
    """
    paths = _claims(dataset, home).get(batch)
    if not paths:
        raise LandingError.of(
            f"the file of batch '{batch}' of dataset '{dataset.name}' is not there",
            allowed=f"{home / dataset.source.landing(dataset.name)}",
            step=f"land {batch} again",
        )
    problem = _refusal(dataset, batch, paths)
    if problem:
        raise problem
    return _arrival(batch, paths[0])


def batch_name(path: Path) -> str:
    """The batch that a file is.

    >>> batch_name(Path("data/landing/flights/2013-01.csv.gz"))
    '2013-01'

    Raises:
        LandingError: the name would not be safe as the name of a partition and of a table.
    """
    batch = _stem(path)
    problem = _misnamed(batch, path)
    if problem:
        raise problem
    return batch


def signature(path: Path) -> str:
    """A cheap mark that changes when the file is written or replaced: size, time and inode."""
    found = path.stat()
    return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}"


def fingerprint(path: Path) -> str:
    """SHA-256 of the content; read again only when the file's signature changes."""
    return _digest(path, signature(path))


@lru_cache(maxsize=4096)
def _digest(path: Path, _signature: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _arrival(batch: str, path: Path) -> Arrival:
    return Arrival(batch, path, fingerprint(path), path.stat().st_size)


def _claims(dataset: Dataset, home: Path) -> dict[str, list[Path]]:
    """The files that have landed, by the batch that each of them would be."""
    found: dict[str, list[Path]] = {}
    for path in _files(dataset.source.landing(dataset.name), home):
        found.setdefault(_stem(path), []).append(path)
    return found


def _refusal(dataset: Dataset, batch: str, paths: Sequence[Path]) -> LandingError | None:
    if len(paths) == 1:
        return _misnamed(batch, paths[0])
    return LandingError.of(
        f"{len(paths)} files are batch '{batch}' of dataset '{dataset.name}'",
        got=", ".join(str(path) for path in paths),
        allowed="one file a batch",
        step="leave one of them there",
    )


def _misnamed(batch: str, path: Path) -> LandingError | None:
    if _BATCH.fullmatch(batch) and ".." not in batch:
        return None
    return LandingError.of(
        f"{path}: the file's name can't name a batch",
        got=repr(batch),
        allowed="letters, digits, '.', '_' and '-', beginning with a letter or digit, without '..'",
        step="rename the file",
    )


def _stem(path: Path) -> str:
    return path.name.removesuffix(suffix(path))


def _files(pattern: str, home: Path) -> Iterator[Path]:
    glob = Path(pattern)
    root = Path(glob.anchor) if glob.is_absolute() else home
    relative = glob.relative_to(glob.anchor) if glob.is_absolute() else glob
    for path in sorted(root.glob(str(relative))):
        if path.is_file() and path.suffix != ".tmp" and not _hidden(path.relative_to(root).parts):
            yield path


def _hidden(parts: Iterable[str]) -> bool:
    return any(part.startswith(".") and part != ".." for part in parts)
