"""HTTP answers over raw ASGI: one head, one body."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

import msgspec

from mlops_assets.rooms.serve.problems import Problem

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
JSON: Final = (b"content-type", b"application/json")
PROBLEM: Final = (b"content-type", b"application/problem+json")
HTML: Final = (b"content-type", b"text/html; charset=utf-8")
TEXT: Final = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
POLICY: Final = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:",
)
"""A page may load nothing from elsewhere."""
NOSNIFF: Final = (b"x-content-type-options", b"nosniff")


async def reply(
    send: Send,
    body: bytes,
    kind: tuple[bytes, bytes] = JSON,
    status: int = 200,
    more: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    """Send an answer."""
    headers = [kind, (b"content-length", b"%d" % len(body)), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def reply_json(send: Send, found: Any, status: int = 200) -> None:
    """Send something as JSON."""
    await reply(send, msgspec.json.encode(found), JSON, status)


async def reply_page(send: Send, html: bytes) -> None:
    """Send a page that loads nothing from elsewhere."""
    await reply(send, html, HTML, more=(POLICY, NOSNIFF))


async def reply_problem(send: Send, problem: Problem) -> None:
    """Send what went wrong."""
    await reply(send, problem.body(), PROBLEM, problem.status, problem.headers)
