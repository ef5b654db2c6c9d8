"""The online store: the newest features of each key, looked up in microseconds."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mlops_assets.stores.online_rows import OnlineRow

if TYPE_CHECKING:
    import pyarrow as pa


class OnlineStore(Protocol):
    """The newest features of each key."""

    def put(self, table: str, key_columns: Sequence[str], rows: "pa.Table", *, time_column: str) -> int:
        """Keep the newest row of each key; an older row never replaces a newer one. Returns the rows that were kept."""

    def refresh(
        self,
        table: str,
        key_columns: Sequence[str],
        rows: "pa.Table",
        *,
        time_column: str,
        before: str,
        mark: str,
        whole: bool = False,
    ) -> int:
        """Take these rows as they are, and the mark that says how far they go, at once; returns their number.

        Args:
            table: name.
            key_columns: those that name a row.
            rows: one a key.
            time_column: the column with each row's event time.
            before: the mark that the rows were made after; when it is another by now, nothing is written.
            mark: the new one.
            whole: the table holds these rows and no others.

        Raises:
            Conflict: somebody else refreshed meanwhile.
        """

    def mark(self, table: str) -> str:
        """How far a table was refreshed; empty when it never was."""

    def get(self, table: str, key: Sequence[Any]) -> OnlineRow | None:
        """The newest features of a key, or None."""

    def get_many(self, table: str, keys: Sequence[Sequence[Any]]) -> list[OnlineRow | None]:
        """The newest features of each key, or None, in the order asked."""

    def count(self, table: str) -> int:
        """How many keys there are."""


def opened(url: str, path: Path) -> OnlineStore:
    """The store that is configured: Redis at a `redis://` URL, or else the embedded one in a file."""
    if not url:
        from mlops_assets.stores.online_sqlite import SqliteOnline

        return SqliteOnline(path)
    from mlops_assets.stores.online_redis import RedisOnline

    return RedisOnline(url)
