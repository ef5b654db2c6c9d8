"""What comes over the wire: half of it, too much of it, too slowly, or never read."""

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from mlops_assets.rooms.serve import worker
from mlops_assets.rooms.serve.wire import HEAD_LIMIT
from mlops_assets_tests.rooms.serve.running import PREDICT, ROW, ask

BODY = json.dumps({"inputs": ROW}).encode()


def head(*more: str, length: int | None = len(BODY)) -> bytes:
    lines = [f"POST {PREDICT} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *more]
    lines += [] if length is None else [f"Content-Length: {length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def raw(url: str, *parts: bytes, ends: bool = False) -> bytes:
    """Send parts on one connection, and perhaps nothing more after them; what came back first."""
    found = urlsplit(url)
    with socket.create_connection((found.hostname, found.port), timeout=20) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            if ends:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            return connection.recv(65_536)
        except ConnectionResetError:
            return b"reset"


def test_a_client_that_has_asked_and_only_listens_is_answered(url: str) -> None:
    assert raw(url, head() + BODY, ends=True).startswith(b"HTTP/1.1 200")
    assert raw(url, (head() + BODY) * 2, ends=True).startswith(b"HTTP/1.1 200")
    assert raw(url, head() + BODY[:5], ends=True) == b"", "it asked but half"


def test_an_offer_of_http_2_is_answered_in_http_1(url: str) -> None:
    offer = ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQAAP__")
    assert raw(url, head(*offer) + BODY).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(("status", "parts"), [
    ("413", [head("Transfer-Encoding: chunked", length=None), *([b"10000\r\n" + b"x" * 65_536 + b"\r\n"] * 40)]),
    ("431", [b"GET / HTTP/1.1\r\nX: ", *([b"x" * HEAD_LIMIT] * 8)]),
    ("431", [head("Transfer-Encoding: chunked", length=None), b"0\r\nX: ", *([b"x" * HEAD_LIMIT] * 8)]),
    ("431", [head("Transfer-Encoding: chunked", length=None), b"1;", *([b"x" * HEAD_LIMIT] * 8)]),
    ("400", [head("Content-Length: 3") + BODY]),
    ("400", [head("Transfer-Encoding: chunked") + BODY]),
    ("400", [b"\x16\x03\x01\r\n\r\n"]),
])  # fmt: skip
def test_what_has_no_end_or_no_form_is_refused_and_others_are_answered(
    status: str, parts: list[bytes], url: str
) -> None:
    said = raw(url, *parts)
    assert said.startswith(f"HTTP/1.1 {status}".encode()) or said == b"reset"
    assert said == b"reset" or b"application/problem+json" in said
    assert ask(url, PREDICT, {"inputs": ROW}).status == 200


def test_many_questions_on_one_connection_are_answered_in_turn(url: str) -> None:
    found = urlsplit(url)
    wrong = head(length=2) + b"{}"
    with socket.create_connection((found.hostname, found.port), timeout=20) as connection:
        connection.sendall((head() + BODY) * 500 + wrong + head("Connection: close") + BODY)
        said = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert (said.count(b"HTTP/1.1 200"), said.count(b"HTTP/1.1 422")) == (501, 1)


class Unread:
    """A connection whose client reads as much as is said; its own transport."""

    def __init__(self, *left: int) -> None:
        self.transport, self.left, self.ended = self, list(left), False

    def get_write_buffer_size(self) -> int:
        return 0 if self.ended else self.left.pop(0)

    def abort(self) -> None:
        self.ended = True


def test_an_answer_that_nobody_reads_is_kept_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(0, 900, 4))
    monkeypatch.setattr("mlops_assets.rooms.serve.worker.time.monotonic", lambda: next(now))
    stuck, slow = Unread(*[9] * 9), Unread(*range(9, 0, -1))
    seen: dict[Any, Any] = {}
    for _ in range(9):
        seen = worker._end_unread([stuck, slow], seen)
    assert (stuck.ended, slow.ended) == (True, False)
    assert len(stuck.left) == 4, "after 16 seconds"


def test_a_slow_client_holds_nobody_up(url: str) -> None:
    found = urlsplit(url)
    with socket.create_connection((found.hostname, found.port), timeout=30) as slow:
        slow.sendall(head() + b"{")
        assert ask(url, PREDICT, {"inputs": ROW}).status == 200
