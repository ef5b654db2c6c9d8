"""An answer leaves by one write, and those of a batch leave together."""

from typing import Any, cast

import pytest

from mlops_assets.rooms.serve.outbox import Outbox
from mlops_assets.rooms.serve.wire import OneWrite

HEAD, BODY = b"HTTP/1.1 200 OK\r\n\r\n", b"{}"


class Transport:
    """Keeps what was written, and when it was closed."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.sent.append(b"closed")

    def is_closing(self) -> bool:
        return False


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


def wire(outbox: Outbox) -> tuple[OneWrite, list[bytes]]:
    transport = Transport()
    return OneWrite(cast("Any", transport), outbox), transport.sent


def test_head_and_body_leave_by_one_write_and_a_go_on_at_once(outbox: Outbox) -> None:
    one, sent = wire(outbox)
    one.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert sent == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    one.write(HEAD)
    assert len(sent) == 1
    one.write(BODY)
    one.write(b"more")
    assert sent[1:] == [HEAD + BODY, b"more"]


def test_a_head_without_a_body_leaves_when_the_answer_is_whole(outbox: Outbox) -> None:
    one, sent = wire(outbox)
    one.write(HEAD)
    one.leave()
    one.leave()
    assert sent == [HEAD]


def test_while_an_outbox_is_held_answers_stay_and_leave_in_order_when_the_last_releases_it(outbox: Outbox) -> None:
    (first, one), (second, other) = wire(outbox), wire(outbox)
    outbox.hold()
    outbox.hold()
    for each in (first, second):
        each.write(HEAD)
        each.write(BODY)
        each.leave()
    first.write(b"the next one")
    outbox.release()
    assert (one, other) == ([], [])
    outbox.release()
    assert (one, other) == ([HEAD + BODY + b"the next one"], [HEAD + BODY])
    first.write(HEAD)
    first.write(BODY)
    assert one[1:] == [HEAD + BODY]


def test_a_close_sends_what_was_kept_before_it(outbox: Outbox) -> None:
    one, sent = wire(outbox)
    outbox.hold()
    one.write(HEAD)
    one.write(BODY)
    one.close()
    outbox.release()
    assert sent == [HEAD + BODY, b"closed"]
