"""What every online store does alike: rows become records on the way in, and records rows on the way out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlops_assets.errors import Conflict
from mlops_assets.stores.online_rows import OnlineRow, Record, key_text, records, row

if TYPE_CHECKING:
    import pyarrow as pa


class KeptOnline(ABC):
    """An online store, but for where its records are."""

    def put(self, table: str, key_columns: Sequence[str], rows: "pa.Table", *, time_column: str) -> int:
        """Keep the newest row of each key; an older row never replaces a newer one. Returns the rows that were kept.

        Raises:
            StoreError: a column is missing, or a value is of a type that cannot be kept.
        """
        given = records(table, key_columns, rows, time_column)
        return self._put(table, given) if given else 0

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

        Raises:
            Conflict: somebody else refreshed meanwhile.
            StoreError: a column is missing, or a value is of a type that cannot be kept.
        """
        given = records(table, key_columns, rows, time_column)
        if not self._refresh(table, given, before=before, mark=mark, whole=whole):
            what = f"online table '{table}' was refreshed by somebody else meanwhile"
            raise Conflict.of(what, step="refresh it again")
        return len(given)

    def get(self, table: str, key: Sequence[Any]) -> OnlineRow | None:
        """The newest features of a key, or None."""
        return self.get_many(table, [key])[0]

    def get_many(self, table: str, keys: Sequence[Sequence[Any]]) -> list[OnlineRow | None]:
        """The newest features of each key, or None, in the order asked, by one look-up."""
        held = self._held(table, [key_text(list(key)) for key in keys]) if keys else []
        return [None if each is None else row(*each) for each in held]

    @abstractmethod
    def _put(self, table: str, given: Sequence[Record]) -> int:
        """Keep what is newer than what is held; how many records that were."""

    @abstractmethod
    def _refresh(self, table: str, given: Sequence[Record], *, before: str, mark: str, whole: bool) -> bool:
        """Take records and mark at once, if the mark is still the one before; whether it was."""

    @abstractmethod
    def _held(self, table: str, keys: Sequence[str]) -> list[tuple[int, str] | None]:
        """Time and values of each key, as records hold them."""
