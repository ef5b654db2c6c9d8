"""How a batch enters a Delta table: in one commit that carries its fingerprint and fails when others interfere."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_assets.stores import ordered, provenance, sql
from mlops_assets.stores.fingerprint import ALGORITHM
from mlops_assets.stores.lake import BATCH

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable, WriterProperties

    from mlops_assets.stores.rows import Kept

FOR_EVER = "interval 36500 days"
CONFIGURATION = {
    "delta.logRetentionDuration": FOR_EVER,
    "delta.deletedFileRetentionDuration": FOR_EVER,
    "delta.enableExpiredLogCleanup": "false",
}


def create(folder: Path, rows: "Kept", batch: str, fingerprint: str, commit: Mapping[str, str]) -> None:
    """Write version 0 of a table.

    Raises:
        FileExistsError: somebody else did.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    folder.mkdir(parents=True, exist_ok=True)
    properties = _properties(batch, fingerprint, commit)
    try:
        ordered.write(
            folder,
            rows.tagged(BATCH, batch),
            mode="error",
            configuration=CONFIGURATION,
            commit_properties=properties,
            writer_properties=_layout(),
        )
    except DeltaError as problem:
        if DeltaTable.is_deltatable(str(folder)):
            raise FileExistsError(folder) from problem
        raise


def overwrite(
    held: "DeltaTable", rows: "Kept", batch: str, fingerprint: str, commit: Mapping[str, str], *, replaced: bool
) -> None:
    """Replace a batch, or the whole table with its columns.

    Either conflicts with every commit to what its predicate covers since `held` was opened; without
    a predicate, a table that is replaced would keep a batch that somebody added meanwhile, or recast it.

    Raises:
        CommitFailedError: somebody else wrote first.
    """
    ordered.write(
        held,
        rows.tagged(BATCH, batch),
        mode="overwrite",
        predicate="true" if replaced else f"{BATCH} = {sql.literal(batch)}",
        schema_mode="overwrite" if replaced else "merge",
        commit_properties=_properties(batch, fingerprint, commit),
        writer_properties=_layout(),
    )


def restate(held: "DeltaTable", rows: "Kept", fingerprint: str, commit: Mapping[str, str]) -> None:
    """Replace the whole table with its columns; the rows say themselves of which batch they are.

    Raises:
        CommitFailedError: somebody else wrote first.
    """
    ordered.write(
        held,
        rows,
        mode="overwrite",
        predicate="true",
        schema_mode="overwrite",
        commit_properties=_properties("", fingerprint, commit),
        writer_properties=_layout(),
    )


def _properties(batch: str, fingerprint: str, commit: Mapping[str, str]) -> "CommitProperties":
    import duckdb
    from deltalake import CommitProperties

    by = f"{ALGORITHM} duckdb {duckdb.__version__}"
    ours = {"batch": batch, "fingerprint": fingerprint, "fingerprint_by": by}
    return CommitProperties(custom_metadata={**provenance.stamp(), **commit, **ours})


def _layout() -> "WriterProperties":
    """Of the Parquet files: bounds of each chunk of a column, which readers skip by, and none of each page."""
    from deltalake import ColumnProperties, WriterProperties

    return WriterProperties(default_column_properties=ColumnProperties(statistics_enabled="CHUNK"))
