"""Questions that wait to be answered together: a batch is whatever comes in until the loop brings no more of them."""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final

import msgspec

Asked = tuple[msgspec.Struct, bytes, float | None, "asyncio.Future[bytes] | None", dict[str, Any] | None, bytes]
"""Inputs, id, when it began, who waits, what else the log is to hold, and the body that all of it came in, or none.

Of many in one request the last alone knows when it began, and nobody waits."""
LONGEST: Final = 0.001
"""Seconds that the first of a batch waits for more: turns are long while others' large requests are worked on."""


class Waiting:
    """A line of questions; there is no timer in it.

    What has come in by now is read in a turn of the event loop. While a turn brings more, the next is waited for, since
    a batch costs little more than a question; the first that brings nothing ends the wait. So one connection waits for
    an empty turn, a few microseconds, and many share the work.
    """

    def __init__(self, limit: int, answer: Callable[[Sequence[Asked]], None]) -> None:
        """Hand batches of at most so many questions over; whoever gets them resolves their futures."""
        self.limit = limit
        self._answer = answer
        self._waiting: list[Asked] = []
        self._seen = 0
        self._due = False

    def put(
        self, inputs: msgspec.Struct, name: bytes, began: float, more: dict[str, Any] | None, body: bytes
    ) -> "asyncio.Future[bytes]":
        """Wait in line; the future holds the answer's JSON."""
        future: asyncio.Future[bytes] = self._loop.create_future()
        self._waiting.append((inputs, name, began, future, more, body))
        if not self._due:
            self._due = True
            self._loop.call_soon(self._look)
        return future

    def _look(self) -> None:
        count = len(self._waiting)
        first: float = self._waiting[0][2]  # type: ignore[assignment]  # who waits knows when it began
        if self._seen < count < self.limit and time.perf_counter() - first < LONGEST:
            self._seen = count
            self._loop.call_soon(self._look)
            return
        batch, self._waiting = self._waiting[: self.limit], self._waiting[self.limit :]
        self._seen, self._due = 0, bool(self._waiting)
        if self._due:
            self._loop.call_soon(self._look)
        self._answer(batch)

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()  # once: it asks the kernel for the process's number
