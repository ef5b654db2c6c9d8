"""What the log keeps of a question: the body as it came where all of it may stand there, else what each rule leaves."""

import json
from typing import Any

import pytest

from mlops_assets.rooms.serve.predict import predict
from mlops_assets.rooms.serve.privacy import SPLICED, keeper
from mlops_assets.rooms.serve.question import Questions

NUMBER = {"kind": "number", "nullable": True, "minimum": 0.0, "maximum": 10.0, "log": "keep"}
NAME = {"name": "carrier", "kind": "category", "nullable": True, "categories": ["AA", "BB"], "unknown": "refuse"}
SCHEMA: list[dict[str, Any]] = [{"name": "distance", **NUMBER}, {**NAME, "log": "keep"}]


def kept(schema: list[dict[str, Any]], body: bytes) -> bytes:
    return keeper(schema, b"salt")(Questions(schema).one(body).inputs, body)


def test_where_every_column_is_kept_the_body_is_kept_as_it_came() -> None:
    body = b'{ "inputs": {"carrier": "AA", "distance": 3} }'
    assert kept(SCHEMA, body) == body


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs":\n{"distance": 3, "carrier": "AA"}}',
        b'{"inputs": {"distance": 3, "carrier": "AA"%b}}' % (b" " * SPLICED),
    ],
)
def test_a_body_that_would_break_a_line_or_is_mostly_blanks_is_written_anew(body: bytes) -> None:
    assert kept(SCHEMA, body) == b'{"inputs":{"distance":3.0,"carrier":"AA"}}'


def test_without_a_body_and_under_a_rule_the_inputs_are_written() -> None:
    inputs = Questions(SCHEMA).one(b'{"inputs": {"distance": 3, "carrier": "AA"}}').inputs
    assert keeper(SCHEMA, b"salt")(inputs, b"") == b'{"inputs":{"distance":3.0,"carrier":"AA"}}'
    ruled = [{**SCHEMA[0], "log": "drop"}, {**SCHEMA[1], "log": "hash"}]
    body = b'{"inputs": {"distance": 3, "carrier": "AA"}}'
    assert json.loads(kept(ruled, body))["inputs"].keys() == {"carrier"}
    assert b"AA" not in kept(ruled, body)


def test_who_asked_is_not_kept_with_what_was_asked() -> None:
    class Line:
        canary_share = 0.0

        def __init__(self) -> None:
            self.champion = self
            self.questions = Questions(SCHEMA)
            self.bodies: list[bytes] = []

        def ask(self, *_: object, body: bytes) -> None:
            self.bodies.append(body)

    line: Any = Line()
    plain = b'{"inputs": {"distance": 3, "carrier": "AA"}, "id": "mine"}'
    predict(line, plain, 0.0)
    predict(line, plain.replace(b'"id"', b'"client"'), 0.0)
    assert line.bodies == [plain, b""]
