"""The ledger loses nothing and doubles nothing: demands, requests, outcomes, launches."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlops_assets.rooms.retrain import claim as claims
from mlops_assets.rooms.retrain.arbiter import decide, request_key
from mlops_assets.rooms.retrain.channels import Message
from mlops_assets.rooms.retrain.claim import claim
from mlops_assets.rooms.retrain.evidence import Evidence
from mlops_assets.rooms.retrain.ledger import DECISION, DEMAND, REQUEST, Ledger
from mlops_assets.rooms.retrain.outbox import NOTIFICATION, notify
from mlops_assets.rooms.retrain.table import decisions
from mlops_assets.stores.lineage import Record, SqliteLineage
from mlops_assets_tests.rooms.retrain.test_arbiter import ALARM, NOW, model, settled


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(SqliteLineage(tmp_path / "lineage.db"), "late")


def ask(ledger: Ledger, evidence: Evidence) -> Record:
    decision = decide(model(), evidence)
    assert decision.retrain
    return ledger.ask(request_key(model(), evidence, decision), evidence, decision)


def known(ledger: Ledger) -> Evidence:
    """Alarming evidence, with what the ledger knows."""
    return settled(drift=(ALARM,), requests=ledger.requests(), demands=ledger.demands())


def test_two_that_decide_at_the_same_time_make_one_request(ledger: Ledger) -> None:
    one = known(ledger)
    other = replace(one, clock=NOW + timedelta(hours=1), labels=12_001)
    assert ask(ledger, one) == ask(ledger, other)
    assert len(ledger.records(REQUEST)) == 1
    assert ledger.requests()[0].windows == ("drift:2013-05",)


def test_the_next_request_can_follow_once_the_last_is_known(ledger: Ledger) -> None:
    first = ask(ledger, known(ledger))
    later = replace(known(ledger), clock=NOW + timedelta(days=60), labels=40_000)
    assert ask(ledger, later) != first
    assert len(ledger.records(REQUEST)) == 2


def test_a_demand_waits_until_a_request_answers_it_also_when_it_came_in_between(ledger: Ledger) -> None:
    ledger.wish("first")
    evidence = known(ledger)
    ledger.wish("while the other was being answered")
    ask(ledger, evidence)
    assert [demand.reason for demand in ledger.demands()] == ["while the other was being answered"]
    assert len(ledger.records(DEMAND)) == 2


def test_an_outcome_is_written_once(ledger: Ledger) -> None:
    request = ask(ledger, known(ledger))
    assert ledger.outcome(request) is None
    assert ledger.close(request, "refused", "no better") == ledger.close(request, "helped", "second thoughts")
    assert ledger.requests()[0].outcome == "refused"


def test_a_decision_is_written_when_it_changes_and_not_at_every_tick(ledger: Ledger) -> None:
    evidence = settled()
    for minutes in range(5):
        later = replace(evidence, clock=NOW + timedelta(minutes=minutes))
        ledger.decided(later, decide(model(), later))
    assert len(ledger.records(DECISION)) == 1
    alarmed = settled(drift=(ALARM,), requests=(replace(settled().requests[0], clock=NOW - timedelta(days=1)),))
    assert ledger.decided(alarmed, decide(model(), alarmed)) is not None
    assert decisions(ledger)[0]["why"].startswith("cooldown: 1 days")


def test_pause_and_resume_leave_their_reasons(ledger: Ledger) -> None:
    assert ledger.paused() == ""
    ledger.switch(paused=True, reason="the audit")
    assert ledger.paused() == "the audit"
    ledger.switch(paused=False, reason="over")
    assert ledger.paused() == ""
    assert [row["decision"] for row in decisions(ledger)] == ["resumed", "paused"]


def test_of_two_daemons_one_launches_a_run(ledger: Ledger) -> None:
    assert claim(ledger.lineage, "late", "abc", 1)
    assert not claim(ledger.lineage, "late", "abc", 1)
    assert claim(ledger.lineage, "late", "abc", 2)


def test_two_daemons_in_one_process_do_not_both_launch(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "_standing", lambda *_: None)
    assert [claim(ledger.lineage, "late", "abc", 1) for _ in range(3)] == [True, False, False]


def test_another_takes_over_when_the_one_that_was_to_launch_is_dead(ledger: Ledger) -> None:
    host = claims.myself().rsplit(":", 2)[0]
    assert claim(ledger.lineage, "late", "abc", 1, who=f"{host}:999999999:1")
    assert claim(ledger.lineage, "late", "abc", 1)


def test_a_launch_that_took_too_long_is_taken_over(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    assert claim(ledger.lineage, "late", "abc", 1)
    monkeypatch.setattr(claims, "LEASE", timedelta(0))
    assert claim(ledger.lineage, "late", "abc", 1)


def test_a_person_is_told_of_an_event_once(ledger: Ledger) -> None:
    for _ in range(3):
        notify(ledger.lineage, "late", "refused", Message("late: no better", "It is so."), about="abc")
    assert len(ledger.records(NOTIFICATION)) == 1
    assert datetime.fromisoformat(ledger.records(NOTIFICATION)[0].at) <= datetime.now(UTC)
