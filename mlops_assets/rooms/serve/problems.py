"""What a caller did wrong, in a form that a program can read: field, problem and what is allowed, and never a value."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

TITLES: Final = {
    400: "The request cannot be read",
    401: "A bearer token is needed",
    403: "The token's role does not allow this",
    404: "There is no such thing",
    405: "Not this method",
    408: "The request came too slowly",
    409: "Not as things are",
    413: "The body is too large",
    415: "Not this content type",
    421: "Not a name of this service",
    422: "The inputs do not fit the model's schema",
    431: "The head is too large",
    500: "Our own fault",
    503: "Not now",
}


class Problem(Exception):
    """An answer other than 200.

    Attributes:
        status: of HTTP.
        faults: an entry each, with `field`, `problem` and `allowed`.
        step: what to do about it.
        headers: more of them.
    """

    def __init__(
        self,
        status: int,
        *faults: dict[str, Any],
        step: str = "",
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(TITLES[status])
        self.status = status
        self.faults = faults
        self.step = step
        self.headers = tuple(headers)

    def body(self) -> bytes:
        """As `application/problem+json` (RFC 9457)."""
        told: dict[str, Any] = {"type": "about:blank", "title": TITLES[self.status], "status": self.status}
        if self.faults:
            told["errors"] = list(self.faults)
        if self.step:
            told["next"] = self.step
        return msgspec.json.encode(told)


def fault(field: str, problem: str, allowed: Any = None) -> dict[str, Any]:
    """One entry of a problem.

    >>> fault("distance", "not a number", "a number")
    {'field': 'distance', 'problem': 'not a number', 'allowed': 'a number'}
    """
    found = {"field": field[:100], "problem": problem}
    return found if allowed is None else {**found, "allowed": allowed}


def expired(model: str, why: str) -> Problem:
    """The model is too old to answer, as it was declared."""
    return Problem(503, fault("", why), step=f"release another version: mlops retrain {model}")


def busy(reason: str) -> Problem:
    """Not now, and when to come again."""
    return Problem(503, fault("", reason), step="try again", headers=[(b"retry-after", b"1")])
