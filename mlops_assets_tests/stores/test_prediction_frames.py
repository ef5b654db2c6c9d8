"""A batch that was written as one record is read as its rows."""

import json

from mlops_assets.stores.prediction_frames import frame, rows

HEAD = b'"t":7,"v":2,"role":"champion"'
SAID = [
    b'{"id":"a","model":"m","version":2,"score":0.5,"answer":true}',
    b'{"id":"b","model":"m","version":2,"value":3.0}',
]


def test_a_batch_comes_back_as_rows_with_what_is_the_same_for_all_in_each() -> None:
    asked = [b'{"inputs":{"distance":3,"carrier":null}}', b'{ "inputs": {"distance": 4.5, "carrier": "AA"} }']
    found = rows(json.loads(frame(HEAD, [0.0003, 0.0004], SAID, asked, [None, {"key": {"trip": 7}, "age": 1.5}])))
    same = {"t": 7, "v": 2, "role": "champion"}
    first = {"id": "a", **same, "us": 300, "score": 0.5, "answer": True, "in": {"distance": 3.0, "carrier": None}}
    more = {"key": {"trip": 7}, "age": 1.5, "in": {"distance": 4.5, "carrier": "AA"}}
    assert found == [first, {"id": "b", **same, "us": 400, "value": 3.0, **more}]
    assert isinstance(found[0]["in"]["distance"], float), "as the model was asked it"


def test_without_questions_the_rows_hold_no_inputs() -> None:
    assert all("in" not in row for row in rows(json.loads(frame(HEAD, [0.1, 0.1], SAID, (), ()))))


def test_a_record_of_one_row_is_itself() -> None:
    assert rows({"id": "a", "label": True}) == [{"id": "a", "label": True}]
