"""The ledger of a model's retraining: what was asked, decided and come of it, in the append-only lineage."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from mlops_assets.rooms.retrain.arbiter import Decision
from mlops_assets.rooms.retrain.evidence import Demand, Evidence, Outcome, Request
from mlops_assets.stores.lineage import Lineage, Record

DEMAND: Final = "demand"
REQUEST: Final = "retrain_request"
OUTCOME: Final = "retrain_outcome"
SWITCH: Final = "retrain_switch"
DECISION: Final = "retrain_decision"


class Ledger:
    """What is recorded of the retraining of one model."""

    def __init__(self, lineage: Lineage, model: str) -> None:
        """Read and write the records of this model."""
        self.lineage = lineage
        self.model = model

    def records(self, kind: str) -> list[Record]:
        """Of a kind, oldest first."""
        return self.lineage.records(kind=kind, subject=self.model)

    def wish(self, reason: str) -> Record:
        """Write a person's demand down."""
        return self.lineage.append(DEMAND, self.model, {"reason": reason})

    def demands(self) -> tuple[Demand, ...]:
        """A person's wishes that no request has answered; one that came while a request was being made still waits."""
        requests = self.records(REQUEST)
        answered = {number for request in requests for number in request.body.get("answers", ())}
        waiting = [demand for demand in self.records(DEMAND) if demand.sequence not in answered]
        return tuple(Demand(demand.sequence, demand.body["reason"]) for demand in waiting)

    def requests(self) -> tuple[Request, ...]:
        """Every request with its outcome, oldest first."""
        outcomes = {record.body["request"]: record.body["outcome"] for record in self.records(OUTCOME)}
        return tuple(_request(record.body, outcomes.get(record.body["key"], "")) for record in self.records(REQUEST))

    def newest(self) -> Record | None:
        """The newest request."""
        return self.lineage.latest(REQUEST, self.model)

    def outcome(self, request: Record) -> Record | None:
        """What came of a request; None while it is open."""
        key = request.body["key"]
        return next((record for record in self.records(OUTCOME) if record.body["request"] == key), None)

    def ask(self, key: str, evidence: Evidence, decision: Decision) -> Record:
        """Write a request down; where another one has followed the newest that the evidence knew of, that one stands.

        So that of two who decide at the same time only one asks.
        """
        made = decision.request(evidence)
        body = {
            "key": key,
            "clock": made.clock.isoformat(),
            "labels": made.labels,
            "causes": list(made.causes),
            "windows": list(made.windows),
            "code": made.code,
            "contract": made.contract,
            "reason": decision.reason,
            "findings": findings(decision),
            "answers": [demand.number for demand in evidence.demands],
            "champion": evidence.champion.number if evidence.champion else None,
        }
        return self.lineage.append(REQUEST, self.model, body, once=f"{REQUEST}:{self.model}:{len(evidence.requests)}")

    def close(self, request: Record, outcome: Outcome, reason: str, **figures: Any) -> Record:
        """Write down what came of a request, once."""
        key = request.body["key"]
        body = {"request": key, "outcome": outcome, "reason": reason, **figures}
        return self.lineage.append(OUTCOME, self.model, body, once=f"{OUTCOME}:{self.model}:{key}")

    def decided(self, evidence: Evidence, decision: Decision) -> Record | None:
        """Write a decision down unless the newest one says the same of the same labels; whether it was written."""
        body = {
            "retrain": decision.retrain,
            "reason": decision.reason,
            "clock": evidence.clock.isoformat(),
            "labels": evidence.labels,
            "findings": findings(decision),
        }
        last = self.lineage.latest(DECISION, self.model)
        if last is not None and _gist(last.body) == _gist(body):
            return None
        after = last.sequence if last else 0
        return self.lineage.append(DECISION, self.model, body, once=f"{DECISION}:{self.model}:{after}")

    def paused(self) -> str:
        """Why the model is paused; empty when it is not."""
        last = self.lineage.latest(SWITCH, self.model)
        return str(last.body["reason"]) if last and last.body["paused"] else ""

    def switch(self, *, paused: bool, reason: str) -> Record:
        """Pause or resume."""
        return self.lineage.append(SWITCH, self.model, {"paused": paused, "reason": reason})


def findings(decision: Decision) -> list[dict[str, Any]]:
    """The causes of a decision, as records keep them."""
    return [
        {"cause": f.cause, "evidence": f.evidence, "held": f.held, "windows": list(f.windows)}
        for f in decision.findings
    ]


def _gist(body: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a decision says apart from the time of day: a tick every few seconds must not fill the ledger."""
    limits = [(found["cause"], found["evidence"], found["held"].partition(":")[0]) for found in body["findings"]]
    return (body["retrain"], body["labels"], limits)


def _request(body: Mapping[str, Any], outcome: Outcome) -> Request:
    return Request(
        clock=datetime.fromisoformat(body["clock"]),
        labels=int(body["labels"]),
        causes=tuple(body["causes"]),
        windows=tuple(body.get("windows", ())),
        outcome=outcome,
        code=body.get("code", ""),
        contract=body.get("contract", ""),
    )
