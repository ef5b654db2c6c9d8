"""The hot path: one question in, one answer out."""

from collections.abc import Awaitable
from typing import Any, Final

import msgspec

from mlops_assets.rooms.serve.explain import explained
from mlops_assets.rooms.serve.line import Line
from mlops_assets.rooms.serve.problems import Problem, fault
from mlops_assets.rooms.serve.served import Served

_UNSET: Final = msgspec.UNSET


def predict(line: Line, body: bytes, began: float) -> Awaitable[bytes]:
    """The answer's JSON, to be awaited.

    Args:
        line: of the model.
        body: the question.
        began: when the request came in, by `time.perf_counter`.

    Raises:
        Problem: the question is wrong, or cannot be answered now.
    """
    served = line.champion
    if served is None:
        raise unreleased(line)
    question = served.questions.one(body)
    if question.client:  # which the log is not to hold
        if line.canary_share:
            served, question = _tried(line, served, question, body)
        body = b""
    if question.inputs is _UNSET or question.explain:
        return _at_length(served, question, began)
    return served.ask(question.inputs, question.id and question.id.encode(), began, body=body)


def _tried(line: Line, served: Served, question: Any, body: bytes) -> tuple[Served, Any]:
    """The canary where the client is its share; the champion where the canary cannot read what the champion can."""
    other = line.answering(question.client)
    if other is None or other is served:
        return served, question
    try:
        return other, other.questions.one(body)
    except Problem:
        line.meter.events[(line.model, "canary_unfit")] += 1
        return served, question


async def _at_length(served: Served, question: Any, began: float) -> bytes:
    """A question by key, or one that is to be explained."""
    inputs, more = question.inputs, None
    if inputs is _UNSET:
        row, more = await served.lookups.one(question.key)
        inputs = served.questions.inputs(*row)
    text = await served.ask(inputs, question.id and question.id.encode(), began, more)
    if not question.explain:
        return text
    row = msgspec.structs.astuple(inputs)
    told = explained(served.manifest["explanation"], served.questions.names, row)
    return text[:-1] + b',"explanation":%b}' % msgspec.json.encode(told)


def unreleased(line: Line) -> Problem:
    """Nothing answers for this model yet."""
    reason = line.problem or f"model '{line.model}' was never released"
    return Problem(503, fault("", reason), step="release it: mlops demo, or materialize its champion in Dagster")
