"""The lake's embedded default: a Delta table a folder, written through deltalake and read by DuckDB."""

import os
import random
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_assets.errors import Conflict, StoreError, UnknownName
from mlops_assets.stores import commits, opening, skipping, sql
from mlops_assets.stores import fingerprint as fingerprints
from mlops_assets.stores.columns import plain
from mlops_assets.stores.files import relation, schema
from mlops_assets.stores.lake import BATCH, Reach, TableVersion
from mlops_assets.stores.recent import Recent
from mlops_assets.stores.rows import SPOOL, disk, kept

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

    from mlops_assets.stores.rows import Kept, Rows

ATTEMPTS = 12
_FINGERPRINTS: dict[tuple[Path, str, int, str | None], str] = {}
"""Of versions that this process has read: a version never changes."""
_RECENT = Recent()


class DeltaLake:
    """Versioned tables below one folder; every version is kept until a declared retention lets it go.

    A write is optimistic: it compares fingerprints on one snapshot, and Delta refuses the commit
    when somebody else touched the batch since; then all is looked at anew.
    """

    def __init__(self, path: Path, commit: Mapping[str, str] | None = None) -> None:
        """Remember the folder, and what every commit shall carry; nothing is opened or made before it is used."""
        self.path = path
        self.commit = dict(commit or {})

    def write(self, table: str, data: "Rows", *, batch: str, commit: Mapping[str, str] | None = None) -> TableVersion:
        """Replace the rows of one batch atomically; same content, no new version.

        A record batch reader or a DuckDB relation is run once, and never held in memory as a whole. Zero rows take the
        batch away. A table's only batch may come back with other columns.

        Raises:
            StoreError: a name or a column's type is not allowed, or the disk is full.
            Conflict: somebody else wrote first, and again after the retries.
        """
        from deltalake.exceptions import CommitFailedError

        opening.checked(batch, "batch")
        opening.folder(self.path, table)
        with disk(f"table '{table}'"), kept(data, self.path) as rows:
            for attempt in range(ATTEMPTS):
                try:
                    return self._write_once(table, rows, batch, {**self.commit, **(commit or {})})
                except (CommitFailedError, FileExistsError):
                    time.sleep(random.uniform(0, 0.02 * 2 ** min(attempt, 6)))  # noqa: S311 - a pause, no secret
        raise Conflict.of(f"table '{table}' was written by others {ATTEMPTS} times", step="run the step again")

    def _write_once(self, table: str, rows: "Kept", batch: str, commit: Mapping[str, str]) -> TableVersion:
        if not self.exists(table):
            fingerprint = fingerprints.of_stream(rows.reader())
            commits.create(opening.folder(self.path, table), rows, batch, fingerprint, commit)
            return TableVersion(table, 0, fingerprint, rows.count, changed=True)
        held = opening.opened(self.path, table)
        columns = _data_columns(schema(held))
        replaced = _kinds(columns) != _kinds(rows.schema) and set(_batches(held)) <= {batch}
        fit = rows if replaced else rows.fitted(columns, table)
        fingerprint = fingerprints.of_stream(fit.reader())
        if not replaced and fingerprint == _fingerprint(held, batch):
            return TableVersion(table, held.version(), fingerprint, rows.count, changed=False)
        commits.overwrite(held, fit, batch, fingerprint, commit, replaced=replaced)
        return TableVersion(table, held.version(), fingerprint, rows.count, changed=True)

    def restate(self, table: str, data: "Rows", *, by: str, commit: Mapping[str, str] | None = None) -> TableVersion:
        """Replace every batch and the columns in one commit; the column `by` names the batch of each row.

        Raises:
            NotFound: there is no such table.
            StoreError: a column's type is not allowed, or the disk is full.
            Conflict: somebody else wrote at the same time.
        """
        from deltalake.exceptions import CommitFailedError

        held = opening.opened(self.path, table)
        with disk(f"table '{table}'"), kept(data, self.path) as given:
            rows = given.renamed({by: BATCH})
            fingerprint = fingerprints.of_stream(rows.reader())
            try:
                commits.restate(held, rows, fingerprint, {**self.commit, **(commit or {})})
            except CommitFailedError as problem:
                raise Conflict.of(f"table '{table}' was written by others", step="run the step again") from problem
        return TableVersion(table, held.version(), fingerprint, given.count, changed=True)

    def read(
        self,
        table: str,
        *,
        version: int | None = None,
        batches: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
        where: str | None = None,
    ) -> "pa.Table":
        """Rows of a version (default: newest), filtered by batch and SQL condition; no `_batch` unless asked for.

        Raises:
            NotFound: no such table or version.
            StoreError: a condition that DuckDB does not take.
            UnknownName: no such column.
        """
        held = self._open(table, version)
        names = schema(held).names
        for name in columns or ():
            if name not in names:
                raise UnknownName.among(f"column of table '{table}'", name, names)
        wanted = sql.identifiers(columns if columns is not None else [name for name in names if name != BATCH])

        def reading() -> "pa.Table":
            return _rows(table, f"SELECT {wanted} FROM {relation(held, batches)} WHERE ({where or 'true'})", where)

        if where is not None:  # which may name the time, or chance
            return reading()
        of = None if batches is None else tuple(batches)
        return _RECENT.read((self.path / table, held.metadata().id, held.version(), of, wanted), reading)

    def scan(
        self,
        table: str,
        *,
        version: int | None = None,
        batches: Sequence[str] | None = None,
        reach: Reach | None = None,
    ) -> str:
        """A DuckDB relation, as SQL text, over a version; it has the `_batch` column.

        With batches, their rows alone; with a reach, at least the rows in it, from no more files than hold some.
        """
        return relation(self._open(table, version), batches, reach)

    def after(self, table: str, column: str) -> datetime | None:
        """The first whole millisecond after every moment in a column, None when it has none.

        The files' statistics tell, where they can.
        """
        held = self._open(table)
        told = skipping.after(held, column)
        if told == "no moment":
            return None
        if isinstance(told, datetime):
            return told
        query = f"SELECT max(cast({sql.identifier(column)} AS timestamptz)) FROM {relation(held)}"
        with sql.session() as connection:
            found: datetime | None = connection.execute(query).fetchall()[0][0]
        return skipping.whole(found) if found else None

    def exists(self, table: str) -> bool:
        """Whether the table has a version."""
        return opening.exists(self.path, table)

    def version(self, table: str) -> int:
        """The newest version's number."""
        return self._open(table).version()

    def batches(self, table: str) -> list[str]:
        """The batches in the newest version, sorted."""
        return _batches(self._open(table))

    def fingerprint(self, table: str, *, batch: str | None = None, version: int | None = None) -> str:
        """Of a batch, or of the whole table."""
        held = self._open(table, version)
        known = (self.path / table, str(held.metadata().id), held.version(), batch)
        if known not in _FINGERPRINTS:
            _FINGERPRINTS[known] = _fingerprint(held, batch)
        return _FINGERPRINTS[known]

    def history(self, table: str) -> list[dict[str, str]]:
        """A record a version, oldest first: number, time, operation, and what the commit carried."""
        records = []
        for entry in sorted(self._open(table).history(), key=lambda entry: int(entry["version"])):
            carried = {key: str(value) for key, value in entry.items() if isinstance(value, str)}
            at = datetime.fromtimestamp(entry["timestamp"] / 1000, UTC).isoformat()
            records.append(carried | {"number": str(entry["version"]), "time": at})
        return records

    def tables(self) -> list[str]:
        """Every table's name, sorted."""
        found = []
        for folder, inner, _ in os.walk(self.path):
            if SPOOL in inner:
                inner.remove(SPOOL)
            if "_delta_log" in inner:
                inner.remove("_delta_log")
                found.append(Path(folder).relative_to(self.path).as_posix())
        return sorted(name for name in found if self.exists(name))

    def _open(self, table: str, version: int | None = None) -> "DeltaTable":
        """A version to read from."""
        return opening.shared(self.path, table) if version is None else opening.opened(self.path, table, version)


def _rows(table: str, query: str, where: str | None) -> "pa.Table":
    import duckdb

    with sql.session() as connection:
        try:
            return plain(connection.execute(query).to_arrow_table())
        except duckdb.Error as problem:
            raise StoreError.of(f"table '{table}' cannot be read: {problem}", got=where) from problem


def _data_columns(columns: "pa.Schema") -> "pa.Schema":
    import pyarrow as pa

    return plain(pa.schema([field for field in columns if field.name != BATCH]).empty_table()).schema


def _kinds(columns: "pa.Schema") -> dict[str, "pa.DataType"]:
    return {field.name: field.type for field in columns}


def _batches(held: "DeltaTable") -> list[str]:
    told = skipping.one_batch_each(skipping.actions(held, [BATCH]))
    if told is not None:
        return told
    query = f"SELECT DISTINCT {BATCH} FROM {relation(held)} ORDER BY 1"
    with sql.session() as connection:
        return [row[0] for row in connection.execute(query).fetchall()]


def _fingerprint(held: "DeltaTable", batch: str | None) -> str:
    with sql.session() as connection:
        return fingerprints.of_relation(connection, relation(held, None if batch is None else [batch]))
