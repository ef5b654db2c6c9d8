"""A challenger in the champion's shadow: it answers a share of the questions too, later, and nobody waits for it."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from mlops_assets.rooms.serve.meter import Meter
from mlops_assets.rooms.serve.question import Row
from mlops_assets.rooms.serve.served import Asked, Served

QUEUE: Final = 512
PART: Final = 32
PAUSE: Final = 0.02


class Shadow:
    """A bounded queue of questions for the challengers; when it is full they are dropped and counted."""

    def __init__(self, challengers: Sequence[Served], share: float, meter: Meter) -> None:
        """Let these challengers answer a share of what the champion answers."""
        self._challengers, self._share, self._meter = list(challengers), share, meter
        self._queue: deque[tuple[Row, str]] = deque()

    def observe(self, batch: Sequence[Asked], _: Any) -> None:
        """See what the champion has answered."""
        for row, name, _began, _future, _more in batch:
            if random.random() < self._share:  # noqa: S311 - a sample, no secret
                if len(self._queue) < QUEUE:
                    self._queue.append((row, name))
                else:
                    self._meter.events[(self._challengers[0].model, "shadow_dropped")] += 1

    async def answer(self) -> None:
        """Answer what waits, a small part at a time, so that it never holds the loop."""
        while self._queue:
            part = [self._queue.popleft() for _ in range(min(PART, len(self._queue)))]
            for challenger in self._challengers:
                await _answer(challenger, part)
            await asyncio.sleep(PAUSE)


async def _answer(challenger: Served, part: Sequence[tuple[Row, str]]) -> None:
    began = time.perf_counter()
    scores = await asyncio.to_thread(challenger.engine.scores, [row for row, _ in part])
    took = (time.perf_counter() - began) / len(part)
    challenger.record_shadow([name for _, name in part], scores.tolist(), took)
