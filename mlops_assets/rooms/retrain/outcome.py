"""What came of a request: a better model, a refusal or a failure; the last two call a person."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlops_assets.rooms.evaluate.verdict import Verdict
from mlops_assets.rooms.retrain.channels import Message
from mlops_assets.rooms.retrain.evidence import Evidence, Outcome
from mlops_assets.rooms.retrain.ledger import Ledger
from mlops_assets.rooms.retrain.limits import cooldown
from mlops_assets.rooms.retrain.outbox import notify
from mlops_assets.spec.base import duration_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlops_assets.spec.model import Model
    from mlops_assets.stores.lineage import Record


@dataclass(frozen=True)
class Found:
    """What came of a request.

    Attributes:
        outcome: helped, refused or failed.
        reason: in plain words.
        figures: the decision and the challenger's version, where there are any.
    """

    outcome: Outcome
    reason: str
    figures: dict[str, Any]


def outcome(ledger: Ledger, request: "Record", *, done: bool, run_id: str) -> Found:
    """Of a request whose run is over.

    Args:
        ledger: of the model.
        request: its record.
        done: whether the run succeeded.
        run_id: of that run.
    """
    verdicts = [r for r in ledger.lineage.records("verdict", ledger.model) if r.sequence > request.sequence]
    if not done:
        return Found("failed", f"the retraining failed before it could be released: run {run_id}", {"run": run_id})
    if not verdicts:
        return Found("refused", "nothing new was made: the same challenger has been judged before", {"run": run_id})
    verdict = Verdict.of(verdicts[-1].body)
    figures = {"run": run_id, "decision": verdict.decision, "challenger": verdict.challenger}
    if verdict.accepted:
        took = (
            "is the first model" if verdict.decision == "FIRST_MODEL" else f"took over from version {verdict.champion}"
        )
        return Found("helped", f"version {verdict.challenger} {took}: {verdict.decision}", figures)
    reasons = "; ".join(gate.reason for gate in verdict.failed())
    return Found("refused", f"version {verdict.challenger} was refused: {reasons}", figures)


def consequence(model: "Model", evidence: Evidence) -> str:
    """What a fruitless request has changed for its causes."""
    last = evidence.last
    if last is None or last.outcome in ("", "helped"):
        return ""
    waits = {cause: cooldown(model, evidence, cause) for cause in last.causes if cause != "demand"}
    raised = [f"{cause} {duration_text(wait)}" for cause, wait in waits.items() if wait > model.retrain.cooldown]
    return (
        f"the cooldown is raised: {', '.join(raised)}, from {duration_text(model.retrain.cooldown)}" if raised else ""
    )


def call(
    ledger: Ledger, model: "Model", request: "Record", evidence: Evidence, links: "Sequence[tuple[str, str]]"
) -> None:
    """Call a person when the newest request brought no better model; once a request."""
    closed = ledger.outcome(request)
    if closed is None or closed.body["outcome"] == "helped":
        return
    failed = closed.body["outcome"] == "failed"
    title = f"{model.name}: retraining {'failed' if failed else 'did not help'}"
    why = f"It was asked for because of {request.body['reason']}."
    kept = f"Version {evidence.champion.number} stays in force." if evidence.champion else "There is no champion."
    parts = [f"{_sentence(closed.body['reason'])}.", why, kept, _sentence(consequence(model, evidence))]
    message = Message(title, " ".join(part for part in parts if part), tuple(links))
    notify(ledger.lineage, model.name, closed.body["outcome"], message, about=request.body["key"])


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
