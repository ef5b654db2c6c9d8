"""Answers, as JSON: what the model says, under ids by which their outcomes can be told later."""

import itertools
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec


class Words(NamedTuple):
    """Of a batch, a value a row.

    Attributes:
        scores: that are plotted; of several the best.
        said: the answers.
        texts: their JSON without the braces.
    """

    scores: list[float]
    said: list[Any]
    texts: list[bytes]


def ids() -> Callable[[], bytes]:
    """A maker of ids that no other process makes: 16 random hex digits and a count."""
    prefix, count = os.urandom(8).hex().encode(), itertools.count()
    return lambda: b"%b%016x" % (prefix, next(count))


def speaker(manifest: Mapping[str, Any]) -> Callable[[Any], Words]:
    """What turns rows of scores into words, for the model's task."""
    task = manifest["task"]
    if task == "binary":
        threshold = float(manifest["threshold"])
        return lambda scores: _binary(scores[:, -1].tolist(), threshold)
    if task == "regression":
        return lambda scores: _values(scores[:, 0].tolist())
    classes = [str(name) for name in manifest["classes"]]
    return lambda scores: _classes(scores.tolist(), classes)


def _binary(scores: list[float], threshold: float) -> Words:
    said = [score >= threshold for score in scores]
    ends = (b',"answer":false', b',"answer":true')
    texts = [b'"score":' + number + ends[yes] for number, yes in zip(_numbers(scores), said, strict=True)]
    return Words(scores, said, texts)


def _values(values: list[float]) -> Words:
    return Words(values, values, [b'"value":' + number for number in _numbers(values)])


def _classes(rows: list[list[float]], classes: list[str]) -> Words:
    best = [max(range(len(row)), key=row.__getitem__) for row in rows]
    scores = [row[place] for row, place in zip(rows, best, strict=True)]
    said = [classes[place] for place in best]
    told = [msgspec.json.encode(dict(zip(classes, row, strict=True))) for row in rows]
    texts = [
        b'"scores":%b,"answer":%b' % (each, msgspec.json.encode(name)) for each, name in zip(told, said, strict=True)
    ]
    return Words(scores, said, texts)


def _numbers(values: list[float]) -> list[bytes]:
    """The JSON of each, made at once."""
    return msgspec.json.encode(values)[1:-1].split(b",")
