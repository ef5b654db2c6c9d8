"""The arbiter says yes for a cause, and no for a limit, and always why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlops_assets.rooms.retrain.arbiter import Decision, decide, request_key
from mlops_assets.rooms.retrain.evidence import Champion, Demand, Evidence, Request, Window
from mlops_assets.spec.model import Model

NOW = datetime(2013, 5, 31, tzinfo=UTC)
DAY = timedelta(days=1)
ONE = {"alarms": 1, "windows": 1}


def model(**retrain: object) -> Model:
    attributes: dict[str, Any] = {
        "name": "late",
        "target": {"column": "late"},
        "features": ["context"],
        "train": {"min_history": "85d", "min_labels": 500},
        "expiry": retrain.pop("expiry", None),
        "retrain": {"cooldown": "28d", "min_new_labels": 100, "persistence": ONE, **retrain},
    }
    return Model(**attributes)


def asked(days: int = 60, labels: int = 10_000, **known: Any) -> Request:
    """A request so many days ago."""
    return Request(NOW - days * DAY, labels, **{"causes": ("drift",), "outcome": "helped", **known})


def settled(**changes: Any) -> Evidence:
    """A champion in force, nothing unusual, the last request two months ago."""
    evidence = Evidence(
        clock=NOW,
        labels=12_000,
        history=150 * DAY,
        champion=Champion(1, NOW - 90 * DAY, NOW - 60 * DAY),
        requests=(asked(),),
        drift=(Window("2013-05", NOW, False, 0.05, 0.1),),
        performance=(Window("2013-05", NOW, False, 0.70, 0.65),),
    )
    return replace(evidence, **changes)


def window(name: str, days: int = 0, *, alarm: bool = True, **known: Any) -> Window:
    return Window(name, NOW - days * DAY, alarm, 0.2, 0.1, "score_ks", **known)


def follow(spec: Model, evidence: Evidence) -> tuple[Decision, Evidence]:
    """Decide, and remember a yes as the ledger does."""
    decision = decide(spec, evidence)
    if not decision.retrain:
        return decision, evidence
    return decision, replace(evidence, requests=(*evidence.requests, decision.request(evidence)), demands=())


ALARM = window("2013-05")


def test_without_a_cause_nothing_is_trained() -> None:
    decision = decide(model(), settled())
    assert not decision.retrain
    assert decision.reason == "no cause as of 2013-05-31 00:00"


def test_the_first_model_waits_for_enough_labels() -> None:
    decision = decide(model(), settled(champion=None, requests=(), labels=499))
    assert not decision.retrain
    assert "499 matured labels of 500" in decision.reason


def test_the_first_model_waits_for_enough_history() -> None:
    decision = decide(model(), settled(champion=None, requests=(), history=84 * DAY))
    assert not decision.retrain
    assert "84 days of 85" in decision.reason


def test_enough_labels_and_history_are_the_cause_of_the_first_model() -> None:
    decision = decide(model(), settled(champion=None, requests=()))
    assert decision.retrain
    assert "new_data" in decision.causes


@pytest.mark.parametrize("cause", ["drift", "performance"])
def test_an_alarm_is_a_cause_and_carries_its_figures(cause: str) -> None:
    decision = decide(model(), settled(**{cause: (ALARM,)}))
    assert decision.retrain
    assert decision.causes == (cause,)
    assert "window 2013-05: score_ks 0.2000 against a threshold of 0.1000" in decision.reason
    assert decision.request(settled()).windows == (f"{cause}:2013-05",)


@pytest.mark.parametrize("cause", ["drift", "performance"])
def test_an_alarm_that_a_request_knew_of_is_no_cause_again(cause: str) -> None:
    knew = asked(windows=(f"{cause}:2013-05",))
    assert not decide(model(), settled(**{cause: (ALARM,)}, requests=(knew,))).causes


@pytest.mark.parametrize("cause", ["drift", "performance"])
def test_a_window_with_broken_data_asks_for_nothing_and_says_what_is_to_be_mended(cause: str) -> None:
    broken = window("2013-05", fault="temp (nulls)")
    decision = decide(model(), settled(**{cause: (broken,)}))
    assert not decision.retrain
    assert decision.reason == ("fault: window 2013-05 is broken: temp (nulls); it is to be mended, not learnt from")
    assert not decision.request(settled()).windows


def test_an_alarm_about_a_model_that_was_replaced_is_no_cause() -> None:
    assert not decide(model(), settled(drift=(window("2013-05", version=0),))).causes
    assert decide(model(), settled(drift=(window("2013-05", version=1),))).causes == ("drift",)


def test_late_labels_that_open_an_old_window_again_are_a_cause() -> None:
    late = window("2013-03", 61, judged=NOW)
    calm = window("2013-04", 30, alarm=False)
    assert decide(model(), settled(performance=(late, calm))).causes == ("performance",)


def test_one_alarm_is_not_enough_where_two_of_three_must_agree() -> None:
    spec = model(persistence={"alarms": 2, "windows": 3})
    once = settled(drift=(window("2013-03", 61, alarm=False), window("2013-04", 30, alarm=False), ALARM))
    decision = decide(spec, once)
    assert not decision.retrain
    assert decision.reason == "persistence: 1 of the newest 3 windows alarmed, 2 needed"
    assert decision.causes == ("drift",)
    assert decide(spec, replace(once, drift=(window("2013-03", 61), *once.drift[1:]))).retrain
    far = (window("2013-01", 120), window("2013-02", 90, alarm=False), *once.drift[1:])
    assert not decide(spec, replace(once, drift=far)).retrain


def test_a_persistent_drift_asks_once_a_cooldown_and_ever_less_often_while_it_helps_nothing() -> None:
    """The storm: every one of a hundred weeks alarms, and no challenger is any better."""
    spec, evidence, asked_in = model(budget={"requests": 99}), settled(requests=(), labels=20_000), []
    for week in range(100):
        at = NOW + 7 * week * DAY
        drift = (*evidence.drift, Window(f"week {week:03d}", at, True, 0.2, 0.1, version=1))
        decision, evidence = follow(spec, replace(evidence, clock=at, drift=drift, labels=20_000 + 600 * week))
        if decision.retrain:
            asked_in.append(week)
            refused = replace(evidence.requests[-1], outcome="refused")
            evidence = replace(evidence, requests=(*evidence.requests[:-1], refused))
    assert asked_in == [0, 8, 24, 50, 76]


def test_data_doubled_since_the_last_request_is_a_cause() -> None:
    assert decide(model(), settled(labels=20_000)).causes == ("new_data",)
    assert not decide(model(), settled(labels=19_999)).causes


def test_growth_by_a_third_asks_often_while_a_model_is_young_and_rarely_when_it_is_old() -> None:
    spec = model(new_data=0.33, backoff=1)
    evidence = settled(clock=NOW, labels=3_000, requests=(asked(30, labels=3_000),))
    asked_in = []
    for month in range(1, 25):
        evidence = replace(evidence, clock=NOW + month * 30 * DAY, labels=3_000 + month * 1_000)
        decision, evidence = follow(spec, evidence)
        if decision.retrain:
            asked_in.append(month)
            *earlier, last = evidence.requests
            evidence = replace(evidence, requests=(*earlier, replace(last, outcome="refused")))
    assert asked_in == [1, 3, 5, 8, 12, 17, 24]


def test_the_schedule_runs_on_the_clock_of_the_data() -> None:
    assert decide(model(every="60d"), settled()).causes == ("schedule",)
    assert not decide(model(every="61d"), settled()).causes


@pytest.mark.parametrize("declared", [{"max_age": "60d"}, {"expiry": {"after": "60d", "action": "retrain"}}])
def test_an_old_champion_is_a_cause(declared: dict[str, Any]) -> None:
    assert decide(model(**declared), settled()).causes == ("age",)
    younger = Champion(1, NOW - 90 * DAY, NOW - 59 * DAY)
    assert not decide(model(**declared), settled(champion=younger)).causes


def test_an_expiry_that_only_warns_asks_for_nothing() -> None:
    assert not decide(model(expiry={"after": "60d", "action": "warn"}), settled()).causes


@pytest.mark.parametrize("cause", ["code", "contract"])
def test_a_change_of_code_or_contract_is_a_cause_without_new_labels(cause: str) -> None:
    before: dict[str, Any] = {cause: "aaa"}
    changed = settled(requests=(asked(**before),), labels=10_000, **{cause: "bbb"})
    decision = decide(model(), changed)
    assert decision.retrain
    assert decision.causes == (cause,)
    assert not decide(model(), replace(changed, **before)).causes
    assert not decide(model(), replace(changed, requests=(asked(),))).causes


def test_the_cooldown_holds_an_alarm_back_and_says_so() -> None:
    decision = decide(model(), settled(drift=(ALARM,), requests=(asked(27),)))
    assert not decision.retrain
    assert decision.causes == ("drift",)
    assert "cooldown: 27 days since the last request of 28" in decision.reason


def test_a_cause_that_led_to_nothing_waits_longer_and_another_does_not() -> None:
    refused = asked(40, outcome="refused")
    decision = decide(model(), settled(drift=(ALARM,), requests=(refused,)))
    assert decision.reason == "cooldown: 40 days since the last request of 56, raised as drift has led to nothing once"
    both = decide(model(), settled(drift=(ALARM,), performance=(ALARM,), requests=(refused,)))
    assert both.retrain
    assert both.causes == ("performance",)
    assert both.request(settled()).windows == ("performance:2013-05", "drift:2013-05")


def test_a_better_model_ends_the_raised_cooldown() -> None:
    history = (asked(200, outcome="refused"), asked(100, outcome="failed"), asked(30, outcome="helped"))
    assert decide(model(), settled(drift=(ALARM,), requests=history)).retrain


def test_the_raised_cooldown_has_an_end() -> None:
    history = tuple(asked(180 + 10 * n, outcome="refused") for n in range(9, -1, -1))
    assert decide(model(), settled(drift=(ALARM,), requests=history)).retrain


def test_a_spent_budget_holds_back_until_its_period_is_over() -> None:
    spec = model(budget={"requests": 2, "period": "90d"})
    decision = decide(spec, settled(drift=(ALARM,), requests=(asked(89), asked(50))))
    assert decision.reason == "budget: 2 requests in 90 days, of 2 allowed"
    assert decide(spec, settled(drift=(ALARM,), requests=(asked(90), asked(50)))).retrain


def test_too_few_new_labels_hold_an_alarm_back() -> None:
    decision = decide(model(), settled(drift=(ALARM,), labels=10_099))
    assert not decision.retrain
    assert "too few new labels: 99" in decision.reason


def test_nothing_new_since_the_last_request_is_never_asked_for_again_whatever_limits_are_declared_away() -> None:
    spec = model(cooldown="0d", min_new_labels=0, max_age="30d", budget={"requests": 99})
    decision, evidence = follow(spec, settled())
    assert decision.causes == ("age",)
    again, _ = follow(spec, evidence)
    assert not again.retrain
    assert again.reason.startswith("nothing is new since the last request")
    assert decide(spec, replace(evidence, labels=12_001)).retrain
    assert decide(spec, replace(evidence, code="b", requests=(*evidence.requests[:-1], asked(0, code="a")))).retrain


def test_a_demand_waits_for_no_limit() -> None:
    spec = model(budget={"requests": 1})
    evidence = settled(demands=(Demand(7, "new fleet"),), requests=(asked(1, 12_000),))
    decision = decide(spec, evidence)
    assert decision.retrain
    assert decision.reason == "demand: new fleet"


def test_a_demand_cannot_train_on_too_little() -> None:
    assert not decide(model(), settled(champion=None, requests=(), labels=10, demands=(Demand(7, "now"),))).retrain


def test_the_kill_switch_holds_everything_and_names_what_waits() -> None:
    evidence = settled(drift=(ALARM,), demands=(Demand(7, "now"),))
    by_hand = decide(model(), replace(evidence, paused="the audit"))
    assert not by_hand.retrain
    assert by_hand.reason == "paused: the audit"
    assert by_hand.causes == ("demand", "drift")
    assert not decide(model(paused=True), evidence).retrain


def test_the_order_of_the_declared_causes_is_their_urgency() -> None:
    everything = settled(drift=(ALARM,), performance=(ALARM,), labels=30_000)
    assert decide(model(), everything).causes == ("performance", "drift", "new_data")
    assert decide(model(causes=["new_data", "drift"]), everything).causes == ("new_data", "drift")


def test_a_cause_that_is_switched_off_is_none() -> None:
    evidence = settled(drift=(ALARM,), demands=(Demand(7, "now"),))
    assert not decide(model(causes=["schedule"]), evidence).causes


def test_the_same_evidence_is_the_same_request() -> None:
    spec, evidence = model(), settled(drift=(ALARM,))
    key = request_key(spec, evidence, decide(spec, evidence))
    assert key == request_key(spec, evidence, decide(spec, evidence))
    later = replace(evidence, clock=NOW + DAY)
    assert key != request_key(spec, later, decide(spec, later))
    asked_before = replace(evidence, requests=(*evidence.requests, asked(59)))
    assert key != request_key(spec, asked_before, decide(spec, evidence))
