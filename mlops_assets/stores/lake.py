"""The lake: versioned tables, a batch at a time; the same content never makes a new version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from mlops_assets.stores.rows import Rows

BATCH = "_batch"
RESERVED = "_mlops_"
"""Prefix of the columns that the platform adds for itself while it judges a batch."""


def reserved(column: str) -> bool:
    """Whether a column's name is the platform's own.

    >>> [reserved(name) for name in ("_batch", "_MLOPS_row", "batch")]
    [True, True, False]
    """
    return column.lower() == BATCH or column.lower().startswith(RESERVED)


@dataclass(frozen=True)
class TableVersion:
    """What one write left behind.

    Attributes:
        table: name, such as `flights/clean`.
        number: the table's version after the write.
        fingerprint: of the batch's content, independent of row order; 64 hex digits.
        rows: of the batch.
        changed: False when the batch already held this content, so that nothing was written.
    """

    table: str
    number: int
    fingerprint: str
    rows: int
    changed: bool


@dataclass(frozen=True)
class Reach:
    """A stretch of time in a column: files without a row in it need not be opened.

    Attributes:
        column: holds moments.
        least: the first moment; None: without a beginning.
        most: the last moment; None: without an end.
    """

    column: str
    least: datetime | None = None
    most: datetime | None = None


class Lake(Protocol):
    """Versioned tables."""

    def write(self, table: str, data: "Rows", *, batch: str, commit: Mapping[str, str] | None = None) -> TableVersion:
        """Replace the rows of one batch atomically; same content, no new version.

        A record batch reader or a DuckDB relation is run once, and never held in memory as a whole.
        """

    def restate(self, table: str, data: "Rows", *, by: str, commit: Mapping[str, str] | None = None) -> TableVersion:
        """Replace every batch and the columns in one commit; the column `by` names the batch of each row."""

    def read(
        self,
        table: str,
        *,
        version: int | None = None,
        batches: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
        where: str | None = None,
    ) -> "pa.Table":
        """Rows of a version (default: newest), filtered by batch and SQL condition; no `_batch` unless asked for."""

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

    def after(self, table: str, column: str) -> datetime | None:
        """The first whole millisecond after every moment in a column, None when it has none."""

    def exists(self, table: str) -> bool:
        """Whether the table has a version."""

    def version(self, table: str) -> int:
        """The newest version's number."""

    def batches(self, table: str) -> list[str]:
        """The batches in the newest version, sorted."""

    def fingerprint(self, table: str, *, batch: str | None = None, version: int | None = None) -> str:
        """Of a batch, or of the whole table."""

    def history(self, table: str) -> list[dict[str, str]]:
        """A record a version, oldest first: number, time, and what the commit carried."""

    def tables(self) -> list[str]:
        """Every table's name, sorted."""
