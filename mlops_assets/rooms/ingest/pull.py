"""A pull: rows are fetched from where a dataset's source says, and those that are new land as files."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mlops_assets.errors import LandingError
from mlops_assets.rooms.ingest import database, elsewhere, parcels
from mlops_assets.rooms.ingest.delivery import complete, delivery, stamp
from mlops_assets.spec.plan import DatasetPlan
from mlops_assets.stores import sql
from mlops_assets.stores.locking import locked

if TYPE_CHECKING:
    import pyarrow as pa

Fetch = Callable[[DatasetPlan, Path, Any], "Iterator[pa.Table]"]
"""Dataset, home and the least cursor that is wanted to its rows."""

MEMORY: Final = "1GB"


@dataclass(frozen=True)
class Pulled:
    """What one pull brought.

    Attributes:
        fetched: rows that came, those of the overlap among them.
        batches: what has landed, to its rows; none when nothing is new.
    """

    fetched: int
    batches: dict[str, int] = field(default_factory=dict)

    @property
    def said(self) -> str:
        """In words."""
        new = ", ".join(f"{batch} ({rows} rows)" for batch, rows in self.batches.items())
        return f"{self.fetched} rows fetched; landed: {new or 'nothing new'}"


SOURCES: Final[dict[str, Fetch]] = {
    "table": lambda plan, home, since: database.read(plan.dataset.source, home, since, _named(plan)),
    "query": lambda plan, home, since: database.read(plan.dataset.source, home, since, _named(plan)),
    "delta": lambda plan, home, since: elsewhere.from_delta(plan.dataset.source, home, since, _named(plan)),
    "rest": lambda plan, _, since: elsewhere.from_rest(plan.dataset.source, since, _named(plan)),
    "dlt": lambda plan, _, since: elsewhere.from_function(plan.dataset.source, plan.place, since, _named(plan)),
}
"""Kind of source to what fetches its rows; a new source is a new line."""


def pull(plan: DatasetPlan, home: Path) -> Pulled:
    """Fetch what is new and land it; one pull of a dataset goes at a time, and a killed one is as if it never was.

    What has been seen is told from the files that have landed: there is no cursor beside them that could be ahead.

    Raises:
        LandingError: the source cannot be read; nothing has landed.
    """
    folder = home / "data" / "landing" / plan.dataset.name
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".lock"), _spool(folder / ".fetched") as spool:
        complete(folder)
        landed = sorted(folder.glob("*.parquet"))
        since = _since(plan, landed)
        fetched, chunks = _spooled(SOURCES[plan.dataset.source.kind](plan, home, since), spool)
        return Pulled(fetched, _landed(plan, folder, landed, chunks) if fetched else {})


def before(cursor: Any, overlap: int | timedelta, what: str) -> Any:
    """A cursor's value so far back.

    >>> before("2013-01-02 00:00:00", timedelta(days=1), "trips"), before(10, 3, "trips")
    ('2013-01-01 00:00:00', 7)

    Raises:
        LandingError: nothing can be taken from such a cursor.
    """
    if not overlap:
        return cursor
    try:
        if isinstance(cursor, str):
            moved = datetime.fromisoformat(cursor) - _span(overlap)
            separator = cursor[10:11] or "T"
            return (
                moved.isoformat(separator)[: len(cursor)]
                if len(cursor) == len("2013-01-01")
                else moved.isoformat(separator)
            )
        if isinstance(cursor, date) and not isinstance(cursor, datetime):
            return cursor - timedelta(days=-(-_span(overlap) // timedelta(days=1)))
        return cursor - overlap
    except (TypeError, ValueError) as error:
        allowed = "a number for a number, a duration such as 1d for a time"
        raise LandingError.of(
            f"{what}: the overlap does not go with the cursor", got=f"{overlap} and {cursor!r}", allowed=allowed
        ) from error


@contextmanager
def _spool(folder: Path) -> Iterator[Path]:
    """A folder for what is fetched; what a killed pull left in it goes first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _since(plan: DatasetPlan, landed: list[Path]) -> Any:
    source = plan.dataset.source
    if source.cursor is None:
        return None
    newest = parcels.newest(landed, source.cursor)
    return None if newest is None else before(newest, source.overlap, _named(plan))


def _spooled(tables: "Iterator[pa.Table]", spool: Path) -> tuple[int, list[Path]]:
    """Keep what comes on the disk, a file a chunk: each may have columns and types of its own."""
    import pyarrow.parquet as pq

    fetched, chunks = 0, []
    for number, table in enumerate(tables):
        if not table.num_columns:
            continue
        chunks.append(spool / f"{number:06}.parquet")
        pq.write_table(table, chunks[-1], compression="zstd")
        fetched += table.num_rows
    return fetched, chunks


def _landed(plan: DatasetPlan, folder: Path, landed: list[Path], chunks: list[Path]) -> dict[str, int]:
    name, cursor = stamp(), plan.dataset.source.cursor
    with sql.connect(MEMORY) as connection, delivery(folder, name) as staged:
        arriving = parcels.files(chunks)
        if cursor and landed:
            parcels.recall(connection, parcels.files(landed), arriving, cursor)
            arriving = parcels.unseen(connection, arriving, parcels.KNOWN)
        written = parcels.pack(connection, arriving, plan.dataset, staged, name)
        for batch in [] if cursor else list(written):
            file = f"{batch}.parquet"
            if (folder / file).exists() and parcels.same(folder / file, staged / file):
                (staged / file).unlink()
                del written[batch]
    return written


def _span(overlap: int | timedelta) -> timedelta:
    if isinstance(overlap, timedelta):
        return overlap
    raise TypeError(overlap)


def _named(plan: DatasetPlan) -> str:
    return f"dataset '{plan.dataset.name}'"
