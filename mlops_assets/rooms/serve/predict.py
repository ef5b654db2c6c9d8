"""The hot path: one question in, one answer out."""

import time
from typing import TYPE_CHECKING, Any

import msgspec

from mlops_assets.errors import StoreError
from mlops_assets.rooms.serve.explain import explained
from mlops_assets.rooms.serve.line import Line
from mlops_assets.rooms.serve.problems import Problem, fault
from mlops_assets.rooms.serve.question import Row
from mlops_assets.rooms.serve.served import Served

if TYPE_CHECKING:
    from mlops_assets.rooms.features.recipe import Recipe
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
    """The newest features of a key or a request, and what the log is to hold of them: the key, and the oldest's age.

    Raises:
        Problem: 422 when it has not the right columns, 404 when the features of that key are not known.
    """
    told = served.manifest["online"]
    if (lacking := set(served.asks) - key.keys()) or (key.keys() - {*served.asks, *told["key"]}):
        raise Problem(422, fault("key", f"not the columns of the key{_missing(lacking)}", list(served.asks)))
    values: dict[str, Any] = {}
    ages: list[float] = []
    for part in told["tables"]:
        recipe = served.recipes.get(part["table"])
        if recipe is not None:
            found, old = _made(served, recipe, key, online)
        else:
            found, old = _kept(part["table"], [key[name] for name in told["key"]], online)
        values |= found
        ages += old
    row = tuple(_fed(entry, values.get(entry["name"])) for entry in served.manifest["schema"])
    named = {name: key[name] for name in told["key"] if name in key}
    return row, {**({"key": named} if named else {}), **({"age": max(ages)} if ages else {})}


def _kept(table: str, key: list[Any], online: "OnlineStore") -> tuple[dict[str, Any], list[float]]:
    found = online.get(table, key)
    if found is None:
        raise Problem(404, fault("key", f"nothing is known of it in {table}"), step="give the inputs")
    return found.values, [] if found.event_time is None else [time.time() - found.event_time.timestamp()]


def _made(
    served: Served, recipe: "Recipe", request: dict[str, Any], online: "OnlineStore"
) -> tuple[dict[str, Any], list[float]]:
    """Features made of the request's own columns, judged like inputs, and those of the entities that it names."""
    from mlops_assets.rooms.features.lookup import Lookup

    try:
        [found] = Lookup(online, recipe).of_requests([request])
    except StoreError:
        raise Problem(422, fault("key", "a column is of the wrong type, or out of range", _types(recipe))) from None
    entries = {entry["name"]: entry for entry in served.manifest["schema"]}
    own = {name: _fed(entries[name], found.values[name]) for name in recipe.own if name in entries}
    if faults := served.questions.wrong(own, "key."):
        raise Problem(422, *faults)
    return found.values, [age.total_seconds() for age in found.ages.values() if age is not None]


def _types(recipe: "Recipe") -> dict[str, str]:
    return {name: str(recipe.schema.field(name).type) for name in recipe.needs}


def _missing(names: set[str]) -> str:
    return f"; it lacks {', '.join(sorted(names))}" if names else ""


def _fed(entry: Any, value: Any) -> Any:
    if value is None:
        return None
    return float(value) if entry["kind"] == "number" else str(value)


def unreleased(line: Line) -> Problem:
    """Nothing answers for this model yet."""
    reason = line.problem or f"model '{line.model}' was never released"
    return Problem(503, fault("", reason), step="release it: mlops demo, or materialize its champion in Dagster")
