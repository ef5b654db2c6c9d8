"""Serves the reports on loopback, so that a link in Dagster opens the whole page in the browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit


class _Pages(SimpleHTTPRequestHandler):
    """Files below one folder; a report may load nothing from elsewhere."""

    def end_headers(self) -> None:
        """Forbid outside resources in every answer."""
        self.send_header("Content-Security-Policy", "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing of each request."""


def server(folder: Path, url: str) -> ThreadingHTTPServer:
    """A server bound to the host and port of the URL."""
    address = urlsplit(url)
    handler = partial(_Pages, directory=str(folder))
    return ThreadingHTTPServer((address.hostname or "127.0.0.1", address.port or 3001), handler)


@contextmanager
def serving(folder: Path, url: str) -> Iterator[ThreadingHTTPServer]:
    """Serve in a thread for as long as the block runs."""
    http = server(folder, url)
    thread = Thread(target=http.serve_forever, name="reports", daemon=True)
    thread.start()
    try:
        yield http
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
