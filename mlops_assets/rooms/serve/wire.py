"""The service's end of a connection: uvicorn, with head and body of an answer sent by one write instead of two."""

import asyncio
import re
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from mlops_assets.rooms.serve.outbox import Outbox
from mlops_assets.rooms.serve.problems import Problem, fault
from mlops_assets.rooms.serve.reply import PROBLEM

HEAD_LIMIT: Final = 65_536
"""Bytes that may come in a row without any of a body: a head, or a trailer."""
_OFFER: Final = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*\r\n", re.IGNORECASE)
"""HTTP/2 on the same connection, as Java's own client and curl may offer: httptools would take it for the end."""
_HEAD: Final = b"HTTP/1.1 "
_GO_ON: Final = b"HTTP/1.1 1"


class OneWrite:
    """A transport that keeps an answer's head until its body comes: a write wakes the reader, and costs 4 us."""

    def __init__(self, transport: asyncio.Transport, outbox: Outbox) -> None:
        """Wrap a transport; whatever is not about writing is its own."""
        self.kept = b""
        self._transport, self._outbox, self._listed = transport, outbox, False
        self._write = transport.write
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Send, but for a head that is no mere "continue", and for what is to leave with others' answers."""
        if not self.kept and data.startswith(_HEAD) and not data.startswith(_GO_ON):
            self.kept = data
        elif self._outbox.held:
            self.kept += data
            self.leave()
        else:
            kept, self.kept = self.kept, b""
            self._write(kept + data)

    def leave(self) -> None:
        """Send what is kept, or let the outbox do it."""
        if not self._outbox.held:
            self.flush()
        elif not self._listed:
            self._listed = True
            self._outbox.keep(self.flush)

    def flush(self) -> None:
        """Send what is kept, now."""
        kept, self.kept, self._listed = self.kept, b"", False
        if kept and not self.is_closing():
            self._write(kept)

    def close(self) -> None:
        """Send what is kept, then close."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Protocol(HttpToolsProtocol):
    """HTTP by httptools, over such a transport; neither a head nor what stands between chunks may grow without end."""

    _fresh = True
    _ended = False
    _unread = 0

    def __init__(self, *args: Any, outbox: Outbox, **named: Any) -> None:
        """Take part in an outbox; the rest is uvicorn's."""
        super().__init__(*args, **named)
        self._outbox = outbox

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin."""
        self._one_write = OneWrite(transport, self._outbox)
        super().connection_made(self._one_write)  # type: ignore[arg-type]  # it has all that a transport has

    def data_received(self, data: bytes) -> None:
        """Read on; what is no body is counted, for httptools would keep it whole."""
        if self._fresh:
            self._fresh = False
            data = _OFFER.sub(b"\r\n", data)
        self._unread += len(data)
        super().data_received(data)
        if self._unread > HEAD_LIMIT and not self.transport.is_closing():
            self._refuse(Problem(431, fault("", "the head is too large", f"{HEAD_LIMIT} bytes")))

    def on_body(self, body: bytes) -> None:
        """A part of a body has come, so that the head is behind it."""
        self._unread = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        """An answer is whole: its head is sent though no body was; a client that has ended is asked nothing more."""
        self._unread = 0
        if self._one_write.kept:
            self._one_write.leave()
        super().on_response_complete()
        if self._ended and self.timeout_keep_alive_task is not None:
            self.transport.close()

    def eof_received(self) -> bool:  # type: ignore[override]  # true: what is under way is still answered
        """The client sends nothing more: what it has asked in whole is answered, and then the connection ends."""
        self._ended = True
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete and not cycle.more_body

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is refused in the form of every other mistake."""
        del msg
        self._refuse(Problem(400, fault("", "not HTTP/1.1")))

    def _refuse(self, problem: Problem) -> None:
        body, (name, kind) = problem.body(), PROBLEM
        head = b"%b\r\n%b: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        status = b"HTTP/1.1 %d %b" % (problem.status, HTTPStatus(problem.status).phrase.encode())
        self.transport.write(head % (status, name, kind, len(body)) + body)
        self.transport.close()
