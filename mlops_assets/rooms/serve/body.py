"""A request's body, read with a bound on its size and its time, also when it comes in chunks without a length."""

import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final

from mlops_assets.rooms.serve.problems import Problem, fault

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
SECONDS: Final = 10.0
"""A body must be whole by then."""
CLOSE: Final = (b"connection", b"close")


class Gone(Exception):
    """The client went away."""


async def read(
    receive: Receive, headers: Mapping[bytes, bytes], limit: int, *kinds: bytes, seconds: float = SECONDS
) -> bytes:
    """The whole body.

    One that came with its head is taken as it is; only for another the clock is looked at, whenever something of it
    comes, or nothing at all: the server wakes those who wait once a second.

    Args:
        receive: of ASGI.
        headers: of the request.
        limit: in bytes.
        kinds: content types that are read.
        seconds: that the rest of it may take.

    Raises:
        Problem: 413 when it is larger than the limit, 408 when it takes too long, 415 when it is of another kind.
        Gone: the client went away.
    """
    check_head(headers, limit, kinds)
    return whole(message := await receive(), limit) or await rest(receive, message, limit, seconds)


def check_head(headers: Mapping[bytes, bytes], limit: int, kinds: Sequence[bytes]) -> None:
    """Refuse a body by what its head says.

    Raises:
        Problem: 413, 415.
    """
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length) > limit:
        raise _too_large(limit)
    given = headers.get(b"content-type", b"")
    if given not in kinds and kind_of(given) not in kinds:
        raise Problem(415, fault("content-type", "not read here", [kind.decode() for kind in kinds]))


def kind_of(given: bytes) -> bytes:
    """A content type without its parameters."""
    return given.partition(b";")[0].strip().lower()


def whole(message: Message, limit: int) -> bytes:
    """The body that came with its head; empty when it is not all of it, or too large, or nothing."""
    body: bytes = message.get("body", b"")
    return b"" if message.get("more_body") or len(body) > limit else body


async def rest(receive: Receive, message: Message, limit: int, seconds: float = SECONDS) -> bytes:
    """The body whose first part this is.

    Raises:
        Problem: 413, 408.
        Gone: the client went away.
    """
    parts: list[bytes] = []
    size, due = 0, time.monotonic() + seconds
    while True:
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return b"".join(parts)
        if time.monotonic() > due:
            late = fault("", "the body did not come whole in time", f"{seconds:g} s")
            raise Problem(408, late, headers=[CLOSE])
        message = await receive()


def _too_large(limit: int) -> Problem:
    return Problem(413, fault("", "the body is too large", f"{limit} bytes"), headers=[CLOSE])
