"""Tables that were read a moment ago: a version's rows never change, and many steps of a run read the same ones."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

LARGEST: Final = 12_000_000
"""Bytes above which a table is not kept."""
MOST: Final = 24_000_000
"""Bytes of all tables that are kept; those used least recently go first."""


class Recent:
    """Some of the tables that this process has read, by what they were read from.

    >>> import pyarrow as pa
    >>> recent, table = Recent(), pa.table({"a": [1]})
    >>> recent.read("t@0", lambda: table) is recent.read("t@0", lambda: pa.table({"a": [2]}))
    True
    """

    def __init__(self, largest: int = LARGEST, most: int = MOST) -> None:
        """Nothing is kept yet.

        Args:
            largest: bytes above which a table is not kept.
            most: bytes that are kept at a time.
        """
        self.largest = largest
        self.most = most
        self._kept: OrderedDict[Hashable, pa.Table] = OrderedDict()
        self._lock = Lock()

    def read(self, source: Hashable, reading: "Callable[[], pa.Table]") -> "pa.Table":
        """The table that was kept of a source, or else what is read now."""
        with self._lock:
            if source in self._kept:
                self._kept.move_to_end(source)
                return self._kept[source]
        table = reading()
        if table.nbytes <= self.largest:
            self._keep(source, table)
        return table

    def _keep(self, source: Hashable, table: "pa.Table") -> None:
        with self._lock:
            self._kept[source] = table
            while sum(kept.nbytes for kept in self._kept.values()) > self.most:
                self._kept.popitem(last=False)
