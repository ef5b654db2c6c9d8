"""A request's body, read with a bound on its size and its time, also when it comes in chunks without a length."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from typing import Any, Final

from mlops_assets.rooms.serve.problems import Problem, fault

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
SECONDS: Final = 10.0
"""A body must be whole by then."""
CLOSE: Final = (b"connection", b"close")


class Gone(Exception):
    """The client went away."""


class Reader:
    """Reads bodies; one sweep a second ends those that take too long, so that a fast one pays for no timer."""

    def __init__(self, seconds: float = SECONDS) -> None:
        """Give each body that long."""
        self.seconds = seconds
        self._slow: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()

    async def read(self, receive: Receive, headers: Iterable[tuple[bytes, bytes]], limit: int, *kinds: bytes) -> bytes:
        """The whole body.

        Args:
            receive: of ASGI.
            headers: of the request.
            limit: in bytes.
            kinds: content types that are read.

        Raises:
            Problem: 413 when it is larger than the limit, 408 when it takes too long, 415 when it is of another kind.
            Gone: the client went away.
        """
        _check_head(headers, limit, kinds)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - ASGI calls us in a task
        self._slow[task] = time.monotonic() + self.seconds
        try:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            body: bytes = message.get("body", b"")
            if not message.get("more_body"):
                return _within(body, limit)
            return await _rest(receive, [body], limit)
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            late = fault("", "the body did not come whole in time", f"{self.seconds:g} s")
            raise Problem(408, late, headers=[CLOSE]) from None
        finally:
            self._slow.pop(task, None)
            self._late.discard(task)

    def sweep(self) -> None:
        """End the reads that are late."""
        now = time.monotonic()
        for task, due in list(self._slow.items()):
            if now > due:
                self._late.add(task)
                task.cancel()


def _check_head(headers: Iterable[tuple[bytes, bytes]], limit: int, kinds: Sequence[bytes]) -> None:
    given = b""
    for name, value in headers:
        if name == b"content-length" and (not value.isdigit() or int(value) > limit):
            raise _too_large(limit)
        if name == b"content-type":
            given = value
    if given not in kinds and kind_of(given) not in kinds:
        raise Problem(415, fault("content-type", "not read here", [kind.decode() for kind in kinds]))


def kind_of(given: bytes) -> bytes:
    """A content type without its parameters."""
    return given.partition(b";")[0].strip().lower()


async def _rest(receive: Receive, parts: list[bytes], limit: int) -> bytes:
    size = len(parts[0])
    while True:
        if size > limit:
            raise _too_large(limit)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body"):
            return _within(b"".join(parts), limit)


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> Problem:
    return Problem(413, fault("", "the body is too large", f"{limit} bytes"), headers=[CLOSE])
