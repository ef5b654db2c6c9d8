"""What a worker notes in lists arrives at Prometheus as if it had been observed one by one."""

from prometheus_client import REGISTRY, Histogram

from mlops_assets.rooms.serve import meter


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"model": "metered", "version": "3", **labels})


def test_answers_are_counted_once_by_bucket_and_by_value() -> None:
    found = meter.Meter()
    noted = found.of("metered", "3", "champion")
    noted.seconds.extend([0.0005, 0.02, 9.0])
    noted.scores.extend([0.1, 0.55, 0.95])
    noted.said.extend([False, True, True])
    for _ in range(2):
        found.hand_over()
    assert value("mlops_requests_total", role="champion", status="200") == 3
    assert [value("mlops_request_seconds_bucket", le=le) for le in ("0.0005", "0.01", "0.025", "+Inf")] == [1, 1, 2, 3]
    assert value("mlops_request_seconds_sum") == 0.0005 + 0.02 + 9.0
    assert [value("mlops_scores_bucket", le=le) for le in ("0.1", "0.6", "+Inf")] == [1, 2, 3]
    assert [value("mlops_answers_total", answer=said) for said in ("True", "False")] == [2, 1]
    assert found.of("metered", "3", "champion") is noted
    assert noted.seconds == []


def test_values_of_a_regression_are_no_classes() -> None:
    found = meter.Meter()
    found.of("metered", "4", "champion").said.append(12.5)
    found.of("metered", "4", "champion").seconds.append(0.1)
    found.hand_over()
    assert (
        REGISTRY.get_sample_value("mlops_answers_total", {"model": "metered", "version": "4", "answer": "12.5"}) is None
    )


def test_prometheus_still_keeps_a_histogram_as_it_is_filled_here() -> None:
    histogram = Histogram("of_test_meter", "Both ways.", buckets=meter.SECONDS, registry=None)
    for seconds in (0.0005, 0.003, 4.0):
        histogram.observe(seconds)
    other = Histogram("of_test_meter", "Both ways.", buckets=meter.SECONDS, registry=None)
    meter._add(other, meter.SECONDS, [0.0005, 0.003, 4.0])
    told = [
        [
            (sample.name, sample.labels, sample.value)
            for each in h.collect()
            for sample in each.samples
            if not sample.name.endswith("_created")
        ]
        for h in (histogram, other)
    ]
    assert told[0] == told[1]
