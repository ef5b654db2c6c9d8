"""A bundle that answers: checked, loaded, and asked its golden rows before its first question."""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mlops_assets.errors import StoreError
from mlops_assets.rooms.serve import answer
from mlops_assets.rooms.serve.engine import check_golden, engine
from mlops_assets.rooms.serve.guard import Record
from mlops_assets.rooms.serve.lookups import Lookups
from mlops_assets.rooms.serve.meter import Meter
from mlops_assets.rooms.serve.outbox import Outbox
from mlops_assets.rooms.serve.privacy import keeper
from mlops_assets.rooms.serve.problems import Problem, busy
from mlops_assets.rooms.serve.question import Questions
from mlops_assets.rooms.serve.waiting import Asked, Waiting
from mlops_assets.stores.prediction_frames import frame

if TYPE_CHECKING:
    from mlops_assets.stores.online import OnlineStore
    from mlops_assets.stores.prediction_log import LogWriter
    from mlops_assets.stores.serving_bundles import ServingBundle

CHAMPION: Final = "champion"
BROKEN: Final = 500
"""The status of what this version fails by: a guard counts it, and not what the disk is at fault for."""
PASSES: Final = 5
PART: Final = 256
"""Rows of a large request that are answered before others have their turn."""


class Served:
    """One version of a model, with the questions that wait for it."""

    def __init__(
        self,
        bundle: "ServingBundle",
        log: "LogWriter",
        meter: Meter,
        online: "OnlineStore",
        *,
        outbox: Outbox,
        salt: bytes,
        role: str,
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
        self.waiting = Waiting(int(bundle.manifest["serving"]["batch_size"]), self._answer)
        self._speak = answer.speaker(bundle.manifest)
        self._keep = keeper(bundle.manifest["schema"], salt)
        self._log, self._meter, self._outbox = log, meter, outbox
        self._figures = meter.of(self.model, str(self.version), role)
        self._next = answer.ids()
        self._power = bundle.manifest.get("durability") == "power"
        self._head = b'","model":"%b","version":%d,' % (self.model.encode(), self.version)
        self.record = Record()
        self.observers: list[Callable[[Sequence[Asked]], None]] = []

    @cached_property
    def pace(self) -> float:
        """Seconds for the golden rows: of the model alone, and of nobody who asks."""
        names = self.questions.names
        rows = [tuple(row["inputs"][name] for name in names) for row in self.manifest["golden"]]

        def once() -> float:
            began = time.perf_counter()
            self.engine.scores(rows)
            return time.perf_counter() - began

        return min(once() for _ in range(PASSES))

    def ask(
        self,
        inputs: msgspec.Struct,
        name: bytes | None,
        began: float,
        more: dict[str, Any] | None = None,
        body: bytes = b"",
    ) -> "asyncio.Future[bytes]":
        """Wait in line; the future holds the answer's JSON.

        Args:
            inputs: of the question.
            name: the caller's own id.
            began: when it came.
            more: what else the log is to hold.
            body: that it came in, where the log may hold all of it.
        """
        return self.waiting.put(inputs, name or self._next(), began, more, body)

    async def answer_many(
        self, rows: Sequence[msgspec.Struct], began: float, more: Sequence[dict[str, Any] | None] | None = None
    ) -> list[bytes]:
        """Answer rows in order, each logged like any other; single questions go between the parts.

        They are one request, whose time is the last row's.

        Args:
            rows: of inputs.
            began: when they came.
            more: what else the log is to hold of each row.

        Raises:
            Problem: the log cannot be written.
        """
        texts: list[bytes] = []
        last = len(rows) - 1
        for start in range(0, len(rows), PART):
            part = zip(rows[start : start + PART], (more or [None] * len(rows))[start : start + PART], strict=True)
            texts += self._counted(
                [
                    (row, self._next(), began if place == last else None, None, each, b"")
                    for place, (row, each) in enumerate(part, start)
                ]
            )
            await asyncio.sleep(0)
        if self._power:
            await asyncio.to_thread(self._log.sync)
        return texts

    def record_shadow(self, names: Sequence[bytes], scores: Any, took: float) -> None:
        """Log what this challenger would have answered to the questions of these ids; no reply, no inputs again."""
        texts = self._texts(names, self._speak(scores).texts)
        try:
            self._log.write([frame(self._told(), [took] * len(names), texts, (), ())])
        except StoreError:
            self._meter.events[(self.model, "log_failed")] += 1
        self._meter.requests[(self.model, str(self.version), self.role, "200")] += len(names)

    def _answer(self, batch: Sequence[Asked]) -> None:
        """Answer those who wait for a batch; a question that breaks the model takes no other down with it."""
        try:
            texts = self._answered(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            found = error if isinstance(error, Problem) else Problem(500)
            if len(batch) > 1 and found.status == BROKEN:
                for asked in batch:
                    self._answer([asked])
                return
            self.record.failed += found.status == BROKEN
            for _, _, _, future, _, _ in batch:
                if future is not None and not future.done():
                    future.set_exception(found)
            return
        if self._power:
            syncing = asyncio.get_running_loop().run_in_executor(None, self._log.sync)
            syncing.add_done_callback(lambda _: self._reply(batch, texts))
        else:
            self._reply(batch, texts)

    def _counted(self, batch: Sequence[Asked]) -> list[bytes]:
        """A part of many; what it fails by counts against this version, unless it is the disk."""
        try:
            return self._answered(batch)
        except Exception as error:
            self.record.failed += len(batch) * (not isinstance(error, Problem) or error.status == BROKEN)
            raise

    def _answered(self, batch: Sequence[Asked]) -> list[bytes]:
        """Score, log and count a batch; its answers' JSON."""
        inputs, names, began, _, more, bodies = zip(*batch, strict=True)
        scores, said, words = self._speak(self.engine.scores(list(map(msgspec.structs.astuple, inputs))))
        total, figures = sum(scores), self._figures
        if not isfinite(total):
            raise Problem(BROKEN)
        texts = self._texts(names, words)
        now = time.perf_counter()
        seconds = [now - each for each in began if each is not None]
        self._write(frame(self._told(), seconds, texts, list(map(self._keep, inputs, bodies)), more))
        figures.seconds.extend(seconds)
        figures.scores.extend(scores)
        figures.said.extend(said)
        self.record.add(len(batch), sum(seconds), total, alone=batch[0][3] is not None)
        for observe in self.observers:
            observe(batch)
        return texts

    def _reply(self, batch: Sequence[Asked], texts: Sequence[bytes]) -> None:
        """Resume all who wait; their replies leave when the last of them has been resumed."""
        self._outbox.hold()
        for (_, _, _, future, _, _), text in zip(batch, texts, strict=True):
            if future is not None and not future.done():
                future.set_result(text)
        asyncio.get_running_loop().call_soon(self._outbox.release)

    def _texts(self, names: Sequence[bytes], words: Sequence[bytes]) -> list[bytes]:
        head = self._head
        return [b'{"id":"%b%b%b}' % (name, head, text) for name, text in zip(names, words, strict=True)]

    def _told(self) -> bytes:
        """What is the same for a batch's records."""
        return b'"t":%d,"v":%d,"role":"%b"' % (time.time_ns() // 1000, self.version, self.role.encode())

    def _write(self, record: bytes) -> None:
        """Log a batch by one write.

        Raises:
            Problem: the log cannot be written.
        """
        try:
            self._log.write([record])
        except StoreError:
            self._meter.events[(self.model, "log_failed")] += 1
            raise busy("the prediction log cannot be written, so nothing is answered") from None
