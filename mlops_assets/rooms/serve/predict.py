"""The hot path: one question in, one answer out."""

import time
from typing import TYPE_CHECKING, Any

import msgspec

from mlops_assets.rooms.serve.explain import explained
from mlops_assets.rooms.serve.line import Line
from mlops_assets.rooms.serve.problems import Problem, fault
from mlops_assets.rooms.serve.question import Row
from mlops_assets.rooms.serve.served import Served

if TYPE_CHECKING:
    from mlops_assets.stores.online import OnlineStore

_UNSET = msgspec.UNSET


async def predict(line: Line, body: bytes, online: "OnlineStore", began: float) -> bytes:
    """The answer's JSON.

    Args:
        line: of the model.
        body: the question.
        online: where the features of a key are.
        began: when the request came in, by `time.perf_counter`.

    Raises:
        Problem: the question is wrong, or cannot be answered now.
    """
    served = line.champion
    if served is None:
        raise unreleased(line)
    question = served.questions.one(body)
    if question.client and line.canary_share:
        served = line.answering(question.client) or served
        if served is not line.champion:
            question = served.questions.one(body)
    more: dict[str, Any] = {}
    if question.inputs is _UNSET:
        row, more = looked_up(served, question.key, online)
    else:
        row = msgspec.structs.astuple(question.inputs)
    text = await served.ask(row, name=question.id or "", began=began, more=more)
    if not question.explain:
        return text + b"}"
    told = explained(served.manifest["explanation"], served.questions.names, row)
    return text + b',"explanation":%s}' % msgspec.json.encode(told)


def looked_up(served: Served, key: dict[str, Any], online: "OnlineStore") -> tuple[Row, dict[str, Any]]:
    """The newest features of a key, and what the log is to hold of them: the key, and the age of the oldest.

    Raises:
        Problem: 422 when the key has not the right columns, 404 when the features of that key are not known.
    """
    told = served.manifest["online"]
    if sorted(key) != sorted(told["key"]):
        raise Problem(422, fault("key", "not the columns of the key", told["key"]))
    values: dict[str, Any] = {}
    ages = []
    for part in told["tables"]:
        found = online.get(part["table"], [key[name] for name in told["key"]])
        if found is None:
            raise Problem(404, fault("key", f"nothing is known of it in {part['table']}"), step="give the inputs")
        values |= found.values
        if found.event_time is not None:
            ages.append(time.time() - found.event_time.timestamp())
    row = tuple(_fed(entry, values.get(entry["name"])) for entry in served.manifest["schema"])
    return row, {"key": key, **({"age": max(ages)} if ages else {})}


def _fed(entry: Any, value: Any) -> Any:
    if value is None:
        return None
    return float(value) if entry["kind"] == "number" else str(value)


def unreleased(line: Line) -> Problem:
    """Nothing answers for this model yet."""
    reason = line.problem or f"model '{line.model}' was never released"
    return Problem(503, fault("", reason), step="release it: mlops demo, or materialize its champion in Dagster")
