"""Which Parquet files a version of a Delta table consists of, as a relation that DuckDB reads directly."""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from mlops_assets.errors import StoreError
from mlops_assets.stores import skipping, sql
from mlops_assets.stores.lake import BATCH, Reach

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

READABLE_FEATURES = frozenset({"timestampNtz"})
_GLOB = re.compile(r"[\[*?]")
"""What DuckDB would take for a pattern in a path."""


def schema(held: "DeltaTable") -> "pa.Schema":
    """The table's columns, `_batch` among them."""
    import pyarrow as pa

    return pa.schema(held.schema().to_arrow())


def relation(held: "DeltaTable", batches: Sequence[str] | None = None, reach: Reach | None = None) -> str:
    """SQL text of a relation over the version that is held, files of other batches or beyond the reach left out.

    The empty SELECT in front gives every column its type, also those that no live file has.

    Raises:
        StoreError: the table uses a feature of Delta that plain Parquet files do not tell of.
    """
    _guard(held)
    empty = _empty(schema(held))
    files = live(held, batches, reach)
    if not files:
        return f"({empty})"
    listed = ", ".join(sql.literal(_GLOB.sub(r"[\g<0>]", file)) for file in files)
    rows = f"SELECT * FROM read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
    if batches is not None:
        rows += f" WHERE {BATCH} IN ({', '.join(sql.literal(batch) for batch in batches)})"
    return f"({empty} UNION ALL BY NAME {rows})"


def gone(held: "DeltaTable") -> str:
    """The first file of the version that is not there any more; empty when all are."""
    return next((Path(file).name for file in live(held) if not Path(file).exists()), "")


def root(held: "DeltaTable") -> Path:
    """The table's folder."""
    return Path(unquote(urlparse(held.table_uri).path))


def live(held: "DeltaTable", batches: Sequence[str] | None = None, reach: Reach | None = None) -> list[str]:
    """Paths of the files that may hold wanted rows: batch by batch, and those of a write in its order."""
    found = skipping.actions(held, [BATCH, *([reach.column] if reach else [])])
    wanted = [file for file in found if skipping.may_hold(file, batches, reach)]
    wanted.sort(key=lambda file: (file.get(f"min.{BATCH}") or "", file["path"]))
    return [str(root(held) / unquote(file["path"])) for file in wanted]


@lru_cache(maxsize=256)
def _empty(columns: "pa.Schema") -> str:
    with sql.session() as connection:
        kinds = connection.from_arrow(columns.empty_table()).types
    typed = (f"NULL::{kind} AS {sql.identifier(name)}" for name, kind in zip(columns.names, kinds, strict=True))
    return f"SELECT {', '.join(typed)} WHERE false"


def _guard(held: "DeltaTable") -> None:
    features = set(held.protocol().reader_features or ()) - READABLE_FEATURES
    mapping = held.metadata().configuration.get("delta.columnMapping.mode", "none")
    partitioned = held.metadata().partition_columns
    if features or mapping != "none" or partitioned:
        raise StoreError.of(
            f"table {held.table_uri} was not written by this lake",
            got=", ".join([*sorted(features), f"column mapping {mapping}", f"partition columns {partitioned}"]),
            allowed="Delta tables without deletion vectors, column mapping and partition columns",
        )
