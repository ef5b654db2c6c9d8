"""Which arrival goes next: the oldest that is not settled, one at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """Of one arrival."""

    WAITING = "waiting"
    ON_ITS_WAY = "on its way"
    SETTLED = "settled"


@dataclass(frozen=True)
class Ticket:
    """One arrival in the queue."""

    batch: str
    state: State


@dataclass(frozen=True)
class Turn:
    """Who goes now, and why, or why nobody does."""

    batch: str | None
    reason: str


def turn(tickets: Sequence[Ticket], upstream: Sequence[str] = ()) -> Turn:
    """Choose the batch that goes now.

    Args:
        tickets: the dataset's arrivals, oldest first.
        upstream: arrivals of joined datasets that are not settled yet, as dataset/batch.

    >>> turn([Ticket("2013-01", State.SETTLED), Ticket("2013-02", State.WAITING)])
    Turn(batch='2013-02', reason='2013-02 has arrived')
    >>> turn([Ticket("2013-02", State.WAITING)], ["weather/2013-02"]).reason
    '2013-02 waits for weather/2013-02'
    """
    moving = [t.batch for t in tickets if t.state is State.ON_ITS_WAY]
    if moving:
        return Turn(None, f"{moving[0]} is on its way")
    waiting = [t.batch for t in tickets if t.state is State.WAITING]
    if not waiting:
        return Turn(None, f"nothing new: {len(tickets)} batches are settled")
    if upstream:
        return Turn(None, f"{waiting[0]} waits for {upstream[0]}")
    return Turn(waiting[0], f"{waiting[0]} has arrived")
