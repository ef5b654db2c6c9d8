"""The online store in Redis, for prediction services on many hosts: a hash a table, a field a key."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from mlops_assets.errors import StoreError
from mlops_assets.stores.online_kept import KeptOnline
from mlops_assets.stores.online_rows import Record

if TYPE_CHECKING:
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


class RedisOnline(KeptOnline):
    """The online store in Redis; `redis` is an extra, imported when it is used."""

    def __init__(self, url: str) -> None:
        """Remember the URL, such as `redis://127.0.0.1:6379/0`; nothing is opened before it is used."""
        self.url = url
        self._client: Redis | None = None
        self._lock = threading.Lock()

    def mark(self, table: str) -> str:
        """How far a table was refreshed; empty when it never was."""
        return _text(self._redis().get(_mark(table)))

    def count(self, table: str) -> int:
        """How many keys there are."""
        return int(self._redis().hlen(_name(table)))

    def _put(self, table: str, given: Sequence[Record]) -> int:
        with self._redis().pipeline(transaction=True) as pipeline:
            for start in range(0, len(given), CHUNK):
                flat = [part for record in given[start : start + CHUNK] for part in record]
                pipeline.eval(_PUT, 1, _name(table), *flat)
            return sum(int(kept) for kept in pipeline.execute())

    def _refresh(self, table: str, given: Sequence[Record], *, before: str, mark: str, whole: bool) -> bool:
        from redis.exceptions import WatchError

        with self._redis().pipeline(transaction=True) as pipeline:
            pipeline.watch(_mark(table))  # type: ignore[no-untyped-call]
            if _text(pipeline.get(_mark(table))) != before:
                return False
            pipeline.multi()
            _queue(pipeline, table, given, whole=whole)
            pipeline.set(_mark(table), mark)
            try:
                pipeline.execute()
            except WatchError:
                return False
        return True

    def _held(self, table: str, keys: Sequence[str]) -> list[tuple[int, str] | None]:
        found = cast("list[bytes | None]", self._redis().hmget(_name(table), list(keys)))
        return [_parted(held) for held in found]

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


def _queue(pipeline: "Pipeline", table: str, given: Sequence[Record], *, whole: bool) -> None:
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


def _parted(held: bytes | None) -> tuple[int, str] | None:
    if held is None:
        return None
    micros, _, values = held.decode().partition(" ")
    return int(micros), values
