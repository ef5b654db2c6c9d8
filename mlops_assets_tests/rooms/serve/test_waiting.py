"""Questions that come together are answered together, and one alone waits for nobody."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from mlops_assets.rooms.serve.waiting import LONGEST, Asked, Waiting

INPUTS = msgspec.defstruct("Inputs", [])()


class Line:
    """A line whose batches are kept, by the names of their questions."""

    def __init__(self, limit: int) -> None:
        self.batches: list[list[bytes]] = []
        self.waiting = Waiting(limit, self._answer)

    def _answer(self, batch: Sequence[Asked]) -> None:
        self.batches.append([name for _, name, *_ in batch])

    def put(self, *names: bytes, ago: float = 0.0) -> None:
        for name in names:
            self.waiting.put(INPUTS, name, time.perf_counter() - ago, None, b"")


async def turns(line: Line, *each: Sequence[bytes], ago: float) -> list[list[bytes]]:
    """Put questions in, some a turn of the loop, and let it come to rest."""
    for names in each:
        line.put(*names, ago=ago)
        await asyncio.sleep(0)
    for _ in range(9):
        await asyncio.sleep(0)
    return line.batches


def answered(limit: int, *each: Sequence[bytes], ago: float = -60.0) -> Any:
    """The batches of questions that began so long ago; by default none is old before all are put."""

    async def begun() -> list[list[bytes]]:
        return await turns(Line(limit), *each, ago=ago)

    return asyncio.run(begun())


def test_a_batch_is_what_comes_in_until_a_turn_brings_nothing() -> None:
    assert answered(64, [b"a"]) == [[b"a"]]
    assert answered(64, [b"a", b"b"], [b"c"], [b"d"]) == [[b"a", b"b", b"c", b"d"]]
    assert answered(64, [b"a"], [], [], [b"b"]) == [[b"a"], [b"b"]]


def test_a_full_batch_waits_no_longer() -> None:
    assert answered(2, [b"a", b"b", b"c", b"d", b"e"]) == [[b"a", b"b"], [b"c", b"d"], [b"e"]]
    found = answered(3, *[[b"%d" % number] for number in range(9)])
    assert [name for batch in found for name in batch] == [b"%d" % number for number in range(9)]
    assert max(map(len, found)) == 3


def test_turns_that_take_long_are_not_waited_for() -> None:
    assert answered(64, [b"a"], [b"b"], [b"c"], ago=LONGEST) == [[b"a"], [b"b"], [b"c"]]
