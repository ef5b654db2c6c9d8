"""Rows that are added to a table exactly once, however often their writer is killed and tries again.

Delta keeps with every commit how far each application has come; a commit names the streams that it takes in and the
number of their newest segment, so that rows and progress are one. A number that is 0 is progress too, and nothing is
taken twice for having it.
"""

import random
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from mlops_assets.errors import Conflict
from mlops_assets.stores import provenance
from mlops_assets.stores.columns import fitted, storable
from mlops_assets.stores.commits import CONFIGURATION
from mlops_assets.stores.files import schema
from mlops_assets.stores.lake import BATCH

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import CommitProperties, DeltaTable

    from mlops_assets.stores.delta import DeltaLake

ATTEMPTS: Final = 12


def progress(lake: "DeltaLake", table: str, streams: "list[str]") -> dict[str, int | None]:
    """The number of the newest segment of each stream that the table has taken; None when it has taken none."""
    from deltalake import DeltaTable

    if not lake.exists(table):
        return dict.fromkeys(streams)
    held = DeltaTable(lake.path / table)
    return {stream: held.transaction_version(stream) for stream in streams}


def append(lake: "DeltaLake", table: str, rows: "pa.Table", *, batch: str, streams: Mapping[str, int]) -> int:
    """Add rows and remember how far their streams have come, in one commit.

    Args:
        lake: that holds the table.
        table: made when it is not there.
        rows: what the segments hold; none is allowed, the progress is kept all the same.
        batch: under which the rows stand.
        streams: to the number of the newest segment that is in the rows.

    Returns:
        The table's version.

    Raises:
        Conflict: others wrote first, and again after the retries.
        StoreError: a column has another type than the table's.
    """
    from deltalake import DeltaTable, write_deltalake
    from deltalake.exceptions import CommitFailedError, DeltaError

    folder, kept = lake.path / table, storable(rows).combine_chunks()
    for attempt in range(ATTEMPTS):
        there = lake.exists(table)
        fit = _fit(kept, DeltaTable(folder), table) if there else kept
        try:
            write_deltalake(
                folder,
                _tagged(fit, batch),
                mode="append" if there else "error",
                schema_mode="merge" if there else None,
                configuration=None if there else CONFIGURATION,
                commit_properties=_properties(streams, batch),
            )
            return DeltaTable(folder).version()
        except (CommitFailedError, DeltaError):
            if attempt + 1 == ATTEMPTS or (not there and not lake.exists(table)):
                raise
            time.sleep(random.uniform(0, 0.02 * 2 ** min(attempt, 6)))  # noqa: S311 - a pause, no secret
    raise Conflict.of(f"table '{table}' was written by others {ATTEMPTS} times", step="run the step again")


def _fit(rows: "pa.Table", held: "DeltaTable", table: str) -> "pa.Table":
    import pyarrow as pa

    return fitted(rows, pa.schema([field for field in schema(held) if field.name != BATCH]), table)


def _tagged(rows: "pa.Table", batch: str) -> "pa.Table":
    import pyarrow as pa

    return rows.append_column(BATCH, pa.repeat(batch, rows.num_rows).cast(pa.string()))


def _properties(streams: Mapping[str, int], batch: str) -> "CommitProperties":
    from deltalake import CommitProperties, Transaction

    done = [Transaction(stream, number) for stream, number in sorted(streams.items())]
    return CommitProperties(app_transactions=done, custom_metadata={**provenance.stamp(), "batch": batch})
