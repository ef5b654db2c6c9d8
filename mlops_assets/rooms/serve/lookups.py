"""Features by key: whatever waits is looked up at once and in a thread, so that no other question waits for it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mlops_assets.errors import StoreError
from mlops_assets.rooms.serve.privacy import key_keeper
from mlops_assets.rooms.serve.problems import Problem, fault
from mlops_assets.rooms.serve.question import Questions, Row

if TYPE_CHECKING:
    from mlops_assets.rooms.features.lookup import Looked, Lookup
    from mlops_assets.stores.online import OnlineStore

Key = Mapping[str, Any]
MOST: Final = 256
"""Keys of single questions that are looked up together."""


class Found(NamedTuple):
    """The newest features of a key or a request.

    Attributes:
        row: of inputs.
        more: what the log is to hold of them: the key, and the oldest one's age in seconds.
    """

    row: Row
    more: dict[str, Any]


class Lookups:
    """Looks up what one model's questions name, where its bundle says."""

    def __init__(
        self, manifest: Mapping[str, Any], questions: Questions, online: "OnlineStore", *, salt: bytes = b""
    ) -> None:
        """Read how from the bundle; the engine of what is computed is loaded now, and not by the first question."""
        told = manifest["online"]
        self._schema, self._questions, self._online = manifest["schema"], questions, online
        self._key: list[str] = told["key"]
        self._logged = key_keeper(self._key, told.get("log", {}), salt)
        self._tables: list[str] = [part["table"] for part in told["tables"]]
        self._clocks = {part["table"]: part.get("clock", {"told": "wall", "views": []}) for part in told["tables"]}
        self._made = _made(told["tables"], online)
        by_key = self._key if len(self._made) < len(self._tables) else []
        self.asks = tuple(dict.fromkeys([*by_key, *(name for each in self._made.values() for name in each.needs)]))
        """The columns that a key must have."""
        self._waiting: list[tuple[Key, asyncio.Future[Found]]] = []
        self._working: asyncio.Task[None] | None = None

    async def one(self, key: Key) -> Found:
        """The features of a key, looked up with all others that wait.

        Raises:
            Problem: 422 when it has not the right columns, 404 when nothing is known of it.
        """
        future: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, future))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await future

    def many(self, keys: Sequence[Key]) -> list[Found | Problem]:
        """The features of each key, or what is wrong with it; to be called in a thread."""
        found: list[Found | Problem] = [self._misnamed(key) or Found((), {}) for key in keys]
        places = [place for place, each in enumerate(found) if not isinstance(each, Problem)]
        asked = [keys[place] for place in places]
        parts = [self._looked(table, asked) for table in self._tables] if asked else []
        for number, place in enumerate(places):
            found[place] = self._joined(asked[number], [part[number] for part in parts])
        return found

    async def _work(self) -> None:
        while self._waiting:
            part, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                found: Sequence[Found | Problem] = await asyncio.to_thread(self.many, [key for key, _ in part])
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
                found = [_unlooked(error)] * len(part)
            for (_, future), each in zip(part, found, strict=True):
                if future.done():
                    continue
                if isinstance(each, Problem):
                    future.set_exception(each)
                else:
                    future.set_result(each)
        self._working = None

    def _misnamed(self, key: Key) -> Problem | None:
        lacking, odd = set(self.asks) - key.keys(), key.keys() - {*self.asks, *self._key}
        if not lacking and not odd:
            return None
        missing = f"; it lacks {', '.join(sorted(lacking))}" if lacking else ""
        return Problem(422, fault("key", f"not the columns of the key{missing}", list(self.asks)))

    def _looked(self, table: str, keys: Sequence[Key]) -> "Sequence[Looked | Problem]":
        """A table's part of each key."""
        from mlops_assets.rooms.features.lookup import clock, of_row

        if table in self._made:
            return _of_requests(self._made[table], keys)
        rows = self._online.get_many(table, [[key[name] for name in self._key] for key in keys])
        unknown = Problem(404, fault("key", f"nothing is known of it in {table}"), step="give the inputs")
        told = self._clocks[table]
        now = clock(self._online, told["told"], [table, *told["views"]])
        return [unknown if row is None else of_row(list(row.values), row, now) for row in rows]

    def _joined(self, key: Key, parts: "Sequence[Looked | Problem]") -> Found | Problem:
        """What all tables know of a key; features made of its own columns are judged like inputs."""
        values: dict[str, Any] = {}
        ages: list[float] = []
        for part in parts:
            if isinstance(part, Problem):
                return part
            values |= part.values
            ages += [age.total_seconds() for age in part.ages.values() if age is not None]
        fed = {entry["name"]: _fed(entry, values.get(entry["name"])) for entry in self._schema}
        own = {name: fed[name] for made in self._made.values() for name in made.recipe.own if name in fed}
        if faults := self._questions.wrong(own, "key."):
            return Problem(422, *faults)
        named = self._logged(key)
        more = {**({"key": named} if named else {}), **({"age": max(ages)} if ages else {})}
        return Found(tuple(fed.values()), more)


def _made(parts: Sequence[Mapping[str, Any]], online: "OnlineStore") -> "dict[str, Lookup]":
    """Online table to how its features are made of a request, where that takes more than the key."""
    carried = {part["table"]: part["recipe"] for part in parts if part.get("recipe")}
    if not carried:
        return {}
    from mlops_assets.rooms.features.lookup import Lookup
    from mlops_assets.rooms.features.recipe import Recipe

    return {table: Lookup(online, Recipe.from_body(body)) for table, body in carried.items()}


def _of_requests(lookup: "Lookup", requests: Sequence[Key]) -> "list[Looked | Problem]":
    """Features of each request; one that cannot be read is found by halving, and holds no other up."""
    try:
        return list(lookup.of_requests(requests))
    except StoreError:
        if len(requests) > 1:
            half = len(requests) // 2
            return [*_of_requests(lookup, requests[:half]), *_of_requests(lookup, requests[half:])]
    types = {name: str(lookup.recipe.schema.field(name).type) for name in lookup.needs}
    return [Problem(422, fault("key", "a column is of the wrong type, or out of range", types))]


def _unlooked(error: Exception) -> Problem:
    if isinstance(error, StoreError):
        return Problem(503, fault("key", "the online features cannot be read now"), step="try again, or give inputs")
    return Problem(500)


def _fed(entry: Any, value: Any) -> Any:
    if value is None:
        return None
    return float(value) if entry["kind"] == "number" else str(value)
