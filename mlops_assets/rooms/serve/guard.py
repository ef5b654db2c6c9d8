"""What a release must keep to while it serves: when it breaks it, the release before is served again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class Record:
    """What a version did since it was loaded."""

    answered: int = 0
    failed: int = 0
    seconds: float = 0.0
    score: float = 0.0

    def add(self, answered: int, seconds: float, score: float) -> None:
        """Count answers, with the sums of their times and scores."""
        self.answered += answered
        self.seconds += seconds
        self.score += score

    @property
    def asked(self) -> int:
        """All questions."""
        return self.answered + self.failed


def broken(guard: Mapping[str, Any], now: Record, before: Record) -> str:
    """Why a release breaks its guard; empty while it keeps to it, or while too few were asked.

    >>> guard = {"max_error_rate": 0.1, "max_latency_ratio": None, "max_score_shift": None, "min_requests": 20}
    >>> broken(guard, Record(answered=10, failed=10), Record(answered=100))
    '50.0% of 20 requests failed, allowed 10.0%'
    """
    if now.asked < guard["min_requests"]:
        return ""
    allowed = guard["max_error_rate"]
    if allowed is not None and now.failed / now.asked > allowed:
        return f"{now.failed / now.asked:.1%} of {now.asked} requests failed, allowed {allowed:.1%}"
    if not now.answered or before.answered < guard["min_requests"]:
        return ""
    ratio = (now.seconds / now.answered) / max(before.seconds / before.answered, 1e-9)
    if guard["max_latency_ratio"] is not None and ratio > guard["max_latency_ratio"]:
        return f"an answer takes {ratio:.2f} times as long as before, allowed {guard['max_latency_ratio']:g}"
    shift = abs(now.score / now.answered - before.score / before.answered)
    if guard["max_score_shift"] is not None and shift > guard["max_score_shift"]:
        return f"the mean score moved by {shift:.4f}, allowed {guard['max_score_shift']:g}"
    return ""
