"""A bundle that answers: checked, loaded, and asked its golden rows before its first question."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mlops_assets.errors import StoreError
from mlops_assets.rooms.serve import answer
from mlops_assets.rooms.serve.engine import check_golden, engine
from mlops_assets.rooms.serve.guard import Record
from mlops_assets.rooms.serve.meter import Meter
from mlops_assets.rooms.serve.privacy import keeper
from mlops_assets.rooms.serve.problems import Problem, busy
from mlops_assets.rooms.serve.question import Questions, Row

if TYPE_CHECKING:
    from mlops_assets.rooms.features.recipe import Recipe
    from mlops_assets.stores.prediction_log import LogWriter
    from mlops_assets.stores.serving import ServingBundle

CHAMPION: Final = "champion"
PART: Final = 256
"""Rows of a large request that are answered before others have their turn."""
Asked = tuple[Row, str, float, "asyncio.Future[bytes] | None", dict[str, Any]]
"""Inputs, id, when it began, who waits, and what else the log is to hold."""


class Served:
    """One version of a model, with the questions that wait for it.

    Questions are answered in batches without a timer: a batch is what came in while the one before was computed, so
    that one connection waits for nobody and many share the work.
    """

    def __init__(self, bundle: "ServingBundle", log: "LogWriter", meter: Meter, *, salt: bytes, role: str) -> None:
        """Load the bundle.

        Raises:
            Damaged: it does not answer its golden rows as it did when it was released.
        """
        self.manifest, self.digest, self.role = bundle.manifest, bundle.digest, role
        self.card = bundle.files.get("card.html", b"")
        self.model, self.version = bundle.model, int(bundle.manifest["version"])
        self.questions = Questions(bundle.manifest["schema"])
        self.recipes = _recipes(bundle.manifest)
        self.asks = _asks(bundle.manifest, self.recipes)
        self.engine = engine(bundle)
        check_golden(bundle, self.engine)
        self.limit = int(bundle.manifest["serving"]["batch_size"])
        self._speak = answer.speaker(bundle.manifest)
        self._keep = keeper(bundle.manifest["schema"], salt)
        self._log, self._meter = log, meter
        self._next = answer.ids()
        self._waiting: list[Asked] = []
        self._due = False
        self._power = bundle.manifest.get("durability") == "power"
        self._labels = (self.model, str(self.version))
        self._head = b'","model":"%s","version":%d,' % (self.model.encode(), self.version)
        self.record = Record()
        self.observers: list[Callable[[Sequence[Asked], Any], None]] = []

    def ask(self, row: Row, *, name: str = "", began: float, more: dict[str, Any]) -> "asyncio.Future[bytes]":
        """Wait in line; the future holds the answer's JSON without its closing brace."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes] = loop.create_future()
        self._waiting.append((row, name or self._next(), began, future, more))
        if not self._due:
            self._due = True
            loop.call_soon(self._flush)
        return future

    async def answer_many(self, rows: Sequence[Row], began: float) -> list[bytes]:
        """Answer rows in order, each logged like any other; single questions go between the parts.

        Raises:
            Problem: the log cannot be written.
        """
        texts: list[bytes] = []
        for start in range(0, len(rows), PART):
            asked: list[Asked] = [(row, self._next(), began, None, {}) for row in rows[start : start + PART]]
            texts += self._answered(asked)
            await asyncio.sleep(0)
        if self._power:
            await asyncio.to_thread(self._log.sync)
        return texts

    def record_shadow(self, names: Sequence[str], scores: Any, took: float) -> None:
        """Log what this challenger would have answered to the questions of these ids; no reply, no inputs again."""
        head = b'","t":%d,"v":%d,"role":"%s","us":%d,' % (
            time.time_ns() // 1000,
            self.version,
            self.role.encode(),
            took * 1e6,
        )
        words = (self._speak(row) for row in scores)
        records = [
            b'{"id":"%s%s%s}' % (name.encode(), head, text) for name, (_, _, text) in zip(names, words, strict=True)
        ]
        try:
            self._log.write(records)
        except StoreError:
            self._meter.events[(self.model, "log_failed")] += 1
        self._meter.requests[(*self._labels, self.role, "200")] += len(records)

    def _flush(self) -> None:
        batch, self._waiting = self._waiting[: self.limit], self._waiting[self.limit :]
        self._due = bool(self._waiting)
        if self._due:
            asyncio.get_running_loop().call_soon(self._flush)
        try:
            texts = self._answered(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            found = error if isinstance(error, Problem) else Problem(500)
            self.record.failed += len(batch)
            for _, _, _, future, _ in batch:
                if future is not None and not future.done():
                    future.set_exception(found)
            return
        if self._power:
            syncing = asyncio.get_running_loop().run_in_executor(None, self._log.sync)
            syncing.add_done_callback(lambda _: _reply(batch, texts))
        else:
            _reply(batch, texts)

    def _answered(self, batch: Sequence[Asked]) -> list[bytes]:
        scores = self.engine.scores([asked[0] for asked in batch]).tolist()
        words = [self._speak(row) for row in scores]
        now, wall = time.perf_counter(), time.time_ns() // 1000
        head = b'","t":%d,"v":%d,"role":"%s","us":' % (wall, self.version, self.role.encode())
        records, texts, mine = [], [], self.record
        seconds, spread = self._meter.seconds[self._labels], self._meter.scores[self._labels]
        for (row, name, began, _, more), (score, said, text) in zip(batch, words, strict=True):
            if score is not None and not isfinite(score):
                raise Problem(500)
            extra = b"," + msgspec.json.encode(more)[1:-1] if more else b""
            record = b'{"id":"%s%s%d,%s%s,"in":%s}'
            took = now - began
            records.append(record % (name.encode(), head, took * 1e6, text, extra, self._keep(row)))
            texts.append(b'{"id":"%s%s%s' % (name.encode(), self._head, text))
            seconds.add(took)
            spread.add(score or 0.0)
            mine.seconds += took
            mine.score += score or 0.0
            if isinstance(said, bool | str):
                self._meter.answers[(*self._labels, str(said))] += 1
        try:
            self._log.write(records)
        except StoreError:
            self._meter.events[(self.model, "log_failed")] += 1
            raise busy("the prediction log cannot be written, so nothing is answered") from None
        mine.answered += len(batch)
        self._meter.requests[(*self._labels, self.role, "200")] += len(batch)
        for observe in self.observers:
            observe(batch, words)
        return texts


def _recipes(manifest: Mapping[str, Any]) -> "dict[str, Recipe]":
    """Online table to how its features are made of a request, where that takes more than the key."""
    carried = {part["table"]: part.get("recipe") for part in manifest["online"]["tables"]}
    if not any(carried.values()):
        return {}
    from mlops_assets.rooms.features.recipe import Recipe
    from mlops_assets.stores import sql

    sql.session().close()  # the engine is loaded now, and not by the first question
    return {table: Recipe.from_body(body) for table, body in carried.items() if body}


def _asks(manifest: Mapping[str, Any], recipes: "Mapping[str, Recipe]") -> tuple[str, ...]:
    """The columns that a question by key must have."""
    online = manifest["online"]
    by_key = online["key"] if len(recipes) < len(online["tables"]) else []
    return tuple(dict.fromkeys([*by_key, *(name for recipe in recipes.values() for name in recipe.needs)]))


def _reply(batch: Sequence[Asked], texts: Sequence[bytes]) -> None:
    for (_, _, _, future, _), text in zip(batch, texts, strict=True):
        if future is not None and not future.done():
            future.set_result(text)
