"""The online store in Redis, for prediction services on many hosts: a hash a table, a field a key."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from mlops_assets.errors import StoreError
from mlops_assets.stores.online import refreshed_meanwhile
from mlops_assets.stores.online_rows import OnlineRow, Record, key_text, records, row

if TYPE_CHECKING:
    import pyarrow as pa
    from redis import Redis
    from redis.client import Pipeline

CHUNK: Final = 500
"""Records a command, so that none holds the server up for long."""
_MARKS: Final = "mlops:online:marks"
_PUT: Final = """
local kept = 0
for i = 1, #ARGV, 3 do
    local held = redis.call('HGET', KEYS[1], ARGV[i])
    if not held or tonumber(ARGV[i + 1]) >= tonumber(string.match(held, '^(-?%d+) ')) then
        redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[i + 2])
        kept = kept + 1
    end
end
return kept
"""


class RedisOnline:
    """The online store in Redis; `redis` is an extra, imported when it is used."""

    def __init__(self, url: str) -> None:
        """Remember the URL, such as `redis://127.0.0.1:6379/0`; nothing is opened before it is used."""
        self.url = url
        self._client: Redis | None = None
        self._lock = threading.Lock()

    def put(self, table: str, key_columns: Sequence[str], rows: "pa.Table", *, time_column: str) -> int:
        """Keep the newest row of each key; an older row never replaces a newer one. Returns the rows that were kept.

        Raises:
            StoreError: a column is missing, or a value is of a type that cannot be kept.
        """
        given = records(table, key_columns, rows, time_column)
        with self._redis().pipeline(transaction=True) as pipeline:
            for start in range(0, len(given), CHUNK):
                flat = [part for record in given[start : start + CHUNK] for part in record]
                pipeline.eval(_PUT, 1, _name(table), *flat)
            return sum(int(kept) for kept in pipeline.execute())

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
        from redis.exceptions import WatchError

        given = records(table, key_columns, rows, time_column)
        with self._redis().pipeline(transaction=True) as pipeline:
            pipeline.watch(_mark(table))  # type: ignore[no-untyped-call]
            if _text(pipeline.get(_mark(table))) != before:
                raise refreshed_meanwhile(table)
            pipeline.multi()
            _queue(pipeline, table, given, whole=whole)
            pipeline.set(_mark(table), mark)
            try:
                pipeline.execute()
            except WatchError as problem:
                raise refreshed_meanwhile(table) from problem
        return len(given)

    def mark(self, table: str) -> str:
        """How far a table was refreshed; empty when it never was."""
        return _text(self._redis().get(_mark(table)))

    def get(self, table: str, key: Sequence[Any]) -> OnlineRow | None:
        """The newest features of a key, or None."""
        return _row(cast("bytes | None", self._redis().hget(_name(table), key_text(list(key)))))

    def get_many(self, table: str, keys: Sequence[Sequence[Any]]) -> list[OnlineRow | None]:
        """The newest features of each key, or None, in the order asked: one round trip."""
        if not keys:
            return []
        found = self._redis().hmget(_name(table), [key_text(list(key)) for key in keys])
        return [_row(held) for held in cast("list[bytes | None]", found)]

    def count(self, table: str) -> int:
        """How many keys there are."""
        return int(self._redis().hlen(_name(table)))

    def _redis(self) -> "Redis":
        """One client, whose pool gives each thread a connection.

        Raises:
            StoreError: the extra `redis` is not installed.
        """
        with self._lock:
            if self._client is None:
                try:
                    import redis
                except ModuleNotFoundError as missing:
                    step = "install mlops_assets[redis], or unset MLOPS_ONLINE_URL"
                    raise StoreError.of("the online store in Redis needs the package redis", step=step) from missing
                self._client = redis.Redis.from_url(self.url)
            return self._client


def _queue(pipeline: "Pipeline", table: str, given: list[Record], *, whole: bool) -> None:
    if whole:
        pipeline.delete(_name(table))
    for start in range(0, len(given), CHUNK):
        fields: dict[Any, Any] = {key: f"{micros} {values}" for key, micros, values in given[start : start + CHUNK]}
        pipeline.hset(_name(table), mapping=fields)


def _name(table: str) -> str:
    return f"mlops:online:{table}"


def _mark(table: str) -> str:
    return f"{_MARKS}:{table}"


def _text(held: Any) -> str:
    return held.decode() if isinstance(held, bytes) else ""


def _row(held: bytes | None) -> OnlineRow | None:
    if held is None:
        return None
    micros, _, values = held.decode().partition(" ")
    return row(int(micros), values)
