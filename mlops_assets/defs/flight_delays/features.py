"""Features of a flight's schedule as Ibis expressions: the same text for every engine that Ibis speaks."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis.expr.types as ir

DAY = 24 * 60
"""Minutes."""


def schedule(flights: "ir.Table") -> "dict[str, ir.Value]":
    """When a flight is to leave, and how long it is to take, in minutes.

    `scheduled_minutes` is read off two clocks, the origin's and the destination's: the hours between them are the same
    for a route all year, so a model that knows the route is not harmed.

    Args:
        flights: what is known of each flight at its scheduled departure.

    Returns:
        `minute_of_day` on the origin's clock, and `scheduled_minutes` from there to the destination's, 0 to 1439.
    """
    departs = flights.hour.cast("float64") * 60 + flights.minute
    arrives = (flights.sched_arr_time.cast("float64") / 100).floor() * 60 + flights.sched_arr_time % 100
    return {"minute_of_day": departs, "scheduled_minutes": (arrives - departs + DAY) % DAY}
