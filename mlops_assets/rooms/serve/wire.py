"""The service's end of a connection: uvicorn, with head and body of an answer sent by one write instead of two."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD: Final = b"HTTP/1.1 "
_GO_ON: Final = b"HTTP/1.1 1"


class OneWrite:
    """A transport that keeps an answer's head until its body comes: a write wakes the reader, and costs 4 us."""

    def __init__(self, transport: asyncio.Transport) -> None:
        """Wrap a transport; whatever is not about writing is its own."""
        self._transport, self._head = transport, b""
        self._write = transport.write
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Send, but for a head that is no mere "continue"."""
        if self._head:
            self._head, data = b"", self._head + data
        elif data.startswith(_HEAD) and not data.startswith(_GO_ON):
            self._head = data
            return
        self._write(data)

    def flush(self) -> None:
        """Send a head that had no body."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        """Send what is kept, then close."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Protocol(HttpToolsProtocol):
    """HTTP by httptools, over such a transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin."""
        self._one_write = OneWrite(transport)
        super().connection_made(self._one_write)  # type: ignore[arg-type]  # it has all that a transport has

    def on_response_complete(self) -> None:
        """An answer is whole: its head is sent though no body was."""
        self._one_write.flush()
        super().on_response_complete()
