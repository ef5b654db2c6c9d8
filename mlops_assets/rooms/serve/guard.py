"""What a release must keep to while it serves: when it breaks it, the release before is served again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any


@dataclass
class Record:
    """What a version did since it was loaded.

    Attributes:
        answered: questions.
        failed: by the version's own fault.
        seconds: that the answers to single questions took.
        score: the sum of all scores.
        alone: single questions that were answered; a row among many waits for the others.
    """

    answered: int = 0
    failed: int = 0
    seconds: float = 0.0
    score: float = 0.0
    alone: int = 0

    def add(self, answered: int, seconds: float, score: float, *, alone: bool) -> None:
        """Count answers, with the sums of their times and scores."""
        self.answered += answered
        self.score += score
        if alone:
            self.alone += answered
            self.seconds += seconds

    @property
    def asked(self) -> int:
        """All questions."""
        return self.answered + self.failed


def broken(guard: Mapping[str, Any], now: Record, before: Record, pace: Callable[[], float] = lambda: inf) -> str:
    """Why a release breaks its guard; empty while it keeps to it, or while too few were asked.

    Args:
        guard: as it was declared.
        now: what the release did.
        before: what the release before did.
        pace: how many times as long as the one before it takes for the very same rows; asked only when its answers
            were slow, for a slow client, a look-up or other questions may be why.

    >>> guard = {"max_error_rate": 0.1, "max_latency_ratio": None, "max_score_shift": None, "min_requests": 20}
    >>> broken(guard, Record(answered=10, failed=10), Record(answered=100))
    '50.0% of 20 requests failed, allowed 10.0%'
    """
    few = guard["min_requests"]
    if now.asked < few:
        return ""
    allowed = guard["max_error_rate"]
    if allowed is not None and now.failed / now.asked > allowed:
        return f"{now.failed / now.asked:.1%} of {now.asked} requests failed, allowed {allowed:.1%}"
    if not now.answered or before.answered < few:
        return ""
    return _slower(guard["max_latency_ratio"], now, before, few, pace) or _shifted(
        guard["max_score_shift"], now, before
    )


def _slower(allowed: float | None, now: Record, before: Record, few: int, pace: Callable[[], float]) -> str:
    if allowed is None or min(now.alone, before.alone) < few:
        return ""
    ratio = (now.seconds / now.alone) / max(before.seconds / before.alone, 1e-9)
    if ratio <= allowed or pace() <= allowed:
        return ""
    return f"an answer takes {ratio:.2f} times as long as before, allowed {allowed:g}"


def _shifted(allowed: float | None, now: Record, before: Record) -> str:
    shift = abs(now.score / now.answered - before.score / before.answered)
    if allowed is None or shift <= allowed:
        return ""
    return f"the mean score moved by {shift:.4f}, allowed {allowed:g}"
