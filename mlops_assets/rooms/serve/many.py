"""Many questions in one body, answered in order; single questions go between."""

import asyncio
from collections.abc import Sequence

import msgspec

from mlops_assets.rooms.serve import columns
from mlops_assets.rooms.serve.lookups import Found
from mlops_assets.rooms.serve.problems import Problem
from mlops_assets.rooms.serve.question import MANY, Many
from mlops_assets.rooms.serve.served import Served


async def predict_many(served: Served, body: bytes, kind: bytes, began: float) -> bytes:
    """The answers' JSON.

    Args:
        served: who answers.
        body: rows of inputs, or keys.
        kind: its content type, one of `columns.KINDS`.
        began: when the request came in, by `time.perf_counter`.

    Raises:
        Problem: a question is wrong, or none can be answered now; no row is answered then.
    """
    asked = await asyncio.to_thread(columns.read, served.questions, body, kind, served.lookups.asks)
    if asked.keys:
        found = await asyncio.to_thread(_looked_up, served, asked)
        rows: Sequence[msgspec.Struct] = [served.questions.inputs(*each.row) for each in found]
        texts = await served.answer_many(rows, began, [each.more for each in found])
    else:
        texts = await served.answer_many(asked.rows, began)
    return b'{"predictions":[%b]}' % b",".join(texts)


def _looked_up(served: Served, asked: Many) -> list[Found]:
    looked = served.lookups.many(asked.keys)
    found = [each for each in looked if isinstance(each, Found)]
    if len(found) == len(looked):
        return found
    wrong = [(place, each) for place, each in enumerate(looked) if isinstance(each, Problem)]
    status = max(problem.status for _, problem in wrong)
    faults = [
        {**told, "field": told["field"].replace("key", f"keys[{place}]", 1)}
        for place, problem in wrong
        for told in problem.faults
    ]
    raise Problem(status, *faults[:MANY], step=wrong[0][1].step)
