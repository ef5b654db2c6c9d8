"""The stretch of time that a batch's name stands for."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from mlops_assets.rooms.validate.contract import BatchBreach
from mlops_assets.spec.dataset import Period

_FORMS: Final = {
    "year": (r"\d{4}", "%Y"),
    "month": (r"\d{4}-\d{2}", "%Y-%m"),
    "day": (r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d"),
    "hour": (r"\d{4}-\d{2}-\d{2}[T_]\d{2}", "%Y-%m-%dT%H"),
}


def bounds(period: Period, batch: str) -> tuple[datetime, datetime]:
    """Where the batch's stretch begins (in it) and ends (not in it), in UTC.

    >>> from mlops_assets.spec.dataset import Period
    >>> begin, end = bounds(Period(every="month", timezone="America/New_York"), "2013-03")
    >>> begin.isoformat(), end.isoformat()
    ('2013-03-01T05:00:00+00:00', '2013-04-01T04:00:00+00:00')

    Raises:
        BatchBreach: the batch's name doesn't begin with such a stretch.
    """
    form, layout = _FORMS[period.every]
    match = re.match(rf"({form})(?!\d)", batch)
    try:
        begin = datetime.strptime(match[1].replace("_", "T"), layout) if match else None  # noqa: DTZ007 - a wall clock; its zone is set below
    except ValueError:
        begin = None
    if begin is None:
        raise BatchBreach.because(
            "name",
            f"the name of batch '{batch}' doesn't begin with a {period.every}",
            allowed=f"a name such as {datetime(2013, 1, 1, tzinfo=UTC).strftime(layout)}",
            step="rename the file",
        )
    zone = ZoneInfo(period.timezone)
    return begin.replace(tzinfo=zone).astimezone(UTC), _next(begin, period.every).replace(tzinfo=zone).astimezone(UTC)


def _next(begin: datetime, every: str) -> datetime:
    if every == "year":
        return begin.replace(year=begin.year + 1)
    if every == "month":
        return (begin + timedelta(days=32)).replace(day=1)
    return begin + (timedelta(days=1) if every == "day" else timedelta(hours=1))
