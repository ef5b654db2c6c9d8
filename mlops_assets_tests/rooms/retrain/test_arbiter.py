"""The arbiter says yes for a cause, and no for a limit, and always why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlops_assets.rooms.retrain.arbiter import Champion, Evidence, Request, Window, decide, request_key
from mlops_assets.spec.model import Model

NOW = datetime(2013, 5, 31, tzinfo=UTC)
DAY = timedelta(days=1)


def model(**retrain: object) -> Model:
    attributes: dict[str, Any] = {
        "name": "late",
        "target": {"column": "late"},
        "features": ["context"],
        "train": {"min_history": "85d", "min_labels": 500},
        "retrain": {"cooldown": "28d", "min_new_labels": 100, **retrain},
    }
    return Model(**attributes)


def settled(**changes: Any) -> Evidence:
    """A champion in force, nothing unusual, the last request two months ago."""
    evidence = Evidence(
        clock=NOW,
        labels=12_000,
        history=150 * DAY,
        champion=Champion(1, NOW - 90 * DAY),
        last=Request(NOW - 60 * DAY, labels=10_000),
        drift=Window("2013-05", NOW, False, 0.05, 0.1),
        performance=Window("2013-05", NOW, False, 0.70, 0.65),
    )
    return replace(evidence, **changes)


ALARM = Window("2013-05", NOW, True, 0.2, 0.1)


def test_without_a_cause_nothing_is_trained() -> None:
    decision = decide(model(), settled())
    assert not decision.retrain
    assert decision.reason == "no cause as of 2013-05-31 00:00"


def test_the_first_model_waits_for_enough_labels() -> None:
    decision = decide(model(), settled(champion=None, last=None, labels=499))
    assert not decision.retrain
    assert "499 matured labels of 500" in decision.reason


def test_the_first_model_waits_for_enough_history() -> None:
    decision = decide(model(), settled(champion=None, last=None, history=84 * DAY))
    assert not decision.retrain
    assert "84 days of 85" in decision.reason


def test_enough_labels_and_history_are_the_cause_of_the_first_model() -> None:
    decision = decide(model(), settled(champion=None, last=None))
    assert decision.retrain
    assert "new_data" in decision.causes


@pytest.mark.parametrize("cause", ["drift", "performance"])
def test_an_alarm_is_a_cause_and_carries_its_figures(cause: str) -> None:
    decision = decide(model(), settled(**{cause: ALARM}))
    assert decision.retrain
    assert decision.causes == (cause,)
    assert "window 2013-05: 0.2000 against a threshold of 0.1000" in decision.reason


@pytest.mark.parametrize("cause", ["drift", "performance"])
def test_an_alarm_that_the_last_request_has_seen_is_no_cause(cause: str) -> None:
    seen = settled(**{cause: ALARM}, last=Request(NOW, labels=10_000))
    assert not decide(model(), seen).causes


def test_data_doubled_since_the_last_request_is_a_cause() -> None:
    assert decide(model(), settled(labels=20_000)).causes == ("new_data",)
    assert not decide(model(), settled(labels=19_999)).causes


def test_the_schedule_runs_on_the_clock_of_the_data() -> None:
    assert decide(model(every="60d"), settled()).causes == ("schedule",)
    assert not decide(model(every="61d"), settled()).causes


def test_the_cooldown_holds_an_alarm_back_and_says_so() -> None:
    decision = decide(model(), settled(drift=ALARM, last=Request(NOW - 27 * DAY, labels=10_000)))
    assert not decision.retrain
    assert decision.causes == ("drift",)
    assert "cooldown: 27 days since the last request of 28" in decision.reason


def test_too_few_new_labels_hold_an_alarm_back() -> None:
    decision = decide(model(), settled(drift=ALARM, labels=10_099))
    assert not decision.retrain
    assert "too few new labels: 99" in decision.reason


def test_a_demand_does_not_wait() -> None:
    evidence = settled(demands=("new fleet",), last=Request(NOW - DAY, labels=12_000))
    decision = decide(model(), evidence)
    assert decision.retrain
    assert decision.reason == "demand: new fleet"


def test_a_demand_cannot_train_on_too_little() -> None:
    assert not decide(model(), settled(champion=None, last=None, labels=10, demands=("now",))).retrain


def test_a_cause_that_is_switched_off_is_none() -> None:
    assert not decide(model(causes=["schedule"]), settled(drift=ALARM, demands=("now",))).causes


def test_the_same_evidence_is_the_same_request() -> None:
    spec, evidence = model(), settled(drift=ALARM)
    key = request_key(spec, evidence, decide(spec, evidence))
    assert key == request_key(spec, evidence, decide(spec, evidence))
    later = replace(evidence, clock=NOW + DAY)
    assert key != request_key(spec, later, decide(spec, later))
