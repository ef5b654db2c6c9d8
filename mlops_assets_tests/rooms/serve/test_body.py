"""A body is read whole, or its client is told why not."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from mlops_assets.rooms.serve import body, worker
from mlops_assets.rooms.serve.columns import JSON
from mlops_assets.rooms.serve.problems import Problem

HEADERS = {b"content-type": b"application/json"}


def read(*parts: bytes, ends: bool = True, seconds: float = 9.0) -> bytes:
    """Read a body that comes in parts; of one that never ends the last comes again and again."""
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages[-1]["more_body"] = not ends

    async def receive() -> Any:
        return messages.pop(0) if len(messages) > 1 else messages[0]

    return asyncio.run(body.read(receive, HEADERS, 10, JSON, seconds=seconds))


def test_a_body_is_the_same_whole_and_in_parts() -> None:
    assert read(b"{}") == read(b"{", b"", b"}") == b"{}"
    assert read(b"") == b""


def test_a_body_that_grows_beyond_the_limit_is_refused() -> None:
    for parts in ([b"x" * 11], [b"x" * 6, b"x" * 5], [b"x" * 11, b""]):
        with pytest.raises(Problem) as found:
            read(*parts)
        assert found.value.status == 413


def test_a_body_that_does_not_come_whole_in_time_is_told_so() -> None:
    with pytest.raises(Problem) as found:
        read(b"", ends=False, seconds=0.0)
    assert (found.value.status, found.value.faults[0]["problem"]) == (408, "the body did not come whole in time")
    assert body.CLOSE in found.value.headers


def test_a_client_that_went_away_is_told_nothing() -> None:
    async def gone() -> Any:
        return {"type": "http.disconnect"}

    with pytest.raises(body.Gone):
        asyncio.run(body.read(gone, HEADERS, 10, JSON))


def test_the_server_wakes_those_alone_who_wait_for_the_rest_of_a_body() -> None:
    def connection(**cycle: bool) -> Any:
        return SimpleNamespace(cycle=SimpleNamespace(message_event=asyncio.Event(), **cycle))

    waiting = connection(more_body=True, response_complete=False)
    others = [connection(more_body=False, response_complete=False), connection(more_body=True, response_complete=True)]
    worker._wake_readers([waiting, *others, SimpleNamespace(cycle=None)])
    assert [each.cycle.message_event.is_set() for each in (waiting, *others)] == [True, False, False]
