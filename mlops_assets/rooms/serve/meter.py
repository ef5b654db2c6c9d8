"""Figures of a worker: kept as plain lists while requests go by, and handed to Prometheus five times a second.

An observation in prometheus-client's multi-process mode costs 3 us, twice a request; a number at the end of a list
costs nothing, and NumPy counts thousands at once.
"""

from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SCORES: Final = tuple(place / 10 for place in range(1, 10))


@dataclass(frozen=True)
class Answers:
    """What one version has answered since it was last handed over, a value an answer in each list.

    Attributes:
        seconds: that it took; of many in one request a single value.
        scores: of the answers.
        said: what was answered; what is counted by value is a truth or a name.
    """

    seconds: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    said: list[Any] = field(default_factory=list)


class Meter:
    """What a worker has counted since it was last asked."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.requests: Tally[tuple[str, str, str, str]] = Tally()
        """By model, version, role and status; the answered ones stand in `of`."""
        self.events: Tally[tuple[str, str]] = Tally()
        """By model and what happened: refused_bundle, swap, shadow_dropped, rollback, log_failed, feedback."""
        self.failed: Tally[tuple[str, str, int]] = Tally()
        """By model, version and status: what was not answered, also by a challenger, until the log has it."""
        self.in_flight = 0
        self._answers: dict[tuple[str, str, str], Answers] = {}

    def of(self, model: str, version: str, role: str) -> Answers:
        """Where a version notes its answers; the lists stay the same, so that it looks nothing up a request."""
        return self._answers.setdefault((model, version, role), Answers())

    def hand_over(self) -> None:
        """Add everything to Prometheus' own counters."""
        known = _instruments()
        for (model, version, role), answers in self._answers.items():
            if any(vars(answers).values()):
                _hand_over(known, (model, version), role, answers)
        for name, tally in (("requests", self.requests), ("events", self.events)):
            for labels, count in tally.items():
                known[name].labels(*labels).inc(count)
            tally.clear()
        known["in_flight"].set(self.in_flight)


def _hand_over(known: dict[str, Any], labels: tuple[str, str], role: str, answers: Answers) -> None:
    known["requests"].labels(*labels, role, "200").inc(len(answers.seconds))
    _add(known["seconds"].labels(*labels), SECONDS, answers.seconds)
    _add(known["scores"].labels(*labels), SCORES, answers.scores)
    for said, count in Tally(answers.said).items():
        if isinstance(said, bool | str):
            known["answers"].labels(*labels, str(said)).inc(count)
    for values in vars(answers).values():
        values.clear()


def live(model: str, role: str, version: int, *, healthy: bool) -> None:
    """Say which version answers, and whether the newest release could be taken."""
    known = _instruments()
    known["version"].labels(model, role).set(version)
    known["healthy"].labels(model).set(int(healthy))


def exposition() -> bytes:
    """All workers' figures, as Prometheus reads them."""
    import os

    from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # it has no types
    return generate_latest(registry)


def _add(histogram: Any, bounds: Sequence[float], values: Sequence[float]) -> None:
    """Many observations at once, which the public interface does not have; `test_meter` guards the two names."""
    import numpy as np

    places = np.searchsorted(bounds, values)
    for place, count in enumerate(np.bincount(places, minlength=len(bounds) + 1).tolist()):
        if count:
            histogram._buckets[place].inc(count)  # noqa: SLF001 - see above
    histogram._sum.inc(sum(values))  # noqa: SLF001 - see above


@cache
def _instruments() -> dict[str, Any]:
    from prometheus_client import Counter, Gauge, Histogram

    by = ["model", "version"]
    return {
        "requests": Counter("mlops_requests", "Requests by status.", [*by, "role", "status"]),
        "answers": Counter("mlops_answers", "Answers by class.", [*by, "answer"]),
        "events": Counter("mlops_events", "Swaps, refused bundles, drops, rollbacks and feedback.", ["model", "event"]),
        "seconds": Histogram("mlops_request_seconds", "From the first byte to the answer.", by, buckets=SECONDS),
        "scores": Histogram("mlops_scores", "Scores.", by, buckets=SCORES),
        "in_flight": Gauge("mlops_in_flight", "Requests under way.", multiprocess_mode="livesum"),
        "version": Gauge(
            "mlops_live_version", "The version that answers.", ["model", "role"], multiprocess_mode="livemax"
        ),
        "healthy": Gauge(
            "mlops_bundle_healthy", "Whether the newest release is served.", ["model"], multiprocess_mode="livemin"
        ),
    }
