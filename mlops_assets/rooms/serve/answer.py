"""An answer, as JSON: what the model says, under an id by which its outcome can be told later."""

import itertools
import os
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

Words = tuple[float, Any, bytes]
"""Of one row: the score that is plotted, of several the best; the answer; and its JSON without the braces."""


def ids() -> Callable[[], bytes]:
    """A maker of ids that no other process makes: 16 random hex digits and a count."""
    prefix, count = os.urandom(8).hex().encode(), itertools.count()
    return lambda: b"%b%016x" % (prefix, next(count))


def speaker(manifest: Mapping[str, Any]) -> Callable[[Any], Words]:
    """What turns a row of scores into words, for the model's task."""
    task = manifest["task"]
    if task == "binary":
        threshold = float(manifest["threshold"])

        def binary(scores: Any) -> Words:
            score = scores[-1]
            yes = score >= threshold
            return score, yes, (b'"score":%r,"answer":true' if yes else b'"score":%r,"answer":false') % score

        return binary
    if task == "regression":
        return lambda scores: (scores[0], scores[0], b'"value":%r' % scores[0])
    classes = [str(name) for name in manifest["classes"]]

    def multiclass(scores: Any) -> Words:
        best = max(range(len(scores)), key=scores.__getitem__)
        told = msgspec.json.encode(dict(zip(classes, scores, strict=True)))
        return scores[best], classes[best], b'"scores":%s,"answer":%s' % (told, msgspec.json.encode(classes[best]))

    return multiclass
