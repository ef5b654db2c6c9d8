"""What nobody needs any more: versions that their retention lets go, and files that no version has ever had."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlops_assets.spec.retention import Retention
from mlops_assets.stores.log import Log
from mlops_assets.stores.rows import SPOOL

if TYPE_CHECKING:
    from mlops_assets.stores.delta import DeltaLake

GRACE: Final = timedelta(days=1)
"""A file that no version has may belong to a writer that is still at work; older ones do not."""
_KEPT: Final = Retention()


@dataclass(frozen=True)
class Garbage:
    """What can be removed of one table.

    Attributes:
        table: name; empty: what writers of any table left behind.
        versions: the numbers that could not be read afterwards.
        protected: the numbers that retention would let go, and that something living reaches.
        files: to be removed, with the bytes of each.
        orphans: how many of them no version has ever had.
    """

    table: str
    versions: tuple[int, ...]
    protected: tuple[int, ...]
    files: Mapping[Path, int]
    orphans: int

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(self.files.values())


def find(
    lake: "DeltaLake",
    retention: Mapping[str, Retention],
    reached: Mapping[str, Iterable[int]],
    *,
    grace: timedelta = GRACE,
    now: float | None = None,
) -> list[Garbage]:
    """What each table of a lake, and no living thing, can do without; nothing is touched.

    Args:
        lake: the tables.
        retention: noun to the policy of its tables; the tables of others keep every version.
        reached: table to the versions that something living was made of.
        grace: the age from which a file that no version has is left over.
        now: seconds since 1970; default: the clock.
    """
    now = time.time() if now is None else now
    abandoned = now - grace.total_seconds()
    found = []
    for table in lake.tables():
        policy, log = retention.get(table.partition("/")[0], _KEPT), Log.read(lake.path / table)
        found.append(_of_table(table, log, _expired(log, policy, now), set(reached.get(table, ())), abandoned))
    left = _abandoned((lake.path / SPOOL).glob("*"), abandoned)
    spooled = _sizes(file for entry in left for file in (entry, *entry.rglob("*")))
    return [each for each in (*found, Garbage("", (), (), spooled, len(spooled))) if each.files or each.protected]


def remove(garbage: Iterable[Garbage]) -> int:
    """Remove it; the bytes that were freed. What is gone already is no error."""
    freed = 0
    for each in garbage:
        for file, size in each.files.items():
            file.unlink(missing_ok=True)
            freed += size
    return freed


def _of_table(table: str, log: Log, expired: set[int], reached: set[int], abandoned: float) -> Garbage:
    gone, leaving = log.gone(), expired - reached
    kept = {file for version in log.versions if version.number not in leaving for file in version.files}
    versions = [version for version in log.versions if version.number in leaving]
    stale = _sizes(log.folder / file for version in versions for file in version.files if file not in kept)
    strays = _sizes(_abandoned(log.strays(), abandoned))
    unread = {v.number for v in versions if any(log.folder / file in stale for file in v.files)} - gone
    protected = sorted(expired & reached - gone)
    return Garbage(table, tuple(sorted(unread)), tuple(protected), stale | strays, len(strays))


def _expired(log: Log, policy: Retention, now: float) -> set[int]:
    """The versions that the policy lets go: neither among the newest nor young enough; never the newest."""
    if policy.versions is None and policy.age is None:
        return set()
    newest = len(log.versions) - (policy.versions or 1)
    since = (now - policy.age.total_seconds()) * 1000 if policy.age is not None else float("inf")
    # A version lives until the next one replaces it: its age counts from then.
    ends = [version.at for version in log.versions[1:]]
    return {
        version.number
        for version, end in zip(log.versions, ends, strict=False)
        if version.number < newest and end < since
    }


def _abandoned(files: Iterable[Path], before: float) -> Iterator[Path]:
    """The files that nobody has written to since."""
    yield from (file for file in files if file.stat().st_mtime < before)


def _sizes(files: Iterable[Path]) -> dict[Path, int]:
    return {file: file.stat().st_size for file in files if file.is_file()}
