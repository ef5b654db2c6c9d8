"""A challenger in the champion's shadow: it answers a share of the questions too, later, and nobody waits for it."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from mlops_assets.rooms.serve.engine import Onnx
from mlops_assets.rooms.serve.failures import DROPPED
from mlops_assets.rooms.serve.meter import Meter
from mlops_assets.rooms.serve.question import Row
from mlops_assets.rooms.serve.served import Served
from mlops_assets.rooms.serve.waiting import Asked

QUEUE: Final = 512
PART: Final = 8
"""Questions at once: few, so that a part takes about as long as one batch of the champion's."""
PAUSE: Final = 0.004


class Shadow:
    """A bounded queue of questions for the challengers; when it is full they are dropped and counted."""

    def __init__(self, names: Sequence[str], challengers: Sequence[Served], share: float, meter: Meter) -> None:
        """Let challengers answer a share of what the champion answers.

        Args:
            names: of the champion's inputs; a challenger that needs others is left to the replay, and told as unfit.
            challengers: who are tried.
            share: of the questions.
            meter: counts what is dropped.
        """
        self._share, self._meter, self._model = share, meter, challengers[0].model
        fit = [each for each in challengers if set(each.questions.names) <= set(names)]
        self._challengers = [(each, [names.index(name) for name in each.questions.names]) for each in fit]
        meter.events[(self._model, "shadow_unfit")] += len(challengers) - len(fit)
        self._queue: deque[tuple[msgspec.Struct, bytes]] = deque()

    def observe(self, batch: Sequence[Asked]) -> None:
        """See what the champion has answered."""
        for inputs, name, *_ in batch:
            if random.random() < self._share:  # noqa: S311 - a sample, no secret
                if len(self._queue) < QUEUE:
                    self._queue.append((inputs, name))
                else:
                    self._drop()

    def _drop(self) -> None:
        self._meter.events[(self._model, "shadow_dropped")] += 1
        for challenger, _ in self._challengers:
            self._meter.failed[(self._model, str(challenger.version), DROPPED)] += 1

    async def answer(self) -> None:
        """Answer what waits, a small part at a time, so that it never holds the loop."""
        while self._queue:
            part = [self._queue.popleft() for _ in range(min(PART, len(self._queue)))]
            rows, names = [msgspec.structs.astuple(inputs) for inputs, _ in part], [name for _, name in part]
            for challenger, places in self._challengers:
                await _answer(challenger, [tuple(row[place] for place in places) for row in rows], names)
            await asyncio.sleep(PAUSE)


async def _answer(challenger: Served, rows: Sequence[Row], names: Sequence[bytes]) -> None:
    """In the loop where ONNX Runtime takes microseconds, for a thread would fight for the interpreter; else in one."""
    scores, began = challenger.engine.scores, time.perf_counter()
    found = scores(rows) if isinstance(challenger.engine, Onnx) else await asyncio.to_thread(scores, rows)
    challenger.record_shadow(names, found, (time.perf_counter() - began) / len(rows))
