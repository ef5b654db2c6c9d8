"""A window as the model was asked: its answers with the features that they were given by, however many they are.

They are joined and put in order by DuckDB, which spills to disk what does not fit, and read back some at a time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from mlops_assets import keys
from mlops_assets.errors import NotFound, StoreError
from mlops_assets.rooms.monitor.cutting import batches_of, is_cut
from mlops_assets.rooms.monitor.rows import PIECE
from mlops_assets.rooms.monitor.stored import Stored
from mlops_assets.stores import sql
from mlops_assets.stores.lake import BATCH
from mlops_assets.stores.predictions import ID

if TYPE_CHECKING:
    import duckdb

    from mlops_assets.spec.plan import ModelPlan
    from mlops_assets.stores.lake import Lake

MEMORY: Final = "1GB"
"""DuckDB's, above which it spills."""
THREADS: Final = 2
"""Each needs memory of its own, also where there are many cores."""


@dataclass(frozen=True)
class Asked:
    """The answers of a window.

    Attributes:
        name: of the window.
        version: of the model, that answered.
        count: of the answers.
        start: the oldest event time; None without event times.
        end: the newest.
        rows: `event_time`, `score`, key and features, oldest first; without event times in an order that means nothing.
    """

    name: str
    version: int
    count: int
    start: datetime | None
    end: datetime | None
    rows: Stored

    def head(self) -> dict[str, Any]:
        """What a row of the history begins with."""
        span = {"window_start": self.start, "window_end": self.end}
        return {"window": self.name, "model_version": self.version, **span, "n": self.count}


@contextmanager
def asked(lake: "Lake", plan: "ModelPlan", name: str) -> Iterator[Asked]:
    """Read a window, for as long as the block runs; one that was never cut is a batch.

    Raises:
        NotFound: none of its answers is there.
        StoreError: they are of more than one version, or the feature tables hold different rows of a batch.
    """
    batches = batches_of(lake, plan, name)
    answers = _answers(lake, plan, name, batches)
    with TemporaryDirectory(prefix="mlops-window-") as folder, sql.connect(memory=MEMORY) as connection:
        count, versions, start, end = _counted(connection, answers)
        if not count:
            raise NotFound.of(
                f"of the answers of '{plan.name}' in window '{name}' there is none",
                step="materialize predictions for its batches",
            )
        if len(versions) != 1:
            raise StoreError.of(
                f"the answers of '{plan.name}' in window '{name}' are not of one version",
                got=f"versions {sorted(versions)}",
                step="materialize predictions for its batches again",
            )
        _check(connection, lake, plan, batches)
        connection.execute(f"set threads = {THREADS}")
        path = Path(folder) / "window.parquet"
        to = f"to {sql.literal(str(path))} (format parquet, row_group_size {PIECE})"
        connection.execute(f"copy ({_with_features(lake, plan, answers, batches)}) {to}")
        yield Asked(name, versions[0], count, start, end, Stored(path))


def _answers(lake: "Lake", plan: "ModelPlan", name: str, batches: Sequence[str]) -> str:
    given = lake.scan(keys.table(plan.name, "predictions"), batches=batches)
    if not is_cut(lake, plan, name):
        return f"(select * from {given})"
    kept = lake.scan(keys.windows_table(plan.name), batches=[name])
    return f"(select * from {given} where {ID} in (select {ID} from {kept}))"


def _counted(
    connection: "duckdb.DuckDBPyConnection", answers: str
) -> tuple[int, list[int], datetime | None, datetime | None]:
    query = f"select count(*), list(distinct model_version), min(event_time), max(event_time) from {answers}"
    ((count, versions, start, end),) = connection.execute(query).fetchall()
    return int(count), versions or [], start, end


def _check(connection: "duckdb.DuckDBPyConnection", lake: "Lake", plan: "ModelPlan", batches: Sequence[str]) -> None:
    tables = [lake.scan(keys.table(part.table.name, "offline"), batches=batches) for part in plan.tables]
    counts = [connection.execute(f"select count(*) from {table}").fetchall()[0][0] for table in tables]
    if len(set(counts)) > 1:
        raise StoreError.of(
            f"the feature tables of '{plan.name}' hold different rows of {', '.join(batches)}",
            got=", ".join(f"{count} rows" for count in counts),
            step="materialize the feature tables for these batches again",
        )


def _with_features(lake: "Lake", plan: "ModelPlan", answers: str, batches: Sequence[str]) -> str:
    """Each answer with what was known in the batch in which it was given."""
    key = [*plan.dataset.key, BATCH]
    query = f"select {sql.identifiers([ID, *key, 'event_time', 'score'])} from {answers}"
    for part in plan.tables:
        wanted = sql.identifiers([*key, *part.table.feature_names()])
        offline = lake.scan(keys.table(part.table.name, "offline"), batches=batches)
        query = f"select * from ({query}) join (select {wanted} from {offline}) using ({sql.identifiers(key)})"
    return f"select * exclude ({BATCH}) from ({query}) order by event_time, {ID}"
