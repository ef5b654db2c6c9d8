"""Figures of a worker: counted in plain numbers as requests go by, and handed to Prometheus four times a second.

An observation in prometheus-client's multi-process mode costs 3 us, twice a request; a number in a list costs nothing.
"""

from bisect import bisect_left
from collections import Counter as Tally
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SCORES: Final = tuple(place / 10 for place in range(1, 10))


@dataclass
class Spread:
    """A histogram that was not handed over yet."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        """One bucket more than there are bounds."""
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Meter:
    """What a worker has counted since it was last asked."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.requests: Tally[tuple[str, str, str, str]] = Tally()
        """By model, version, role and status."""
        self.answers: Tally[tuple[str, str, str]] = Tally()
        """By model, version and answer; of a regression there are none."""
        self.seconds: dict[tuple[str, str], Spread] = defaultdict(lambda: Spread(SECONDS))
        self.scores: dict[tuple[str, str], Spread] = defaultdict(lambda: Spread(SCORES))
        self.events: Tally[tuple[str, str]] = Tally()
        """By model and what happened: refused_bundle, swap, shadow_dropped, rollback, log_failed."""
        self.in_flight = 0

    def hand_over(self) -> None:
        """Add everything to Prometheus' own counters."""
        known = _instruments()
        tallies: dict[str, Tally[Any]] = {"requests": self.requests, "answers": self.answers, "events": self.events}
        for name, tally in tallies.items():
            for labels, count in tally.items():
                known[name].labels(*labels).inc(count)
            tally.clear()
        for name, spreads in (("seconds", self.seconds), ("scores", self.scores)):
            for labels, spread in spreads.items():
                _add(known[name].labels(*labels), spread)
            spreads.clear()
        known["in_flight"].set(self.in_flight)


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


def _add(histogram: Any, spread: Spread) -> None:
    """Many observations at once, which the public interface does not have; `test_meter` guards the two names."""
    for place, count in enumerate(spread.counts):
        if count:
            histogram._buckets[place].inc(count)  # noqa: SLF001 - see above
    histogram._sum.inc(spread.total)  # noqa: SLF001 - see above


@cache
def _instruments() -> dict[str, Any]:
    from prometheus_client import Counter, Gauge, Histogram

    by = ["model", "version"]
    return {
        "requests": Counter("mlops_requests", "Requests by status.", [*by, "role", "status"]),
        "answers": Counter("mlops_answers", "Answers by class.", [*by, "answer"]),
        "events": Counter("mlops_events", "Swaps, refused bundles, drops and rollbacks.", ["model", "event"]),
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
