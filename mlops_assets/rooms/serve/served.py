"""A bundle that answers: checked, loaded, and asked its golden rows before its first question."""

import asyncio
import time
from collections.abc import Callable, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mlops_assets.errors import StoreError
from mlops_assets.rooms.serve import answer
from mlops_assets.rooms.serve.engine import check_golden, engine
from mlops_assets.rooms.serve.guard import Record
from mlops_assets.rooms.serve.lookups import Lookups
from mlops_assets.rooms.serve.meter import Meter
from mlops_assets.rooms.serve.privacy import keeper
from mlops_assets.rooms.serve.problems import Problem, busy
from mlops_assets.rooms.serve.question import Questions

if TYPE_CHECKING:
    from mlops_assets.stores.online import OnlineStore
    from mlops_assets.stores.prediction_log import LogWriter
    from mlops_assets.stores.serving_bundles import ServingBundle

CHAMPION: Final = "champion"
BROKEN: Final = 500
"""The status of what this version fails by: a guard counts it, and not what the disk is at fault for."""
PART: Final = 256
"""Rows of a large request that are answered before others have their turn."""
Asked = tuple[msgspec.Struct, bytes, float, "asyncio.Future[bytes] | None", dict[str, Any] | None]
"""Inputs, id, when it began, who waits, and what else the log is to hold."""


class Served:
    """One version of a model, with the questions that wait for it.

    Questions are answered in batches without a timer: a batch is what came in while the one before was computed, so
    that one connection waits for nobody and many share the work.
    """

    def __init__(
        self, bundle: "ServingBundle", log: "LogWriter", meter: Meter, online: "OnlineStore", *, salt: bytes, role: str
    ) -> None:
        """Load the bundle.

        Raises:
            Damaged: it does not answer its golden rows as it did when it was released.
        """
        self.manifest, self.digest, self.role = bundle.manifest, bundle.digest, role
        self.card = bundle.files.get("card.html", b"")
        self.model, self.version = bundle.model, int(bundle.manifest["version"])
        self.questions = Questions(bundle.manifest["schema"])
        self.lookups = Lookups(bundle.manifest, self.questions, online, salt=salt)
        self.engine = engine(bundle)
        check_golden(bundle, self.engine)
        self.limit = int(bundle.manifest["serving"]["batch_size"])
        self._speak = answer.speaker(bundle.manifest)
        self._keep = keeper(bundle.manifest["schema"], salt)
        self._log, self._meter = log, meter
        self._figures = meter.of(self.model, str(self.version), role)
        self._next = answer.ids()
        self._waiting: list[Asked] = []
        self._due = False
        self._power = bundle.manifest.get("durability") == "power"
        self._head = b'","model":"%b","version":%d,' % (self.model.encode(), self.version)
        self.record = Record()
        self.observers: list[Callable[[Sequence[Asked]], None]] = []

    def ask(
        self, inputs: msgspec.Struct, name: bytes | None, began: float, more: dict[str, Any] | None = None
    ) -> "asyncio.Future[bytes]":
        """Wait in line; the future holds the answer's JSON."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes] = loop.create_future()
        self._waiting.append((inputs, name or self._next(), began, future, more))
        if not self._due:
            self._due = True
            loop.call_soon(self._flush)
        return future

    async def answer_many(
        self, rows: Sequence[msgspec.Struct], began: float, more: Sequence[dict[str, Any] | None] | None = None
    ) -> list[bytes]:
        """Answer rows in order, each logged like any other; single questions go between the parts.

        Args:
            rows: of inputs.
            began: when they came.
            more: what else the log is to hold of each row.

        Raises:
            Problem: the log cannot be written.
        """
        texts: list[bytes] = []
        for start in range(0, len(rows), PART):
            part = range(start, min(start + PART, len(rows)))
            texts += self._counted([(rows[n], self._next(), began, None, more[n] if more else None) for n in part])
            await asyncio.sleep(0)
        if self._power:
            await asyncio.to_thread(self._log.sync)
        return texts

    def record_shadow(self, names: Sequence[bytes], scores: Any, took: float) -> None:
        """Log what this challenger would have answered to the questions of these ids; no reply, no inputs again."""
        micros = int(took * 1e6)
        head = b'","t":%d,"v":%d,"role":"%b","us":%d,' % (
            time.time_ns() // 1000,
            self.version,
            self.role.encode(),
            micros,
        )
        words = (self._speak(row) for row in scores)
        records = [b'{"id":"%b%b%b}' % (name, head, text) for name, (_, _, text) in zip(names, words, strict=True)]
        try:
            self._log.write(records)
        except StoreError:
            self._meter.events[(self.model, "log_failed")] += 1
        self._meter.requests[(self.model, str(self.version), self.role, "200")] += len(records)

    def _flush(self) -> None:
        batch, self._waiting = self._waiting[: self.limit], self._waiting[self.limit :]
        self._due = bool(self._waiting)
        if self._due:
            asyncio.get_running_loop().call_soon(self._flush)
        self._tell(batch)

    def _tell(self, batch: Sequence[Asked]) -> None:
        """Answer those who wait for a batch; a question that breaks the model takes no other down with it."""
        try:
            texts = self._answered(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            found = error if isinstance(error, Problem) else Problem(500)
            if len(batch) > 1 and found.status == BROKEN:
                for asked in batch:
                    self._tell([asked])
                return
            self.record.failed += found.status == BROKEN
            for _, _, _, future, _ in batch:
                if future is not None and not future.done():
                    future.set_exception(found)
            return
        if self._power:
            syncing = asyncio.get_running_loop().run_in_executor(None, self._log.sync)
            syncing.add_done_callback(lambda _: _reply(batch, texts))
        else:
            _reply(batch, texts)

    def _counted(self, batch: Sequence[Asked]) -> list[bytes]:
        """A part of many; what it fails by counts against this version, unless it is the disk."""
        try:
            return self._answered(batch)
        except Exception as error:
            self.record.failed += len(batch) * (not isinstance(error, Problem) or error.status == BROKEN)
            raise

    def _answered(self, batch: Sequence[Asked]) -> list[bytes]:
        """Score, log and count a batch; its answers' JSON."""
        found = self.engine.scores([msgspec.structs.astuple(asked[0]) for asked in batch]).tolist()
        scores, said, words = zip(*[self._speak(row) for row in found], strict=True)
        if not isfinite(sum(scores)):
            raise Problem(BROKEN)
        seconds = self._written(batch, words)
        total, figures = sum(scores), self._figures
        figures.seconds.extend(seconds)
        figures.scores.extend(scores)
        figures.said.extend(said)
        self.record.add(len(batch), sum(seconds), total)
        for observe in self.observers:
            observe(batch)
        return [b'{"id":"%b%b%b}' % (asked[1], self._head, text) for asked, text in zip(batch, words, strict=True)]

    def _written(self, batch: Sequence[Asked], words: Sequence[bytes]) -> list[float]:
        """Log a batch by one write; how long each question took until then.

        Raises:
            Problem: the log cannot be written.
        """
        now, wall = time.perf_counter(), time.time_ns() // 1000
        head = b'","t":%d,"v":%d,"role":"%b","us":' % (wall, self.version, self.role.encode())
        records, seconds, keep = [], [], self._keep
        for (inputs, name, began, _, more), text in zip(batch, words, strict=True):
            took = now - began
            seconds.append(took)
            text = text if more is None else text + b"," + msgspec.json.encode(more)[1:-1]  # noqa: PLW2901 - what follows it
            records.append(b'{"id":"%b%b%d,%b,"in":%b}' % (name, head, took * 1e6, text, keep(inputs)))
        try:
            self._log.write(records)
        except StoreError:
            self._meter.events[(self.model, "log_failed")] += 1
            raise busy("the prediction log cannot be written, so nothing is answered") from None
        return seconds


def _reply(batch: Sequence[Asked], texts: Sequence[bytes]) -> None:
    for (_, _, _, future, _), text in zip(batch, texts, strict=True):
        if future is not None and not future.done():
            future.set_result(text)
