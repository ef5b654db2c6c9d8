"""The last decisions as rows: when, what, why, and what came of it; for the UI and for `mlops retrain --log`."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from mlops_assets.rooms.retrain.ledger import DECISION, DEMAND, OUTCOME, REQUEST, SWITCH, Ledger
from mlops_assets.stores.lineage import Record

SHOWN: Final = 20
COLUMNS: Final = ("clock", "decision", "causes", "why", "outcome")
KINDS: Final = (DECISION, DEMAND, OUTCOME, REQUEST, SWITCH)

Row = dict[str, str]


def newest(ledger: Ledger) -> int:
    """The number of the newest record that the table shows; 0 while there is none."""
    return max((record.sequence for kind in KINDS for record in ledger.records(kind)[-1:]), default=0)


def decisions(ledger: Ledger, shown: int = SHOWN) -> list[Row]:
    """The newest decisions, a yes with what came of it, the newest first."""
    outcomes = {record.body["request"]: record.body for record in ledger.records(OUTCOME)}
    asked = [_asked(record, outcomes.get(record.body["key"])) for record in ledger.records(REQUEST)]
    refused = [_held(record) for record in ledger.records(DECISION) if not record.body["retrain"]]
    switched = [_switched(record) for record in ledger.records(SWITCH)]
    rows = sorted([*asked, *refused, *switched], key=lambda pair: -pair[0])
    return [row for _, row in rows[:shown]]


def _asked(record: Record, outcome: Mapping[str, Any] | None) -> tuple[int, Row]:
    said = f"{outcome['outcome']}: {outcome['reason']}" if outcome else "open"
    return record.sequence, _row(record.body["clock"], "yes", record.body["causes"], record.body["reason"], said)


def _held(record: Record) -> tuple[int, Row]:
    causes = dict.fromkeys(found["cause"] for found in record.body["findings"])
    return record.sequence, _row(record.body["clock"], "no", causes, record.body["reason"], "")


def _switched(record: Record) -> tuple[int, Row]:
    what = "paused" if record.body["paused"] else "resumed"
    return record.sequence, _row(record.at, what, (), record.body["reason"], "")


def _row(clock: str, decision: str, causes: Iterable[str], why: str, outcome: str) -> Row:
    return dict(zip(COLUMNS, (clock[:16].replace("T", " "), decision, ", ".join(causes), why, outcome), strict=True))
